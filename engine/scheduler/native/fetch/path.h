/*
 * Paths within archives and layers: relative, made of parts that are neither "." nor "..".
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_PATH_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_PATH_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "engine/scheduler/native/fetch/limits.h"

/* A value. "" is the root itself. */
struct gf_path {
    char text[GF_FETCH_PATH_CHARS_MAX + 1];
    size_t len;
};

/*
 * Reads a name as archives have them: "./a//b/" becomes "a/b". Fails with GF_INVALID_ARGUMENT,
 * reason ARCHIVE_INVALID, when it is absolute, holds "..", or is too long or too deep; the name is
 * in the message. On failure *out is undefined.
 */
enum gf_code gf_path_parse(const char *name, struct gf_path *out, struct gf_error *err) GF_MUST_USE;

/* The folder above ("" for the root's own entries) and the last part. The path is not the root. */
struct gf_str gf_path_parent(const struct gf_path *path);
const char *gf_path_last(const struct gf_path *path);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_PATH_H_ */
