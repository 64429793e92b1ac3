#include "clients/c/client.h"

#include "base/alloc.h"

static const char DEFAULT_HOST[] = "127.0.0.1:8080";
static const char DEFAULT_USER_AGENT[] = "gofer-c";

struct gf_client {
    struct gf_rpc_channel *channel;
};

enum gf_code gf_client_create(const struct gf_client_options *options,
                              struct gf_client **out_client, struct gf_error *err) {
    const char *host = options->host == NULL ? DEFAULT_HOST : options->host;
    struct gf_rpc_channel_opts channel_opts = {
        .bearer_token = options->token,
        .user_agent = options->user_agent == NULL ? DEFAULT_USER_AGENT : options->user_agent,
    };
    struct gf_rpc_channel *channel = NULL;
    enum gf_code rc = gf_rpc_channel_create(host, &channel_opts, &channel, err);
    if (rc != GF_OK) {
        return rc;
    }
    struct gf_client *client = GF_NEW(struct gf_client);
    client->channel = channel;
    *out_client = client;
    return GF_OK;
}

void gf_client_destroy(struct gf_client *client) {
    if (client == NULL) {
        return;
    }
    gf_rpc_channel_destroy(client->channel);
    free(client);
}

struct gf_rpc_channel *gf_client_channel(struct gf_client *client) {
    return client->channel;
}

struct gf_rpc_call_opts gf_client_unary_options(void) {
    return (struct gf_rpc_call_opts){.timeout_ms = GF_CLIENT_TIMEOUT_MS_DEFAULT};
}
