/*
 * Limits on the archives that gofer-fetch reads. What an image may hold is limited by
 * engine/scheduler/native/images/limits.h as well.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_LIMITS_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_LIMITS_H_

#include <stdint.h>

enum {
    /* An index, a manifest or a configuration. */
    GF_FETCH_JSON_BYTES_MAX = 4 * 1024 * 1024,
    /* All of them in one archive, each as often as something leads to it. */
    GF_FETCH_JSON_TOTAL_BYTES_MAX = 32 * 1024 * 1024,
    /* Indexes that lead to indexes. */
    GF_FETCH_INDEX_DEPTH_MAX = 4,
    /* Entries of one index, images of one docker archive. */
    GF_FETCH_INDEX_ENTRIES_MAX = 1024,
    /* Files of one archive, directories and links included. */
    GF_FETCH_ARCHIVE_ENTRIES_MAX = 65536,
    /* The names of all of them together, with what links lead to. */
    GF_FETCH_ARCHIVE_NAMES_BYTES_MAX = 32 * 1024 * 1024,
    /* Links from link to link within an archive. */
    GF_FETCH_ARCHIVE_LINKS_MAX = 8,
    /* A path within an archive or a layer, without the final NUL, and a part of it. */
    GF_FETCH_PATH_CHARS_MAX = 4095,
    GF_FETCH_PATH_PART_CHARS_MAX = 255,
    /* Directories within directories of a layer. */
    GF_FETCH_PATH_DEPTH_MAX = 200,
    /* All extended attributes of one file of a layer, with their names. */
    GF_FETCH_XATTR_BYTES_MAX = 64 * 1024,
    /* What is kept in memory about the directories of a layer. */
    GF_FETCH_DIRECTORIES_BYTES_MAX = 256 * 1024 * 1024,
    /* One read of an archive. */
    GF_FETCH_READ_BYTES = 256 * 1024,
};

/* The limits that an operator may move; gf_fetch_limits_default has their defaults. */
struct gf_fetch_limits {
    int64_t archive_bytes;  /* of an archive, decompressed once */
    int64_t unpacked_bytes; /* of all files in the new layers of one import */
    int64_t unpacked_files; /* entries in the new layers of one import */
};

static const struct gf_fetch_limits gf_fetch_limits_default = {
    .archive_bytes = INT64_C(64) << 30,
    .unpacked_bytes = INT64_C(64) << 30,
    .unpacked_files = 4000000,
};

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_LIMITS_H_ */
