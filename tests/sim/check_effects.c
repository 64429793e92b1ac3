/*
 * Replies and orders to the scheduler, when they are decided; and replies again when they are
 * released, since then what they told must be on the disk.
 */
#include "tests/sim/check.h"

#include <inttypes.h>

/* ---- Replies ---- */

static bool makes_run(const struct gf_input *input) {
    return input->kind == GF_INPUT_START_RUN || input->kind == GF_INPUT_RETRY_RUN;
}

static struct gf_str run_request_id(const struct gf_input *input) {
    return input->kind == GF_INPUT_START_RUN ? input->u.start_run.request_id
                                             : input->u.retry_run.request_id;
}

static struct gf_request_ref request_of(const struct gf_input *input) {
    if (input->kind == GF_INPUT_CREATE_NAMESPACE) {
        return input->u.ns.request;
    }
    if (input->kind == GF_INPUT_REGISTER_CONFIG) {
        return input->u.register_config.request;
    }
    if (input->kind == GF_INPUT_CREATE_TOKEN) {
        return input->u.token.request;
    }
    if (input->kind == GF_INPUT_CREATE_ROLE) {
        return input->u.role.request;
    }
    return input->kind == GF_INPUT_DEPLOY ? input->u.deploy.request : (struct gf_request_ref){0};
}

/* A run in a reply is that of the rows. */
static void check_reply_run(struct sim *sim, struct sim_command *command,
                            const struct gf_run *told) {
    const struct sim_run *run = sim_rows_run(&sim->rows, told->run_key);
    SIM_EXPECT(sim, reply_agrees,
               run != NULL && run->row.run_id == told->run_id && run->row.state == told->state &&
                   run->row.status == told->status &&
                   run->row.cancel_requested == told->cancel_requested,
               "command %" PRId64 " is answered with run %" PRId64 " (%s), which is %s",
               command->number, told->run_id, gf_run_state_name(told->state),
               run == NULL ? "unknown" : gf_run_state_name(run->row.state));
    command->run_key = told->run_key;
    if (makes_run(&command->input)) {
        SIM_EXPECT(sim, request_first_outcome,
                   gf_str_eq(run->row.request_id, run_request_id(&command->input)),
                   "command %" PRId64 " is answered with run %" PRId64 " of another request",
                   command->number, told->run_id);
    }
}

static void check_replayed(struct sim *sim, struct sim_command *command,
                           const struct gf_reply *reply) {
    const struct gf_request_ref ref = request_of(&command->input);
    const struct sim_request *request =
        ref.request_id.len == 0 ? NULL : sim_rows_request(&sim->rows, ref.caller, ref.request_id);
    command->replayed = reply->replayed != NULL;
    if (ref.request_id.len == 0) {
        SIM_EXPECT(sim, request_first_outcome, reply->replayed == NULL,
                   "command %" PRId64 " has no request id", command->number);
        return;
    }
    SIM_EXPECT(sim, request_first_outcome, request != NULL,
               "the outcome of command %" PRId64 " is not recorded", command->number);
    if (reply->replayed == NULL) {
        SIM_EXPECT(sim, request_first_outcome, request->original == command->original,
                   "command %" PRId64 " is answered with an outcome of its own", command->number);
        return;
    }
    SIM_EXPECT(sim, request_first_outcome,
               request->row.number == reply->replayed->number &&
                   request->row.kind == reply->replayed->kind &&
                   request->row.create_time == reply->replayed->create_time &&
                   gf_str_eq(request->row.pipeline_id, reply->replayed->pipeline_id) &&
                   gf_str_eq(request->row.subject_id, reply->replayed->subject_id),
               "command %" PRId64 " is answered with another outcome than the first",
               command->number);
}

static void note_outcome(struct sim *sim, struct sim_command *command,
                         const struct gf_reply *reply) {
    if (reply->run != NULL) {
        check_reply_run(sim, command, reply->run);
    }
    if (reply->ns != NULL) {
        command->namespace_key = reply->ns->namespace_key;
    }
    if (reply->pipeline != NULL) {
        command->pipeline_key = reply->pipeline->pipeline_key;
    }
    if (reply->config != NULL) {
        command->version = reply->config->version;
        command->pipeline_key = reply->config->pipeline_key;
    }
    if (reply->deployment != NULL) {
        command->deployment_id = reply->deployment->deployment_id;
        command->pipeline_key = reply->deployment->pipeline_key;
    }
}

