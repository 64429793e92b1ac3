#include "engine/scheduler/native/images/image_catalog.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/map.h"
#include "base/vec.h"
#include "engine/scheduler/native/images/text.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/stat.h>

enum {
    /* Names and tables of the largest store, several times over. */
    CATALOG_ARENA_BYTES_MAX = 256 * 1024 * 1024,
    NAME_FILE_BYTES_MAX = 4096,
    FORMAT_BYTES_MAX = 64,
};

/* What is behind a struct gf_image. */
struct image {
    struct gf_image shared;
    _Atomic int64_t ref_count;
    struct gf_arena arena;
};

/* What a digest leads to while the catalog is being read, and afterwards for looking up. */
struct known {
    struct gf_image *image; /* NULL: damaged */
    const char *damage;     /* how; in the arena */
    GF_VEC(const char *) names;
    const struct gf_image_entry *entry; /* set at the end */
};

/* What is behind a struct gf_image_catalog. */
struct catalog {
    struct gf_image_catalog shared;
    _Atomic int64_t ref_count;
    struct gf_arena arena;
    struct gf_map by_digest; /* hexadecimal digits -> struct known, owned */
    struct gf_map by_config; /* the same, by the configuration's digest; borrowed */
    struct gf_map by_index; /* by the digest of an index that the image was chosen from; borrowed */
    struct gf_map by_name;  /* name -> struct known, borrowed from by_digest or `lost` */
    GF_VEC(const char *) damages;
    struct known lost; /* what names lead to whose image is not there; has no names itself */
};

static struct image *image_of(struct gf_image *image) {
    return GF_CONTAINER_OF(image, struct image, shared);
}

static struct catalog *catalog_of(struct gf_image_catalog *catalog) {
    return GF_CONTAINER_OF(catalog, struct catalog, shared);
}

static const struct catalog *const_catalog_of(const struct gf_image_catalog *catalog) {
    return (const struct catalog *)((const char *)catalog - offsetof(struct catalog, shared));
}

struct gf_image *gf_image_ref(struct gf_image *image) {
    const int64_t before = atomic_fetch_add(&image_of(image)->ref_count, 1);
    gf_assert(before > 0);
    return image;
}

void gf_image_unref(struct gf_image *image) {
    if (image == NULL || atomic_fetch_sub(&image_of(image)->ref_count, 1) > 1) {
        return;
    }
    struct image *whole = image_of(image);
    gf_arena_fini(&whole->arena);
    free(whole);
}

void gf_image_unref_p(struct gf_image **image) {
    gf_image_unref(*image);
}

struct gf_image_catalog *gf_image_catalog_ref(struct gf_image_catalog *catalog) {
    const int64_t before = atomic_fetch_add(&catalog_of(catalog)->ref_count, 1);
    gf_assert(before > 0);
    return catalog;
}

void gf_image_catalog_unref(struct gf_image_catalog *shared) {
    if (shared == NULL || atomic_fetch_sub(&catalog_of(shared)->ref_count, 1) > 1) {
        return;
    }
    struct catalog *catalog = catalog_of(shared);
    size_t position = 0;
    void *value = NULL;
    while (gf_map_next(&catalog->by_digest, &position, NULL, &value)) {
        struct known *known = value;
        gf_image_unref(known->image);
        gf_vec_fini(&known->names);
        free(known);
    }
    gf_map_fini(&catalog->by_digest);
    gf_map_fini(&catalog->by_config);
    gf_map_fini(&catalog->by_index);
    gf_map_fini(&catalog->by_name);
    gf_vec_fini(&catalog->damages);
    gf_arena_fini(&catalog->arena);
    free(catalog);
}

void gf_image_catalog_unref_p(struct gf_image_catalog **catalog) {
    gf_image_catalog_unref(*catalog);
}

static struct gf_str hex_of(const struct gf_digest *digest) {
    return (struct gf_str){gf_digest_hex(digest), GF_DIGEST_HEX_CHARS};
}

