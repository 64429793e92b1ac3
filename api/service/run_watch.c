/*
 * WatchRun.
 *
 * A watch first sends what the store has, in pages, and then what the events of the run name. The
 * place in the events is noted before the store is read, so nothing is left out; what changed in
 * between comes a second time. The end: once the run is complete in the store, so are its events,
 * because both were written in one transaction; the events are then read from the store instead of
 * the hub, which may not have them yet, and when none is left the stream ends.
 *
 * A reader of the store sees one moment. So the hub is asked first and the reader is opened after
 * that: what an event tells of is in what is then read.
 */
#include "api/access/principal.h"
#include "api/codec/model/message.h"
#include "api/codec/model/page_token.h"
#include "api/codec/model/run.h"
#include "api/codec/model/task_execution.h"
#include "api/service/handlers.h"
#include "api/service/log_state.h"
#include "api/service/lookup.h"
#include "api/service/stream.h"

#include <stdlib.h>

enum {
    SNAPSHOT_TASKS = 500, /* of one message */
    EVENTS_MAX = 256,     /* of one step */
    WATCH_BYTES_MAX = 64 << 20,
};

enum phase {
    STARTING,
    SENDING_SNAPSHOT,
    FOLLOWING,
};

/* Where a task stands in the config. */
struct place {
    struct gf_str task_id;
    int32_t index;
};

struct watch {
    struct gf_stream stream;
    const Gofer__V1__WatchRunRequest *request;
    struct gf_event_follower follower;
    bool following;
    enum phase phase;
    struct gf_page_scope scope;
    int64_t run_key;
    int64_t sequence;  /* of the event up to which everything was sent */
    int32_t sent_task; /* index of the last one of the snapshot */
    bool sent_any;
    bool sent_end;         /* the run as it is when it has ended */
    struct gf_arena arena; /* for the life of the watch: what the config says of the tasks */
    struct gf_str *images; /* by task index; equal neighbours share their text */
    struct place *places;  /* by task id: events name ids, the store finds tasks by their index */
    size_t task_count;
};

static void wake(struct gf_event_follower *follower) {
    struct watch *self = GF_CONTAINER_OF(follower, struct watch, follower);
    gf_stream_kick(&self->stream);
}

static void release(struct gf_stream *stream) {
    struct watch *self = GF_CONTAINER_OF(stream, struct watch, stream);
    if (self->following) {
        gf_event_hub_remove(stream->services->hub, &self->follower);
    }
    gf_arena_fini(&self->arena);
}

/* ---- Messages ---- */

static Gofer__V1__TaskExecution *task_message(struct watch *self, const struct gf_run *run,
                                              const struct gf_task_execution *execution) {
    const size_t index = (size_t)execution->task_index;
    const struct gf_task_execution_view view = {
        .run = run,
        .execution = execution,
        .image = index < self->task_count ? self->images[index] : GF_STR(""),
        .scheduler = gf_str_from(self->stream.services->scheduler.ops->name),
    };
    Gofer__V1__TaskExecution *message = gf_task_execution_to_message(&view, &self->stream.arena);
    message->log_state = gf_log_state_of(self->stream.services, run, execution);
    return message;
}

/* Asked anew for each message: the right to see the run is not that to see its tasks. */
static bool may_read_tasks(const struct watch *self, const struct gf_run *run) {
    const struct gf_access_query query = {
        .resource = GF_PERMISSION_RESOURCE_TASK_EXECUTIONS,
        .action = GF_PERMISSION_ACTION_READ,
        .namespace_id = run->namespace_id,
        .id = run->pipeline_id,
        .run_id = run->run_id,
    };
    return gf_principal_allows(gf_principal_of(self->stream.call), &query);
}