/* A repair ends for all who asked for it. */
static void note_repaired(struct sim *sim, struct sim_command *command,
                          const struct gf_reply *reply) {
    struct sim_pipeline *pipeline = sim_rows_pipeline_by_id(
        &sim->rows, command->input.u.cancel.namespace_id, command->input.u.cancel.pipeline_id);
    struct sim_run *run =
        pipeline == NULL ? NULL : sim_rows_run_by_id(pipeline, command->input.u.cancel.run_id);
    if (run != NULL) {
        run->repair_step = 0;
    }
    sim->repair_ended = true;
    sim->repaired = sim->repaired || reply->action_count > 0;
}

static void check_reply(struct sim *sim, const struct gf_effect *effect) {
    struct sim_command *command = effect->token;
    const struct gf_reply *reply = effect->reply;
    SIM_EXPECT(sim, answered_once, command != NULL && command->open && !command->decided,
               "a command is answered again, or nobody asked");
    command->decided = true;
    command->code = reply->error.code;
    command->changes = command->code == GF_OK && !reply->unchanged;
    SIM_EXPECT(sim, refusal, (command->allowed >> command->code & 1) != 0,
               "command %" PRId64 " is answered %s (%s), the rows allow %#x", command->number,
               gf_code_name(command->code), reply->error.message, command->allowed);
    if (command->input.kind == GF_INPUT_REPAIR_RUN) {
        note_repaired(sim, command, reply);
    }
    if (command == sim->command) {
        sim->answered_in_step = true;
    }
    if (command->code == GF_OK) {
        note_outcome(sim, command, reply);
        sim_check_access_reply(sim, command, reply);
        sim_check_intake_reply(sim, command, reply);
        check_replayed(sim, command, reply);
        command->changes = command->changes && !command->replayed;
    }
}

/* ---- Orders to the scheduler ---- */

static struct sim_task *task_of(struct sim *sim, const struct gf_effect *effect) {
    struct sim_run *run = sim_rows_run(&sim->rows, effect->attempt.run_key);
    SIM_EXPECT(sim, launch_committed,
               run != NULL && effect->attempt.task_index >= 0 &&
                   effect->attempt.task_index < run->task_count,
               "an order about an unknown attempt");
    return &run->tasks[effect->attempt.task_index];
}

static bool is_live_attempt(const struct sim_task *task, int32_t attempt) {
    return sim_row_is_live(&task->row) && task->row.attempt == attempt;
}

static void check_order(struct sim *sim, const struct gf_effect *effect) {
    const int32_t attempt = effect->attempt.attempt;
    if (effect->kind == GF_EFFECT_FORGET) {
        struct sim_run *run = sim_rows_run(&sim->rows, effect->attempt.run_key);
        SIM_EXPECT(sim, one_outcome,
                   run == NULL || effect->attempt.task_index < 0 ||
                       effect->attempt.task_index >= run->task_count ||
                       !is_live_attempt(&run->tasks[effect->attempt.task_index], attempt),
                   "an attempt is to be forgotten that has not ended");
        return;
    }
    struct sim_task *task = task_of(sim, effect);
    SIM_EXPECT(sim, launch_committed,
               effect->kind == GF_EFFECT_INQUIRE || effect->kind == GF_EFFECT_STOP ||
                   task->row.attempt == attempt,
               "an attempt is launched that is not the present one");
    SIM_EXPECT(sim, launch_limits,
               effect->kind != GF_EFFECT_LAUNCH ||
                   (effect->timeout_ms == sim_task_timeout_ms(sim, task) &&
                    effect->stop_timeout_ms == sim_stop_timeout_ms(sim, task) &&
                    effect->run->run_key == task->row.run_key &&
                    effect->config->version == task->run->row.version),
               "an attempt is launched with a timeout of %" PRId64 " ms", effect->timeout_ms);
    if (effect->kind == GF_EFFECT_STOP && task->row.attempt == attempt) {
        task->told_stop = true;
        const bool of_run = sim_run_is_ending(&task->run->row) &&
                            !sim_run_is_ending(sim_run_before(sim, task->run));
        SIM_EXPECT(sim, timeout_late,
                   !task->told_force || of_run || sim->input == NULL ||
                       sim->input->kind != GF_INPUT_CLOCK,
                   "task '%" GF_STR_FMT "' of run %" PRId64
                   " is told to end at once again, and not given up",
                   GF_STR_ARG(task->row.task_id), task->run->row.run_id);
        task->told_force = task->told_force || effect->force;
        task->forward_stop = sim->forward;
    }
}

