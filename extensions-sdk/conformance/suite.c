#include "extensions-sdk/conformance/suite.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    ENVIRONMENT_MAX = 512,
    LOOK_MS = 200,                    /* then it is looked at whether the program still runs */
    CREATE_TIME_SECONDS = 1700000000, /* of every subscription */
};

#define NAMESPACE "conformance"
#define PIPELINE "pipeline"

void gf_case_fail(struct gf_suite *suite, const char *format, ...) {
    struct gf_strbuf text;
    va_list args;
    if (suite->outcome == GF_CASE_FAILED) {
        return;
    }
    gf_strbuf_init(&text, 64 * 1024);
    va_start(args, format);
    gf_strbuf_vprintf(&text, format, args);
    va_end(args);
    suite->outcome = GF_CASE_FAILED;
    suite->reason = gf_arena_strdup(&suite->arena, text.ptr == NULL ? "" : text.ptr);
    gf_strbuf_fini(&text);
}

void gf_case_skip(struct gf_suite *suite, const char *reason) {
    if (suite->outcome == GF_CASE_PASSED) {
        suite->outcome = GF_CASE_SKIPPED;
        suite->reason = gf_arena_strdup(&suite->arena, reason);
    }
}

bool gf_case_is_over(const struct gf_suite *suite) {
    return suite->outcome != GF_CASE_PASSED;
}

/* ---- The program ---- */

/* The environment of this program without what is gofer's, and with what the extension needs. */
static const char *const *make_environment(struct gf_suite *suite) {
    const char **out = GF_ARENA_ARRAY(&suite->arena, ENVIRONMENT_MAX + 4, const char *);
    size_t count = 0;
    for (char **at = environ; *at != NULL && count < ENVIRONMENT_MAX; at++) {
        if (strncmp(*at, "GOFER_", 6) != 0) {
            out[count++] = *at;
        }
    }
    out[count++] =
        gf_arena_printf(&suite->arena, "GOFER_EXTENSION_ID=%s", suite->options->extension_id);
    out[count++] = gf_arena_printf(&suite->arena, "GOFER_HOST=%s", gf_play_address(suite->play));
    out[count++] = gf_arena_printf(&suite->arena, "GOFER_TOKEN=%s", gf_play_token(suite->play));
    return out;
}

void gf_suite_start(struct gf_suite *suite) {
    struct gf_error error;
    const char *log = gf_arena_printf(&suite->arena, "%s/extension.log", suite->folder);
    GF_CLEANUP(gf_close_p) int log_fd = -1;
    if (gf_file_open(AT_FDCWD, log, O_WRONLY | O_CREAT | O_TRUNC, 0600, &log_fd, &error) != GF_OK) {
        gf_case_fail(suite, "%s", error.message);
        return;
    }
    const int output = suite->options->verbose ? STDERR_FILENO : log_fd;
    const struct gf_proc_fd fds[] = {{.from = output, .to = STDOUT_FILENO},
                                     {.from = output, .to = STDERR_FILENO}};
    const struct gf_proc_spec spec = {
        .program = suite->options->command[0],
        .argv = suite->options->command,
        .envp = make_environment(suite),
        .fds = fds,
        .fd_count = GF_ARRAY_COUNT(fds),
    };
    if (gf_proc_spawn(&spec, &suite->program, &error) != GF_OK) {
        gf_case_fail(suite, "it cannot be started: %s", error.message);
        return;
    }
    suite->is_running = true;
}

bool gf_suite_wait_exit(struct gf_suite *suite, int64_t timeout_ms) {
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), timeout_ms);
    if (suite->is_running && gf_proc_wait(&suite->program, deadline, &suite->exit, NULL) == GF_OK) {
        suite->is_running = false;
    }
    return !suite->is_running;
}

void gf_suite_stop(struct gf_suite *suite) {
    char fault[GF_PLAY_FAULT_BYTES_MAX];
    if (suite->is_running) {
        gf_proc_kill(&suite->program);
        suite->is_running = false;
    }
    if (suite->play != NULL && gf_play_take_fault(suite->play, fault)[0] != '\0' &&
        suite->outcome == GF_CASE_PASSED) {
        gf_case_fail(suite, "%s", fault);
    }
    gf_play_destroy(suite->play);
    suite->play = NULL;
    gf_map_fini(&suite->checkpoints);
}

