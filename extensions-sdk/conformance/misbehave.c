/*
 * An extension that breaks one rule: for tests of the conformance suite. It is written on the
 * stream itself, without the library, and keeps to the protocol but for what `--break CASE` names:
 * the rule that the case of that name is about.
 *
 * It starts a run of each subscription every PERIOD_MS.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/vec.h"
#include "gofer/extension/v1/extension.gofer.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    PERIOD_MS = 100,
    PAUSE_MS_MIN = 150,
    IDS_MAX = 2000,
    LARGE = 500,
    KEY_BYTES_MAX = 64,
    ARENA_BYTES_MAX = 64 << 20,
};

#define REQUEST(name) GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_##name
#define RESPONSE(name) GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_##name

typedef Gofer__Extension__V1__ConnectRequest request_message;
typedef Gofer__Extension__V1__ConnectResponse response_message;

struct subscription {
    char *namespace_id;
    char *pipeline_id;
    char *id;
    int64_t first_generation;
    bool seen;
};

struct start {
    char key[KEY_BYTES_MAX];
    struct subscription of; /* borrowed text, never freed */
    int64_t sequence;
    bool acked;
};

static const char *broken = "";
static volatile sig_atomic_t terminated;
static struct gf_rpc_stream *stream;
static GF_VEC(struct subscription) subscriptions;
static GF_VEC(struct start) starts;
static int64_t sequence;
static int64_t window;
static int64_t counter;
static bool is_ready;
static bool is_drained;
static bool must_end;

static bool breaks(const char *rule) {
    return strcmp(broken, rule) == 0;
}

static request_message make(int message_case) {
    request_message request = GOFER__EXTENSION__V1__CONNECT_REQUEST__INIT;
    request.message_case = (Gofer__Extension__V1__ConnectRequest__MessageCase)message_case;
    return request;
}

static void say(const request_message *request) {
    (void)!gofer_extension_v1_extension_service_connect_stream_send(stream, request, NULL);
}

/* ---- Saying ---- */

static void say_registration(void) {
    request_message request = make(REQUEST(REGISTRATION));
    Gofer__Extension__V1__Registration registration = GOFER__EXTENSION__V1__REGISTRATION__INIT;
    Gofer__V1__ExtensionParameter parameter = GOFER__V1__EXTENSION_PARAMETER__INIT;
    Gofer__V1__ExtensionParameter *parameters[] = {&parameter};
    int32_t versions[] = {1};
    parameter.name = (char *)(uintptr_t) "number";
    parameter.type = GOFER__V1__EXTENSION_PARAMETER_TYPE__EXTENSION_PARAMETER_TYPE_INTEGER;
    parameter.help = (char *)(uintptr_t) "A number.";
    parameter.default_value = (char *)(uintptr_t)(breaks("declaration") ? "many" : "1");
    registration.extension_id = getenv("GOFER_EXTENSION_ID");
    registration.protocol_major_versions = versions;
    registration.n_protocol_major_versions = 1;
    registration.version = (char *)(uintptr_t) "1.0.0";
    registration.accepts_external_events = breaks("external");
    registration.documentation = (char *)(uintptr_t) "It breaks a rule.";
    registration.subscription_parameters = parameters;
    registration.n_subscription_parameters = 1;
    request.registration = &registration;
    say(&request);
}

static void say_ready(void) {
    request_message request = make(REQUEST(READY));
    Gofer__Extension__V1__Ready ready = GOFER__EXTENSION__V1__READY__INIT;
    request.ready = &ready;
    say(&request);
}

static void fill(Gofer__V1__SubscriptionReference *out, const struct subscription *from) {
    gofer__v1__subscription_reference__init(out);
    out->namespace_id = from->namespace_id;
    out->pipeline_id = from->pipeline_id;
    out->subscription_id = from->id;
}

static void say_start(struct start *start) {
    request_message request = make(REQUEST(START_RUN));
    Gofer__Extension__V1__StartRun run = GOFER__EXTENSION__V1__START_RUN__INIT;
    Gofer__V1__SubscriptionReference reference;
    fill(&reference, &start->of);
    run.subscription = &reference;
    run.idempotency_key = start->key;
    request.start_run = &run;
    request.sequence = start->sequence = ++sequence;
    say(&request);
}

