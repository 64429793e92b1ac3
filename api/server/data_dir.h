/*
 * The data directory: its layout (server.h), its lock, and the files of addresses.
 *
 * Thread: the owner's.
 */
#ifndef GOFER_API_SERVER_DATA_DIR_H_
#define GOFER_API_SERVER_DATA_DIR_H_

#include "base/error.h"
#include "base/macros.h"

#include <stddef.h>

/* All paths are absolute or relative as the one given, on the heap. */
struct gf_data_dir {
    int fd;
    int lock_fd;
    char *path;
    char *store_path;
    char *images_path;
    char *logs_path;
    char *native_path;
    char *spool_path;
    char *secrets_path;    /* a file */
    char *master_key_path; /* likewise */
    char *tasks_path;      /* readable by everybody: containers see it */
};

/*
 * Makes what is missing, takes the lock and empties the spool. Codes: GF_FAILED_PRECONDITION
 * (another server has it, others than its owner can change it, or it is no directory), those of
 * base/file.h.
 */
enum gf_code gf_data_dir_open(const char *path, struct gf_data_dir *out,
                              struct gf_error *err) GF_MUST_USE;

/* Gives the lock back and frees. Accepts a zeroed struct with descriptors -1. */
void gf_data_dir_close(struct gf_data_dir *dir);

/* The files of addresses. */
enum gf_data_dir_file {
    GF_DATA_DIR_ADDRESSES,
    GF_DATA_DIR_HTTP_ADDRESSES,
    GF_DATA_DIR_EXTERNAL_ADDRESSES,
    GF_DATA_DIR_FILE_COUNT,
};

/* Puts the addresses into the file, one a line, atomically. */
enum gf_code gf_data_dir_write_addresses(const struct gf_data_dir *dir, enum gf_data_dir_file file,
                                         char *const *addresses, size_t count,
                                         struct gf_error *err) GF_MUST_USE;
/* Removes all of them. */
void gf_data_dir_remove_addresses(const struct gf_data_dir *dir);

#endif /* GOFER_API_SERVER_DATA_DIR_H_ */