/* Sends the run and these tasks; complete messages have a resume token. */
static bool send(struct watch *self, const struct gf_run *run,
                 const struct gf_task_execution *const *tasks, size_t count, bool complete) {
    struct gf_arena *arena = &self->stream.arena;
    Gofer__V1__WatchRunResponse *message =
        GF_MESSAGE_NEW(arena, Gofer__V1__WatchRunResponse, gofer__v1__watch_run_response);
    message->run = gf_run_to_message(run, arena);
    message->n_task_executions = may_read_tasks(self, run) ? count : 0;
    message->task_executions = GF_ARENA_ARRAY(arena, count, Gofer__V1__TaskExecution *);
    for (size_t i = 0; i < message->n_task_executions; i++) {
        message->task_executions[i] = task_message(self, run, tasks[i]);
    }
    message->snapshot_complete = complete;
    if (complete) {
        const struct gf_page_token token = {.numbers = {self->sequence, self->run_key}};
        message->resume_token = gf_page_token_write(&self->scope, &token, arena);
    }
    self->sent_any = true;
    self->sent_end = run->state == GF_RUN_STATE_COMPLETE;
    return gf_stream_send(&self->stream, &message->base);
}

/* ---- Starting ---- */

static int compare_places(const void *left, const void *right) {
    const struct place *a = left;
    const struct place *b = right;
    return gf_str_cmp(a->task_id, b->task_id);
}

static enum gf_code load_tasks(struct watch *self, struct gf_read *read, const struct gf_run *run,
                               struct gf_error *err) {
    struct gf_arena scratch;
    gf_arena_init(&scratch, GF_SERVICES_ARENA_BYTES_MAX);
    struct gf_config config = {0};
    const enum gf_code rc = gf_find_run_config(read, run, &scratch, &config, err);
    self->images = GF_ARENA_ARRAY(&self->arena, config.task_count, struct gf_str);
    self->places = GF_ARENA_ARRAY(&self->arena, config.task_count, struct place);
    self->task_count = config.task_count;
    for (size_t i = 0; i < config.task_count; i++) {
        const struct gf_str image = config.tasks[i].image;
        self->images[i] = i > 0 && gf_str_eq(image, self->images[i - 1])
                              ? self->images[i - 1]
                              : gf_arena_str(&self->arena, image);
        self->places[i].task_id = gf_arena_str(&self->arena, config.tasks[i].task_id);
        self->places[i].index = (int32_t)i;
    }
    if (self->task_count > 1) {
        qsort(self->places, self->task_count, sizeof(*self->places), compare_places);
    }
    gf_arena_fini(&scratch);
    return rc;
}

static enum gf_code read_token(struct watch *self, struct gf_read *read, struct gf_error *err) {
    struct gf_page_token token = {0};
    self->scope = gf_page_scope("watch_run");
    gf_page_scope_text(&self->scope, self->follower.filter.namespace_id);
    gf_page_scope_text(&self->scope, self->follower.filter.pipeline_id);
    gf_page_scope_number(&self->scope, self->request->run_id);
    const enum gf_code rc = gf_page_token_read(&self->scope, self->request->resume_token,
                                               "resume_token", read->arena, &token, err);
    if (rc != GF_OK || self->request->resume_token[0] == '\0') {
        return rc;
    }
    if (token.numbers[1] != self->run_key || token.numbers[0] < 0) {
        return gf_fail_field(err, "resume_token", "the token is not of this run");
    }
    self->sequence = token.numbers[0];
    self->phase = FOLLOWING;
    return GF_OK;
}

static enum gf_code begin(struct watch *self, struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__WatchRunRequest *request = self->request;
    struct gf_event_hub *hub = self->stream.services->hub;
    struct gf_run run = {0};
    enum gf_code rc =
        gf_find_run(read, request->namespace_id, request->pipeline_id, request->run_id, &run, err);
    if (rc != GF_OK) {
        return rc;
    }
    self->run_key = run.run_key;
    self->sent_task = -1;
    self->phase = SENDING_SNAPSHOT;
    self->follower.filter = (struct gf_event_filter){
        .namespace_id = gf_request_namespace(request->namespace_id),
        .pipeline_id = gf_str_from(request->pipeline_id),
        .run_id = request->run_id,
    };
    rc = read_token(self, read, err);
    if (rc == GF_OK) {
        rc = load_tasks(self, read, &run, err);
    }
    if (rc == GF_OK) {
        rc = gf_event_hub_add(hub, &self->follower, err);
        self->following = rc == GF_OK;
    }
    return rc;
}