static int64_t unacknowledged(void) {
    int64_t count = 0;
    for (size_t i = 0; i < starts.count; i++) {
        count += !starts.items[i].acked && starts.items[i].sequence > 0;
    }
    return count;
}

/* Says what waits, as far as the window allows. */
static void say_starts(void) {
    for (size_t i = 0; is_ready && i < starts.count; i++) {
        if (starts.items[i].sequence == 0 && (unacknowledged() < window || breaks("window"))) {
            say_start(&starts.items[i]);
        }
    }
}

static void want_runs(void) {
    const bool goes_on = !is_drained || breaks("drain");
    for (size_t i = 0; is_ready && goes_on && !breaks("run") && i < subscriptions.count; i++) {
        if (starts.count < IDS_MAX) {
            struct start start = {.of = subscriptions.items[i]};
            (void)snprintf(start.key, sizeof(start.key), "%d-%lld", (int)getpid(),
                           (long long)++counter);
            gf_vec_push(&starts, start);
        }
    }
    say_starts();
}

/* ---- Being told ---- */

static size_t find(const Gofer__V1__SubscriptionReference *reference) {
    size_t i = 0;
    while (i < subscriptions.count &&
           strcmp(subscriptions.items[i].id, reference->subscription_id) != 0) {
        i++;
    }
    return i;
}

static bool is_wrong(const Gofer__Extension__V1__Subscribe *subscribe) {
    for (size_t i = 0; i < subscribe->n_settings; i++) {
        int64_t number = 0;
        if (!gf_parse_i64(gf_str_from(subscribe->settings[i]->value), &number)) {
            return true;
        }
    }
    return false;
}

static void answer(const Gofer__Extension__V1__Subscribe *subscribe, int64_t generation,
                   bool refuse) {
    request_message request = make(REQUEST(SUBSCRIPTION_RESULT));
    Gofer__Extension__V1__SubscriptionResult result =
        GOFER__EXTENSION__V1__SUBSCRIPTION_RESULT__INIT;
    Gofer__Extension__V1__SettingProblem problem = GOFER__EXTENSION__V1__SETTING_PROBLEM__INIT;
    Gofer__Extension__V1__SettingProblem *problems[] = {&problem};
    result.subscription = subscribe->subscription;
    result.generation = generation;
    result.outcome =
        refuse ? GOFER__EXTENSION__V1__SUBSCRIPTION_OUTCOME__SUBSCRIPTION_OUTCOME_REFUSED
               : GOFER__EXTENSION__V1__SUBSCRIPTION_OUTCOME__SUBSCRIPTION_OUTCOME_ACCEPTED;
    if (refuse) {
        result.description = (char *)(uintptr_t) "the number is none, 12 would be one";
        problem.parameter_name = (char *)(uintptr_t) "number";
        problem.description = result.description;
        result.setting_problems = problems;
        result.n_setting_problems = breaks("bad-settings") ? 0 : 1;
    }
    request.subscription_result = &result;
    say(&request);
}

static void take_subscribe(const Gofer__Extension__V1__Subscribe *subscribe) {
    const size_t at = find(subscribe->subscription);
    if (is_wrong(subscribe) || breaks("subscribe")) {
        answer(subscribe, subscribe->generation, true);
        return;
    }
    if (at == subscriptions.count) {
        const struct subscription fresh = {
            .namespace_id = gf_strdup(subscribe->subscription->namespace_id),
            .pipeline_id = gf_strdup(subscribe->subscription->pipeline_id),
            .id = gf_strdup(subscribe->subscription->subscription_id),
            .first_generation = subscribe->generation,
        };
        gf_vec_push(&subscriptions, fresh);
    }
    subscriptions.items[at].seen = true;
    must_end = must_end || (breaks("large-set") && subscriptions.count > LARGE);
    answer(subscribe,
           breaks("resubscribe") ? subscriptions.items[at].first_generation : subscribe->generation,
           false);
}

