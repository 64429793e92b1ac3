#include "tests/bench/store/workload.h"

#include "base/vec.h"

enum {
    BATCH_BYTES_MAX = 256 << 20,
    RUN_NS = 5000000, /* from its creation to its end */
};

#define START_TIME INT64_C(1700000000000000000)

static const struct gf_str DIGEST =
    GF_STR("sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08");

/* As a token makes it, over the network. */
static const struct gf_actor ACTOR = {.token_id = GF_STR("tok_0123456789ABCDEFGHIJKL"),
                                      .user = GF_STR("somebody"),
                                      .peer = GF_STR("ipv4:192.0.2.7:51234")};

void workload_init(struct workload *workload, int64_t pipeline_count, bool with_request_ids) {
    *workload = (struct workload){
        .pipeline_count = pipeline_count,
        .with_request_ids = with_request_ids,
        .next_run_key = 1,
        .next_sequence = 1,
        .first_open_key = 1,
    };
    gf_arena_init(&workload->fixed, BATCH_BYTES_MAX);
    gf_arena_init(&workload->arena, BATCH_BYTES_MAX);
    workload->pipelines =
        GF_ARENA_ARRAY(&workload->fixed, (size_t)pipeline_count, struct gf_pipeline);
}

void workload_fini(struct workload *workload) {
    gf_vec_fini(&workload->batch.namespaces);
    gf_vec_fini(&workload->batch.pipelines);
    gf_vec_fini(&workload->batch.runs);
    gf_vec_fini(&workload->batch.tasks);
    gf_vec_fini(&workload->batch.events);
    gf_arena_fini(&workload->arena);
    gf_arena_fini(&workload->fixed);
}

static void clear(struct workload *workload) {
    gf_vec_clear(&workload->batch.namespaces);
    gf_vec_clear(&workload->batch.pipelines);
    gf_vec_clear(&workload->batch.runs);
    gf_vec_clear(&workload->batch.tasks);
    gf_vec_clear(&workload->batch.events);
    gf_arena_reset(&workload->arena);
}

const struct gf_batch *workload_setup(struct workload *workload) {
    clear(workload);
    struct gf_namespace *ns = GF_ARENA_NEW(&workload->arena, struct gf_namespace);
    ns->namespace_key = 1;
    ns->namespace_id = GF_STR("default");
    ns->create_time = START_TIME;
    gf_vec_push(&workload->batch.namespaces, ns);
    for (int64_t i = 0; i < workload->pipeline_count; i++) {
        struct gf_pipeline *pipeline = &workload->pipelines[i];
        pipeline->pipeline_key = i + 1;
        pipeline->namespace_key = 1;
        pipeline->pipeline_id =
            gf_str_from(gf_arena_printf(&workload->fixed, "pipeline-%lld", (long long)i));
        pipeline->state = GF_PIPELINE_STATE_ACTIVE;
        pipeline->latest_version = 1;
        pipeline->live_version = 1;
        gf_vec_push(&workload->batch.pipelines, pipeline);
    }
    return &workload->batch;
}

/* The pipelines take turns, so the number that start_run gave follows from the key. */
int64_t workload_run_id(const struct workload *workload, int64_t run_key) {
    return run_key / workload->pipeline_count + (run_key % workload->pipeline_count == 0 ? 0 : 1);
}

int64_t workload_end_time(int64_t run_key) {
    return START_TIME + run_key * WORKLOAD_NS_PER_RUN + RUN_NS;
}

struct gf_str workload_request_id(struct gf_arena *arena, int64_t run_key) {
    const uint64_t spread = (uint64_t)run_key * UINT64_C(0x9e3779b97f4a7c15);
    return gf_str_from(gf_arena_printf(arena, "%016llx-4b1d-9c2e-%012llx",
                                       (unsigned long long)spread, (unsigned long long)run_key));
}

static struct gf_pipeline *pipeline_of(struct workload *workload, int64_t run_key) {
    return &workload->pipelines[run_key % workload->pipeline_count];
}