/* ---- The snapshot ---- */

static enum gf_code send_snapshot(struct watch *self, struct gf_read *read,
                                  const struct gf_run *run, enum gf_stream_next *out_next,
                                  struct gf_error *err) {
    struct gf_task_execution *items = NULL;
    size_t count = 0;
    const enum gf_code rc =
        read->store->list_tasks(read->reader, run->run_key, self->sent_task, SNAPSHOT_TASKS,
                                read->arena, &items, &count, err);
    if (rc != GF_OK) {
        return rc;
    }
    const struct gf_task_execution **tasks =
        GF_ARENA_ARRAY(read->arena, count, const struct gf_task_execution *);
    for (size_t i = 0; i < count; i++) {
        tasks[i] = &items[i];
        self->sent_task = items[i].task_index;
    }
    const bool complete = count < SNAPSHOT_TASKS;
    self->phase = complete ? FOLLOWING : SENDING_SNAPSHOT;
    *out_next = send(self, run, tasks, count, complete) ? GF_STREAM_AGAIN
                                                        : gf_stream_refused(&self->stream);
    return GF_OK;
}

/* ---- Following ---- */

static int compare_events(const void *left, const void *right) {
    const struct gf_event *a = left;
    const struct gf_event *b = right;
    return gf_str_cmp(a->task_id, b->task_id);
}

/* Reads a task as it is now; it may not be there yet or any more. */
static enum gf_code read_task(const struct watch *self, struct gf_read *read,
                              const struct gf_run *run, struct gf_str task_id,
                              const struct gf_task_execution **out_task, struct gf_error *err) {
    const struct place wanted = {.task_id = task_id};
    const struct place *place =
        bsearch(&wanted, self->places, self->task_count, sizeof(*self->places), compare_places);
    struct gf_task_execution *found = NULL;
    size_t count = 0;
    *out_task = NULL;
    if (place == NULL) {
        return GF_OK;
    }
    const enum gf_code rc = read->store->list_tasks(read->reader, run->run_key, place->index - 1, 1,
                                                    read->arena, &found, &count, err);
    if (rc == GF_OK && count == 1 && found->task_index == place->index) {
        *out_task = found;
    }
    return rc;
}

/* The tasks that the events name, each once, as they are now. Sorts the events. */
static enum gf_code read_changed(const struct watch *self, struct gf_read *read,
                                 const struct gf_run *run, struct gf_event *events,
                                 size_t event_count, const struct gf_task_execution ***out_tasks,
                                 size_t *out_count, struct gf_error *err) {
    const struct gf_task_execution **tasks =
        GF_ARENA_ARRAY(read->arena, event_count, const struct gf_task_execution *);
    size_t count = 0;
    if (event_count > 1) {
        qsort(events, event_count, sizeof(*events), compare_events);
    }
    for (size_t i = 0; i < event_count; i++) {
        const struct gf_str id = events[i].task_id;
        if (id.len == 0 || (i > 0 && gf_str_eq(id, events[i - 1].task_id))) {
            continue;
        }
        const enum gf_code rc = read_task(self, read, run, id, &tasks[count], err);
        if (rc != GF_OK) {
            return rc;
        }
        count += tasks[count] != NULL ? 1 : 0;
    }
    *out_tasks = tasks;
    *out_count = count;
    return GF_OK;
}

/* What happened since: the events of the run, in order. */
struct news {
    bool wanted_from_store; /* the hub has them no more */
    struct gf_event *events;
    size_t count;
    int64_t scanned;
};

