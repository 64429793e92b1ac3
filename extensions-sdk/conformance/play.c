#include "extensions-sdk/conformance/play.h"

#include "api/codec/wire/wire.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/random.h"
#include "base/sync.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    MESSAGES_MAX = 200000, /* that wait to be looked at; who sends more has a fault */
    SEND_QUEUE_BYTES_MAX = 64 << 20,
    ADDRESS_BYTES_MAX = 128,
};

/* One message, encoded. */
struct said {
    struct gf_list_link link;
    size_t size;
    uint8_t bytes[];
};

struct connection {
    struct gf_list_link link;
    struct gf_play *play;
    struct gf_rpc_call *call; /* NULL: over */
    struct gf_list said;
    size_t said_count;
    bool is_over; /* by the extension */
    bool is_registered;
    bool is_ready;
    bool is_drained;
    int64_t last_sequence;
    int64_t unacknowledged;
};

struct gf_play {
    struct gf_rpc_server *server;
    char address[ADDRESS_BYTES_MAX];
    char token[GF_PLAY_TOKEN_BYTES_MAX];
    char *extension_id;

    struct gf_mutex mutex;
    struct gf_cond changed;
    struct gf_error refusal; /* GF_OK: let in */
    int64_t attempts;
    struct gf_list waiting; /* connections that were not accepted yet */
    struct gf_list past;    /* the others */
    struct connection *current;
    int32_t window;
    bool eyes_closed;
    char fault[GF_PLAY_FAULT_BYTES_MAX];
};

static void note_fault(struct gf_play *play, const char *format, ...) GF_PRINTF(2, 3);
static void note_fault(struct gf_play *play, const char *format, ...) {
    va_list args;
    if (play->fault[0] != '\0') {
        return;
    }
    va_start(args, format);
    (void)vsnprintf(play->fault, sizeof(play->fault), format, args);
    va_end(args);
}

/* ---- The server ---- */

static enum gf_code intercept(struct gf_rpc_call *call, void *ctx, struct gf_error *err) {
    struct gf_play *play = ctx;
    char wanted[GF_PLAY_TOKEN_BYTES_MAX + 16];
    (void)snprintf(wanted, sizeof(wanted), "Bearer %s", play->token);
    const struct gf_str shown = gf_rpc_call_metadata(call, "authorization");
    GF_MUTEX_GUARD(&play->mutex);
    play->attempts++;
    gf_cond_broadcast(&play->changed);
    if (!gf_str_eq(shown, gf_str_from(wanted))) {
        note_fault(play, "it did not show its token (metadata `authorization: Bearer ...`)");
        return gf_fail(err, GF_UNAUTHENTICATED, "the token is not known");
    }
    if (play->refusal.code != GF_OK) {
        *err = play->refusal;
    }
    return play->refusal.code;
}

static void start(struct gf_rpc_call *call, void *ctx) {
    struct gf_play *play = ctx;
    struct connection *connection = GF_NEW(struct connection);
    connection->play = play;
    connection->call = call;
    gf_list_init(&connection->said);
    gf_rpc_call_set_data(call, connection);
    GF_MUTEX_GUARD(&play->mutex);
    gf_list_push_back(&play->waiting, &connection->link);
    gf_cond_broadcast(&play->changed);
}

static bool is_delivery(const gf_play_request *request) {
    switch ((int)request->message_case) {
    case GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_START_RUN:
    case GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_OBSERVED_EVENT:
    case GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_REPORT:
    case GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_CHECKPOINT:
        return true;
    default:
        return false;
    }
}

static void watch_delivery(struct connection *connection, const gf_play_request *request) {
    struct gf_play *play = connection->play;
    if (!is_delivery(request)) {
        if (request->sequence != 0) {
            note_fault(play, "it gave a sequence (%lld) to what is no delivery",
                       (long long)request->sequence);
        }
        return;
    }
    if (request->sequence != connection->last_sequence + 1) {
        note_fault(play, "deliveries are numbered 1, 2, 3 ...: after %lld it sent %lld",
                   (long long)connection->last_sequence, (long long)request->sequence);
    }
    connection->last_sequence = request->sequence;
    if (!connection->is_ready) {
        note_fault(play, "it sent a delivery before its Ready");
    }
    if (connection->is_drained) {
        note_fault(play, "it sent a delivery after its Drained");
    }
    if (++connection->unacknowledged > play->window && play->window > 0) {
        note_fault(play, "%lld of its deliveries are unacknowledged, the window allows %d",
                   (long long)connection->unacknowledged, play->window);
    }
}

