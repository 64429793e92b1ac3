#include "tests/bench/extensions/setup.h"

#include "base/str.h"
#include "gofer/v1/extension.gofer.h"
#include "gofer/v1/subscription.gofer.h"
#include "tests/bench/engine/client.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum {
    PAGE = 1000,
};

char *setup_extension_name(int64_t index, char out[PEER_ID_BYTES]) {
    (void)snprintf(out, PEER_ID_BYTES, "extension-%" PRId64, index);
    return out;
}

char *setup_subscription_name(int64_t index, char out[PEER_ID_BYTES]) {
    (void)snprintf(out, PEER_ID_BYTES, "subscription-%" PRId64, index);
    return out;
}

void setup_install(struct gf_rpc_channel *channel, int64_t extension) {
    char name[PEER_ID_BYTES];
    struct gf_arena arena;
    struct gf_error err = {0};
    gf_arena_init(&arena, CLIENT_ARENA_BYTES);
    Gofer__V1__InstallExtensionRequest request = GOFER__V1__INSTALL_EXTENSION_REQUEST__INIT;
    request.extension_id = setup_extension_name(extension, name);
    Gofer__V1__InstallExtensionResponse *response = NULL;
    if (gofer_v1_extension_service_install_extension(channel, NULL, &request, &arena, &response,
                                                     &err) != GF_OK) {
        client_fail("install", &err);
    }
    gf_arena_fini(&arena);
}

void setup_subscribe(struct gf_rpc_channel *channel, int64_t pipeline, int64_t extension,
                     int64_t subscription) {
    char names[2][PEER_ID_BYTES];
    char pipeline_name[CLIENT_PIPELINE_NAME_BYTES];
    struct gf_arena arena;
    struct gf_error err = {0};
    gf_arena_init(&arena, CLIENT_ARENA_BYTES);
    Gofer__V1__CreateSubscriptionRequest request = GOFER__V1__CREATE_SUBSCRIPTION_REQUEST__INIT;
    request.pipeline_id = client_pipeline_name(pipeline, pipeline_name);
    request.extension_id = setup_extension_name(extension, names[0]);
    request.subscription_id = setup_subscription_name(subscription, names[1]);
    Gofer__V1__CreateSubscriptionResponse *response = NULL;
    if (gofer_v1_subscription_service_create_subscription(channel, NULL, &request, &arena,
                                                          &response, &err) != GF_OK) {
        client_fail("subscribe", &err);
    }
    gf_arena_fini(&arena);
}

static enum gf_code enable(struct gf_rpc_channel *channel, char *ids[3], struct gf_arena *arena,
                           struct gf_error *err) {
    Gofer__V1__EnableSubscriptionRequest request = GOFER__V1__ENABLE_SUBSCRIPTION_REQUEST__INIT;
    request.pipeline_id = ids[0];
    request.extension_id = ids[1];
    request.subscription_id = ids[2];
    Gofer__V1__EnableSubscriptionResponse *response = NULL;
    return gofer_v1_subscription_service_enable_subscription(channel, NULL, &request, arena,
                                                             &response, err);
}

static enum gf_code disable(struct gf_rpc_channel *channel, char *ids[3], struct gf_arena *arena,
                            struct gf_error *err) {
    Gofer__V1__DisableSubscriptionRequest request = GOFER__V1__DISABLE_SUBSCRIPTION_REQUEST__INIT;
    request.pipeline_id = ids[0];
    request.extension_id = ids[1];
    request.subscription_id = ids[2];
    Gofer__V1__DisableSubscriptionResponse *response = NULL;
    return gofer_v1_subscription_service_disable_subscription(channel, NULL, &request, arena,
                                                              &response, err);
}

void setup_enable(struct gf_rpc_channel *channel, int64_t pipeline, int64_t extension,
                  int64_t subscription, bool enabled) {
    char names[2][PEER_ID_BYTES];
    char pipeline_name[CLIENT_PIPELINE_NAME_BYTES];
    char *ids[] = {client_pipeline_name(pipeline, pipeline_name),
                   setup_extension_name(extension, names[0]),
                   setup_subscription_name(subscription, names[1])};
    struct gf_arena arena;
    struct gf_error err = {0};
    gf_arena_init(&arena, CLIENT_ARENA_BYTES);
    if ((enabled ? enable : disable)(channel, ids, &arena, &err) != GF_OK) {
        client_fail(enabled ? "enable" : "disable", &err);
    }
    gf_arena_fini(&arena);
}

int64_t setup_count_running(struct gf_rpc_channel *channel) {
    struct gf_arena arena;
    struct gf_error err = {0};
    gf_arena_init(&arena, CLIENT_ARENA_BYTES);
    Gofer__V1__ListExtensionsRequest request = GOFER__V1__LIST_EXTENSIONS_REQUEST__INIT;
    request.page_size = PAGE;
    Gofer__V1__ListExtensionsResponse *response = NULL;
    int64_t count = 0;
    do {
        if (gofer_v1_extension_service_list_extensions(channel, NULL, &request, &arena, &response,
                                                       &err) != GF_OK) {
            client_fail("list", &err);
        }
        for (size_t i = 0; i < response->n_extensions; i++) {
            count += response->extensions[i]->state ==
                     GOFER__V1__EXTENSION_STATE__EXTENSION_STATE_RUNNING;
        }
        request.page_token = response->next_page_token;
    } while (request.page_token[0] != '\0');
    gf_arena_fini(&arena);
    return count;
}

void print_figure(double value, const char *unit, const char *fmt, ...) {
    char what[128];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    printf("extensions: %-60s %10.2f %s\n", what, value, unit);
    (void)fflush(stdout);
}
