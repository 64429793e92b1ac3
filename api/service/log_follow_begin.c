#include "api/codec/model/page_token.h"
#include "api/codec/model/task_execution.h"
#include "api/service/log_follow_internal.h"
#include "api/service/log_state.h"
#include "api/service/lookup.h"
#include "base/identifier.h"

#include <inttypes.h>

/* ---- Where to begin ---- */

/* The task's place in the config; a run that has not left the queue has no rows. */
static enum gf_code find_task(struct gf_log_follow *self, struct gf_read *read,
                              const struct gf_run *run, struct gf_task_execution *out,
                              struct gf_error *err) {
    const struct gf_str task_id = gf_str_from(self->request->task_id);
    const enum gf_code rc =
        read->store->get_task(read->reader, run->run_key, task_id, read->arena, out, err);
    if (rc != GF_NOT_FOUND || run->start_time != 0) {
        return rc;
    }
    struct gf_config config = {0};
    struct gf_error ignored;
    if (read->store->get_config(read->reader, run->pipeline_key, run->version, read->arena, &config,
                                &ignored) == GF_OK) {
        const struct gf_task *task = gf_config_find_task(&config, task_id);
        if (task != NULL) {
            out->task_index = (int32_t)(task - config.tasks);
            return GF_OK;
        }
    }
    return rc;
}

/* What the task's row says of the attempt, which is its latest. */
static void note_attempt(struct gf_log_follow *self, const struct gf_run *run,
                         const struct gf_task_execution *execution) {
    self->task_over =
        gf_task_execution_attempt_is_over(execution) || run->state == GF_RUN_STATE_COMPLETE;
    self->task_ran = gf_task_execution_ran(execution);
    self->task_bytes = execution->log_bytes;
    self->kept_run_id = execution->kept_run_id;
    self->task_log_whole =
        gf_task_execution_log_state(execution) == GOFER__V1__LOG_STATE__LOG_STATE_COMPLETE;
    self->task_log_disabled = execution->log_disabled;
    self->task_log_cut = execution->log_truncated;
    self->task_log_removed = gf_log_is_removed(self->stream.services, run, execution);
}

/* Of an attempt before the latest: it has a row of its own, and writes nothing any more. */
static enum gf_code note_earlier(struct gf_log_follow *self, struct gf_read *read,
                                 const struct gf_run *run,
                                 const struct gf_task_execution *execution, struct gf_error *err) {
    struct gf_task_execution *attempts = NULL;
    size_t count = 0;
    const enum gf_code rc = read->store->list_attempts(
        read->reader, run->run_key, execution->task_index, read->arena, &attempts, &count, err);
    if (rc != GF_OK) {
        return rc;
    }
    for (size_t i = 0; i < count; i++) {
        if (attempts[i].attempt == self->name.attempt) {
            note_attempt(self, run, &attempts[i]);
            return GF_OK;
        }
    }
    return gf_fail(err, GF_NOT_FOUND, "task '%s' has no attempt %" PRId32, self->request->task_id,
                   self->name.attempt);
}

static enum gf_code find(struct gf_log_follow *self, struct gf_read *read,
                         struct gf_task_execution *out, struct gf_run *out_run,
                         struct gf_error *err) {
    const Gofer__V1__FollowTaskExecutionLogsRequest *request = self->request;
    enum gf_code rc = gf_find_run(read, request->namespace_id, request->pipeline_id,
                                  request->run_id, out_run, err);
    if (rc == GF_OK) {
        rc = gf_identifier_check(gf_str_from(request->task_id), "task_id", err);
    }
    return rc == GF_OK ? find_task(self, read, out_run, out, err) : rc;
}

/* The attempt that is asked for, of those that there are. */
static enum gf_code choose_attempt(struct gf_log_follow *self, const struct gf_run *run,
                                   const struct gf_task_execution *execution,
                                   struct gf_error *err) {
    const int32_t wanted = self->wanted_attempt;
    const int32_t latest = execution->attempt == 0 ? 1 : execution->attempt;
    if (wanted > latest) {
        return gf_fail(err, GF_NOT_FOUND, "task '%s' has no attempt %" PRId32,
                       self->request->task_id, wanted);
    }
    self->run_key = run->run_key;
    self->name = (struct gf_log_name){
        .pipeline_key = run->pipeline_key,
        .run_id = run->run_id,
        .task_index = execution->task_index,
        .attempt = wanted == 0 ? latest : wanted,
    };
    return GF_OK;
}

/* Looks at the attempt; the first time, which one it is. */
static enum gf_code look(struct gf_log_follow *self, struct gf_error *err) {
    struct gf_services *services = self->stream.services;
    struct gf_task_execution execution = {0};
    struct gf_run run = {0};
    struct gf_read read;
    atomic_store(&self->task_changed, false);
    self->sequence = gf_event_hub_newest(services->hub);
    gf_read_open(&read, services, &self->stream.arena);
    enum gf_code rc = find(self, &read, &execution, &run, err);
    if (rc == GF_OK && self->name.attempt == 0) {
        rc = choose_attempt(self, &run, &execution, err);
    }
    if (rc == GF_OK && execution.attempt > self->name.attempt) {
        rc = note_earlier(self, &read, &run, &execution, err);
    } else if (rc == GF_OK) {
        note_attempt(self, &run, &execution);
    }
    gf_read_close(&read);
    return rc;
}

