#include "engine/scheduler/native/fetch/store.h"

#include "base/file.h"
#include "base/random.h"
#include "base/tree.h"
#include "engine/scheduler/native/fetch/fail.h"
#include "engine/scheduler/native/images/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char format_text[] = "gofer-images 1\n";

enum {
    FORMAT_BYTES_MAX = 64,
    WORK_NAME_TRIES = 100,
};

static enum gf_code open_part(const struct gf_fetch_store *store, const char *name, int *out_fd,
                              struct gf_error *err) {
    if (mkdirat(store->root_fd, name, 0700) != 0 && errno != EEXIST) {
        return gf_fail_system(err, "cannot make the directory '%s'", name);
    }
    return gf_file_open(store->root_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, out_fd, err);
}

static enum gf_code check_format(const struct gf_fetch_store *store, struct gf_error *err) {
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf text;
    gf_strbuf_init(&text, FORMAT_BYTES_MAX);
    const enum gf_code rc = gf_file_read(store->root_fd, "format", &text, err);
    if (rc == GF_NOT_FOUND) {
        return gf_file_replace(store->root_fd, "format", gf_str_from(format_text), 0600,
                               GF_FILE_SYNC_FULL, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    if (!gf_str_eq(gf_strbuf_view(&text), gf_str_from(format_text))) {
        return gf_fail(err, GF_FAILED_PRECONDITION,
                       "the image store is of the format '%s', this "
                       "gofer knows 'gofer-images 1'",
                       gf_show(gf_strbuf_view(&text)).text);
    }
    return GF_OK;
}

/* Removes a work directory when nobody holds its lock. What cannot be removed waits for the next.
 */
static void remove_stale(const struct gf_fetch_store *store, const char *name) {
    GF_CLEANUP(gf_close_p)
    int fd = openat(store->tmp_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0) {
        return;
    }
    (void)!gf_tree_remove(store->tmp_fd, name, NULL);
}

static void remove_all_stale(const struct gf_fetch_store *store) {
    const int fd = openat(store->tmp_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return;
    }
    GF_CLEANUP(gf_closedir_p) DIR *dir = fdopendir(fd);
    if (dir == NULL) {
        gf_oom();
    }
    const struct dirent *entry = NULL;
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.') {
            remove_stale(store, entry->d_name);
        }
    }
}

static void close_all(struct gf_fetch_store *store) {
    gf_close(&store->work_fd);
    gf_close(&store->tmp_fd);
    gf_close(&store->downloads_fd);
    gf_close(&store->indexes_fd);
    gf_close(&store->names_fd);
    gf_close(&store->images_fd);
    gf_close(&store->layers_fd);
    gf_close(&store->root_fd);
}

enum gf_code gf_fetch_store_open(const char *dir, struct gf_fetch_store *out,
                                 struct gf_error *err) {
    struct gf_fetch_store store = {-1, -1, -1, -1, -1, -1, -1, -1, ""};
    enum gf_code rc = gf_tree_make(AT_FDCWD, dir, 0700, err);
    if (rc == GF_OK) {
        rc = gf_file_open(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0, &store.root_fd, err);
    }
    if (rc == GF_OK) {
        rc = check_format(&store, err);
    }
    if (rc == GF_OK) {
        rc = open_part(&store, "layers", &store.layers_fd, err);
    }
    if (rc == GF_OK) {
        rc = open_part(&store, "images", &store.images_fd, err);
    }
    if (rc == GF_OK) {
        rc = open_part(&store, "names", &store.names_fd, err);
    }
    if (rc == GF_OK) {
        rc = open_part(&store, "indexes", &store.indexes_fd, err);
    }
    if (rc == GF_OK) {
        rc = open_part(&store, "downloads", &store.downloads_fd, err);
    }
    if (rc == GF_OK) {
        rc = open_part(&store, "tmp", &store.tmp_fd, err);
    }
    if (rc != GF_OK) {
        close_all(&store);
        return gf_wrap(err, "image store '%s'", gf_show_cstr(dir).text);
    }
    remove_all_stale(&store);
    *out = store;
    return GF_OK;
}

void gf_fetch_store_close(struct gf_fetch_store *store) {
    if (store->work_fd >= 0) {
        /* What cannot be removed now is removed by the next program. */
        (void)!gf_tree_remove(store->tmp_fd, store->work_name, NULL);
    }
    close_all(store);
}

/* Whether the directory that was locked is still the one of that name: a program that was cleaning
 * up may have removed it before the lock was taken. */
