/*
 * Who the extension is and where gofer is, out of the environment.
 *
 * Thread: main.
 */
#ifndef GOFER_EXTENSIONS_SDK_SRC_ENVIRONMENT_H_
#define GOFER_EXTENSIONS_SDK_SRC_ENVIRONMENT_H_

#include "api/rpc/client.h"
#include "base/arena.h"
#include "base/error.h"

#include <gofer/extension.h>

enum {
    GF_SDK_ENVIRONMENT_BYTES_MAX = 1 << 20,
};

struct gf_sdk_environment {
    struct gf_arena arena;
    const char *extension_id;
    const char *host;
    const char *token; /* NULL: none */
    bool has_tls;
    struct gf_rpc_client_tls tls;
    enum gofer_log_level log_level;
};

/*
 * Reads it by getenv (a function, for tests). `name` is the id where the environment has none; may
 * be NULL. Codes: GF_INVALID_ARGUMENT names the variable; GF_NOT_FOUND and GF_FAILED_PRECONDITION
 * for a file with a token that is not there or that others may read; GF_FAILED_PRECONDITION for a
 * token that would travel in clear. The environment is to be finished on failure, too.
 */
enum gf_code gf_sdk_environment_read(struct gf_sdk_environment *environment, const char *name,
                                     char *(*get)(const char *name),
                                     struct gf_error *err) GF_MUST_USE;

/* Overwrites and frees what it holds. */
void gf_sdk_environment_fini(struct gf_sdk_environment *environment);

#endif /* GOFER_EXTENSIONS_SDK_SRC_ENVIRONMENT_H_ */