/* A container of an attempt that was given up is told to end. */
static void check_stale_start(struct sim *sim) {
    if (!sim->stale || sim->input->kind != GF_INPUT_TASK_STARTED) {
        return;
    }
    const struct gf_batch *batch = gf_core_batch(sim->core);
    const struct gf_attempt about = sim->input->u.started.attempt;
    const struct gf_effect *last =
        batch->effects.count == 0 ? NULL : &batch->effects.items[batch->effects.count - 1];
    SIM_EXPECT(sim, stop_reaches,
               last != NULL && last->kind == GF_EFFECT_STOP && last->force &&
                   last->attempt.run_key == about.run_key &&
                   last->attempt.task_index == about.task_index &&
                   last->attempt.attempt == about.attempt,
               "an attempt that was given up has started, and is not told to end");
}

void sim_check_effects(struct sim *sim) {
    const struct gf_batch *batch = gf_core_batch(sim->core);
    for (; sim->effects_seen < batch->effects.count; sim->effects_seen++) {
        const struct gf_effect *effect = &batch->effects.items[sim->effects_seen];
        if (effect->kind == GF_EFFECT_REPLY) {
            check_reply(sim, effect);
        } else {
            check_order(sim, effect);
        }
    }
    check_stale_start(sim);
    struct sim_command *command = sim->command;
    if (command == NULL || sim->answered_in_step) {
        return;
    }
    struct sim_pipeline *pipeline =
        command->input.kind != GF_INPUT_REPAIR_RUN
            ? NULL
            : sim_rows_pipeline_by_id(&sim->rows, command->input.u.cancel.namespace_id,
                                      command->input.u.cancel.pipeline_id);
    struct sim_run *run =
        pipeline == NULL ? NULL : sim_rows_run_by_id(pipeline, command->input.u.cancel.run_id);
    SIM_EXPECT(sim, answered_once, run != NULL && run->live > 0,
               "command %" PRId64 " has no answer", command->number);
    if (run->repair_step == 0) {
        run->repair_step = sim->step;
        run->repair_actor = command->input.actor;
    }
}

/* ---- Acknowledged ---- */

void sim_check_acknowledged(struct sim *sim, struct sim_command *command) {
    sim_check_access_acknowledged(sim, command);
    sim_check_intake_acknowledged(sim, command);
    if (command->run_key > 0) {
        const struct sim_run *run = sim_rows_run(&sim->rows, command->run_key);
        SIM_EXPECT(sim, acknowledged_kept, run != NULL && run->there.saved,
                   "command %" PRId64 " was answered with run key %" PRId64 ", which is not stored",
                   command->number, command->run_key);
        SIM_EXPECT(sim, acknowledged_kept,
                   command->input.kind != GF_INPUT_CANCEL_RUN || run->saved.cancel_requested ||
                       sim_run_is_ending(&run->saved) || run->saved.state == GF_RUN_STATE_COMPLETE,
                   "cancel %" PRId64 " of run key %" PRId64 " is not stored", command->number,
                   command->run_key);
    }
    const struct sim_pipeline *pipeline =
        command->pipeline_key > 0 ? &sim->rows.pipelines[command->pipeline_key - 1] : NULL;
    if (pipeline == NULL || !pipeline->there.now || !pipeline->ns->there.now) {
        return;
    }
    SIM_EXPECT(sim, acknowledged_kept, pipeline->there.saved,
               "pipeline of command %" PRId64 " is not stored", command->number);
    if (command->version > 0 && (size_t)command->version <= pipeline->configs.count) {
        const struct sim_config *config = pipeline->configs.items[command->version - 1];
        SIM_EXPECT(sim, acknowledged_kept,
                   config != NULL && config->there.saved == config->there.now,
                   "version of command %" PRId64 " is not stored", command->number);
    }
    SIM_EXPECT(sim, acknowledged_kept, pipeline->saved_deployment_id >= command->deployment_id,
               "deployment of command %" PRId64 " is not stored", command->number);
}
