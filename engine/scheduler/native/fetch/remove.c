#include "engine/scheduler/native/fetch/remove.h"

#include "base/file.h"
#include "base/map.h"
#include "base/tree.h"
#include "engine/scheduler/native/fetch/fail.h"
#include "engine/scheduler/native/images/reference.h"
#include "engine/scheduler/native/images/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

enum {
    NAME_FILE_BYTES_MAX = 4096
};

struct remover {
    const struct gf_fetch_store *store;
    struct gf_map images; /* that go: hexadecimal digits -> a pointer that is not NULL */
    struct gf_map layers; /* that are needed: likewise */
    bool keeps_layers;    /* a record cannot be read */
    size_t moved;
};

static void remover_fini(struct remover *remover) {
    gf_map_fini(&remover->images);
    gf_map_fini(&remover->layers);
}

/* Calls fn with each entry that is not hidden. */
static enum gf_code each(struct remover *remover, int dir_fd,
                         enum gf_code (*fn)(struct remover *remover, const char *name,
                                            struct gf_error *err),
                         struct gf_error *err) {
    const int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return gf_fail_system(err, "cannot read the image store");
    }
    GF_CLEANUP(gf_closedir_p) DIR *dir = fdopendir(fd);
    if (dir == NULL) {
        gf_oom();
    }
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (entry == NULL) {
            return errno == 0 ? GF_OK : gf_fail_system(err, "cannot read the image store");
        }
        const enum gf_code rc = entry->d_name[0] == '.' ? GF_OK : fn(remover, entry->d_name, err);
        if (rc != GF_OK) {
            return rc;
        }
    }
}

/* Moves an entry to the work directory, under a name of its own. */
static enum gf_code move_away(struct remover *remover, int dir_fd, const char *name,
                              struct gf_error *err) {
    char place[32];
    (void)snprintf(place, sizeof(place), "removed-%zu", remover->moved++);
    if (renameat(dir_fd, name, remover->store->work_fd, place) != 0 && errno != ENOENT) {
        return gf_fail_system(err, "cannot remove '%s'", gf_show_cstr(name).text);
    }
    return GF_OK;
}

/* ---- names ---- */

static enum gf_code remove_name(struct remover *remover, const struct gf_reference *reference,
                                struct gf_error *err) {
    char text[GF_REFERENCE_BYTES];
    char file[GF_REFERENCE_CHARS_MAX + 1];
    (void)gf_image_name_to_file(gf_reference_format(reference, text), file);
    if (unlinkat(remover->store->names_fd, file, 0) != 0 && errno != ENOENT) {
        return gf_fail_system(err, "cannot remove the name '%s'", text);
    }
    return GF_OK;
}

/* A name of an image that goes. */
static enum gf_code check_name(struct remover *remover, const char *file, struct gf_error *err) {
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf text;
    struct gf_image_name name;
    gf_strbuf_init(&text, NAME_FILE_BYTES_MAX);
    if (gf_file_read(remover->store->names_fd, file, &text, NULL) != GF_OK ||
        gf_image_name_parse(gf_strbuf_view(&text), &name, NULL) != GF_OK ||
        gf_map_get(&remover->images, gf_str_from(gf_digest_hex(&name.digest))) == NULL) {
        return GF_OK; /* damaged ones are not to be judged here */
    }
    if (unlinkat(remover->store->names_fd, file, 0) != 0 && errno != ENOENT) {
        return gf_fail_system(err, "cannot remove the name '%s'", name.name);
    }
    return GF_OK;
}

static enum gf_code take_targets(struct remover *remover, const char *const *targets, size_t count,
                                 struct gf_error *err) {
    for (size_t i = 0; i < count; i++) {
        struct gf_reference reference;
        enum gf_code rc = gf_reference_parse(gf_str_from(targets[i]), &reference, err);
        if (rc == GF_OK && gf_digest_is_set(&reference.digest)) {
            (void)gf_map_put(&remover->images, gf_str_from(gf_digest_hex(&reference.digest)),
                             remover);
        } else if (rc == GF_OK) {
            rc = remove_name(remover, &reference, err);
        }
        if (rc != GF_OK) {
            return rc;
        }
    }
    return GF_OK;
}

/* ---- images ---- */

static enum gf_code move_images(struct remover *remover, struct gf_error *err) {
    size_t position = 0;
    struct gf_str hex;
    while (gf_map_next(&remover->images, &position, &hex, NULL)) {
        char name[GF_DIGEST_HEX_CHARS + 1];
        (void)snprintf(name, sizeof(name), "%" GF_STR_FMT, GF_STR_ARG(hex));
        const enum gf_code rc = move_away(remover, remover->store->images_fd, name, err);
        if (rc != GF_OK) {
            return rc;
        }
    }
    return GF_OK;
}

