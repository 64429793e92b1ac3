/*
 * Several senders at once, while the extension takes deliveries, its intake changes and the
 * listener stops: for the thread sanitizer, without Criterion.
 */
#include "base/macros.h"
#include "tests/extension/rig.h"
#include "tests/extension/sender.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    SENDERS = 4,
    REQUESTS = 25,
    CHANGES = 10,
};

static struct hub_rig rig;
static struct sender sender;
static struct script script;
static _Atomic int accepted;

static void *send_some(void *ctx) {
    const int number = (int)(intptr_t)ctx;
    for (int i = 0; i < REQUESTS; i++) {
        char headers[512];
        char more[64];
        struct answer answer;
        sender_sign(headers, sizeof(headers), "secret", "body");
        (void)snprintf(more, sizeof(more), "X-Delivery: %d-%d\r\n", number, i / 2);
        (void)strcat_headers(headers, sizeof(headers), more);
        sender_post(&sender, "/external/hook", headers, "body", &answer);
        gf_assert(answer.status == 202);
        (void)atomic_fetch_add(&accepted, 1);
    }
    return NULL;
}

static void connect_hook(void) {
    static Gofer__Extension__V1__ExternalEventVerification verification =
        GOFER__EXTENSION__V1__EXTERNAL_EVENT_VERIFICATION__INIT;
    verification.algorithm = GOFER__EXTENSION__V1__HMAC_ALGORITHM__HMAC_ALGORITHM_SHA256;
    verification.key_parameter_name = (char *)(uintptr_t) "key";
    verification.signature_header = (char *)(uintptr_t) "X-Hub-Signature-256";
    verification.signature_prefix = (char *)(uintptr_t) "sha256=";
    verification.delivery_id_header = (char *)(uintptr_t) "X-Delivery";
    Gofer__Extension__V1__Registration *message = script_registration(&rig, "hook");
    message->accepts_external_events = true;
    message->n_config_parameters = 1;
    message->config_parameters = message->subscription_parameters;
    message->config_parameters[0]->name = (char *)(uintptr_t) "key";
    message->config_parameters[0]->type = 0;
    message->n_subscription_parameters = 0;
    message->external_event_verification = &verification;
    (void)script_connect_with(&script, &rig, message, true);
}

int main(void) {
    pthread_t threads[SENDERS];
    hub_rig_init(&rig, NULL);
    hub_rig_install(&rig, "hook", "", "key=secret");
    connect_hook();
    sender_start(&sender, rig.hub, NULL);
    for (intptr_t i = 0; i < SENDERS; i++) {
        gf_assert(pthread_create(&threads[i], NULL, send_some, (void *)i) == 0);
    }
    for (int i = 0; i < CHANGES; i++) {
        const struct gf_event event = {.kind = GF_EVENT_SECRET_WRITTEN, .key = GF_STR("other")};
        const struct gf_input input = {.kind = GF_INPUT_RECORD_EVENT, .u.record.event = &event};
        gf_assert(hub_rig_command(&rig, &input, NULL) == GF_OK);
    }
    for (int i = 0; i < SENDERS; i++) {
        gf_assert(pthread_join(threads[i], NULL) == 0);
    }
    struct gf_external_stats stats;
    gf_external_listener_stats(sender.listener, &stats);
    gf_assert(accepted == SENDERS * REQUESTS);
    gf_assert(stats.stored_total == SENDERS * ((REQUESTS + 1) / 2));
    gf_assert(stats.stored_total + stats.duplicates_total == SENDERS * REQUESTS);
    gf_assert(stats.storing == 0);
    /* One that goes while it is being stored. */
    const int fd = sender_connect(&sender);
    sender_send(fd, "POST /external/hook HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\none");
    (void)close(fd);
    sender_stop(&sender);
    script_close(&script);
    hub_rig_fini(&rig);
    puts("ok");
    return 0;
}
