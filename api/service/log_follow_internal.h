/*
 * The inside of FollowTaskExecutionLogs. For api/service alone.
 *
 *     log_follow.c         the stream: steps, messages, ends
 *     log_follow_begin.c   which log, from where, and what becomes of its task
 */
#ifndef GOFER_API_SERVICE_LOG_FOLLOW_INTERNAL_H_
#define GOFER_API_SERVICE_LOG_FOLLOW_INTERNAL_H_

#include "api/codec/model/page_token.h"
#include "api/service/stream.h"
#include "engine/logs/log_store.h"
#include "gofer/v1/task_execution.pb-c.h"

struct gf_log_follow {
    struct gf_stream stream;
    const Gofer__V1__FollowTaskExecutionLogsRequest *request;
    struct gf_event_follower follower;
    bool following;
    struct gf_page_scope scope;
    int32_t wanted_attempt;  /* 0 = the latest */
    struct gf_log_name name; /* attempt 0: not known yet */
    int64_t run_key;
    int64_t offset; /* where reading begins */
    struct gf_log_reader reader;
    bool reading;      /* the reader is open */
    bool reader_armed; /* it is not to be touched but by disarming */
    _Atomic bool task_changed;
    int64_t sequence;    /* of the events before the last look at the task */
    bool task_over;      /* as of that look: the attempt writes nothing any more */
    bool task_ran;       /* the container started */
    int64_t task_bytes;  /* in the log, as the end of the attempt tells */
    bool task_log_whole; /* as the end of the attempt tells */
    bool task_log_cut;   /* the same: who wrote it lived, and could not write on */
    bool task_log_removed;
    bool task_log_disabled;
    int64_t kept_run_id;   /* whose result is the task's; 0 = none */
    int64_t dropped_bytes; /* as the log's end tells */
    bool ended;            /* the last message was made */
};

/*
 * The first step: checks the request, finds the task and the place in its log, and has the hub tell
 * of what happens to the run from now on. Afterwards `following` is set.
 */
enum gf_code gf_log_follow__begin(struct gf_log_follow *self, struct gf_error *err) GF_MUST_USE;

/* Notes what became of the task, and asks the hub to tell of what comes after that. */
enum gf_code gf_log_follow__look(struct gf_log_follow *self, struct gf_error *err) GF_MUST_USE;

/* Opens the log where reading begins. Code: GF_NOT_FOUND (there is no file), then it is not open.
 */
enum gf_code gf_log_follow__open(struct gf_log_follow *self, struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_API_SERVICE_LOG_FOLLOW_INTERNAL_H_ */
