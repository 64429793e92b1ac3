/*
 * DESIGN. The receiver owns the stream: it opens it when main asks, and destroys it when it is over
 * and the sender has let go of it. The sender has frames from the outbox, which says when the
 * connection is over. A send that fails tells nothing; why the stream ended is what the receiver
 * learns.
 *
 * Each stream has a channel of its own: one that has failed pauses before it connects again, and
 * the pauses are main's.
 *
 * A frame is a field of ConnectRequest that is encoded already. It goes out as an "unknown field"
 * of an otherwise empty message, so that nothing is encoded twice, nor decoded to be sent again.
 */
#include "extensions-sdk/src/link.h"

#include "base/alloc.h"
#include "base/list.h"
#include "base/sync.h"
#include "gofer/extension/v1/extension.gofer.h"

#include <string.h>
#include <unistd.h>

enum {
    RECEIVED_MAX = 1024, /* messages that wait for main; more wait in the network */
    MESSAGE_ARENA_BYTES_MAX = 64 << 20,
    MESSAGE_BYTES_MAX = 8 << 20, /* twice of what gofer sends */
    KEEPALIVE_MS = 30 * 1000,
    LENGTH_BYTES_MAX = 10, /* of a length on the wire */
};

struct gf_sdk_link {
    const struct gf_sdk_environment *environment;
    struct gf_sdk_outbox *outbox;
    int event_fd;
    pthread_t receiver;
    pthread_t sender;

    struct gf_mutex mutex;
    struct gf_cond changed;
    bool stopping;
    bool wanted;                  /* main wants a stream */
    bool cancelled;               /* ... and then did not */
    struct gf_rpc_stream *stream; /* NULL: none, or over */
    bool sender_busy;
    struct gf_list received;
    size_t received_count;
};

void gf_sdk_received_destroy(struct gf_sdk_received *received) {
    if (received != NULL) {
        gf_arena_wipe(&received->arena); /* it may have brought secrets */
        gf_arena_fini(&received->arena);
        free(received);
    }
}

static void wake_main(struct gf_sdk_link *link) {
    const uint64_t one = 1;
    (void)!write(link->event_fd, &one, sizeof(one)); /* full means that it is awake */
}

/* Puts something into the box, once there is room; the end of the stream always has room. */
static void post(struct gf_sdk_link *link, struct gf_sdk_received *received) {
    {
        GF_MUTEX_GUARD(&link->mutex);
        while (received->message != NULL && link->received_count >= RECEIVED_MAX &&
               !link->stopping) {
            gf_cond_wait(&link->changed, &link->mutex);
        }
        gf_list_push_back(&link->received, &received->link);
        link->received_count++;
    }
    wake_main(link);
}

/* ---- The receiver ---- */

/* Receives up to the end of the stream, whose reason is the last thing that is posted. */
static struct gf_sdk_received *receive_all(struct gf_sdk_link *link, struct gf_rpc_stream *stream) {
    for (;;) {
        struct gf_sdk_received *received = GF_NEW(struct gf_sdk_received);
        ProtobufCMessage *message = NULL;
        gf_arena_init(&received->arena, MESSAGE_ARENA_BYTES_MAX);
        const enum gf_code code =
            gf_rpc_stream_recv(stream, -1, &received->arena, &message, &received->error);
        if (code != GF_OK || message == NULL) {
            received->error.code = code;
            return received;
        }
        received->message = (const Gofer__Extension__V1__ConnectResponse *)message;
        post(link, received);
    }
}

/* Publishes the stream; false when it is not wanted any more. */
static bool begin(struct gf_sdk_link *link, struct gf_rpc_stream *stream) {
    GF_MUTEX_GUARD(&link->mutex);
    if (link->stopping || link->cancelled) {
        return false;
    }
    link->stream = stream;
    gf_cond_broadcast(&link->changed);
    return true;
}