/* What is wanted of a subscription that is over, and was not said, is not wanted any more. */
static void forget_subscription(size_t at) {
    for (size_t i = starts.count; i > 0; i--) {
        if (starts.items[i - 1].sequence == 0 &&
            strcmp(starts.items[i - 1].of.id, subscriptions.items[at].id) == 0) {
            gf_vec_remove(&starts, i - 1);
        }
    }
    gf_vec_remove(&subscriptions, at);
}

static void take_unsubscribe(const Gofer__Extension__V1__Unsubscribe *unsubscribe) {
    const size_t at = find(unsubscribe->subscription);
    if (at == subscriptions.count) {
        must_end = must_end || breaks("unsubscribe-unknown");
    } else if (!breaks("unsubscribe")) {
        forget_subscription(at);
    }
}

static void take_complete(void) {
    for (size_t i = subscriptions.count; i > 0; i--) {
        if (!subscriptions.items[i - 1].seen && !breaks("full-set")) {
            forget_subscription(i - 1);
        }
    }
    if (!is_ready) {
        is_ready = true;
        say_ready();
    }
}

static void take_ack(const Gofer__Extension__V1__RequestAck *ack) {
    for (size_t i = 0; i < starts.count; i++) {
        if (starts.items[i].sequence == ack->acked_sequence) {
            starts.items[i].acked = true;
        }
    }
    say_starts();
}

static void take_ping(const Gofer__Extension__V1__Ping *ping) {
    request_message request = make(REQUEST(PONG));
    Gofer__Extension__V1__Pong pong = GOFER__EXTENSION__V1__PONG__INIT;
    pong.ping_id = breaks("ping") ? 0 : ping->ping_id;
    request.pong = &pong;
    say(&request);
}

static void take_debug(const Gofer__Extension__V1__DebugRequest *debug) {
    request_message request = make(REQUEST(DEBUG_INFO));
    Gofer__Extension__V1__DebugInfo info = GOFER__EXTENSION__V1__DEBUG_INFO__INIT;
    info.request_id = breaks("debug") ? info.request_id : debug->request_id;
    request.debug_info = &info;
    say(&request);
}

static void take_drain(void) {
    request_message request = make(REQUEST(DRAINED));
    Gofer__Extension__V1__Drained drained = GOFER__EXTENSION__V1__DRAINED__INIT;
    request.drained = &drained;
    is_drained = true;
    say(&request);
}

static void take_delivery(const response_message *response) {
    request_message request = make(REQUEST(ACK));
    Gofer__Extension__V1__DeliveryAck ack = GOFER__EXTENSION__V1__DELIVERY_ACK__INIT;
    const bool is_known =
        (int)response->message_case != 0 &&
        response->message_case != GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_EXTERNAL_EVENT;
    if (!is_known && breaks("unknown-message")) {
        must_end = true;
    }
    if (response->sequence == 0 || (is_known && breaks("deliveries"))) {
        return;
    }
    ack.acked_sequence = response->sequence;
    ack.outcome = is_known || breaks("unknown-delivery")
                      ? GOFER__EXTENSION__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_DONE
                      : GOFER__EXTENSION__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_UNSUPPORTED;
    request.ack = &ack;
    say(&request);
}

static void take_welcome(const Gofer__Extension__V1__Welcome *welcome) {
    window = welcome->window;
    must_end = must_end || (breaks("minor-version") && welcome->protocol_minor_version > 0);
    if (breaks("handshake")) {
        is_ready = true;
        say_ready();
    }
}

/* Told to end: exits, with a code that may be wrong. */
static void take_shutdown(void) {
    if (is_drained && breaks("drain-shutdown")) {
        return;
    }
    _exit(breaks("shutdown") ? 3 : 0);
}