/* ---- Talking ---- */

gf_play_response *gf_suite_message(struct gf_suite *suite, int message_case) {
    gf_play_response *response = GF_ARENA_NEW(&suite->arena, gf_play_response);
    gofer__extension__v1__connect_response__init(response);
    response->message_case = (Gofer__Extension__V1__ConnectResponse__MessageCase)message_case;
    return response;
}

/* Entries of a map field. */
static void *entries_of(struct gf_suite *suite, const ProtobufCMessageDescriptor *descriptor,
                        const struct gf_suite_pairs *pairs) {
    struct entry {
        ProtobufCMessage base;
        char *key;
        char *value;
    };
    struct entry **entries = GF_ARENA_ARRAY(&suite->arena, pairs->count, struct entry *);
    for (size_t i = 0; i < pairs->count; i++) {
        entries[i] = GF_ARENA_NEW(&suite->arena, struct entry);
        protobuf_c_message_init(descriptor, entries[i]);
        entries[i]->key = (char *)(uintptr_t)pairs->items[i].name;
        entries[i]->value = (char *)(uintptr_t)pairs->items[i].value;
    }
    return entries;
}

/* What gofer would have stored with an acknowledgement. */
static void keep_checkpoint(struct gf_suite *suite, const gf_play_request *request) {
    const Gofer__V1__SubscriptionReference *about = NULL;
    const char *value = "";
    switch ((int)request->message_case) {
    case GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_START_RUN:
        about = request->start_run->subscription;
        value = request->start_run->checkpoint;
        break;
    case GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_OBSERVED_EVENT:
        value = request->observed_event->checkpoint;
        break;
    case GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_CHECKPOINT:
        about = request->checkpoint->subscription;
        value = request->checkpoint->value;
        break;
    default:
        return;
    }
    if (value[0] != '\0') {
        (void)gf_map_put(&suite->checkpoints,
                         gf_str_from(about == NULL ? "" : about->subscription_id),
                         gf_arena_strdup(&suite->arena, value));
    }
}

/* The last checkpoint, "" for none. */
static char *checkpoint_of(const struct gf_suite *suite, const char *subscription_id) {
    char *value = gf_map_get(&suite->checkpoints, gf_str_from(subscription_id));
    return value == NULL ? (char *)(uintptr_t) "" : value;
}

/* Waits for a connection for as long as the program runs. */
static bool accept_one(struct gf_suite *suite, int64_t timeout_ms) {
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), timeout_ms);
    do {
        if (gf_play_accept(suite->play, LOOK_MS)) {
            return true;
        }
    } while (gf_mono_ns() < deadline && !gf_suite_wait_exit(suite, 0));
    return false;
}

bool gf_suite_accept(struct gf_suite *suite, int64_t timeout_ms) {
    if (!accept_one(suite, timeout_ms)) {
        char how[GF_PROC_EXIT_BYTES_MAX];
        char fault[GF_PLAY_FAULT_BYTES_MAX];
        if (gf_play_take_fault(suite->play, fault)[0] != '\0') {
            gf_case_fail(suite, "%s", fault);
        } else if (gf_suite_wait_exit(suite, 0)) {
            gf_case_fail(suite, "it ended with %s instead of connecting",
                         gf_proc_exit_format(suite->exit, how));
        } else {
            gf_case_fail(suite, "it did not connect within %lld s", (long long)timeout_ms / 1000);
        }
        return false;
    }
    const gf_play_request *request = gf_play_next(suite->play, GF_SUITE_ANSWER_MS, &suite->arena);
    if (request == NULL ||
        (int)request->message_case != GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_REGISTRATION) {
        gf_case_fail(suite, "its first message is no Registration");
        return false;
    }
    suite->registration = request->registration;
    return true;
}

