#include "api/codec/model/page_token.h"
#include "api/codec/model/task_execution.h"
#include "api/service/log_follow_internal.h"
#include "api/service/lookup.h"
#include "base/identifier.h"

#include <inttypes.h>

/* ---- Where to begin ---- */

/* The task's place in the config; before the run leaves the queue it has no row. */
static enum gf_code find_task(struct gf_log_follow *self, struct gf_read *read,
                              const struct gf_run *run, struct gf_task_execution *out,
                              struct gf_error *err) {
    const struct gf_str task_id = gf_str_from(self->request->task_id);
    const enum gf_code rc =
        read->store->get_task(read->reader, run->run_key, task_id, read->arena, out, err);
    if (rc != GF_NOT_FOUND ||
        (run->state != GF_RUN_STATE_PENDING && run->state != GF_RUN_STATE_QUEUED)) {
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

static void note_task(struct gf_log_follow *self, const struct gf_run *run,
                      const struct gf_task_execution *execution) {
    const bool later = execution->attempt > self->name.attempt;
    self->task_over = execution->state == GF_TASK_STATE_COMPLETE || later ||
                      (run->state == GF_RUN_STATE_COMPLETE && execution->attempt == 0);
    self->task_ran = execution->start_time != 0 || later;
    self->task_bytes = execution->log_bytes;
    self->task_log_whole =
        gf_task_execution_log_state(execution) == GOFER__V1__LOG_STATE__LOG_STATE_COMPLETE;
}

/* Looks at the task, and asks the hub to tell of what comes after that. */
static enum gf_code look_at_task(struct gf_log_follow *self, struct gf_task_execution *out,
                                 struct gf_run *out_run, struct gf_error *err) {
    const Gofer__V1__FollowTaskExecutionLogsRequest *request = self->request;
    struct gf_services *services = self->stream.services;
    struct gf_read read;
    atomic_store(&self->task_changed, false);
    self->sequence = gf_event_hub_newest(services->hub);
    gf_read_open(&read, services, &self->stream.arena);
    enum gf_code rc = gf_find_run(&read, request->namespace_id, request->pipeline_id,
                                  request->run_id, out_run, err);
    if (rc == GF_OK) {
        rc = gf_identifier_check(gf_str_from(request->task_id), "task_id", err);
    }
    if (rc == GF_OK) {
        rc = find_task(self, &read, out_run, out, err);
    }
    gf_read_close(&read);
    if (rc == GF_OK && self->following) {
        note_task(self, out_run, out);
        gf_event_hub_arm(services->hub, &self->follower, self->sequence);
    }
    return rc;
}

enum gf_code gf_log_follow__look(struct gf_log_follow *self, struct gf_error *err) {
    struct gf_task_execution execution = {0};
    struct gf_run run = {0};
    return look_at_task(self, &execution, &run, err);
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

static enum gf_code read_token(struct gf_log_follow *self, struct gf_error *err) {
    const Gofer__V1__FollowTaskExecutionLogsRequest *request = self->request;
    struct gf_token token = {0};
    self->scope = gf_token_scope("follow_logs");
    gf_token_scope_text(&self->scope, gf_request_namespace(request->namespace_id));
    gf_token_scope_text(&self->scope, gf_str_from(request->pipeline_id));
    gf_token_scope_text(&self->scope, gf_str_from(request->task_id));
    gf_token_scope_number(&self->scope, request->run_id);
    const enum gf_code rc = gf_token_read(&self->scope, request->resume_token, "resume_token",
                                          &self->stream.arena, &token, err);
    if (rc != GF_OK || request->resume_token[0] == '\0') {
        return rc;
    }
    if (token.numbers[0] < 0 || token.numbers[1] != self->name.attempt ||
        token.numbers[2] != self->run_key) {
        return gf_fail_field(err, "resume_token", "the token is not of this log");
    }
    self->offset = token.numbers[0];
    return GF_OK;
}

enum gf_code gf_log_follow__begin(struct gf_log_follow *self, struct gf_error *err) {
    const Gofer__V1__FollowTaskExecutionLogsRequest *request = self->request;
    struct gf_task_execution execution = {0};
    struct gf_run run = {0};
    enum gf_code rc = check_request(request, err);
    if (rc == GF_OK) {
        rc = look_at_task(self, &execution, &run, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    const int32_t latest = execution.attempt == 0 ? 1 : execution.attempt;
    if (request->attempt > latest) {
        return gf_fail(err, GF_NOT_FOUND, "task '%s' has no attempt %" PRId32, request->task_id,
                       request->attempt);
    }
    self->run_key = run.run_key;
    self->name = (struct gf_log_name){
        .pipeline_key = run.pipeline_key,
        .run_id = run.run_id,
        .task_index = execution.task_index,
        .attempt = request->attempt == 0 ? latest : request->attempt,
    };
    rc = read_token(self, err);
    if (rc != GF_OK) {
        return rc;
    }
    note_task(self, &run, &execution);
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