enum gf_code gf_log_follow__look(struct gf_log_follow *self, struct gf_error *err) {
    const enum gf_code rc = look(self, err);
    if (rc == GF_OK) {
        gf_event_hub_arm(self->stream.services->hub, &self->follower, self->sequence);
    }
    return rc;
}

static enum gf_code check_request(const Gofer__V1__FollowTaskExecutionLogsRequest *request,
                                  struct gf_error *err) {
    if (request->attempt < 0) {
        return gf_fail_field(err, "attempt", "value is %" PRId32 ", expected 0 or more",
                             request->attempt);
    }
    if (request->tail_bytes < 0) {
        return gf_fail_field(err, "tail_bytes", "value is %" PRId64 ", expected 0 or more",
                             request->tail_bytes);
    }
    if (request->tail_bytes > 0 && request->resume_token[0] != '\0') {
        return gf_fail_field(err, "tail_bytes", "goes not together with a resume token");
    }
    return GF_OK;
}

/*
 * The log that is asked for, as far as the request tells. A token is of one attempt, which is then
 * the one that is followed, also where a later one was made meanwhile.
 */
static enum gf_code read_token(struct gf_log_follow *self, struct gf_page_token *out,
                               struct gf_error *err) {
    const Gofer__V1__FollowTaskExecutionLogsRequest *request = self->request;
    struct gf_page_token token = {0};
    self->wanted_attempt = request->attempt;
    self->scope = gf_page_scope("follow_logs");
    gf_page_scope_text(&self->scope, gf_request_namespace(request->namespace_id));
    gf_page_scope_text(&self->scope, gf_str_from(request->pipeline_id));
    gf_page_scope_text(&self->scope, gf_str_from(request->task_id));
    gf_page_scope_number(&self->scope, request->run_id);
    const enum gf_code rc = gf_page_token_read(&self->scope, request->resume_token, "resume_token",
                                               &self->stream.arena, &token, err);
    if (rc != GF_OK || request->resume_token[0] == '\0') {
        return rc;
    }
    if (token.numbers[0] < 0 || token.numbers[1] < 1 || token.numbers[1] > INT32_MAX ||
        (request->attempt != 0 && request->attempt != token.numbers[1])) {
        return gf_fail_field(err, "resume_token", "the token is not of this log");
    }
    self->wanted_attempt = (int32_t)token.numbers[1];
    self->offset = token.numbers[0];
    *out = token;
    return GF_OK;
}

enum gf_code gf_log_follow__begin(struct gf_log_follow *self, struct gf_error *err) {
    const Gofer__V1__FollowTaskExecutionLogsRequest *request = self->request;
    struct gf_page_token token = {0};
    enum gf_code rc = check_request(request, err);
    if (rc == GF_OK) {
        rc = read_token(self, &token, err);
    }
    if (rc == GF_OK) {
        rc = look(self, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    if (request->resume_token[0] != '\0' && token.numbers[2] != self->run_key) {
        return gf_fail_field(err, "resume_token", "the token is not of this log");
    }
    self->follower.filter = (struct gf_event_filter){
        .namespace_id = gf_request_namespace(request->namespace_id),
        .pipeline_id = gf_str_from(request->pipeline_id),
        .run_id = request->run_id,
    };
    rc = gf_event_hub_add(self->stream.services->hub, &self->follower, err);
    if (rc == GF_OK) {
        self->following = true;
        gf_event_hub_arm(self->stream.services->hub, &self->follower, self->sequence);
    }
    return rc;
}

/* ---- Opening ---- */

/* Where the chunk begins that holds the byte that is tail_bytes before the end. */
static enum gf_code find_tail(struct gf_log_follow *self, int64_t tail_bytes, int64_t *out_offset,
                              struct gf_error *err) {
    int64_t total = 0;
    for (int pass = 0; pass < 2; pass++) {
        struct gf_logframe_reader frames;
        int64_t seen = 0;
        int64_t offset = 0;
        enum gf_logframe_event event = GF_LOGFRAME_FRAME;
        enum gf_code rc = GF_OK;
        gf_logframe_reader_init(&frames, self->reader.fd, 0);
        while (rc == GF_OK && event == GF_LOGFRAME_FRAME) {
            struct gf_logframe frame;
            offset = gf_logframe_reader_offset(&frames);
            rc = gf_logframe_reader_next(&frames, &event, &frame, err);
            if (rc == GF_OK && event == GF_LOGFRAME_FRAME) {
                seen += frame.end ? 0 : (int64_t)frame.payload.len;
                if (pass == 1 && seen > total - tail_bytes) {
                    break;
                }
            }
        }
        gf_logframe_reader_fini(&frames);
        if (rc != GF_OK) {
            return rc;
        }
        total = seen;
        *out_offset = offset;
    }
    return GF_OK;
}

enum gf_code gf_log_follow__open(struct gf_log_follow *self, struct gf_error *err) {
    struct gf_log_store *logs = self->stream.services->logs;
    enum gf_code rc = gf_log_reader_open(logs, &self->name, self->offset, &self->reader, err);
    if (rc != GF_OK) {
        return rc;
    }
    self->reading = true;
    if (self->request->tail_bytes > 0) {
        int64_t offset = 0;
        rc = find_tail(self, self->request->tail_bytes, &offset, err);
        if (rc == GF_OK) {
            gf_log_reader_close(&self->reader);
            self->reading = false;
            self->offset = offset;
            rc = gf_log_reader_open(logs, &self->name, offset, &self->reader, err);
            self->reading = rc == GF_OK;
        }
    }
    return rc;
}