/* ---- layers ---- */

/* What an image that stays needs. */
static enum gf_code note_layers(struct remover *remover, const char *name, struct gf_error *err) {
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf text;
    GF_CLEANUP(gf_arena_fini) struct gf_arena arena;
    struct gf_image_record record;
    char path[GF_DIGEST_HEX_CHARS + sizeof("/record")];
    struct gf_digest digest;
    (void)err;
    gf_strbuf_init(&text, GF_IMAGE_RECORD_BYTES_MAX);
    gf_arena_init(&arena, GF_IMAGE_RECORD_ARENA_BYTES_MAX);
    if (!gf_digest_from_hex(gf_str_from(name), &digest)) {
        return GF_OK;
    }
    (void)snprintf(path, sizeof(path), "%s/record", gf_digest_hex(&digest));
    const enum gf_code rc = gf_file_read(remover->store->images_fd, path, &text, NULL);
    if (rc == GF_NOT_FOUND) {
        return GF_OK; /* an import was killed before it wrote it */
    }
    if (rc != GF_OK ||
        gf_image_record_parse(gf_strbuf_view(&text), &arena, &record, NULL) != GF_OK) {
        remover->keeps_layers = true;
        return GF_OK;
    }
    for (size_t i = 0; i < record.layer_count; i++) {
        (void)gf_map_put(&remover->layers, gf_str_from(gf_digest_hex(&record.layers[i])), remover);
    }
    return GF_OK;
}

static enum gf_code check_layer(struct remover *remover, const char *name, struct gf_error *err) {
    if (gf_map_get(&remover->layers, gf_str_from(name)) != NULL) {
        return GF_OK;
    }
    /* Whoever pulls holds what no record needs yet. The lock keeps it from taking this up now. */
    GF_CLEANUP(gf_close_p)
    int fd = openat(remover->store->layers_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0) {
        return GF_OK;
    }
    return move_away(remover, remover->store->layers_fd, name, err);
}

/* What an index leads to goes with the image. */
static enum gf_code check_index(struct remover *remover, const char *name, struct gf_error *err) {
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf text;
    struct gf_digest index;
    struct gf_digest image;
    gf_strbuf_init(&text, NAME_FILE_BYTES_MAX);
    if (gf_file_read(remover->store->indexes_fd, name, &text, NULL) != GF_OK ||
        gf_image_index_parse(gf_strbuf_view(&text), &index, &image, NULL) != GF_OK ||
        gf_map_get(&remover->images, gf_str_from(gf_digest_hex(&image))) == NULL) {
        return GF_OK;
    }
    if (unlinkat(remover->store->indexes_fd, name, 0) != 0 && errno != ENOENT) {
        return gf_fail_system(err, "cannot remove the index '%s'", gf_show_cstr(name).text);
    }
    return GF_OK;
}

static enum gf_code move_layers(struct remover *remover, struct gf_error *err) {
    enum gf_code rc = each(remover, remover->store->images_fd, note_layers, err);
    if (rc != GF_OK || remover->keeps_layers) {
        return rc;
    }
    rc = each(remover, remover->store->layers_fd, check_layer, err);
    return rc == GF_OK ? gf_file_sync_all(remover->store->layers_fd, err) : rc;
}

enum gf_code gf_remove(const struct gf_fetch_store *store, const char *const *targets, size_t count,
                       struct gf_error *err) {
    GF_CLEANUP(remover_fini) struct remover remover = {.store = store};
    GF_CLEANUP(gf_close_p) int lock_fd = -1;
    enum gf_code rc = gf_fetch_store_lock(store, /* alone = */ true, &lock_fd, err);
    if (rc == GF_OK) {
        rc = take_targets(&remover, targets, count, err);
    }
    if (rc == GF_OK && gf_map_count(&remover.images) > 0) {
        rc = each(&remover, store->names_fd, check_name, err);
    }
    if (rc == GF_OK && gf_map_count(&remover.images) > 0) {
        rc = each(&remover, store->indexes_fd, check_index, err);
    }
    if (rc == GF_OK) {
        rc = gf_file_sync_all(store->names_fd, err);
    }
    if (rc == GF_OK) {
        rc = move_images(&remover, err);
    }
    if (rc == GF_OK) {
        rc = gf_file_sync_all(store->images_fd, err);
    }
    return rc == GF_OK ? move_layers(&remover, err) : rc;
}
