#include "clients/c/client.h"

#include "base/alloc.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static const char DEFAULT_HOST[] = "127.0.0.1:8080";
static const char DEFAULT_USER_AGENT[] = "gofer-c";

struct gf_client {
    struct gf_rpc_channel *channel;
};

enum {
    HOST_BYTES_MAX = 254, /* with the final NUL: the longest name that there is */
    LOOPBACK_NET = 127,
};

/* The host of "HOST:PORT" or "[HOST]:PORT", as a text; false where it is too long to be one. */
static bool host_name(struct gf_str address, char out[HOST_BYTES_MAX]) {
    struct gf_str name = address;
    struct gf_str rest;
    if (address.len > 0 && address.ptr[0] == '[') {
        (void)gf_str_cut((struct gf_str){address.ptr + 1, address.len - 1}, ']', &name, &rest);
    } else {
        const char *colon = memrchr(address.ptr, ':', address.len);
        name.len = colon == NULL ? address.len : (size_t)(colon - address.ptr);
    }
    if (name.len >= HOST_BYTES_MAX) {
        return false;
    }
    memcpy(out, name.ptr, name.len);
    out[name.len] = '\0';
    return true;
}

bool gf_client_host_is_local(const char *host) {
    struct gf_str address = gf_str_from(host);
    if (gf_str_has_prefix(address, GF_STR("unix:"))) {
        return true;
    }
    char name[HOST_BYTES_MAX];
    if (address.len == 0 || !host_name(address, name)) {
        return false;
    }
    struct in_addr four;
    struct in6_addr six;
    if (inet_pton(AF_INET, name, &four) == 1) {
        return ntohl(four.s_addr) >> 24 == LOOPBACK_NET;
    }
    if (inet_pton(AF_INET6, name, &six) == 1) {
        return IN6_IS_ADDR_LOOPBACK(&six) ||
               (IN6_IS_ADDR_V4MAPPED(&six) && six.s6_addr[12] == LOOPBACK_NET);
    }
    return gf_str_eq_nocase(gf_str_from(name), GF_STR("localhost"));
}

enum gf_code gf_client_create(const struct gf_client_options *options,
                              struct gf_client **out_client, struct gf_error *err) {
    const char *host = options->host == NULL ? DEFAULT_HOST : options->host;
    if (options->token != NULL && options->tls == NULL && !options->token_in_clear &&
        !gf_client_host_is_local(host)) {
        return gf_fail_reason(err, GF_FAILED_PRECONDITION, GF_CLIENT_REASON_TOKEN_IN_CLEAR,
                              "the token is not sent to '%s' without TLS: whoever is on the way "
                              "could read it",
                              host);
    }
    struct gf_rpc_channel_opts channel_opts = {
        .tls = options->tls,
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
