/*
 * Credentials for registries from a configuration of Docker: the `auths` of a config.json.
 *
 *     {"auths": {"registry.example:5000": {"auth": "<base64 of user:password>"}}}
 *
 * A key is "host", "host:port", or a URL of such a host without a path or with that of the API
 * ("https://registry.example/v1/"); keys with other paths are those of somebody else's rules, and
 * count for nobody. The default registry's is "https://index.docker.io/v1/". The key that is the
 * host as it stands comes first, then the first one in the file. Instead of `auth` there may be
 * `username` and `password`.
 *
 * Not supported: `identitytoken`, `registrytoken`, `credHelpers` and `credsStore`. That is an error
 * only where the file names the registry and has nothing else for it.
 *
 * Nothing of the file stays in memory but what is in the arena, which the caller wipes.
 *
 * Thread: one at a time.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_DOCKER_CONFIG_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_DOCKER_CONFIG_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "engine/scheduler/native/images/pull_request.h"

#include <stddef.h>

enum {
    GF_DOCKER_CONFIG_BYTES_MAX = 256 * 1024, /* of the file */
    GF_DOCKER_CONFIG_AUTHS_MAX = 1024,       /* registries in it */
    /* What credentials for all sources take of an arena at most. */
    GF_DOCKER_CONFIG_ARENA_BYTES_MAX = GF_PULL_SOURCES_MAX * 4 * GF_PULL_TEXT_BYTES_MAX,
};

/*
 * Gives those of the sources that have no user the credentials that the text has for them, if any.
 * Code: GF_FAILED_PRECONDITION (malformed, over a limit, not supported); the message has nothing of
 * the file's content but names of registries that are asked.
 */
enum gf_code gf_docker_config_read(struct gf_str text, struct gf_arena *arena,
                                   struct gf_pull_source *sources, size_t count,
                                   struct gf_error *err) GF_MUST_USE;

/*
 * The same for a request and the file that it names, if it does and a source has no user; the
 * sources are new ones in the arena then. The file must be a plain one of root's or of this user's
 * that others can neither read nor change, nor its group change. Code: GF_FAILED_PRECONDITION.
 */
enum gf_code gf_docker_config_apply(struct gf_arena *arena, struct gf_pull_request *request,
                                    struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_DOCKER_CONFIG_H_ */
