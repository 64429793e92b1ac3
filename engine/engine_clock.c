/*
 * Design: deadlines are wall times, waiting is monotonic. The one is turned into the other anew
 * before each wait, and no wait is longer than a minute while there is a deadline. Whoever has
 * waited in vain steps the clock, due or not: so the core learns that the wall clock was set,
 * either way, within a minute, and moves what is to come along with it. The thread cannot spin:
 * after a step of the clock nothing is due.
 */
#include "engine/engine_internal.h"

bool gf_engine__is_due(const struct gf_engine *engine, int64_t now) {
    return gf_core_next_deadline(engine->core) <= now;
}

int64_t gf_engine__wake_time_for(int64_t deadline_wall_ns, int64_t now_wall_ns,
                                 int64_t now_mono_ns) {
    if (deadline_wall_ns == GF_NEVER) {
        return GF_NEVER;
    }
    if (deadline_wall_ns <= now_wall_ns) {
        return 0;
    }
    const int64_t check_ns = GF_ENGINE_CLOCK_CHECK_MS * GF_NS_PER_MS;
    /* A clock before 1970 would make the difference overflow. */
    const int64_t left_ns = deadline_wall_ns - (now_wall_ns > 0 ? now_wall_ns : 0);
    return now_mono_ns + (left_ns < check_ns ? left_ns : check_ns);
}

/* When the core has something to do. */
static int64_t step_time(const struct gf_engine *engine) {
    const struct gf_clock *clock = engine->options.clock;
    const int64_t deadline = gf_core_next_deadline(engine->core);
    const int64_t now = gf_clock_wall_ns(clock);
    if (deadline != GF_NEVER && now < engine->stepped_wall_ns) {
        return 0; /* it was set back: the deadline is not what the core would say now */
    }
    return gf_engine__wake_time_for(deadline, now, gf_clock_mono_ns(clock));
}

int64_t gf_engine__wake_time(const struct gf_engine *engine) {
    if (engine->failed) {
        return GF_NEVER;
    }
    const int64_t step = step_time(engine);
    return step < engine->purge_mono_ns ? step : engine->purge_mono_ns;
}