/* Lays the paths of the layers out in the image's arena; a layer that is missing is damage. */
static enum gf_code find_layers(int root_fd, const char *dir, struct image *image,
                                struct gf_error *err) {
    const struct gf_image_record *record = &image->shared.record;
    const char **paths = GF_ARENA_ARRAY(&image->arena, record->layer_count, const char *);
    for (size_t i = 0; i < record->layer_count; i++) {
        struct stat status;
        const char *hex = gf_digest_hex(&record->layers[i]);
        paths[i] = gf_arena_printf(&image->arena, "%s/layers/%s", dir, hex);
        const char *relative = paths[i] + strlen(dir) + 1;
        if (fstatat(root_fd, relative, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISDIR(status.st_mode)) {
            return gf_fail(err, GF_DATA_LOSS, "its layer %.12s is missing", hex);
        }
    }
    image->shared.layer_paths = paths;
    return GF_OK;
}

/* Reads an image. GF_NOT_FOUND: an import was killed before it wrote the record. */
static enum gf_code load_image(int root_fd, const char *dir, const struct gf_digest *digest,
                               struct gf_image **out, struct gf_error *err) {
    GF_CLEANUP(gf_image_unref_p) struct gf_image *shared = NULL;
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf text;
    gf_strbuf_init(&text, GF_IMAGE_RECORD_BYTES_MAX);
    struct image *image = GF_NEW(struct image);
    shared = &image->shared;
    atomic_store(&image->ref_count, 1);
    /* The paths of the layers come on top of the record. */
    gf_arena_init(&image->arena, GF_IMAGE_RECORD_ARENA_BYTES_MAX * 2);
    const char *path = gf_arena_printf(&image->arena, "images/%s/record", gf_digest_hex(digest));
    enum gf_code rc = gf_file_read(root_fd, path, &text, err);
    if (rc == GF_OK) {
        rc = gf_image_record_parse(gf_strbuf_view(&text), &image->arena, &shared->record, err);
        if (rc != GF_OK) {
            return gf_wrap(err, "its record");
        }
    }
    if (rc == GF_OK && !gf_digest_eq(&shared->record.digest, digest)) {
        rc = gf_fail(err, GF_DATA_LOSS, "its record is that of another image");
    }
    if (rc == GF_OK) {
        rc = find_layers(root_fd, dir, image, err);
    }
    if (rc == GF_OK) {
        *out = GF_TAKE(shared);
    }
    return rc;
}

static void add_damage(struct catalog *catalog, const char *what, const char *how) {
    const char *sentence = gf_arena_printf(&catalog->arena, "%s is damaged: %s", what, how);
    gf_vec_push(&catalog->damages, sentence);
}

static void add_image(struct catalog *catalog, int root_fd, const char *dir,
                      const struct gf_digest *digest, const struct catalog *old) {
    struct gf_error err;
    struct gf_image *image = NULL;
    const struct known *before = old != NULL ? gf_map_get(&old->by_digest, hex_of(digest)) : NULL;
    enum gf_code rc = GF_OK;
    if (before != NULL && before->image != NULL) {
        image = gf_image_ref(before->image);
    } else {
        rc = load_image(root_fd, dir, digest, &image, &err);
    }
    if (rc == GF_NOT_FOUND) {
        return;
    }
    struct known *known = GF_NEW(struct known);
    known->image = image;
    if (rc != GF_OK) {
        known->damage = gf_arena_strdup(&catalog->arena, err.message);
        add_damage(catalog, digest->text, err.message);
    } else {
        (void)gf_map_put(&catalog->by_config, hex_of(&image->record.config), known);
    }
    (void)gf_map_put(&catalog->by_digest, hex_of(digest), known);
}

static void add_name(struct catalog *catalog, int root_fd, const char *file) {
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf text;
    struct gf_error err;
    struct gf_image_name name;
    char expected_file[GF_REFERENCE_CHARS_MAX + 1];
    gf_strbuf_init(&text, NAME_FILE_BYTES_MAX);
    const char *path = gf_arena_printf(&catalog->arena, "names/%s", file);
    enum gf_code rc = gf_file_read(root_fd, path, &text, &err);
    if (rc == GF_OK) {
        rc = gf_image_name_parse(gf_strbuf_view(&text), &name, &err);
    }
    if (rc == GF_OK && !gf_str_eq(gf_str_from(gf_image_name_to_file(name.name, expected_file)),
                                  gf_str_from(file))) {
        rc = gf_fail(&err, GF_DATA_LOSS, "it is the file of another name");
    }
    if (rc != GF_OK) {
        add_damage(catalog, gf_show_cstr(path).text, err.message);
        return;
    }
    struct known *known = gf_map_get(&catalog->by_digest, hex_of(&name.digest));
    if (known == NULL) {
        known = &catalog->lost;
        add_damage(catalog, name.name, known->damage);
    } else {
        gf_vec_push(&known->names, gf_arena_strdup(&catalog->arena, name.name));
    }
    (void)gf_map_put(&catalog->by_name, gf_str_from(name.name), known);
}

/* A directory of the store; *out is NULL where the store is new and has none. */
static enum gf_code open_part(int root_fd, const char *name, DIR **out, struct gf_error *err) {
    int fd = -1;
    struct gf_error cause;
    const enum gf_code rc = gf_file_open(root_fd, name, O_RDONLY | O_DIRECTORY, 0, &fd, &cause);
    if (rc == GF_NOT_FOUND) {
        *out = NULL;
        return GF_OK;
    }
    if (rc != GF_OK) {
        return gf_fail(err, rc, "%s", cause.message);
    }
    *out = fdopendir(fd);
    if (*out == NULL) {
        gf_oom();
    }
    return GF_OK;
}

/* The next entry that is not hidden; NULL at the end. Counts up to the limit of the store. */
static enum gf_code next_entry(DIR *dir, size_t *count, const char **out, struct gf_error *err) {
    const struct dirent *entry = NULL;
    do {
        errno = 0;
        entry = readdir(dir);
    } while (entry != NULL && entry->d_name[0] == '.');
    if (entry == NULL && errno != 0) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "cannot read the image store");
    }
    if (entry != NULL && ++*count > GF_IMAGES_MAX) {
        return gf_fail(err, GF_RESOURCE_EXHAUSTED, "the image store has more than %d images",
                       GF_IMAGES_MAX);
    }
    *out = entry != NULL ? entry->d_name : NULL;
    return GF_OK;
}

