#include "base/alloc.h"
#include "base/clock.h"
#include "tests/sim/check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum {
    NEEDS_MAX = 8,    /* as the engine has it */
    CLOCK_STEPS = 4,  /* the same, where the step was the clock's */
    WORLD_STEPS = 32, /* between two looks at everything */
    ENDING_STEPS_MAX = 400000,
};

static struct sim *current;

struct sim *sim_story_current(void) {
    return current;
}

void sim_break(struct sim *sim, enum sim_invariant invariant, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(sim->result.text, sizeof(sim->result.text), fmt, args);
    va_end(args);
    sim->result.broken = true;
    sim->result.invariant = invariant;
    longjmp(sim->out, 1);
}

static bool chance(struct sim *sim, uint32_t per_mille) {
    return sim_random_chance(&sim->random, per_mille);
}

/* ---- One step ---- */

static void remember(struct sim *sim, const struct gf_input *input) {
    const size_t at = (size_t)(sim->step % SIM_HISTORY);
    sim->history[at].step = sim->step;
    sim->history[at].input = *input;
    sim->history[at].wall = sim->wall;
    if (sim->options.trace) {
        struct gf_strbuf text;
        gf_strbuf_init(&text, SIM_TEXT_BYTES_MAX);
        sim_print_input(&text, input);
        sim_trace(sim, "step %" PRId64 " at %" PRId64 ": %" GF_STR_FMT, sim->step, sim->wall,
                  GF_STR_ARG(gf_strbuf_view(&text)));
        gf_strbuf_fini(&text);
    }
}

/* Steps, and gives what is needed. False: the store could not be read, and nothing was done. */
static bool step_core(struct sim *sim, const struct gf_input *input) {
    struct gf_need need;
    const struct gf_batch *batch = gf_core_batch(sim->core);
    const size_t rows = gf_batch_row_count(batch);
    const size_t effects = batch->effects.count;
    for (int needs = 0; gf_core_step(sim->core, input, sim->wall, &need) == GF_STEP_NEED; needs++) {
        SIM_EXPECT(sim, need_traceless,
                   gf_batch_row_count(batch) == rows && batch->effects.count == effects,
                   "a step that needs something has changed something");
        SIM_EXPECT(sim, need_traceless, needs < NEEDS_MAX && gf_input_is_command(input->kind),
                   "a step needs more and more");
        if (chance(sim, sim->profile.load_fails)) {
            return false;
        }
        sim_rows_answer(&sim->rows, sim->core, &need);
    }
    return true;
}

/* The attempt that a report is about is the present one, and has not ended. */
static bool is_stale(struct sim *sim, const struct gf_input *input) {
    const struct gf_attempt attempt =
        input->kind == GF_INPUT_TASK_STARTED
            ? input->u.started.attempt
            : (input->kind == GF_INPUT_TASK_EXITED ? input->u.exited.attempt
                                                   : input->u.failed.attempt);
    const struct sim_run *run = sim_rows_run(&sim->rows, attempt.run_key);
    if (run == NULL || attempt.task_index < 0 || attempt.task_index >= run->task_count) {
        return true;
    }
    const struct gf_task_execution *row = &run->tasks[attempt.task_index].row;
    return !sim_row_is_live(row) || row->attempt != attempt.attempt;
}

void sim_see_time(struct sim *sim) {
    sim->clock_set_back = sim->clock_set_back || sim->wall < sim->core_now;
    sim->forward += sim->wall > sim->core_now ? sim->wall - sim->core_now : 0;
    sim->core_now = sim->wall;
}

void sim_step(struct sim *sim, const struct gf_input *input, struct sim_command *command) {
    /* No two steps are at the same time. */
    sim->mono += 1000;
    sim->wall += 1000;
    const bool is_report = !gf_input_is_command(input->kind) && input->kind != GF_INPUT_CLOCK;
    sim->stale = is_report && is_stale(sim, input);
    sim->step++;
    sim->batch_steps++;
    sim->result.steps++;
    sim->input = input;
    sim->command = command;
    sim_see_time(sim);
    remember(sim, input);
    if (!step_core(sim, input)) {
        command->open = false;
        command->answered = true;
        command->code = GF_UNAVAILABLE;
        command->decided = true;
        sim->command = NULL;
    }
    sim_check_step(sim);
    SIM_EXPECT(sim, stale_report, !sim->stale || sim->rows_touched == 0,
               "a report of an attempt that is over is told of");
    const bool is_clock = input->kind == GF_INPUT_CLOCK;
    if (is_clock) {
        SIM_EXPECT(sim, timeout_late, gf_core_next_deadline(sim->core) > sim->wall,
                   "something was due %" PRId64 " ns ago",
                   sim->wall - gf_core_next_deadline(sim->core));
    }
    sim_twin_step(sim);
    if (sim->step % WORLD_STEPS == 0 || (sim->step % CLOCK_STEPS == 0 && is_clock)) {
        sim_check_world(sim);
    }
}

/* ---- Time ---- */

static void pass(struct sim *sim, int64_t by) {
    sim->mono += by;
    sim->wall += by;
}

static void maybe_jump(struct sim *sim) {
    if (sim->ending || !chance(sim, sim->profile.clock_jumps)) {
        return;
    }
    int64_t by = sim_random_spread(&sim->random, GF_NS_PER_MS, 3 * GF_NS_PER_HOUR);
    if (chance(sim, 100)) {
        by = 25 * GF_NS_PER_HOUR;
    }
    by = chance(sim, 500) ? by : -by;
    sim_trace(sim, "the clock jumps by %" PRId64, by);
    sim->wall += by;
}

