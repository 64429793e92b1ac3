/*
 * What the scheduler says of tasks; of the containers of extensions: extension_life.c. A report
 * counts only for the attempt that the core thinks is live: its fencing number makes that certain.
 * What is late or doubled changes nothing.
 */
#include "base/clock.h"
#include "base/time.h"
#include "engine/core/copy.h"
#include "engine/core/core_internal.h"
#include "engine/core/protection.h"

#include <inttypes.h>
#include <string.h>

/* The live task that a report is about, or NULL. */
static struct core_task *find_live(const struct gf_core *core, struct gf_attempt attempt) {
    struct core_run *run = gf_map_i64_get(&core->runs, attempt.run_key);
    if (run == NULL || run->tasks == NULL || attempt.task_index < 0 ||
        (size_t)attempt.task_index >= run->config->row.task_count) {
        return NULL;
    }
    struct core_task *task = &run->tasks[attempt.task_index];
    return gf_core__task_is_live(task) && task->row.attempt == attempt.attempt ? task : NULL;
}

/* A text that tasks of a run mostly share: kept once in the run's arena while it stays the same. */
static struct gf_str share(struct core_run *run, struct gf_str *last, struct gf_str text,
                           size_t bytes_max) {
    if (!gf_str_eq(*last, text)) {
        *last = gf_text_copy_cut(text, bytes_max, &run->arena);
    }
    return *last;
}

/* Where the container ran and what: as far as the report tells. */
static void set_place(struct core_task *task, struct gf_str image_digest, struct gf_str node) {
    struct core_run *run = task->run;
    if (image_digest.len > 0) {
        task->row.image_digest =
            share(run, &run->image_digest, image_digest, GF_IMAGE_DIGEST_BYTES_MAX);
    }
    if (node.len > 0) {
        task->row.node = share(run, &run->node, node, GF_NODE_BYTES_MAX);
    }
}

/* What is known of the container with its start, and does not change. */
static void set_container(struct core_task *task, struct gf_str container_id,
                          uint32_t missing_protections) {
    if (task->row.state == GF_TASK_STATE_PROCESSING) {
        task->row.container_id =
            gf_text_copy_cut(container_id, GF_CONTAINER_ID_BYTES_MAX, &task->run->arena);
        task->row.missing_protections = missing_protections & GF_PROTECTIONS_ALL;
    }
}

static void mark_started(struct gf_core *core, struct core_task *task, int64_t start_time) {
    if (task->row.state != GF_TASK_STATE_PROCESSING) {
        return;
    }
    task->row.state = GF_TASK_STATE_RUNNING;
    task->row.start_time = start_time > 0 ? start_time : core->now;
    if (task->row.stop_time == 0) {
        gf_core__task_watch(core, task);
    }
    gf_core__mark_task(core, task);
    struct gf_event *event = gf_core__event_task(core, GF_EVENT_TASK_EXECUTION_STARTED, task);
    gf_core__tell_place(core, event, &task->row);
}

/* ---- How a container ended ---- */

struct result {
    enum gf_task_status status;
    enum gf_reason_kind kind;
};

static struct result failed(enum gf_reason_kind kind) {
    return (struct result){GF_TASK_STATUS_FAILED, kind};
}

/* What ends a task before its time; NULL = nothing does. */
static const struct gf_reason *ending_reason(const struct core_task *task) {
    if (gf_core__run_is_ending(task->run)) {
        return &task->run->row.reason;
    }
    return task->row.cancel_requested ? &task->row.reason : NULL;
}

/* What becomes of a task that was ended for this reason. */
static struct result ended_by(const struct gf_reason *reason) {
    if (reason->kind == GF_REASON_TIMED_OUT) {
        return failed(GF_REASON_TIMED_OUT);
    }
    return (struct result){GF_TASK_STATUS_CANCELLED, reason->kind};
}