bool gf_suite_welcome(struct gf_suite *suite, int32_t window) {
    gf_play_response *response =
        gf_suite_message(suite, GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_WELCOME);
    Gofer__Extension__V1__Welcome *welcome =
        GF_ARENA_NEW(&suite->arena, Gofer__Extension__V1__Welcome);
    gofer__extension__v1__welcome__init(welcome);
    welcome->protocol_major_version = 1;
    welcome->gofer_version = gf_arena_strdup(&suite->arena, "conformance");
    welcome->mode = GOFER__EXTENSION__V1__CONNECTION_MODE__CONNECTION_MODE_WORK;
    welcome->settings = entries_of(
        suite, &gofer__extension__v1__welcome__settings_entry__descriptor, &suite->options->config);
    welcome->n_settings = suite->options->config.count;
    welcome->window = window;
    welcome->checkpoint = checkpoint_of(suite, "");
    welcome->connection_id = gf_arena_strdup(&suite->arena, "conformance-1");
    response->welcome = welcome;
    gf_play_set_window(suite->play, window);
    return gf_play_say(suite->play, response);
}

static Gofer__V1__SubscriptionReference *reference_of(struct gf_suite *suite, int number) {
    Gofer__V1__SubscriptionReference *reference =
        GF_ARENA_NEW(&suite->arena, Gofer__V1__SubscriptionReference);
    gofer__v1__subscription_reference__init(reference);
    reference->namespace_id = gf_arena_strdup(&suite->arena, NAMESPACE);
    reference->pipeline_id = gf_arena_strdup(&suite->arena, PIPELINE);
    reference->subscription_id = gf_arena_printf(&suite->arena, "subscription-%d", number);
    return reference;
}

bool gf_suite_is(const Gofer__V1__SubscriptionReference *reference, int number) {
    char id[64];
    (void)snprintf(id, sizeof(id), "subscription-%d", number);
    return reference != NULL && strcmp(reference->namespace_id, NAMESPACE) == 0 &&
           strcmp(reference->pipeline_id, PIPELINE) == 0 &&
           strcmp(reference->subscription_id, id) == 0;
}

const gf_play_response *gf_suite_subscribe_with(struct gf_suite *suite, int number,
                                                int64_t generation,
                                                const struct gf_suite_pairs *settings) {
    gf_play_response *response =
        gf_suite_message(suite, GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_SUBSCRIBE);
    Gofer__Extension__V1__Subscribe *subscribe =
        GF_ARENA_NEW(&suite->arena, Gofer__Extension__V1__Subscribe);
    gofer__extension__v1__subscribe__init(subscribe);
    subscribe->subscription = reference_of(suite, number);
    subscribe->generation = generation;
    subscribe->checkpoint = checkpoint_of(suite, subscribe->subscription->subscription_id);
    subscribe->settings =
        entries_of(suite, &gofer__extension__v1__subscribe__settings_entry__descriptor, settings);
    subscribe->n_settings = settings->count;
    subscribe->create_time = GF_ARENA_NEW(&suite->arena, Google__Protobuf__Timestamp);
    google__protobuf__timestamp__init(subscribe->create_time);
    subscribe->create_time->seconds = CREATE_TIME_SECONDS;
    response->subscribe = subscribe;
    (void)gf_play_say(suite->play, response);
    return response;
}

const gf_play_response *gf_suite_subscribe(struct gf_suite *suite, int number, int64_t generation) {
    return gf_suite_subscribe_with(suite, number, generation, &suite->options->settings);
}

void gf_suite_unsubscribe(struct gf_suite *suite, int number) {
    gf_play_response *response =
        gf_suite_message(suite, GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_UNSUBSCRIBE);
    Gofer__Extension__V1__Unsubscribe unsubscribe = GOFER__EXTENSION__V1__UNSUBSCRIBE__INIT;
    unsubscribe.subscription = reference_of(suite, number);
    response->unsubscribe = &unsubscribe;
    (void)gf_play_say(suite->play, response);
}

void gf_suite_complete(struct gf_suite *suite, int64_t count) {
    gf_play_response *response = gf_suite_message(
        suite, GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_SUBSCRIPTIONS_COMPLETE);
    Gofer__Extension__V1__SubscriptionsComplete complete =
        GOFER__EXTENSION__V1__SUBSCRIPTIONS_COMPLETE__INIT;
    complete.subscription_count = count;
    response->subscriptions_complete = &complete;
    (void)gf_play_say(suite->play, response);
}