static enum gf_code load_images(struct catalog *catalog, int root_fd, const char *dir,
                                const struct catalog *old, struct gf_error *err) {
    GF_CLEANUP(gf_closedir_p) DIR *images = NULL;
    enum gf_code rc = open_part(root_fd, "images", &images, err);
    const char *file = "";
    size_t count = 0;
    while (rc == GF_OK && images != NULL && file != NULL) {
        struct gf_digest digest;
        rc = next_entry(images, &count, &file, err);
        if (rc == GF_OK && file != NULL && gf_digest_from_hex(gf_str_from(file), &digest)) {
            add_image(catalog, root_fd, dir, &digest, old);
        }
    }
    return rc;
}

static enum gf_code load_names(struct catalog *catalog, int root_fd, struct gf_error *err) {
    GF_CLEANUP(gf_closedir_p) DIR *names = NULL;
    enum gf_code rc = open_part(root_fd, "names", &names, err);
    const char *file = "";
    size_t count = 0;
    while (rc == GF_OK && names != NULL && file != NULL) {
        rc = next_entry(names, &count, &file, err);
        if (rc == GF_OK && file != NULL) {
            add_name(catalog, root_fd, file);
        }
    }
    return rc;
}

static void add_index(struct catalog *catalog, int root_fd, const char *file) {
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf text;
    struct gf_error err;
    struct gf_digest index;
    struct gf_digest image;
    gf_strbuf_init(&text, NAME_FILE_BYTES_MAX);
    const char *path = gf_arena_printf(&catalog->arena, "indexes/%s", file);
    enum gf_code rc = gf_file_read(root_fd, path, &text, &err);
    if (rc == GF_NOT_FOUND) {
        return; /* removed meanwhile */
    }
    if (rc == GF_OK) {
        rc = gf_image_index_parse(gf_strbuf_view(&text), &index, &image, &err);
    }
    if (rc == GF_OK && !gf_str_eq(hex_of(&index), gf_str_from(file))) {
        rc = gf_fail(&err, GF_DATA_LOSS, "it is the file of another index");
    }
    if (rc != GF_OK) {
        add_damage(catalog, gf_show_cstr(path).text, err.message);
        return;
    }
    struct known *known = gf_map_get(&catalog->by_digest, hex_of(&image));
    if (known != NULL) {
        (void)gf_map_put(&catalog->by_index, hex_of(&index), known);
    }
}

/* Those beyond the limit are as if they were not there: what they name is asked for again. */
static enum gf_code load_indexes(struct catalog *catalog, int root_fd, struct gf_error *err) {
    GF_CLEANUP(gf_closedir_p) DIR *indexes = NULL;
    enum gf_code rc = open_part(root_fd, "indexes", &indexes, err);
    const char *file = "";
    size_t count = 0;
    while (rc == GF_OK && indexes != NULL && file != NULL && count < GF_IMAGES_MAX) {
        struct gf_digest digest;
        rc = next_entry(indexes, &count, &file, err);
        if (rc == GF_OK && file != NULL && gf_digest_from_hex(gf_str_from(file), &digest)) {
            add_index(catalog, root_fd, file);
        }
    }
    return rc;
}

static int compare_names(const void *a, const void *b) {
    const char *const *left = a;
    const char *const *right = b;
    return strcmp(*left, *right);
}

static int compare_entries(const void *a, const void *b) {
    const struct gf_image_entry *left = a;
    const struct gf_image_entry *right = b;
    const char *left_name = left->name_count > 0 ? left->names[0] : "";
    const char *right_name = right->name_count > 0 ? right->names[0] : "";
    const int order = strcmp(left_name, right_name);
    return order != 0 ? order
                      : strcmp(left->image->record.digest.text, right->image->record.digest.text);
}