static void watch(struct connection *connection, const gf_play_request *request) {
    struct gf_play *play = connection->play;
    const int message = (int)request->message_case;
    if (!connection->is_registered) {
        connection->is_registered = true;
        if (message != GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_REGISTRATION) {
            note_fault(play, "its first message is no Registration");
        } else if (strcmp(request->registration->extension_id, play->extension_id) != 0) {
            note_fault(play, "it registers as '%s', GOFER_EXTENSION_ID is '%s'",
                       request->registration->extension_id, play->extension_id);
        }
    } else if (message == GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_REGISTRATION) {
        note_fault(play, "it registered twice on one connection");
    }
    connection->is_ready =
        connection->is_ready || message == GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_READY;
    connection->is_drained =
        connection->is_drained || message == GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_DRAINED;
    if (!play->eyes_closed) {
        watch_delivery(connection, request);
    }
}

static void message(struct gf_rpc_call *call, const gf_play_request *request, void *ctx) {
    struct gf_play *play = ctx;
    struct connection *connection = gf_rpc_call_get_data(call);
    if (request == NULL) { /* it has said all */
        {
            GF_MUTEX_GUARD(&play->mutex);
            connection->is_over = true;
            if (connection->call == NULL) {
                return; /* ended here already */
            }
            connection->call = NULL;
            gf_cond_broadcast(&play->changed);
        }
        gf_rpc_finish(call);
        return;
    }
    const size_t size = gf_wire_encoded_size(&request->base);
    struct said *said = gf_malloc(sizeof(*said) + size);
    *said = (struct said){.size = size};
    (void)gf_wire_encode(&request->base, said->bytes);
    GF_MUTEX_GUARD(&play->mutex);
    watch(connection, request);
    if (connection->said_count == MESSAGES_MAX) {
        note_fault(play, "it sent more than %d messages", MESSAGES_MAX);
        free(said);
        return;
    }
    gf_list_push_back(&connection->said, &said->link);
    connection->said_count++;
    gf_cond_broadcast(&play->changed);
}

static void cancelled(struct gf_rpc_call *call, void *ctx) {
    message(call, NULL, ctx); /* the same to us: it went away */
}

static const struct gofer_extension_v1_extension_service_handlers handlers = {
    .connect = {.start = start, .message = message, .cancelled = cancelled},
};

enum gf_code gf_play_create(const char *folder, const char *extension_id, struct gf_play **out_play,
                            struct gf_error *err) {
    struct gf_play *play = GF_NEW(struct gf_play);
    char uuid[GF_UUID_BYTES];
    const struct gf_rpc_server_opts opts = {
        .interceptor = intercept,
        .interceptor_ctx = play,
        .send_queue_bytes_max = SEND_QUEUE_BYTES_MAX,
    };
    (void)snprintf(play->address, sizeof(play->address), "unix:%s/gofer.sock", folder);
    (void)snprintf(play->token, sizeof(play->token), "gfr_e_%s", gf_uuid_v4(uuid));
    play->extension_id = gf_strdup(extension_id);
    play->window = 100;
    gf_mutex_init(&play->mutex, GF_RANK_CONFORMANCE);
    gf_cond_init(&play->changed);
    gf_list_init(&play->waiting);
    gf_list_init(&play->past);
    enum gf_code rc = gf_rpc_server_create(&opts, &play->server, err);
    if (rc == GF_OK) {
        gofer_extension_v1_extension_service_add_to_server(play->server, &handlers, play);
        rc = gf_rpc_server_listen(play->server, play->address, NULL, NULL, err);
    }
    if (rc != GF_OK) {
        gf_play_destroy(play);
        return rc;
    }
    gf_rpc_server_start(play->server);
    *out_play = play;
    return GF_OK;
}

static void end_connection(struct connection *connection, enum gf_code code, const char *text) {
    struct gf_play *play = connection->play;
    struct gf_rpc_call *call = NULL;
    {
        GF_MUTEX_GUARD(&play->mutex);
        call = connection->call;
        connection->call = NULL;
    }
    if (call == NULL) {
        return;
    }
    if (code == GF_OK) {
        gf_rpc_finish(call);
    } else {
        struct gf_error error;
        (void)gf_fail(&error, code, "%s", text);
        gf_rpc_fail(call, &error);
    }
}

static void end_all(struct gf_list *connections) {
    GF_LIST_FOREACH(link, connections) {
        end_connection(GF_CONTAINER_OF(link, struct connection, link), GF_UNAVAILABLE,
                       "the conformance suite is through with it");
    }
}

static void free_all(struct gf_list *connections) {
    struct gf_list_link *link;
    while ((link = gf_list_pop_front(connections)) != NULL) {
        struct connection *connection = GF_CONTAINER_OF(link, struct connection, link);
        struct gf_list_link *said;
        while ((said = gf_list_pop_front(&connection->said)) != NULL) {
            free(GF_CONTAINER_OF(said, struct said, link));
        }
        free(connection);
    }
}