/* Decides what an exit means; the text says why, where it is no success. */
static struct result judge_exit(const struct gf_core *core, const struct core_task *task,
                                const struct gf_exit *exit, struct gf_strbuf *text) {
    const struct gf_task *config = gf_core__task_config(task);
    const struct gf_reason *ending = ending_reason(task);
    if (exit->stopped && ending != NULL) {
        gf_strbuf_append(text, ending->text);
        return ended_by(ending);
    }
    if (exit->failure.len > 0) {
        gf_strbuf_append(text, exit->failure);
        return failed(GF_REASON_SCHEDULER_ERROR);
    }
    if (exit->stopped && task->row.reason.kind == GF_REASON_SCHEDULER_ERROR) {
        gf_strbuf_append_cstr(text, "the scheduler took too long to start the container");
        return failed(GF_REASON_SCHEDULER_ERROR);
    }
    if (exit->timed_out || (exit->stopped && task->row.reason.kind == GF_REASON_TIMED_OUT)) {
        char limit[GF_DURATION_BYTES_MAX];
        const int64_t timeout_ms = gf_core__task_timeout_ms(core, config);
        gf_strbuf_printf(text, "command ran longer than its timeout of %s",
                         gf_duration_format(timeout_ms * GF_NS_PER_MS, limit));
        return failed(GF_REASON_TIMED_OUT);
    }
    if (exit->exit_code == 0 && exit->exit_signal == 0) {
        return (struct result){GF_TASK_STATUS_SUCCESSFUL, GF_REASON_UNSPECIFIED};
    }
    if (exit->out_of_memory) {
        gf_strbuf_append_cstr(text, "command used more memory than it may");
        if (config->resources.memory_bytes > 0) {
            gf_strbuf_printf(text, " (%" PRId64 " bytes)", config->resources.memory_bytes);
        }
        return failed(GF_REASON_OUT_OF_MEMORY);
    }
    if (exit->exit_signal != 0) {
        const char *name = sigabbrev_np(exit->exit_signal);
        gf_strbuf_printf(text, "command was ended by signal %" PRId32 " (%s%s)", exit->exit_signal,
                         name == NULL ? "" : "SIG", name == NULL ? "unknown" : name);
    } else {
        gf_strbuf_printf(text, "command ended with exit code %" PRId32, exit->exit_code);
    }
    return failed(GF_REASON_ABNORMAL_EXIT);
}

static void set_exit(struct gf_task_execution *row, const struct gf_exit *exit) {
    row->has_exit_code = exit->failure.len == 0;
    row->exit_code = row->has_exit_code ? exit->exit_code : 0;
    row->exit_signal = row->has_exit_code ? exit->exit_signal : 0;
    row->end_time = exit->end_time > row->start_time ? exit->end_time : 0;
    row->cpu_time_ns = exit->cpu_time_ns;
    row->peak_memory_bytes = exit->peak_memory_bytes;
    row->peak_pid_count = exit->peak_pid_count;
    row->disk_bytes = exit->disk_bytes;
    row->log_bytes = exit->log_bytes;
    row->log_truncated = exit->log_truncated;
    row->root_expire_time = exit->root_expire_time;
}

static void exited(struct gf_core *core, struct core_task *task, const struct gf_input *input) {
    const struct gf_exit *exit = &input->u.exited.exit;
    set_place(task, input->u.exited.image_digest, input->u.exited.node);
    if (exit->failure.len == 0) {
        /* A short command may end before its start was told. */
        set_container(task, exit->container_id, exit->missing_protections);
        mark_started(core, task, exit->start_time);
    }
    struct gf_strbuf text;
    gf_strbuf_init(&text, GF_REASON_BYTES_MAX * 4);
    const struct result result = judge_exit(core, task, exit, &text);
    set_exit(&task->row, exit);
    if (result.status == GF_TASK_STATUS_FAILED) {
        gf_core__attempt_fail(core, task, result.kind, gf_strbuf_view(&text));
    } else {
        gf_core__task_end(core, task, result.status, result.kind, gf_strbuf_view(&text));
    }
    gf_strbuf_fini(&text);
}

/* ---- Containers that did not run, or that nobody knows of ---- */

static struct gf_str message_or(const struct gf_input *input, struct gf_str otherwise) {
    return input->u.failed.message.len > 0 ? input->u.failed.message : otherwise;
}

static void failed_without_exit(struct gf_core *core, struct core_task *task,
                                enum gf_reason_kind kind, struct gf_str text) {
    const struct gf_reason *ending = ending_reason(task);
    if (ending == NULL) {
        gf_core__attempt_fail(core, task, kind, text);
        return;
    }
    const struct result result = ended_by(ending);
    gf_core__task_end(core, task, result.status, result.kind, ending->text);
}

