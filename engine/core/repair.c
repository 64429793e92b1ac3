/*
 * Repairing a run: the scheduler is asked about each of its containers. What it answers are reports
 * like all others, which put right by themselves what was wrong; here is only counted whether all
 * have come, and noted what they changed. The command is answered with the last of them, or when
 * the patience with the scheduler is at an end.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "engine/core/copy.h"
#include "engine/core/core_internal.h"

#include <inttypes.h>

static struct core_repair *begin(struct gf_core *core, struct core_run *run,
                                 const struct gf_actor *actor) {
    const int64_t limit_ms =
        core->limits.inquiry_ms > 0 ? core->limits.inquiry_ms : GF_INQUIRY_MS_DEFAULT;
    struct core_repair *repair = GF_NEW(struct core_repair);
    repair->run = run;
    gf_actor_copy(actor, &run->arena, &repair->actor);
    for (size_t i = 0; run->tasks != NULL && i < run->config->row.task_count; i++) {
        struct core_task *task = &run->tasks[i];
        if (gf_core__task_is_live(task)) {
            task->inquired = true;
            repair->pending++;
            gf_core__effect(core, GF_EFFECT_INQUIRE, gf_core__task_attempt(task));
        }
    }
    gf_core__timer_set(core, &repair->timer, CORE_TIMER_REPAIR,
                       gf_deadline_after_ms(core->now, limit_ms));
    run->repair = repair;
    return repair;
}

void gf_core__repair_free(struct core_repair *repair) {
    if (repair != NULL) {
        gf_vec_fini(&repair->tokens);
        gf_vec_fini(&repair->actions);
        free(repair);
    }
}

/* The step is one of the scheduler's or the clock's; who asked for the repair did it. */
static void tell(struct gf_core *core, struct core_run *run) {
    const struct gf_actor *actor_of_step = core->actor;
    core->actor = &run->repair->actor;
    (void)gf_core__event_run(core, GF_EVENT_RUN_REPAIRED, run);
    core->actor = actor_of_step;
}

static void end(struct gf_core *core, struct core_run *run, const struct gf_error *err) {
    struct core_repair *repair = run->repair;
    const size_t count = repair->actions.count;
    struct gf_str *actions = GF_ARENA_ARRAY(&core->batch_arena, count + 1, struct gf_str);
    for (size_t i = 0; i < count; i++) {
        actions[i] = repair->actions.items[i];
    }
    for (size_t i = 0; i < repair->tokens.count; i++) {
        struct gf_reply *reply = gf_core__reply_to(core, repair->tokens.items[i]);
        if (err != NULL) {
            reply->error = *err;
            continue;
        }
        reply->run = &run->row;
        reply->pipeline = &run->pipeline->row;
        reply->actions = actions;
        reply->action_count = count;
        reply->action_total = repair->action_total;
        reply->unchanged = count == 0;
    }
    if (count > 0) {
        tell(core, run);
    }
    gf_core__timer_clear(core, &repair->timer);
    run->repair = NULL;
    gf_core__repair_free(repair);
}

void gf_core__repair_answer(struct gf_core *core, struct core_task *task, const char *action) {
    struct core_run *run = task->run;
    struct core_repair *repair = run->repair;
    if (!task->inquired) {
        return;
    }
    task->inquired = false;
    repair->action_total += action != NULL;
    if (action != NULL && repair->actions.count < GF_REPLY_ACTIONS_MAX) {
        struct gf_strbuf text;
        gf_strbuf_init(&text, GF_REASON_BYTES_MAX);
        gf_strbuf_printf(&text, "task '%" GF_STR_FMT "': %s", GF_STR_ARG(task->row.task_id),
                         action);
        gf_vec_push(&repair->actions, gf_text_copy(gf_strbuf_view(&text), &run->arena));
        gf_strbuf_fini(&text);
    }
    if (--repair->pending == 0) {
        end(core, run, NULL);
    }
}

void gf_core__repair_give_up(struct gf_core *core, struct core_run *run, const char *why) {
    struct gf_error err = {0};
    (void)gf_fail(&err, GF_UNAVAILABLE, "%s about %" PRId64 " containers of run %" PRId64, why,
                  run->repair->pending, run->row.run_id);
    for (size_t i = 0; i < run->config->row.task_count; i++) {
        run->tasks[i].inquired = false;
    }
    end(core, run, &err);
}

enum gf_step gf_core__repair_run(struct gf_core *core, const struct gf_input *input,
                                 struct gf_need *out_need) {
    enum gf_step result = GF_STEP_DONE;
    struct core_pipeline *pipeline = NULL;
    const struct gf_run *row = NULL;
    struct core_run *run = NULL;
    if (!gf_core__resolve_run(core, input, input->u.cancel.namespace_id,
                              input->u.cancel.pipeline_id, input->u.cancel.run_id, &pipeline, &row,
                              &run, out_need, &result)) {
        return result;
    }
    if (run == NULL || run->attempts_running == 0) {
        /* Nothing of it is in the hands of the scheduler. */
        struct gf_reply *reply = gf_core__reply(core, input);
        reply->run = row;
        reply->pipeline = &pipeline->row;
        reply->unchanged = true;
        return GF_STEP_DONE;
    }
    struct core_repair *repair =
        run->repair != NULL ? run->repair : begin(core, run, &input->actor);
    gf_vec_push(&repair->tokens, input->token);
    return GF_STEP_DONE;
}

void gf_core_stop(struct gf_core *core) {
    size_t position = 0;
    void *value = NULL;
    while (gf_map_i64_next(&core->runs, &position, NULL, &value)) {
        struct core_run *run = value;
        if (run->repair != NULL) {
            gf_core__repair_give_up(core, run, "the service stops and was not answered");
        }
    }
    gf_core__expiry_stop(core);
}
