/*
 * FollowEvents: a place in the log of events that moves on. What is behind it comes from the hub's
 * memory, or from the store where the follower is too far behind; when there is nothing, the hub
 * tells once there is.
 */
#include "api/access/visibility.h"
#include "api/codec/model/message.h"
#include "api/codec/model/page_token.h"
#include "api/service/handlers.h"
#include "api/service/read_call.h"
#include "api/service/selection.h"
#include "api/service/stream.h"

enum {
    EVENTS_MAX = 256, /* of one step */
    /* Passed over by the filter, after which a message carries the place along. */
    QUIET_EVENTS_MAX = 10000,
};

struct follow {
    struct gf_stream stream;
    const Gofer__V1__FollowEventsRequest *request;
    struct gf_event_selection selection;
    struct gf_event_follower follower;
    bool following;
    struct gf_page_scope scope;
    int64_t sequence; /* up to which everything was sent */
    int64_t told;     /* the place in the last message */
};

static void wake(struct gf_event_follower *follower) {
    struct follow *self = GF_CONTAINER_OF(follower, struct follow, follower);
    gf_stream_kick(&self->stream);
}

static void release(struct gf_stream *stream) {
    struct follow *self = GF_CONTAINER_OF(stream, struct follow, stream);
    if (self->following) {
        gf_event_hub_remove(stream->services->hub, &self->follower);
    }
}

/* Sends the event, or only the place where event is NULL. */
static bool send(struct follow *self, const struct gf_event *event, int64_t sequence) {
    struct gf_arena *arena = &self->stream.arena;
    Gofer__V1__FollowEventsResponse *message =
        GF_MESSAGE_NEW(arena, Gofer__V1__FollowEventsResponse, gofer__v1__follow_events_response);
    const struct gf_page_token token = {.numbers = {sequence}};
    message->event = event == NULL ? NULL : gf_event_to_message(event, arena);
    message->resume_token = gf_page_token_write(&self->scope, &token, arena);
    self->sequence = sequence;
    self->told = sequence;
    return gf_stream_send(&self->stream, &message->base);
}

static enum gf_code begin(struct follow *self, struct gf_error *err) {
    const Gofer__V1__FollowEventsRequest *request = self->request;
    struct gf_event_hub *hub = self->stream.services->hub;
    struct gf_page_token token = {0};
    self->scope = gf_page_scope("follow_events");
    enum gf_code rc = gf_event_filter_from_message(request->filter, &self->selection, err);
    if (rc == GF_OK && self->selection.end_time != 0) {
        rc = gf_fail_field(err, "filter.end_time", "a stream of events has no end");
    }
    if (rc == GF_OK) {
        rc = gf_page_token_read(&self->scope, request->resume_token, "resume_token",
                                &self->stream.arena, &token, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    const int64_t newest = gf_event_hub_newest(hub);
    if (token.numbers[0] < 0 || token.numbers[0] > newest) {
        return gf_fail_field(err, "resume_token", "the token is of events that never happened");
    }
    self->sequence = newest;
    if (request->resume_token[0] != '\0') {
        self->sequence = token.numbers[0];
    } else if (request->include_history) {
        self->sequence = 0;
    }
    self->follower.filter = gf_event_selection_filter(&self->selection);
    rc = gf_event_hub_add(hub, &self->follower, err);
    self->following = rc == GF_OK;
    return rc;
}

static enum gf_code read_events(struct follow *self, struct gf_event **out_events,
                                size_t *out_count, int64_t *out_scanned, struct gf_error *err) {
    struct gf_services *services = self->stream.services;
    struct gf_arena *arena = &self->stream.arena;
    const struct gf_event_filter *filter = &self->follower.filter;
    enum gf_code rc = gf_event_hub_read(services->hub, filter, self->sequence, EVENTS_MAX, arena,
                                        out_events, out_count, out_scanned, err);
    if (rc == GF_OUT_OF_RANGE) {
        struct gf_read read;
        gf_read_open(&read, services, arena);
        rc = read.store->list_events(read.reader, filter, self->sequence, EVENTS_MAX, arena,
                                     out_events, out_count, out_scanned, err);
        gf_read_close(&read);
    }
    return rc;
}

/* Asked anew for each event: what the caller may see changes with its roles. */
static bool is_wanted(const struct follow *self, const struct gf_event *event) {
    return gf_event_selection_has_time(&self->selection, event->time) &&
           gf_may_see_event(gf_principal_of(self->stream.call), event);
}

static enum gf_stream_next go_on(struct follow *self) {
    struct gf_event *events = NULL;
    size_t count = 0;
    int64_t scanned = 0;
    struct gf_error error = {0};
    if (read_events(self, &events, &count, &scanned, &error) != GF_OK) {
        self->stream.error = error;
        return GF_STREAM_END;
    }
    for (size_t i = 0; i < count; i++) {
        if (is_wanted(self, &events[i]) && !send(self, &events[i], events[i].sequence)) {
            return gf_stream_refused(&self->stream);
        }
    }
    self->sequence = scanned;
    if (scanned - self->told > QUIET_EVENTS_MAX && !send(self, NULL, scanned)) {
        return gf_stream_refused(&self->stream);
    }
    if (count == EVENTS_MAX) {
        return GF_STREAM_AGAIN;
    }
    /* Where there is more, this kicks at once. */
    gf_event_hub_arm(self->stream.services->hub, &self->follower, self->sequence);
    return GF_STREAM_WAIT;
}

static enum gf_stream_next step(struct gf_stream *stream) {
    struct follow *self = GF_CONTAINER_OF(stream, struct follow, stream);
    if (!self->following) {
        if (begin(self, &stream->error) != GF_OK) {
            return GF_STREAM_END;
        }
        return send(self, NULL, self->sequence) ? GF_STREAM_AGAIN : gf_stream_refused(stream);
    }
    /* What this version never tells of is waited for in vain, without looking. */
    return self->selection.nothing ? GF_STREAM_WAIT : go_on(self);
}

void gf_event_follow_start(struct gf_rpc_call *call, const Gofer__V1__FollowEventsRequest *request,
                           void *ctx) {
    struct follow *self = GF_ARENA_NEW(gf_rpc_call_arena(call), struct follow);
    self->request = request;
    self->follower.wake = wake;
    gf_stream_start(&self->stream, call, ctx, step, release);
}