static void take(const response_message *response) {
    switch ((int)response->message_case) {
    case RESPONSE(WELCOME):
        take_welcome(response->welcome);
        break;
    case RESPONSE(SUBSCRIBE):
        take_subscribe(response->subscribe);
        break;
    case RESPONSE(UNSUBSCRIBE):
        take_unsubscribe(response->unsubscribe);
        break;
    case RESPONSE(SUBSCRIPTIONS_COMPLETE):
        take_complete();
        break;
    case RESPONSE(ACK):
        take_ack(response->ack);
        break;
    case RESPONSE(PING):
        take_ping(response->ping);
        break;
    case RESPONSE(DEBUG_REQUEST):
        take_debug(response->debug_request);
        break;
    case RESPONSE(DRAIN):
        take_drain();
        break;
    case RESPONSE(SHUTDOWN):
        take_shutdown();
        break;
    default:
        take_delivery(response);
        break;
    }
}

/* ---- Connections ---- */

/* What is left of the last connection, for the next. */
static void begin(void) {
    sequence = 0;
    window = 0;
    is_ready = false;
    is_drained = false;
    for (size_t i = 0; i < subscriptions.count; i++) {
        subscriptions.items[i].seen = false;
    }
    for (size_t i = starts.count; i > 0; i--) {
        struct start *start = &starts.items[i - 1];
        const bool forgets = start->acked ? !breaks("acknowledged") : breaks("redelivery");
        start->sequence = 0;
        start->acked = false;
        if (forgets) {
            gf_vec_remove(&starts, i - 1);
        }
    }
}

/* One conversation; gives how it ended. */
static enum gf_code converse(struct gf_rpc_channel *channel) {
    enum gf_code code =
        gofer_extension_v1_extension_service_connect_stream_open(channel, NULL, &stream, NULL);
    gf_assert(code == GF_OK);
    begin();
    say_registration();
    int64_t next_ns = gf_mono_ns();
    while (code == GF_OK && !must_end && (!terminated || breaks("terminate"))) {
        struct gf_arena arena;
        struct gf_error error;
        response_message *response = NULL;
        gf_arena_init(&arena, ARENA_BYTES_MAX);
        const int64_t left_ms = (next_ns - gf_mono_ns()) / GF_NS_PER_MS;
        code = gofer_extension_v1_extension_service_connect_stream_recv(
            stream, left_ms < 0 ? 0 : left_ms, &arena, &response, &error);
        if (code == GF_OK && response != NULL) {
            take(response);
        } else if (code == GF_OK) {
            code = GF_UNAVAILABLE; /* it ended well, but it ended */
        } else if (strcmp(error.reason, GF_RPC_REASON_RECV_TIMEOUT) == 0) {
            code = GF_OK;
        }
        gf_arena_fini(&arena);
        if (gf_mono_ns() >= next_ns) {
            want_runs();
            next_ns = gf_mono_ns() + PERIOD_MS * GF_NS_PER_MS;
        }
    }
    gf_rpc_stream_destroy(stream);
    return code;
}

static void on_signal(int number) {
    (void)number;
    terminated = 1;
}

/* Whether and when there is another conversation; exits if there is none. */
static void after(enum gf_code code, int failures) {
    if (terminated && !breaks("terminate")) {
        _exit(0);
    }
    if (must_end || breaks("reconnect")) {
        _exit(5);
    }
    if (code == GF_ABORTED) {
        _exit(breaks("replaced") ? 0 : 6);
    }
    if (code == GF_UNAUTHENTICATED && !breaks("revoked")) {
        _exit(7);
    }
    if (!breaks("back-off") && code != GF_UNAUTHENTICATED) {
        (void)usleep((useconds_t)(PAUSE_MS_MIN * 1000 * (1 << (failures < 6 ? failures : 6))));
    }
}

int main(int argc, char **argv) {
    struct gf_rpc_channel *channel = NULL;
    const struct gf_rpc_channel_opts opts = {.bearer_token = getenv("GOFER_TOKEN")};
    if (argc == 3 && strcmp(argv[1], "--break") == 0) {
        broken = argv[2];
    }
    (void)signal(SIGTERM, on_signal);
    gf_assert(gf_rpc_channel_create(getenv("GOFER_HOST"), &opts, &channel, NULL) == GF_OK);
    for (int failures = 0;; failures++) {
        after(converse(channel), failures);
    }
}