void gf_play_destroy(struct gf_play *play) {
    if (play == NULL) {
        return;
    }
    gf_play_refuse(play, GF_UNAVAILABLE, "the conformance suite is through with it");
    end_all(&play->waiting);
    end_all(&play->past);
    gf_rpc_server_destroy(play->server);
    free_all(&play->waiting);
    free_all(&play->past);
    free(play->extension_id);
    gf_cond_fini(&play->changed);
    gf_mutex_fini(&play->mutex);
    free(play);
}

const char *gf_play_address(const struct gf_play *play) {
    return play->address;
}

const char *gf_play_token(const struct gf_play *play) {
    return play->token;
}

void gf_play_refuse(struct gf_play *play, enum gf_code code, const char *text) {
    GF_MUTEX_GUARD(&play->mutex);
    (void)gf_fail(&play->refusal, code, "%s", text);
}

void gf_play_admit(struct gf_play *play) {
    GF_MUTEX_GUARD(&play->mutex);
    play->refusal.code = GF_OK;
}

int64_t gf_play_attempts(struct gf_play *play) {
    GF_MUTEX_GUARD(&play->mutex);
    return play->attempts;
}

/* ---- The conversation ---- */

bool gf_play_accept(struct gf_play *play, int64_t timeout_ms) {
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), timeout_ms);
    GF_MUTEX_GUARD(&play->mutex);
    while (gf_list_empty(&play->waiting)) {
        if (!gf_cond_wait_until(&play->changed, &play->mutex, deadline) &&
            gf_list_empty(&play->waiting)) {
            return false;
        }
    }
    struct gf_list_link *link = gf_list_pop_front(&play->waiting);
    gf_list_push_back(&play->past, link);
    play->current = GF_CONTAINER_OF(link, struct connection, link);
    return true;
}

void gf_play_set_window(struct gf_play *play, int32_t window) {
    GF_MUTEX_GUARD(&play->mutex);
    play->window = window;
}

bool gf_play_say(struct gf_play *play, const gf_play_response *response) {
    GF_MUTEX_GUARD(&play->mutex);
    struct connection *connection = play->current;
    if (connection == NULL || connection->call == NULL) {
        return false;
    }
    if ((int)response->message_case == GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_ACK) {
        connection->unacknowledged--;
    }
    return gf_rpc_send(connection->call, &response->base, NULL) == GF_OK;
}

/* The next message, encoded; NULL as for gf_play_next. The caller frees it. */
static struct said *wait_said(struct gf_play *play, int64_t timeout_ms) {
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), timeout_ms);
    GF_MUTEX_GUARD(&play->mutex);
    struct connection *connection = play->current;
    while (connection != NULL && gf_list_empty(&connection->said)) {
        if (connection->call == NULL ||
            !gf_cond_wait_until(&play->changed, &play->mutex, deadline)) {
            break;
        }
    }
    struct gf_list_link *link = connection == NULL ? NULL : gf_list_pop_front(&connection->said);
    return link == NULL ? NULL : GF_CONTAINER_OF(link, struct said, link);
}

const gf_play_request *gf_play_next(struct gf_play *play, int64_t timeout_ms,
                                    struct gf_arena *arena) {
    ProtobufCMessage *out = NULL;
    struct said *said = wait_said(play, timeout_ms);
    if (said == NULL) {
        return NULL;
    }
    const enum gf_code rc = gf_wire_decode(&gofer__extension__v1__connect_request__descriptor,
                                           said->bytes, said->size, arena, &out, NULL);
    free(said);
    gf_assert(rc == GF_OK); /* it was decoded before */
    return (const gf_play_request *)out;
}

void gf_play_end(struct gf_play *play, enum gf_code code, const char *text) {
    if (play->current != NULL) {
        end_connection(play->current, code, text);
    }
}

bool gf_play_is_over(struct gf_play *play, int64_t timeout_ms) {
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), timeout_ms);
    GF_MUTEX_GUARD(&play->mutex);
    while (play->current != NULL && !play->current->is_over) {
        if (!gf_cond_wait_until(&play->changed, &play->mutex, deadline)) {
            return play->current->is_over;
        }
    }
    return true;
}

const char *gf_play_take_fault(struct gf_play *play, char out[GF_PLAY_FAULT_BYTES_MAX]) {
    GF_MUTEX_GUARD(&play->mutex);
    memcpy(out, play->fault, sizeof(play->fault));
    play->fault[0] = '\0';
    return out;
}

void gf_play_close_eyes(struct gf_play *play, bool closed) {
    GF_MUTEX_GUARD(&play->mutex);
    play->eyes_closed = closed;
}