/* Up to Ready; every subscription must have been accepted before. */
static bool expect_ready(struct gf_suite *suite, int count) {
    int accepted = 0;
    for (;;) {
        const gf_play_request *request =
            gf_play_next(suite->play, GF_SUITE_ANSWER_MS, &suite->arena);
        if (request == NULL) {
            gf_case_fail(suite, "it did not send Ready after SubscriptionsComplete");
            return false;
        }
        if ((int)request->message_case == GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_READY) {
            break;
        }
        if ((int)request->message_case !=
            GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_SUBSCRIPTION_RESULT) {
            continue;
        }
        const Gofer__Extension__V1__SubscriptionResult *result = request->subscription_result;
        if ((int)result->outcome !=
            GOFER__EXTENSION__V1__SUBSCRIPTION_OUTCOME__SUBSCRIPTION_OUTCOME_ACCEPTED) {
            gf_case_fail(suite, "it does not accept the settings that are said to be right: %s",
                         result->description);
            return false;
        }
        accepted++;
    }
    if (accepted != count) {
        gf_case_fail(suite, "it sent Ready after %d SubscriptionResults, of %d", accepted, count);
    }
    return accepted == count;
}

bool gf_suite_begin_again(struct gf_suite *suite, int first, int count, int32_t window) {
    if (!gf_suite_accept(suite, GF_SUITE_RECONNECT_MS)) {
        return false;
    }
    (void)gf_suite_welcome(suite, window);
    for (int i = 0; i < count; i++) {
        (void)gf_suite_subscribe(suite, first + i, 1);
    }
    gf_suite_complete(suite, count);
    return expect_ready(suite, count);
}

bool gf_suite_begin(struct gf_suite *suite, int count) {
    gf_suite_start(suite);
    return !gf_case_is_over(suite) && gf_suite_begin_again(suite, 1, count, 100);
}

void gf_suite_ack(struct gf_suite *suite, const gf_play_request *request) {
    gf_play_response *response =
        gf_suite_message(suite, GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_ACK);
    Gofer__Extension__V1__RequestAck ack = GOFER__EXTENSION__V1__REQUEST_ACK__INIT;
    const Gofer__V1__SubscriptionReference *const *about = NULL;
    size_t count = 0;
    if (request->sequence == 0) {
        return;
    }
    if ((int)request->message_case == GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_START_RUN) {
        about = (const void *)&request->start_run->subscription;
        count = 1;
    } else if ((int)request->message_case ==
               GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_OBSERVED_EVENT) {
        about = (const void *)request->observed_event->subscriptions;
        count = request->observed_event->n_subscriptions;
    } else {
        ack.outcome = GOFER__EXTENSION__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_DONE;
    }
    keep_checkpoint(suite, request);
    ack.acked_sequence = request->sequence;
    ack.outcomes = GF_ARENA_ARRAY(&suite->arena, count, Gofer__Extension__V1__RunOutcome *);
    ack.n_outcomes = count;
    for (size_t i = 0; i < count; i++) {
        ack.outcomes[i] = GF_ARENA_NEW(&suite->arena, Gofer__Extension__V1__RunOutcome);
        gofer__extension__v1__run_outcome__init(ack.outcomes[i]);
        ack.outcomes[i]->subscription = (Gofer__V1__SubscriptionReference *)(uintptr_t)about[i];
        ack.outcomes[i]->kind = GOFER__EXTENSION__V1__RUN_OUTCOME_KIND__RUN_OUTCOME_KIND_STARTED;
        ack.outcomes[i]->run_id = request->sequence;
    }
    response->ack = &ack;
    (void)gf_play_say(suite->play, response);
}

const gf_play_request *gf_suite_look(struct gf_suite *suite, int message_case, int64_t timeout_ms) {
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), timeout_ms);
    for (;;) {
        const int64_t left_ms = (deadline - gf_mono_ns()) / GF_NS_PER_MS;
        const gf_play_request *request =
            gf_play_next(suite->play, left_ms < 0 ? 0 : left_ms, &suite->arena);
        if (request == NULL || (int)request->message_case == message_case) {
            return request;
        }
    }
}

const gf_play_request *gf_suite_expect(struct gf_suite *suite, int message_case, const char *what) {
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), GF_SUITE_ANSWER_MS);
    for (;;) {
        const int64_t left_ms = (deadline - gf_mono_ns()) / GF_NS_PER_MS;
        const gf_play_request *request =
            gf_play_next(suite->play, left_ms < 0 ? 0 : left_ms, &suite->arena);
        if (request == NULL) {
            gf_case_fail(suite, "%s did not come within %d s", what, GF_SUITE_ANSWER_MS / 1000);
            return NULL;
        }
        if ((int)request->message_case == message_case) {
            return request;
        }
        gf_suite_ack(suite, request);
    }
}

