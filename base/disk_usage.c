#include "base/disk_usage.h"

#include "base/alloc.h"
#include "base/file.h"

#include <errno.h>
#include <fts.h>
#include <sys/stat.h>

enum {
    BLOCK_BYTES = 512, /* the unit of st_blocks, whatever the file system's own is */
};

static void close_walk(FTS **walk) {
    if (*walk != NULL) {
        (void)fts_close(*walk);
    }
}

enum gf_code gf_disk_usage(const char *path, int64_t *out_bytes, struct gf_error *err) {
    GF_CLEANUP(gf_free_p) char *root = gf_strdup(path);
    char *const roots[] = {root, NULL};
    GF_CLEANUP(close_walk) FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
    if (walk == NULL) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "'%s'", path);
    }
    int64_t bytes = 0;
    for (;;) {
        errno = 0;
        const FTSENT *entry = fts_read(walk);
        if (entry == NULL && errno != 0) {
            return gf_fail_errno(err, gf_code_from_errno(errno), errno, "'%s'", path);
        }
        if (entry == NULL) {
            *out_bytes = bytes;
            return GF_OK;
        }
        const bool unread =
            entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR || entry->fts_info == FTS_NS;
        if (unread && entry->fts_errno != ENOENT) {
            return gf_fail_errno(err, gf_code_from_errno(entry->fts_errno), entry->fts_errno,
                                 "'%s'", entry->fts_path);
        }
        /* A directory comes twice: before and after what is in it. */
        if (!unread && entry->fts_info != FTS_DP && entry->fts_statp != NULL) {
            bytes += (int64_t)entry->fts_statp->st_blocks * BLOCK_BYTES;
        }
    }
}
