/*
 * The image store of a server, and the pulls into it.
 */
#include "api/server/server_internal.h"
#include "engine/core/limits.h"

enum {
    /* What a launch may take besides fetching its image. */
    LAUNCH_SLACK_MS = 5 * 60 * 1000,
};

enum gf_code gf_server__open_images(struct gf_server *server,
                                    const struct gf_server_options *options, struct gf_error *err) {
    const struct gf_image_store_opts store = {
        .dir = server->dir.images_path,
        .fetch_program = options->fetch_program,
        .pool = server->long_pool,
        .cache_bytes = options->images.cache_bytes,
    };
    const enum gf_code rc = gf_image_store_open(&store, &server->images, err);
    if (rc != GF_OK) {
        return rc;
    }
    const struct gf_image_pulls_opts pulls = {
        .store = server->images,
        .reactor = server->reactor,
        .pool = server->pool,
        .settings = &options->images,
    };
    server->pulls = gf_image_pulls_create(&pulls);
    return GF_OK;
}

int64_t gf_server__launch_lease_ms(const struct gf_server_options *options) {
    const int64_t with_pull = options->images.pull_timeout_ms + LAUNCH_SLACK_MS;
    return with_pull > GF_LAUNCH_LEASE_MS_DEFAULT ? with_pull : GF_LAUNCH_LEASE_MS_DEFAULT;
}