bool gf_suite_next_start(struct gf_suite *suite, int64_t timeout_ms, struct gf_suite_start *out) {
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), timeout_ms);
    for (;;) {
        const int64_t left_ms = (deadline - gf_mono_ns()) / GF_NS_PER_MS;
        const gf_play_request *request =
            gf_play_next(suite->play, left_ms < 0 ? 0 : left_ms, &suite->arena);
        if (request == NULL) {
            return false;
        }
        out->request = request;
        if ((int)request->message_case ==
            GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_START_RUN) {
            out->key = request->start_run->idempotency_key;
            out->subscriptions = (const void *)&request->start_run->subscription;
            out->subscription_count = 1;
            return true;
        }
        if ((int)request->message_case ==
            GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_OBSERVED_EVENT) {
            out->key = request->observed_event->idempotency_key;
            out->subscriptions = (const void *)request->observed_event->subscriptions;
            out->subscription_count = request->observed_event->n_subscriptions;
            return true;
        }
        gf_suite_ack(suite, request); /* checkpoints and reports would hold the window */
    }
}

void gf_suite_ack_start(struct gf_suite *suite, const struct gf_suite_start *start) {
    gf_suite_ack(suite, start->request);
}

bool gf_suite_can_run(struct gf_suite *suite) {
    if (suite->options->run_within_ms == 0) {
        gf_case_skip(suite, "it takes --expect-run-within");
        return false;
    }
    return true;
}

void gf_suite_send_external(struct gf_suite *suite, const char *delivery_id, int64_t sequence,
                            int32_t attempt) {
    gf_play_response *response =
        gf_suite_message(suite, GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_EXTERNAL_EVENT);
    Gofer__Extension__V1__ExternalEvent event = GOFER__EXTENSION__V1__EXTERNAL_EVENT__INIT;
    const struct gf_suite_pairs *headers = &suite->options->external_headers;
    event.delivery_id = gf_arena_strdup(&suite->arena, delivery_id);
    event.attempt = attempt;
    event.method = gf_arena_strdup(&suite->arena, "POST");
    event.body.data = (uint8_t *)(uintptr_t)suite->options->external_body;
    event.body.len = suite->options->external_body_bytes;
    event.verified = true;
    event.headers =
        GF_ARENA_ARRAY(&suite->arena, headers->count, Gofer__Extension__V1__HttpHeader *);
    event.n_headers = headers->count;
    for (size_t i = 0; i < headers->count; i++) {
        event.headers[i] = GF_ARENA_NEW(&suite->arena, Gofer__Extension__V1__HttpHeader);
        gofer__extension__v1__http_header__init(event.headers[i]);
        event.headers[i]->name = (char *)(uintptr_t)headers->items[i].name;
        event.headers[i]->value = (char *)(uintptr_t)headers->items[i].value;
    }
    response->sequence = sequence;
    response->external_event = &event;
    (void)gf_play_say(suite->play, response);
}

void gf_suite_provoke(struct gf_suite *suite, const char *delivery_id, int64_t sequence) {
    if (suite->options->external_body != NULL) { /* else it starts runs by itself */
        gf_suite_send_external(suite, delivery_id, sequence, 1);
    }
}

bool gf_suite_ping(struct gf_suite *suite) {
    gf_play_response *response =
        gf_suite_message(suite, GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_PING);
    Gofer__Extension__V1__Ping ping = GOFER__EXTENSION__V1__PING__INIT;
    ping.ping_id = ++suite->last_ping_id;
    response->ping = &ping;
    (void)gf_play_say(suite->play, response);
    const gf_play_request *request = gf_suite_expect(
        suite, GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_PONG, "the Pong of a Ping");
    if (request != NULL && request->pong->ping_id != suite->last_ping_id) {
        gf_case_fail(suite, "the Pong of ping %lld has the number %lld",
                     (long long)suite->last_ping_id, (long long)request->pong->ping_id);
        return false;
    }
    return request != NULL;
}
