/*
 * How much files take on disk. Thread: any.
 */
#ifndef GOFER_BASE_DISK_USAGE_H_
#define GOFER_BASE_DISK_USAGE_H_

#include "base/error.h"
#include "base/macros.h"

#include <stdint.h>

/*
 * Adds up the blocks of `path`, a file or a directory with all that is in it, on its own file
 * system and without following links. What is not there, or goes away meanwhile, takes none. Looks
 * at every file: it blocks. Codes: those of base/file.h, for what cannot be read.
 */
enum gf_code gf_disk_usage(const char *path, int64_t *out_bytes, struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_BASE_DISK_USAGE_H_ */