/* Takes the stream away from the sender. */
static void end(struct gf_sdk_link *link, struct gf_rpc_stream *stream) {
    gf_sdk_outbox_end(link->outbox);
    gf_rpc_stream_cancel(stream); /* for a send that waits */
    GF_MUTEX_GUARD(&link->mutex);
    link->stream = NULL;
    gf_cond_broadcast(&link->changed);
    while (link->sender_busy) {
        gf_cond_wait(&link->changed, &link->mutex);
    }
}

static enum gf_code make_channel(const struct gf_sdk_environment *environment,
                                 struct gf_rpc_channel **out_channel, struct gf_error *err) {
    const struct gf_rpc_channel_opts opts = {
        .tls = environment->has_tls ? &environment->tls : NULL,
        .bearer_token = environment->token,
        .user_agent = "gofer-c/" GOFER_EXTENSION_SDK_VERSION,
        .receive_bytes_max = MESSAGE_BYTES_MAX,
        .keepalive_ms = KEEPALIVE_MS,
    };
    return gf_rpc_channel_create(environment->host, &opts, out_channel, err);
}

static void converse(struct gf_sdk_link *link) {
    GF_CLEANUP(gf_rpc_channel_destroy_p) struct gf_rpc_channel *channel = NULL;
    struct gf_rpc_stream *stream = NULL;
    struct gf_error error;
    struct gf_sdk_received *last = NULL;
    if (make_channel(link->environment, &channel, &error) != GF_OK ||
        gofer_extension_v1_extension_service_connect_stream_open(channel, NULL, &stream, &error) !=
            GF_OK) {
        last = GF_NEW(struct gf_sdk_received);
        last->error = error;
        gf_sdk_outbox_end(link->outbox);
        post(link, last);
        return;
    }
    if (!begin(link, stream)) {
        gf_rpc_stream_cancel(stream);
    }
    last = receive_all(link, stream);
    end(link, stream);
    gf_rpc_stream_destroy(stream);
    post(link, last);
}

static void *receive(void *ctx) {
    struct gf_sdk_link *link = ctx;
    for (;;) {
        {
            GF_MUTEX_GUARD(&link->mutex);
            while (!link->wanted && !link->stopping) {
                gf_cond_wait(&link->changed, &link->mutex);
            }
            if (link->stopping) {
                return NULL;
            }
            link->wanted = false;
        }
        converse(link);
    }
}

/* ---- The sender ---- */

static size_t put_length(uint8_t *out, size_t length) {
    size_t count = 0;
    while (length >= 0x80) {
        out[count++] = (uint8_t)(length | 0x80);
        length >>= 7;
    }
    out[count++] = (uint8_t)length;
    return count;
}

static bool send_frame(struct gf_rpc_stream *stream, const struct gf_sdk_frame *frame,
                       uint8_t **buffer, size_t *capacity) {
    const size_t space = frame->size_bytes + LENGTH_BYTES_MAX;
    if (space > *capacity) {
        *buffer = gf_realloc_array(*buffer, space, 1);
        *capacity = space;
    }
    const size_t length = put_length(*buffer, frame->size_bytes);
    memcpy(*buffer + length, frame->bytes, frame->size_bytes);
    ProtobufCMessageUnknownField field = {
        .tag = frame->field,
        .wire_type = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED,
        .len = length + frame->size_bytes,
        .data = *buffer,
    };
    Gofer__Extension__V1__ConnectRequest request = GOFER__EXTENSION__V1__CONNECT_REQUEST__INIT;
    request.sequence = frame->sequence;
    request.base.n_unknown_fields = 1;
    request.base.unknown_fields = &field;
    struct gf_error ignored; /* the receiver learns why */
    return gofer_extension_v1_extension_service_connect_stream_send(stream, &request, &ignored) ==
           GF_OK;
}

