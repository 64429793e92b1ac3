#include "engine/scheduler/native/fetch/download.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/vec.h"
#include "engine/scheduler/native/fetch/fail.h"

#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    OPEN_TRIES = 100
};

/* Whether the file that was locked is still the one of that name: whoever had the lock before may
 * have removed it. */
static bool is_in_place(const struct gf_fetch_store *store, int fd, const char *name) {
    struct stat mine;
    struct stat there;
    return fstat(fd, &mine) == 0 &&
           fstatat(store->downloads_fd, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
           mine.st_ino == there.st_ino && mine.st_dev == there.st_dev;
}

enum gf_code gf_download_open(const struct gf_fetch_store *store, const struct gf_digest *digest,
                              int *out_fd, struct gf_error *err) {
    const char *name = gf_digest_hex(digest);
    for (int i = 0; i < OPEN_TRIES; i++) {
        GF_CLEANUP(gf_close_p) int fd = -1;
        const enum gf_code rc =
            gf_file_open(store->downloads_fd, name, O_RDWR | O_CREAT | O_NOFOLLOW, 0600, &fd, err);
        if (rc != GF_OK) {
            return rc;
        }
        if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
            *out_fd = -1;
            return GF_OK;
        }
        if (is_in_place(store, fd, name)) {
            *out_fd = gf_take_fd(&fd);
            return GF_OK;
        }
    }
    return gf_fail(err, GF_UNAVAILABLE, "cannot get a file of its own in the image store");
}

enum gf_code gf_download_open_writer(const struct gf_fetch_store *store,
                                     const struct gf_digest *digest, int *out_fd,
                                     struct gf_error *err) {
    return gf_file_open(store->downloads_fd, gf_digest_hex(digest), O_WRONLY | O_NOFOLLOW, 0,
                        out_fd, err);
}

void gf_download_remove(const struct gf_fetch_store *store, const struct gf_digest *digest) {
    (void)unlinkat(store->downloads_fd, gf_digest_hex(digest), 0);
}

struct leftover {
    char *name;
    int64_t bytes;
    int64_t modified_ns;
};

struct leftovers GF_VEC_FIELDS(struct leftover);

static void leftovers_fini(struct leftovers *leftovers) {
    for (size_t i = 0; i < leftovers->count; i++) {
        free(leftovers->items[i].name);
    }
    gf_vec_fini(leftovers);
}

static void list(const struct gf_fetch_store *store, struct leftovers *out) {
    const int fd = openat(store->downloads_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return;
    }
    GF_CLEANUP(gf_closedir_p) DIR *dir = fdopendir(fd);
    if (dir == NULL) {
        gf_oom();
    }
    const struct dirent *entry = NULL;
    while ((entry = readdir(dir)) != NULL) {
        struct stat status;
        if (entry->d_name[0] == '.' ||
            fstatat(store->downloads_fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
            continue;
        }
        struct leftover *leftover = gf_vec_push_zeroed(out);
        leftover->name = gf_strdup(entry->d_name);
        leftover->bytes = (int64_t)status.st_blocks * 512;
        leftover->modified_ns =
            status.st_mtim.tv_sec * GF_NS_PER_SEC + (int64_t)status.st_mtim.tv_nsec;
    }
}

static int by_age(const void *a, const void *b) {
    const struct leftover *first = a;
    const struct leftover *second = b;
    return first->modified_ns < second->modified_ns   ? -1
           : first->modified_ns > second->modified_ns ? 1
                                                      : 0;
}

/* What cannot be removed waits for the next time. */
static void remove_unlocked(const struct gf_fetch_store *store, const char *name) {
    GF_CLEANUP(gf_close_p)
    int fd = openat(store->downloads_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && is_in_place(store, fd, name)) {
        (void)unlinkat(store->downloads_fd, name, 0);
    }
}

void gf_download_discard(const struct gf_fetch_store *store, const struct gf_digest *digest) {
    remove_unlocked(store, gf_digest_hex(digest));
}

void gf_download_sweep(const struct gf_fetch_store *store, int64_t now_wall_ns,
                       int64_t leftover_bytes_max) {
    GF_CLEANUP(leftovers_fini) struct leftovers leftovers = {0};
    int64_t total = 0;
    list(store, &leftovers);
    for (size_t i = 0; i < leftovers.count; i++) {
        total += leftovers.items[i].bytes;
    }
    if (leftovers.count > 0) {
        qsort(leftovers.items, leftovers.count, sizeof(*leftovers.items), by_age);
    }
    for (size_t i = 0; i < leftovers.count; i++) {
        const struct leftover *leftover = &leftovers.items[i];
        const bool is_old = leftover->modified_ns < now_wall_ns - GF_DOWNLOAD_AGE_NS_MAX;
        if (is_old || total > leftover_bytes_max) {
            remove_unlocked(store, leftover->name);
            total -= leftover->bytes;
        }
    }
}
