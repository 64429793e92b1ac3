#include "engine/core/copy.h"
#include "engine/core/core_internal.h"

/* ---- The queue of a pipeline ---- */

/* How many runs of its pipeline a run may be one of; 0 = no limit. */
static int64_t parallelism_of(const struct gf_core *core, const struct core_run *run) {
    const int64_t of_config = run->config->row.parallelism;
    const int64_t of_server = core->limits.pipeline_runs_max;
    if (of_config == 0 || of_server == 0) {
        return of_config + of_server;
    }
    return of_config < of_server ? of_config : of_server;
}

bool gf_core__run_may_begin(const struct gf_core *core, const struct core_run *run) {
    const int64_t most = parallelism_of(core, run);
    return most == 0 || run->pipeline->runs_running < most;
}

void gf_core__run_enqueue(struct gf_core *core, struct core_run *run) {
    run->row.state = GF_RUN_STATE_QUEUED;
    gf_list_push_back(&run->pipeline->queued_runs, &run->queue_link);
    core->runs_queued++;
    gf_core__mark_run(core, run);
}

static void dequeue(struct gf_core *core, struct core_run *run) {
    if (gf_list_linked(&run->queue_link)) {
        gf_list_remove(&run->queue_link);
        core->runs_queued--;
    }
}

void gf_core__start_queued(struct gf_core *core, struct core_pipeline *pipeline) {
    struct gf_list_link *link = NULL;
    while ((link = gf_list_first(&pipeline->queued_runs)) != NULL) {
        struct core_run *run = GF_CONTAINER_OF(link, struct core_run, queue_link);
        if (!gf_core__run_may_begin(core, run)) {
            return;
        }
        dequeue(core, run);
        gf_core__run_begin(core, run);
    }
}

/* ---- Beginning ---- */

void gf_core__run_make_tasks(struct core_run *run) {
    const struct gf_config *config = &run->config->row;
    run->tasks = GF_ARENA_ARRAY(&run->arena, config->task_count, struct core_task);
    run->tasks_left = config->task_count;
    for (size_t i = 0; i < config->task_count; i++) {
        struct core_task *task = &run->tasks[i];
        task->run = run;
        task->parents_left = (int32_t)config->tasks[i].parent_count;
        task->row.run_key = run->row.run_key;
        task->row.task_index = (int32_t)i;
        task->row.task_id = config->tasks[i].task_id;
        task->row.state = GF_TASK_STATE_WAITING;
    }
}

void gf_core__run_begin(struct gf_core *core, struct core_run *run) {
    const struct gf_config *config = &run->config->row;
    run->row.state = GF_RUN_STATE_RUNNING;
    run->row.start_time = core->now;
    run->pipeline->runs_running++;
    gf_core__mark_run(core, run);
    (void)gf_core__event_run(core, GF_EVENT_RUN_STARTED, run);
    gf_core__run_make_tasks(run);
    for (size_t i = 0; i < config->task_count; i++) {
        run->tasks[i].row.create_time = core->now;
        gf_core__mark_task(core, &run->tasks[i]);
        (void)gf_core__event_task(core, GF_EVENT_TASK_EXECUTION_CREATED, &run->tasks[i]);
    }
    for (size_t i = 0; i < config->task_count; i++) {
        if (run->tasks[i].parents_left == 0) {
            gf_core__task_decide(core, &run->tasks[i]);
        }
    }
}

/* ---- Ending ---- */

/* The reason of a failed run is that of its first failed task in the order of the file. */
static void set_failure(struct core_run *run) {
    const struct core_task *first = run->tasks;
    while (first->row.status != GF_TASK_STATUS_FAILED) {
        first++;
    }
    const enum gf_reason_kind kind = first->row.reason.kind;
    const bool of_scheduler = kind == GF_REASON_SCHEDULER_ERROR || kind == GF_REASON_ORPHANED;
    struct gf_strbuf text;
    gf_strbuf_init(&text, GF_REASON_BYTES_MAX * 2);
    gf_strbuf_printf(&text, "task '%" GF_STR_FMT "' failed", GF_STR_ARG(first->row.task_id));
    if (run->failed_count > 1) {
        gf_strbuf_printf(&text, " (and %zu more)", run->failed_count - 1);
    }
    gf_strbuf_printf(&text, ": %" GF_STR_FMT, GF_STR_ARG(first->row.reason.text));
    run->row.reason.kind = of_scheduler ? kind : GF_REASON_ABNORMAL_EXIT;
    run->row.reason.text =
        gf_text_copy_cut(gf_strbuf_view(&text), GF_REASON_BYTES_MAX, &run->arena);
    gf_strbuf_fini(&text);
}

/*
 * What a run ended as follows from the results of its tasks alone; one that never began has none
 * and was cancelled. The reason of a cancelled run is there since the cancel.
 */
static void set_result(struct core_run *run) {
    if (run->tasks == NULL || run->cancelled_count > 0) {
        run->row.status = GF_RUN_STATUS_CANCELLED;
    } else if (run->failed_count > 0) {
        run->row.status = GF_RUN_STATUS_FAILED;
        set_failure(run);
    } else {
        run->row.status = GF_RUN_STATUS_SUCCESSFUL;
        run->row.reason = (struct gf_reason){.kind = GF_REASON_UNSPECIFIED};
    }
}

static void end_run(struct gf_core *core, struct core_run *run) {
    run->row.state = GF_RUN_STATE_COMPLETE;
    /* The wall clock may have been set back meanwhile. */
    const int64_t begin = run->row.start_time > 0 ? run->row.start_time : run->row.create_time;
    run->row.end_time = core->now > begin ? core->now : begin;
    set_result(run);
    gf_core__mark_run(core, run);
    gf_core__event_run(core, GF_EVENT_RUN_COMPLETED, run)->status = (int32_t)run->row.status;
    gf_core__bury_run(core, run);
}

void gf_core__run_end_queued(struct gf_core *core, struct core_run *run) {
    struct core_pipeline *pipeline = run->pipeline;
    gf_assert(run->tasks == NULL);
    dequeue(core, run);
    end_run(core, run);
    /* It may have held back younger ones of a version with more parallelism. */
    gf_core__start_queued(core, pipeline);
}

void gf_core__run_settle(struct gf_core *core, struct core_run *run) {
    for (size_t i = 0; i < core->ended.count; i++) {
        const struct core_task *ended = core->ended.items[i];
        const struct gf_task *config = gf_core__task_config(ended);
        gf_assert(ended->run == run);
        for (size_t c = 0; c < config->child_count; c++) {
            struct core_task *child = &run->tasks[config->children[c]];
            child->parents_left--;
            if (child->parents_left == 0 && child->row.state == GF_TASK_STATE_WAITING) {
                gf_core__task_decide(core, child);
            }
        }
    }
    gf_vec_clear(&core->ended);
    if (run->tasks_left == 0) {
        struct core_pipeline *pipeline = run->pipeline;
        pipeline->runs_running--;
        end_run(core, run);
        gf_core__start_queued(core, pipeline);
    }
}