static bool is_in_place(int dir_fd, int fd, const char *name) {
    struct stat mine;
    struct stat there;
    return fstat(fd, &mine) == 0 && fstatat(dir_fd, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
           mine.st_ino == there.st_ino && mine.st_dev == there.st_dev;
}

enum gf_code gf_fetch_store_begin(struct gf_fetch_store *store, struct gf_error *err) {
    gf_assert(store->work_fd < 0);
    for (int i = 0; i < WORK_NAME_TRIES; i++) {
        char name[sizeof(store->work_name)];
        (void)snprintf(name, sizeof(name), "%016" PRIx64, gf_random_u64());
        if (mkdirat(store->tmp_fd, name, 0700) != 0) {
            if (errno == EEXIST) {
                continue;
            }
            return gf_fail_system(err, "cannot make a directory in the image store");
        }
        GF_CLEANUP(gf_close_p)
        int fd = openat(store->tmp_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && is_in_place(store->tmp_fd, fd, name)) {
            memcpy(store->work_name, name, sizeof(name));
            store->work_fd = gf_take_fd(&fd);
            return GF_OK;
        }
    }
    return gf_fail(err, GF_UNAVAILABLE, "cannot get a directory of its own in the image store");
}

enum gf_code gf_fetch_store_lock(const struct gf_fetch_store *store, bool alone, int *out_fd,
                                 struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int fd = -1;
    const enum gf_code rc =
        gf_file_open(store->root_fd, "lock", O_RDWR | O_CREAT | O_NOFOLLOW, 0600, &fd, err);
    if (rc != GF_OK) {
        return rc;
    }
    while (flock(fd, alone ? LOCK_EX : LOCK_SH) != 0) {
        if (errno != EINTR) {
            return gf_fail_system(err, "cannot lock the image store");
        }
    }
    *out_fd = gf_take_fd(&fd);
    return GF_OK;
}

bool gf_fetch_store_has_layer(const struct gf_fetch_store *store, const struct gf_digest *diff_id) {
    struct stat status;
    return fstatat(store->layers_fd, gf_digest_hex(diff_id), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISDIR(status.st_mode);
}

bool gf_fetch_store_hold_layer(const struct gf_fetch_store *store, const struct gf_digest *diff_id,
                               int *out_fd) {
    const char *hex = gf_digest_hex(diff_id);
    GF_CLEANUP(gf_close_p)
    int fd = openat(store->layers_fd, hex, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    /* Who removes holds it for a moment only. */
    if (fd < 0 || flock(fd, LOCK_SH) != 0 || !is_in_place(store->layers_fd, fd, hex)) {
        return false;
    }
    *out_fd = gf_take_fd(&fd);
    return true;
}

enum gf_code gf_fetch_store_sync(const struct gf_fetch_store *store, struct gf_error *err) {
    if (syncfs(store->work_fd) != 0) {
        return gf_fail_system(err, "cannot bring the image to the disk");
    }
    return GF_OK;
}

enum gf_code gf_fetch_store_publish_layer(const struct gf_fetch_store *store, const char *name,
                                          const struct gf_digest *diff_id, struct gf_error *err) {
    const char *hex = gf_digest_hex(diff_id);
    if (renameat2(store->work_fd, name, store->layers_fd, hex, RENAME_NOREPLACE) != 0) {
        if (errno == EEXIST) {
            return GF_OK;
        }
        if (errno == ENOENT) {
            return gf_fail(err, GF_UNAVAILABLE,
                           "the layer %.12s was removed from the store meanwhile: try again", hex);
        }
        return gf_fail_system(err, "cannot put the layer %s in its place", hex);
    }
    return gf_file_sync_all(store->layers_fd, err);
}

/* Writes a file in the work directory, and renames it to where it belongs. */
static enum gf_code publish_file(const struct gf_fetch_store *store, struct gf_str text, int dir_fd,
                                 const char *name, struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int fd = -1;
    enum gf_code rc =
        gf_file_open(store->work_fd, "file", O_WRONLY | O_CREAT | O_TRUNC, 0600, &fd, err);
    if (rc == GF_OK) {
        rc = gf_write_all(fd, text.ptr, text.len, err);
    }
    if (rc == GF_OK) {
        rc = gf_file_sync_all(fd, err);
    }
    if (rc == GF_OK && renameat(store->work_fd, "file", dir_fd, name) != 0) {
        rc = gf_fail_system(err, "cannot put '%s' in its place", gf_show_cstr(name).text);
    }
    return rc == GF_OK ? gf_file_sync_all(dir_fd, err) : rc;
}

/* Reads the record of that digest, where there is one that can be read. */
static bool read_record(int image_fd, const struct gf_digest *digest, struct gf_arena *arena,
                        struct gf_image_record *out) {
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf text;
    gf_strbuf_init(&text, GF_IMAGE_RECORD_BYTES_MAX);
    return gf_file_read(image_fd, "record", &text, NULL) == GF_OK &&
           gf_image_record_parse(gf_strbuf_view(&text), arena, out, NULL) == GF_OK &&
           gf_digest_eq(&out->digest, digest);
}

static bool has_record(int image_fd, const struct gf_digest *digest) {
    GF_CLEANUP(gf_arena_fini) struct gf_arena arena;
    struct gf_image_record record;
    gf_arena_init(&arena, GF_IMAGE_RECORD_ARENA_BYTES_MAX);
    return read_record(image_fd, digest, &arena, &record);
}

bool gf_fetch_store_has_image(const struct gf_fetch_store *store, const struct gf_digest *digest,
                              struct gf_digest *out_image) {
    GF_CLEANUP(gf_arena_fini) struct gf_arena arena;
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf text;
    GF_CLEANUP(gf_close_p) int image_fd = -1;
    struct gf_digest image = *digest;
    struct gf_digest index;
    struct gf_image_record record;
    gf_arena_init(&arena, GF_IMAGE_RECORD_ARENA_BYTES_MAX);
    gf_strbuf_init(&text, GF_IMAGE_RECORD_BYTES_MAX);
    if (gf_file_read(store->indexes_fd, gf_digest_hex(digest), &text, NULL) == GF_OK &&
        (gf_image_index_parse(gf_strbuf_view(&text), &index, &image, NULL) != GF_OK ||
         !gf_digest_eq(&index, digest))) {
        return false;
    }
    if (gf_file_open(store->images_fd, gf_digest_hex(&image), O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
                     0, &image_fd, NULL) != GF_OK ||
        !read_record(image_fd, &image, &arena, &record)) {
        return false;
    }
    for (size_t i = 0; i < record.layer_count; i++) {
        if (!gf_fetch_store_has_layer(store, &record.layers[i])) {
            return false;
        }
    }
    *out_image = image;
    return true;
}

enum gf_code gf_fetch_store_publish_record(const struct gf_fetch_store *store,
                                           const struct gf_image_record *record, bool *out_is_new,
                                           struct gf_error *err) {
    const char *hex = gf_digest_hex(&record->digest);
    GF_CLEANUP(gf_close_p) int image_fd = -1;
    if (mkdirat(store->images_fd, hex, 0700) != 0 && errno != EEXIST) {
        return gf_fail_system(err, "cannot make the directory of the image");
    }
    enum gf_code rc =
        gf_file_open(store->images_fd, hex, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, &image_fd, err);
    if (rc != GF_OK) {
        return rc;
    }
    if (has_record(image_fd, &record->digest)) {
        *out_is_new = false;
        return GF_OK;
    }
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf text;
    gf_strbuf_init(&text, GF_IMAGE_RECORD_BYTES_MAX);
    gf_image_record_write(record, &text);
    if (text.overflowed) {
        return gf_fail_limit(err, "entrypoint, command and environment have more than %d bytes",
                             GF_IMAGE_RECORD_BYTES_MAX);
    }
    rc = publish_file(store, gf_strbuf_view(&text), image_fd, "record", err);
    if (rc == GF_OK) {
        rc = gf_file_sync_all(store->images_fd, err);
    }
    if (rc == GF_OK) {
        *out_is_new = true;
    }
    return rc;
}

static enum gf_code remove_mark(int image_fd, const char *name, struct gf_error *err) {
    if (unlinkat(image_fd, name, 0) != 0 && errno != ENOENT) {
        return gf_fail_system(err, "cannot remove the mark '%s'", name);
    }
    return GF_OK;
}

enum gf_code gf_fetch_store_set_origin(const struct gf_fetch_store *store,
                                       const struct gf_digest *digest, bool is_pulled,
                                       struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int image_fd = -1;
    GF_CLEANUP(gf_close_p) int fd = -1;
    enum gf_code rc = gf_file_open(store->images_fd, gf_digest_hex(digest),
                                   O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, &image_fd, err);
    if (rc == GF_OK) {
        rc = remove_mark(image_fd, "doomed", err);
    }
    if (rc == GF_OK && is_pulled) {
        rc = gf_file_open(image_fd, "pulled", O_WRONLY | O_CREAT | O_NOFOLLOW, 0600, &fd, err);
    } else if (rc == GF_OK) {
        rc = remove_mark(image_fd, "pulled", err);
    }
    return rc == GF_OK ? gf_file_sync_all(image_fd, err) : rc;
}

enum gf_code gf_fetch_store_publish_name(const struct gf_fetch_store *store,
                                         const struct gf_image_name *name, struct gf_error *err) {
    char file[GF_REFERENCE_CHARS_MAX + 1];
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf text;
    gf_strbuf_init(&text, GF_IMAGE_RECORD_BYTES_MAX);
    gf_image_name_write(name, &text);
    return publish_file(store, gf_strbuf_view(&text), store->names_fd,
                        gf_image_name_to_file(name->name, file), err);
}

enum gf_code gf_fetch_store_publish_index(const struct gf_fetch_store *store,
                                          const struct gf_digest *index,
                                          const struct gf_digest *image, struct gf_error *err) {
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf text;
    gf_strbuf_init(&text, GF_IMAGE_RECORD_BYTES_MAX);
    gf_image_index_write(index, image, &text);
    return publish_file(store, gf_strbuf_view(&text), store->indexes_fd, gf_digest_hex(index), err);
}

enum gf_code gf_fetch_store_spare(const struct gf_fetch_store *store,
                                  const struct gf_digest *digest, struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int image_fd = -1;
    const enum gf_code rc = gf_file_open(store->images_fd, gf_digest_hex(digest),
                                         O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, &image_fd, err);
    return rc == GF_OK ? remove_mark(image_fd, "doomed", err) : rc;
}