static void launch_failed(struct gf_core *core, struct core_task *task,
                          const struct gf_input *input) {
    switch (input->u.failed.failure) {
    case GF_LAUNCH_FAILURE_SCHEDULER:
        failed_without_exit(
            core, task, GF_REASON_SCHEDULER_ERROR,
            message_or(input, GF_STR("the scheduler could not start the container")));
        return;
    case GF_LAUNCH_FAILURE_IMAGE:
        failed_without_exit(core, task, GF_REASON_IMAGE_ERROR,
                            message_or(input, GF_STR("the image could not be fetched")));
        return;
    case GF_LAUNCH_FAILURE_IMAGE_REFUSED:
        break;
    }
    if (ending_reason(task) == NULL) {
        gf_core__task_end(core, task, GF_TASK_STATUS_FAILED, GF_REASON_IMAGE_ERROR,
                          message_or(input, GF_STR("the image cannot be used")));
    } else {
        failed_without_exit(core, task, GF_REASON_IMAGE_ERROR, GF_STR(""));
    }
}

static void lost(struct gf_core *core, struct core_task *task, const struct gf_input *input) {
    failed_without_exit(core, task, GF_REASON_ORPHANED,
                        message_or(input, GF_STR("nothing could be found of the container")));
}

/* The launch was interrupted before anything started: it is made again, with the same number. */
static void never_started(struct gf_core *core, struct core_task *task,
                          const struct gf_input *input) {
    if (task->row.state == GF_TASK_STATE_RUNNING || ending_reason(task) != NULL) {
        lost(core, task, input);
    } else if (task->row.reason.kind != GF_REASON_UNSPECIFIED) {
        gf_core__attempt_fail(core, task, GF_REASON_SCHEDULER_ERROR,
                              GF_STR("the scheduler took too long to start the container"));
    } else {
        gf_core__effect_launch(core, task);
    }
}

static struct gf_attempt attempt_of(const struct gf_input *input) {
    if (input->kind == GF_INPUT_TASK_STARTED) {
        return input->u.started.attempt;
    }
    return input->kind == GF_INPUT_TASK_EXITED ? input->u.exited.attempt : input->u.failed.attempt;
}

static void started(struct gf_core *core, struct core_task *task, const struct gf_start *start) {
    set_place(task, start->image_digest, start->node);
    if (task->row.state == GF_TASK_STATE_PROCESSING) {
        task->row.pull_start_time = start->pull_start_time;
        task->row.pull_end_time = start->pull_end_time;
    }
    set_container(task, start->container_id, start->missing_protections);
    mark_started(core, task, start->start_time);
}

/* What a report means to somebody who asked because a run seemed stuck; NULL = it was known. */
static const char *repair_action(const struct core_task *task, enum gf_input_kind kind) {
    const bool launching = task->row.state == GF_TASK_STATE_PROCESSING;
    if (kind == GF_INPUT_TASK_STARTED) {
        return launching ? "its container runs, which was not known" : NULL;
    }
    if (kind == GF_INPUT_TASK_EXITED) {
        return "its container had ended, which was not known";
    }
    if (kind == GF_INPUT_TASK_NEVER_STARTED && launching) {
        return "its container had not been started";
    }
    return "nothing could be found of its container";
}

static void report_live(struct gf_core *core, struct core_task *task,
                        const struct gf_input *input) {
    gf_core__repair_answer(core, task, repair_action(task, input->kind));
    if (input->kind == GF_INPUT_TASK_STARTED) {
        started(core, task, &input->u.started.start);
    } else if (input->kind == GF_INPUT_TASK_EXITED) {
        exited(core, task, input);
    } else if (input->kind == GF_INPUT_TASK_LAUNCH_FAILED) {
        launch_failed(core, task, input);
    } else if (input->kind == GF_INPUT_TASK_LOST) {
        lost(core, task, input);
    } else {
        never_started(core, task, input);
    }
    gf_core__run_settle(core, task->run);
}

void gf_core__report(struct gf_core *core, const struct gf_input *input) {
    const struct gf_attempt attempt = attempt_of(input);
    struct core_task *task = find_live(core, attempt);
    if (task != NULL) {
        report_live(core, task, input);
        return;
    }
    if (gf_core__extension_report(core, attempt, input)) {
        return;
    }
    if (input->kind == GF_INPUT_TASK_STARTED) {
        /* Nobody wants it any more: it was given up, and came late. */
        gf_core__effect(core, GF_EFFECT_STOP, attempt)->force = true;
    } else if (input->kind != GF_INPUT_TASK_NEVER_STARTED) {
        /* The end of an attempt that is over already: the scheduler need not keep it. */
        gf_core__effect(core, GF_EFFECT_FORGET, attempt);
    }
}