/* To the next thing that is to happen, or a little on. */
static void pass_time(struct sim *sim, bool skip) {
    const int64_t deadline = gf_core_next_deadline(sim->core);
    const int64_t to_report = sim_scheduler_next(&sim->scheduler);
    int64_t by = deadline == GF_NEVER ? 10 * GF_NS_PER_SEC : deadline - sim->wall;
    if (to_report != GF_NEVER && to_report - sim->mono < by) {
        by = to_report - sim->mono;
    }
    if (!skip) {
        const int64_t little = sim_random_spread(&sim->random, 1000, 100 * GF_NS_PER_MS);
        by = by < little ? by : little;
    }
    /* A batch is not kept open while nothing comes. */
    if (by > 100 * GF_NS_PER_MS && sim->batch_steps > 0) {
        sim_batch_end(sim);
        return;
    }
    pass(sim, by > 0 ? by : 0);
    maybe_jump(sim);
}

/* ---- What happens next ---- */

static bool step_report(struct sim *sim) {
    struct gf_input input;
    while (sim_scheduler_next(&sim->scheduler) <= sim->mono) {
        if (sim_scheduler_report(&sim->scheduler, sim->mono, sim->wall, &input)) {
            sim_step(sim, &input, NULL);
            return true;
        }
    }
    return false;
}

static void step_clock(struct sim *sim) {
    const struct gf_input input = {.kind = GF_INPUT_CLOCK};
    sim_step(sim, &input, NULL);
}

static void happen(struct sim *sim) {
    const bool deadline = gf_core_next_deadline(sim->core) <= sim->wall;
    const bool report = sim_scheduler_next(&sim->scheduler) <= sim->mono;
    if (!sim->ending && chance(sim, sim->profile.commands)) {
        sim_command_random(sim);
    } else if (deadline && !(report && chance(sim, sim->profile.late_clock))) {
        step_clock(sim);
    } else if (report && step_report(sim)) {
        return;
    } else {
        pass_time(sim, sim->ending || chance(sim, 500));
    }
}

static void maybe_end_batch(struct sim *sim) {
    if (sim->batch_steps > 0 &&
        sim_random_below(&sim->random, (uint64_t)sim->profile.batch_max) == 0) {
        sim_batch_end(sim);
    }
}

/* ---- The story ---- */

static void begin(struct sim *sim) {
    const struct gf_core_start start = {1, 1, 1, 1};
    sim->mono = GF_NS_PER_DAY;
    sim->wall = 20000 * GF_NS_PER_DAY;
    sim_profile_draw(sim);
    sim->crashes_left = sim->profile.crash_count;
    sim->next_crash_step = sim->options.steps / (sim->profile.crash_count + 1);
    sim->core = gf_core_create(&sim->limits, &start);
    sim_command_begin(sim);
    sim_batch_commit(sim);
}

/* No more commands, an honest scheduler, and time: whatever there is must come to its end. */
static void end(struct sim *sim) {
    sim->ending = true;
    sim_batch_commit(sim);
    sim_scheduler_be_honest(&sim->scheduler, sim->mono);
    const int64_t first = sim->step;
    int idle = 0;
    while (sim->rows.active.count > 0 || sim_command_last_try(sim)) {
        const int64_t before = sim->step;
        if (sim->rows.active.count > 0) {
            happen(sim);
        }
        maybe_end_batch(sim);
        idle = sim->step == before ? idle + 1 : 0;
        if (idle > 1000 && sim->batch_steps > 0) {
            sim_batch_commit(sim);
        }
        SIM_EXPECT(sim, every_run_ends, idle < 3000 && sim->step - first < ENDING_STEPS_MAX,
                   "%zu runs do not end, the first has run key %" PRId64, sim->rows.active.count,
                   sim->rows.active.count == 0 ? 0 : sim->rows.active.items[0]->row.run_key);
    }
    sim_batch_commit(sim);
    sim_check_world(sim);
    sim_check_ledger(sim);
    for (size_t i = 0; i < sim->commands.count; i++) {
        const struct sim_command *command = sim->commands.items[i];
        SIM_EXPECT(sim, answered_once, !command->open, "command %" PRId64 " was never answered",
                   command->number);
    }
}

static void tell(struct sim *sim) {
    begin(sim);
    while (sim->step < sim->options.steps) {
        happen(sim);
        maybe_end_batch(sim);
    }
    while (sim->crashes_left > 0) {
        sim->crashes_left--;
        sim_crash(sim);
    }
    end(sim);
}

static void init(struct sim *sim, const struct sim_options *options) {
    sim->options = *options;
    sim->random.state = options->seed * UINT64_C(0xd1342543de82ef95) + 1;
    gf_arena_init(&sim->arena, (size_t)1 << 32);
    sim_rows_init(&sim->rows, &sim->arena);
    sim_scheduler_init(&sim->scheduler, &sim->arena, &sim->random);
}

static void fini(struct sim *sim) {
    gf_core_destroy(sim->core);
    gf_core_destroy(sim->twin);
    sim_scheduler_fini(&sim->scheduler);
    sim_rows_fini(&sim->rows);
    gf_vec_fini(&sim->commands);
    gf_vec_fini(&sim->task_looks);
    gf_vec_fini(&sim->run_looks);
    gf_arena_fini(&sim->arena);
}

void sim_story_tell(const struct sim_options *options, struct sim_result *out_result) {
    struct sim *sim = GF_NEW(struct sim);
    init(sim, options);
    current = sim;
    if (setjmp(sim->out) == 0) {
        tell(sim);
    } else if (options->print != NULL) {
        options->print(sim);
    }
    current = NULL;
    sim->result.step = sim->step;
    *out_result = sim->result;
    fini(sim);
    free(sim);
}