static void send_all(struct gf_sdk_link *link, struct gf_rpc_stream *stream) {
    struct gf_sdk_frame frame;
    uint8_t *buffer = NULL;
    size_t capacity = 0;
    bool sent = true;
    while (sent && gf_sdk_outbox_next(link->outbox, &frame)) {
        if (frame.kind == GF_SDK_FRAME_CLOSE) {
            gf_rpc_stream_close_send(stream);
        } else {
            sent = send_frame(stream, &frame, &buffer, &capacity);
        }
        gf_sdk_outbox_sent(link->outbox, &frame, sent);
    }
    free(buffer);
}

static void *send(void *ctx) {
    struct gf_sdk_link *link = ctx;
    struct gf_rpc_stream *last = NULL;
    for (;;) {
        {
            GF_MUTEX_GUARD(&link->mutex);
            link->sender_busy = false;
            gf_cond_broadcast(&link->changed);
            while (last != NULL && link->stream == last) {
                gf_cond_wait(&link->changed, &link->mutex); /* its end is on its way */
            }
            while (link->stream == NULL && !link->stopping) {
                gf_cond_wait(&link->changed, &link->mutex);
            }
            if (link->stream == NULL) {
                return NULL;
            }
            last = link->stream;
            link->sender_busy = true;
        }
        send_all(link, last);
    }
}

/* ---- Main ---- */

enum gf_code gf_sdk_link_create(const struct gf_sdk_environment *environment,
                                struct gf_sdk_outbox *outbox, int event_fd,
                                struct gf_sdk_link **out_link, struct gf_error *err) {
    /* What is wrong with the options is told at once. */
    GF_CLEANUP(gf_rpc_channel_destroy_p) struct gf_rpc_channel *channel = NULL;
    const enum gf_code code = make_channel(environment, &channel, err);
    if (code != GF_OK) {
        return code;
    }
    struct gf_sdk_link *link = GF_NEW(struct gf_sdk_link);
    link->environment = environment;
    link->outbox = outbox;
    link->event_fd = event_fd;
    gf_mutex_init(&link->mutex, GF_RANK_EXTENSION_LINK);
    gf_cond_init(&link->changed);
    gf_list_init(&link->received);
    gf_thread_start(&link->receiver, "gofer-receive", receive, link);
    gf_thread_start(&link->sender, "gofer-send", send, link);
    *out_link = link;
    return GF_OK;
}

void gf_sdk_link_connect(struct gf_sdk_link *link) {
    GF_MUTEX_GUARD(&link->mutex);
    link->wanted = true;
    link->cancelled = false;
    gf_cond_broadcast(&link->changed);
}

void gf_sdk_link_cancel(struct gf_sdk_link *link) {
    GF_MUTEX_GUARD(&link->mutex);
    link->cancelled = true;
    if (link->stream != NULL) {
        gf_rpc_stream_cancel(link->stream); /* only starts the end */
    }
}

struct gf_sdk_received *gf_sdk_link_take(struct gf_sdk_link *link) {
    GF_MUTEX_GUARD(&link->mutex);
    struct gf_list_link *first = gf_list_pop_front(&link->received);
    if (first == NULL) {
        return NULL;
    }
    if (link->received_count-- == RECEIVED_MAX) {
        gf_cond_broadcast(&link->changed);
    }
    return GF_CONTAINER_OF(first, struct gf_sdk_received, link);
}

void gf_sdk_link_destroy(struct gf_sdk_link *link) {
    if (link == NULL) {
        return;
    }
    {
        GF_MUTEX_GUARD(&link->mutex);
        link->stopping = true;
        if (link->stream != NULL) {
            gf_rpc_stream_cancel(link->stream);
        }
        gf_cond_broadcast(&link->changed);
    }
    gf_thread_join(link->receiver);
    gf_thread_join(link->sender);
    struct gf_sdk_received *received;
    while ((received = gf_sdk_link_take(link)) != NULL) {
        gf_sdk_received_destroy(received);
    }
    gf_cond_fini(&link->changed);
    gf_mutex_fini(&link->mutex);
    free(link);
}
