/*
 * Design: a request is a few steps on the thread of the http server, and waits in between, without
 * that thread, for the worker that looks up a key (rarely) and for the engine that stores:
 *
 *     head ─▶ body ─▶ (known) ─▶ verified ─▶ (stored) ─▶ answered
 *
 * Who waits for it wakes the exchange, once, and nothing goes on before that: until then another
 * thread has the exchange, which therefore stays, also where its client has gone. What costs
 * nothing is looked at first, so that a flood is refused by its address before its bodies are read,
 * and nothing is asked of the engine before the signature is right.
 */
#include "api/external/listener.h"

#include "api/access/limits.h"
#include "api/access/peer.h"
#include "api/external/answer.h"
#include "api/external/request.h"
#include "api/external/takers.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/request_name.h"

#include <stdatomic.h>

enum {
    COMPLAINT_MS = 10 * 1000, /* between two lines of the log about one extension */
};

struct gf_external_listener {
    struct gf_external_options options;
    struct gf_http_server *http;
    struct gf_access_limits *limits;
    struct gf_external_takers takers;
    int64_t complained_mono; /* of what is about no taker */
    _Atomic uint64_t stored_total, duplicates_total, not_verified_total, limited_total,
        unavailable_total, refused_total;
    _Atomic int64_t storing;
};

/* In the arena of its exchange. */
struct request {
    struct gf_external_listener *listener;
    struct gf_http_exchange *exchange;
    char own_id[GF_REQUEST_NAME_BYTES];
    struct gf_str request_id;
    struct gf_external_target target;
    struct gf_str body;
    int64_t receive_time;
    struct gf_extension_intake_ask ask;
    struct gf_extension_external external;
    struct gf_external_taker *taker; /* while it stores */
    struct gf_error stored;
    bool waits; /* for another thread, which will wake the exchange */
    bool is_stored, answered, gone;
};