/* Lays the entries out in order, and lets what is known of each image point to its own. */
static void arrange(struct catalog *catalog) {
    const size_t capacity = gf_map_count(&catalog->by_digest);
    struct gf_image_entry *entries =
        GF_ARENA_ARRAY(&catalog->arena, capacity, struct gf_image_entry);
    size_t count = 0;
    size_t position = 0;
    void *value = NULL;
    while (gf_map_next(&catalog->by_digest, &position, NULL, &value)) {
        struct known *known = value;
        if (known->names.count > 0) {
            qsort(known->names.items, known->names.count, sizeof(char *), compare_names);
        }
        if (known->image != NULL) {
            entries[count++] = (struct gf_image_entry){
                .image = known->image,
                .names = known->names.items,
                .name_count = known->names.count,
            };
        }
    }
    if (count > 0) {
        qsort(entries, count, sizeof(*entries), compare_entries);
    }
    for (size_t i = 0; i < count; i++) {
        struct known *known =
            gf_map_get(&catalog->by_digest, hex_of(&entries[i].image->record.digest));
        known->entry = &entries[i];
    }
    catalog->shared = (struct gf_image_catalog){
        .entries = entries,
        .count = count,
        .damages = catalog->damages.items,
        .damage_count = catalog->damages.count,
    };
}

static enum gf_code check_format(int root_fd, struct gf_error *err) {
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf text;
    gf_strbuf_init(&text, FORMAT_BYTES_MAX);
    struct gf_error cause;
    const enum gf_code rc = gf_file_read(root_fd, "format", &text, &cause);
    if (rc == GF_NOT_FOUND) {
        return GF_OK; /* a new store */
    }
    if (rc != GF_OK) {
        return gf_fail(err, rc, "%s", cause.message);
    }
    if (!gf_str_eq(gf_strbuf_view(&text), GF_STR("gofer-images 1\n"))) {
        return gf_fail(err, GF_FAILED_PRECONDITION,
                       "it is of the format '%s', this gofer knows 'gofer-images 1'",
                       gf_show(gf_strbuf_view(&text)).text);
    }
    return GF_OK;
}

enum gf_code gf_image_catalog_load(int root_fd, const char *dir, struct gf_image_catalog *old,
                                   struct gf_image_catalog **out, struct gf_error *err) {
    GF_CLEANUP(gf_image_catalog_unref_p) struct gf_image_catalog *shared = NULL;
    struct catalog *catalog = GF_NEW(struct catalog);
    shared = &catalog->shared;
    atomic_store(&catalog->ref_count, 1);
    gf_arena_init(&catalog->arena, CATALOG_ARENA_BYTES_MAX);
    catalog->lost.damage = "its record is missing";
    enum gf_code rc = check_format(root_fd, err);
    if (rc == GF_OK) {
        rc = load_images(catalog, root_fd, dir, old != NULL ? catalog_of(old) : NULL, err);
    }
    if (rc == GF_OK) {
        rc = load_names(catalog, root_fd, err);
    }
    if (rc == GF_OK) {
        rc = load_indexes(catalog, root_fd, err);
    }
    if (rc == GF_OK) {
        arrange(catalog);
        *out = GF_TAKE(shared);
    }
    return rc;
}

static const struct known *find(const struct gf_image_catalog *shared,
                                const struct gf_digest *digest) {
    const struct catalog *catalog = const_catalog_of(shared);
    const struct known *known = gf_map_get(&catalog->by_digest, hex_of(digest));
    if (known == NULL) {
        known = gf_map_get(&catalog->by_config, hex_of(digest));
    }
    return known != NULL ? known : gf_map_get(&catalog->by_index, hex_of(digest));
}

const struct gf_image_entry *gf_image_catalog_find(const struct gf_image_catalog *catalog,
                                                   const struct gf_digest *digest) {
    const struct known *known = find(catalog, digest);
    return known != NULL ? known->entry : NULL;
}

enum gf_code gf_image_catalog_get(const struct gf_image_catalog *catalog,
                                  const struct gf_reference *reference, struct gf_image **out,
                                  struct gf_error *err) {
    const struct known *known = NULL;
    if (gf_digest_is_set(&reference->digest)) {
        known = find(catalog, &reference->digest);
    } else {
        char name[GF_REFERENCE_BYTES];
        const struct gf_str key = gf_str_from(gf_reference_format(reference, name));
        known = gf_map_get(&const_catalog_of(catalog)->by_name, key);
    }
    if (known == NULL) {
        return gf_fail(err, GF_NOT_FOUND, "not in the image store");
    }
    if (known->image == NULL) {
        return gf_fail(err, GF_DATA_LOSS, "damaged in the image store: %s", known->damage);
    }
    *out = gf_image_ref(known->image);
    return GF_OK;
}