static enum gf_code ask_hub(struct watch *self, struct news *out, struct gf_error *err) {
    struct gf_error failure = {0};
    const enum gf_code rc = gf_event_hub_read(self->stream.services->hub, &self->follower.filter,
                                              self->sequence, EVENTS_MAX, &self->stream.arena,
                                              &out->events, &out->count, &out->scanned, &failure);
    out->wanted_from_store = rc == GF_OUT_OF_RANGE;
    if (rc == GF_OK || out->wanted_from_store) {
        return GF_OK;
    }
    *err = failure; /* the stream ends with it: what the store can do as well must not be in it */
    return rc;
}

static enum gf_code ask_store(struct watch *self, struct gf_read *read, struct news *out,
                              struct gf_error *err) {
    return read->store->list_events(read->reader, &self->follower.filter, self->sequence,
                                    EVENTS_MAX, read->arena, &out->events, &out->count,
                                    &out->scanned, err);
}

static enum gf_code follow(struct watch *self, struct gf_read *read, const struct gf_run *run,
                           struct news *news, enum gf_stream_next *out_next, struct gf_error *err) {
    const bool over = run->state == GF_RUN_STATE_COMPLETE;
    const struct gf_task_execution **tasks = NULL;
    size_t count = 0;
    enum gf_code rc = GF_OK;
    if (over || news->wanted_from_store) {
        rc = ask_store(self, read, news, err);
    }
    if (rc == GF_OK) {
        rc = read_changed(self, read, run, news->events, news->count, &tasks, &count, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    const bool drained = news->count == 0 && news->scanned == self->sequence;
    const bool worth = news->count > 0 || !self->sent_any || (over && !self->sent_end);
    self->sequence = news->scanned;
    if (worth && !send(self, run, tasks, count, true)) {
        *out_next = gf_stream_refused(&self->stream);
    } else if (!drained) {
        *out_next = GF_STREAM_AGAIN;
    } else if (over) {
        *out_next = GF_STREAM_END;
    } else {
        gf_event_hub_arm(self->stream.services->hub, &self->follower, self->sequence);
        *out_next = GF_STREAM_WAIT;
    }
    return GF_OK;
}

static enum gf_stream_next step(struct gf_stream *stream) {
    struct watch *self = GF_CONTAINER_OF(stream, struct watch, stream);
    const Gofer__V1__WatchRunRequest *request = self->request;
    enum gf_stream_next next = GF_STREAM_AGAIN;
    struct gf_run run = {0};
    struct news news = {0};
    struct gf_read read;
    enum gf_code rc = GF_OK;
    if (self->phase == STARTING) {
        self->sequence = gf_event_hub_newest(stream->services->hub);
    } else if (self->phase == FOLLOWING) {
        rc = ask_hub(self, &news, &stream->error);
        if (rc != GF_OK) {
            return GF_STREAM_END;
        }
    }
    gf_read_open(&read, stream->services, &stream->arena);
    if (self->phase == STARTING) {
        rc = begin(self, &read, &stream->error);
        /* A watch that is taken up again asks the store, this once. */
        news.scanned = self->sequence;
        news.wanted_from_store = true;
    }
    if (rc == GF_OK) {
        rc = gf_find_run(&read, request->namespace_id, request->pipeline_id, request->run_id, &run,
                         &stream->error);
    }
    if (rc == GF_OK && self->phase == SENDING_SNAPSHOT) {
        rc = send_snapshot(self, &read, &run, &next, &stream->error);
    } else if (rc == GF_OK) {
        rc = follow(self, &read, &run, &news, &next, &stream->error);
    }
    gf_read_close(&read);
    return rc == GF_OK ? next : GF_STREAM_END;
}

void gf_run_watch_start(struct gf_rpc_call *call, const Gofer__V1__WatchRunRequest *request,
                        void *ctx) {
    struct watch *self = GF_ARENA_NEW(gf_rpc_call_arena(call), struct watch);
    self->request = request;
    self->follower.wake = wake;
    gf_arena_init(&self->arena, WATCH_BYTES_MAX);
    gf_stream_start(&self->stream, call, ctx, step, release);
}