static void count(_Atomic uint64_t *counter) {
    (void)atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static void answer(struct request *self, enum gf_external_answer answer) {
    struct gf_external_listener *listener = self->listener;
    const int status = gf_external_status(answer);
    if (status == 202) {
        count(self->external.duplicate ? &listener->duplicates_total : &listener->stored_total);
    } else if (status == 401) {
        count(&listener->not_verified_total);
    } else if (status == 429) {
        count(&listener->limited_total);
    } else {
        count(status == 503 ? &listener->unavailable_total : &listener->refused_total);
    }
    self->answered = true;
    GF_LOG_SCOPE(.request = self->request_id, .extension_id = self->target.extension_id);
    gf_log_debug("external_request_ended", GF_KV_I64("status", status),
                 GF_KV_VIEW("peer", gf_http_peer(self->exchange)),
                 GF_KV_U64("received_bytes", self->body.len));
    gf_external_respond(self->exchange, answer, self->request_id);
}

/* At most one line in a while; *last is when there was one. Gives whether it is time. */
static bool may_complain(int64_t *last) {
    const int64_t now = gf_mono_ns();
    if (*last != 0 && now - *last < COMPLAINT_MS * GF_NS_PER_MS) {
        return false;
    }
    *last = now;
    return true;
}

static void complain_of_sender(struct request *self, struct gf_external_taker *taker,
                               const struct gf_error *error) {
    if (!may_complain(&taker->complained_mono)) {
        taker->complaints++;
        return;
    }
    gf_log_warn("external_event_not_verified", GF_KV_VIEW("request", self->request_id),
                GF_KV_VIEW("extension", self->target.extension_id),
                GF_KV_VIEW("peer", gf_http_peer(self->exchange)), GF_KV_STR("why", error->message),
                GF_KV_I64("others", taker->complaints));
    taker->complaints = 0;
}

static void complain(struct request *self, const struct gf_error *error) {
    if (may_complain(&self->listener->complained_mono)) {
        gf_log_warn("external_event_not_taken", GF_KV_VIEW("request", self->request_id),
                    GF_KV_VIEW("extension", self->target.extension_id),
                    GF_KV_STR("error", error->message));
    }
}

/* ---- Storing ---- */

/* Thread: engine. */
static void stored(struct gf_extension_external *external, const struct gf_error *error) {
    struct request *self = GF_CONTAINER_OF(external, struct request, external);
    self->stored = *error;
    gf_http_wake(self->exchange);
}

/* It is stored, or will not be. */
static void finish(struct request *self) {
    const enum gf_external_answer what = gf_external_answer_of_store(&self->stored);
    self->taker->storing--;
    (void)atomic_fetch_sub_explicit(&self->listener->storing, 1, memory_order_relaxed);
    if (what == GF_EXTERNAL_NOT_NOW) {
        complain(self, &self->stored);
    }
    if (!self->gone) {
        answer(self, what);
    }
}

static void store(struct request *self, struct gf_external_taker *taker,
                  Gofer__Extension__V1__ExternalEvent *event, bool once) {
    struct gf_error error = {0};
    self->external = (struct gf_extension_external){
        .extension_key = taker->intake->extension_key,
        .once = once,
        .event = event,
        .stored = stored,
    };
    self->is_stored = true;
    self->waits = true;
    self->taker = taker;
    taker->storing++;
    (void)atomic_fetch_add_explicit(&self->listener->storing, 1, memory_order_relaxed);
    if (gf_extension_hub_accept_external(self->listener->options.hub, &self->external, &error) !=
        GF_OK) {
        self->waits = false;
        self->stored = error;
        finish(self);
    }
}

/* ---- Verifying ---- */

/* False: it was answered. *out_once: its delivery_id is the sender's. */
static bool verify(struct request *self, struct gf_external_taker *taker,
                   Gofer__Extension__V1__ExternalEvent *event, bool *out_once) {
    struct gf_external_named named;
    struct gf_error error = {0};
    event->delivery_id = self->own_id;
    if (taker->check.key == NULL) {
        return true;
    }
    gf_external_read_named(self->exchange, taker->intake->verification, &named);
    const struct gf_external_claim claim = {named.signature, named.timestamp, self->body};
    if (gf_external_verify(&taker->check, &claim, self->receive_time, &error) != GF_OK) {
        complain_of_sender(self, taker, &error);
        answer(self, GF_EXTERNAL_NOT_VERIFIED);
        return false;
    }
    event->verified = true;
    if (named.delivery_id.ptr == NULL) {
        return true;
    }
    if (!gf_external_id_is_fit(named.delivery_id)) {
        answer(self, GF_EXTERNAL_MALFORMED);
        return false;
    }
    struct gf_arena *arena = gf_http_arena(self->exchange);
    event->delivery_id = (char *)(uintptr_t)gf_arena_str(arena, named.delivery_id).ptr;
    *out_once = true;
    return true;
}

static void fill_body(struct request *self, Gofer__Extension__V1__ExternalEvent *event) {
    struct gf_arena *arena = gf_http_arena(self->exchange);
    Google__Protobuf__Timestamp *time = GF_ARENA_NEW(arena, Google__Protobuf__Timestamp);
    google__protobuf__timestamp__init(time);
    time->seconds = self->receive_time / GF_NS_PER_SEC;
    time->nanos = (int32_t)(self->receive_time % GF_NS_PER_SEC);
    event->receive_time = time;
    event->body.data = (uint8_t *)(uintptr_t)self->body.ptr;
    event->body.len = self->body.len;
}

/* It is known how its extension wants it. */
static void take(struct request *self) {
    bool once = false;
    if (self->ask.intake == NULL) {
        const bool is_none = self->ask.error.code == GF_NOT_FOUND;
        if (!is_none) {
            complain(self, &self->ask.error);
        }
        answer(self, is_none ? GF_EXTERNAL_NOT_FOUND : GF_EXTERNAL_NOT_NOW);
        return;
    }
    Gofer__Extension__V1__ExternalEvent *event = gf_external_event(self->exchange, &self->target);
    if (event == NULL) {
        answer(self, GF_EXTERNAL_MANY_HEADERS);
        return;
    }
    struct gf_external_taker *taker =
        gf_external_takers_get(&self->listener->takers, self->ask.intake);
    if (!verify(self, taker, event, &once)) {
        return;
    }
    /* Behind the signature: whoever has no key takes no room from who has. */
    if (taker->storing >= GF_EXTERNAL_STORING_MAX) {
        answer(self, GF_EXTERNAL_TOO_OFTEN);
        return;
    }
    fill_body(self, event);
    store(self, taker, event, once);
}

/* ---- Steps ---- */

/* Thread: a worker's. */
static void known(struct gf_extension_intake_ask *ask) {
    gf_http_wake(GF_CONTAINER_OF(ask, struct request, ask)->exchange);
}

/* Nobody will be told, and no other thread has it. */
static void leave(const struct request *self) {
    if (self->gone && !self->waits && !self->answered) {
        gf_http_abandon(self->exchange);
    }
}

/* Whether its address may send one more. */
static bool address_may(const struct gf_external_listener *listener,
                        const struct gf_http_exchange *exchange) {
    struct gf_peer peer;
    char text[128];
    const struct gf_str from = gf_http_peer(exchange);
    const size_t size = from.len < sizeof(text) ? from.len : sizeof(text) - 1;
    if (size > 0) {
        memcpy(text, from.ptr, size);
    }
    text[size] = '\0';
    gf_peer_parse(text, &peer);
    return (peer.local && !listener->options.local_is_limited) ||
           gf_access_limits_take_address(listener->limits, gf_peer_key(&peer), gf_mono_ns());
}

static void head(struct gf_http_exchange *exchange, void *ctx) {
    struct gf_external_listener *listener = ctx;
    struct request *self = GF_ARENA_NEW(gf_http_arena(exchange), struct request);
    self->listener = listener;
    self->exchange = exchange;
    const struct gf_str of_sender = gf_http_header(exchange, "x-request-id");
    const struct gf_str own = gf_str_from(gf_request_name_make(self->own_id));
    self->request_id = gf_request_name_is_fit(of_sender) ? of_sender : own;
    gf_http_set_data(exchange, self);
    if (!address_may(listener, exchange)) {
        answer(self, GF_EXTERNAL_TOO_OFTEN);
    } else if (!gf_external_read_target(gf_http_path(exchange), &self->target)) {
        answer(self, GF_EXTERNAL_NOT_FOUND);
    } else if (!gf_str_eq(gf_http_method(exchange), GF_STR("POST"))) {
        answer(self, GF_EXTERNAL_NOT_POST);
    } else if (!gf_extension_hub_takes_external(listener->options.hub, self->target.extension_id)) {
        answer(self, GF_EXTERNAL_NOT_FOUND);
    } else {
        gf_http_read_body(exchange, listener->options.body_bytes_max);
    }
}

static void body(struct gf_http_exchange *exchange, struct gf_str bytes,
                 const struct gf_error *error, void *ctx) {
    const struct gf_external_listener *listener = ctx;
    struct request *self = gf_http_data(exchange);
    if (error != NULL) {
        answer(self, gf_external_answer_of_body(error));
        return;
    }
    self->body = bytes;
    self->receive_time = gf_clock_wall_ns(listener->options.clock);
    self->ask.extension_id = self->target.extension_id;
    self->ask.known = known;
    self->waits = true;
    if (gf_extension_hub_ask_intake(listener->options.hub, &self->ask)) {
        self->waits = false;
        take(self);
    }
}

static void woken(struct gf_http_exchange *exchange, void *ctx) {
    struct request *self = gf_http_data(exchange);
    (void)ctx;
    gf_assert(self->waits);
    self->waits = false;
    if (self->is_stored) {
        finish(self);
    } else if (!self->gone) {
        take(self);
    }
    leave(self);
}

static void gone(struct gf_http_exchange *exchange, void *ctx) {
    struct request *self = gf_http_data(exchange);
    (void)ctx;
    self->gone = true;
    leave(self);
}

static void done(struct gf_http_exchange *exchange, void *ctx) {
    struct request *self = gf_http_data(exchange);
    (void)ctx;
    gf_extension_intake_unref(self->ask.intake);
}

/* ---- The listener ---- */

static void set_defaults(struct gf_external_options *options) {
    if (options->body_bytes_max == 0) {
        options->body_bytes_max = GF_EXTERNAL_BODY_BYTES_MAX_DEFAULT;
    }
    if (options->body_bytes_max > GF_EXTERNAL_BODY_BYTES_MAX) {
        options->body_bytes_max = GF_EXTERNAL_BODY_BYTES_MAX;
    }
    if (options->address_rate_max == 0) {
        options->address_rate_max = GF_EXTERNAL_ADDRESS_RATE_MAX_DEFAULT;
    }
    if (options->address_connections_max == 0) {
        options->address_connections_max = GF_EXTERNAL_ADDRESS_CONNECTIONS_MAX_DEFAULT;
    }
    if (options->connections_max == 0) {
        options->connections_max = GF_EXTERNAL_CONNECTIONS_MAX_DEFAULT;
    }
}

enum gf_code gf_external_listener_create(const struct gf_external_options *options,
                                         struct gf_external_listener **out_listener,
                                         struct gf_error *err) {
    struct gf_external_listener *self = GF_NEW(struct gf_external_listener);
    self->options = *options;
    set_defaults(&self->options);
    const int64_t connections_max = self->options.address_connections_max;
    const struct gf_http_server_options http = {
        .name = "external",
        .handler = {.head = head, .body = body, .woken = woken, .gone = gone, .done = done},
        .ctx = self,
        .connections_max = self->options.connections_max,
        .descriptors_max = options->descriptors_max,
        .descriptors = options->descriptors,
        .address_connections_max = connections_max < 0 ? 0 : (size_t)connections_max,
        .bodies_bytes_max = GF_EXTERNAL_BODIES_BYTES_MAX,
        .body_ms_max = options->body_ms_max,
    };
    const enum gf_code rc = gf_http_server_create(&http, &self->http, err);
    if (rc != GF_OK) {
        free(self);
        return rc;
    }
    self->limits = gf_access_limits_create(&(struct gf_access_limits_opts){
        .address_rate_max = self->options.address_rate_max, .address_calls_max = -1});
    *out_listener = self;
    return GF_OK;
}

void gf_external_listener_destroy(struct gf_external_listener *listener) {
    if (listener != NULL) {
        gf_http_server_destroy(listener->http);
        gf_external_takers_fini(&listener->takers);
        gf_access_limits_destroy(listener->limits);
        free(listener);
    }
}

struct gf_http_server *gf_external_listener_http(struct gf_external_listener *listener) {
    return listener->http;
}

void gf_external_listener_stats(const struct gf_external_listener *listener,
                                struct gf_external_stats *out) {
    *out = (struct gf_external_stats){
        .stored_total = atomic_load_explicit(&listener->stored_total, memory_order_relaxed),
        .duplicates_total = atomic_load_explicit(&listener->duplicates_total, memory_order_relaxed),
        .not_verified_total =
            atomic_load_explicit(&listener->not_verified_total, memory_order_relaxed),
        .limited_total = atomic_load_explicit(&listener->limited_total, memory_order_relaxed),
        .unavailable_total =
            atomic_load_explicit(&listener->unavailable_total, memory_order_relaxed),
        .refused_total = atomic_load_explicit(&listener->refused_total, memory_order_relaxed),
        .storing = atomic_load_explicit(&listener->storing, memory_order_relaxed),
    };
}