static void push_event(struct workload *workload, enum gf_event_kind kind, int64_t run_key,
                       int64_t run_id, struct gf_str task_id) {
    const struct gf_event event = {
        .sequence = workload->next_sequence++,
        .time = START_TIME + run_key * WORKLOAD_NS_PER_RUN,
        .kind = kind,
        .namespace_id = GF_STR("default"),
        .pipeline_id = pipeline_of(workload, run_key)->pipeline_id,
        .version = 1,
        .run_id = run_id,
        .task_id = task_id,
        .attempt = task_id.len > 0 ? 1 : 0,
    };
    gf_vec_push(&workload->batch.events, event);
}

static void push_rows(struct workload *workload, int64_t run_key, int64_t run_id, bool complete) {
    struct gf_run *run = GF_ARENA_NEW(&workload->arena, struct gf_run);
    run->run_key = run_key;
    run->pipeline_key = pipeline_of(workload, run_key)->pipeline_key;
    run->run_id = run_id;
    run->version = 1;
    run->state = complete ? GF_RUN_STATE_COMPLETE : GF_RUN_STATE_RUNNING;
    run->status = complete ? GF_RUN_STATUS_SUCCESSFUL : GF_RUN_STATUS_UNSPECIFIED;
    run->initiator.kind = GF_INITIATOR_HUMAN;
    run->initiator.id = GF_STR("somebody");
    run->create_time = START_TIME + run_key * WORKLOAD_NS_PER_RUN;
    run->start_time = run->create_time + 1000;
    run->end_time = complete ? workload_end_time(run_key) : 0;
    if (workload->with_request_ids) {
        run->request_id = workload_request_id(&workload->arena, run_key);
    }
    gf_vec_push(&workload->batch.runs, run);
    struct gf_task_execution *task = GF_ARENA_NEW(&workload->arena, struct gf_task_execution);
    task->run_key = run_key;
    task->task_id = GF_STR("main");
    task->attempt = 1;
    task->state = complete ? GF_TASK_STATE_COMPLETE : GF_TASK_STATE_PROCESSING;
    task->status = complete ? GF_TASK_STATUS_SUCCESSFUL : GF_TASK_STATUS_UNSPECIFIED;
    task->create_time = run->create_time;
    task->ready_time = run->start_time;
    task->queue_time = run->start_time;
    task->launch_time = run->start_time + 500;
    if (complete) {
        task->has_exit_code = true;
        task->start_time = run->start_time + 900;
        task->end_time = run->end_time;
        task->image_digest = DIGEST;
        task->node = GF_STR("worker-01");
        task->cpu_time_ns = 1234567;
        task->peak_memory_bytes = 4 << 20;
        task->log_bytes = 1000;
    }
    gf_vec_push(&workload->batch.tasks, task);
}

static void start_run(struct workload *workload) {
    const int64_t run_key = workload->next_run_key++;
    struct gf_pipeline *pipeline = pipeline_of(workload, run_key);
    const int64_t run_id = ++pipeline->latest_run_id;
    push_rows(workload, run_key, run_id, false);
    push_event(workload, GF_EVENT_RUN_QUEUED, run_key, run_id, GF_STR(""));
    if (workload->with_actors) {
        workload->batch.events.items[workload->batch.events.count - 1].actor = ACTOR;
    }
    push_event(workload, GF_EVENT_RUN_STARTED, run_key, run_id, GF_STR(""));
    push_event(workload, GF_EVENT_TASK_EXECUTION_CREATED, run_key, run_id, GF_STR("main"));
}

static void end_run(struct workload *workload, int64_t run_key) {
    const int64_t run_id = workload_run_id(workload, run_key);
    push_rows(workload, run_key, run_id, true);
    push_event(workload, GF_EVENT_TASK_EXECUTION_COMPLETED, run_key, run_id, GF_STR("main"));
    push_event(workload, GF_EVENT_RUN_COMPLETED, run_key, run_id, GF_STR(""));
}

const struct gf_batch *workload_next(struct workload *workload, int64_t runs) {
    clear(workload);
    const int64_t first = workload->next_run_key;
    for (int64_t key = workload->first_open_key; key < first; key++) {
        end_run(workload, key);
    }
    for (int64_t i = 0; i < runs; i++) {
        start_run(workload);
    }
    const int64_t touched = runs < workload->pipeline_count ? runs : workload->pipeline_count;
    for (int64_t i = 0; i < touched; i++) {
        gf_vec_push(&workload->batch.pipelines, pipeline_of(workload, first + i));
    }
    workload->first_open_key = first;
    return &workload->batch;
}
