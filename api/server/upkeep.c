/*
 * Design: the timers run on the reactor and only hand out jobs, as nothing may block there; the
 * gate's own look at its tokens does not. No job is out twice: one that takes longer than its
 * period leaves the next one out.
 */
#include "api/server/upkeep.h"

#include "base/alloc.h"
#include "base/log.h"
#include "engine/core/limits.h"

#include <stdatomic.h>
#include <stdlib.h>

enum {
    COMMAND_BYTES_MAX = 16 << 20, /* far above GF_TOKEN_USES_MAX uses */
};

struct gf_upkeep {
    struct gf_upkeep_options options;
    struct gf_timer expiry;
    struct gf_timer uses;
    struct gf_timer keys;
    _Atomic bool flushing; /* run_flush waits or runs */
    _Atomic bool stopping;
};

/* ---- Commands, which free themselves ---- */

struct order {
    struct gf_command command;
    struct gf_arena arena;
};

static void free_order(struct order *order) {
    gf_arena_fini(&order->arena);
    free(order);
}

static void done(struct gf_command *command, const struct gf_reply *reply) {
    if (reply->error.code != GF_OK && reply->error.code != GF_UNAVAILABLE) {
        gf_log_warn("upkeep_failed", GF_KV_ERROR(&reply->error));
    }
    free_order(GF_CONTAINER_OF(command, struct order, command));
}

static struct order *new_order(enum gf_input_kind kind) {
    struct order *order = GF_NEW(struct order);
    gf_arena_init(&order->arena, COMMAND_BYTES_MAX);
    order->command.input.kind = kind;
    order->command.done = done;
    return order;
}

/* Where the engine has too much to do, the next time will do. */
static void submit(struct gf_upkeep *upkeep, struct order *order) {
    struct gf_error error = {0};
    if (gf_engine_submit(upkeep->options.engine, &order->command, &error) != GF_OK) {
        gf_log_debug("upkeep_refused", GF_KV_ERROR(&error));
        free_order(order);
    }
}

/* ---- Jobs ---- */

/* Gives how many there were. */
static size_t flush_some(struct gf_upkeep *upkeep) {
    struct order *order = new_order(GF_INPUT_TOUCH_TOKENS);
    struct gf_token_use *uses = NULL;
    size_t count = 0;
    gf_gate_take_uses(upkeep->options.gate, &order->arena, &uses, &count);
    if (count > 0) {
        order->command.input.u.touch.uses = uses;
        order->command.input.u.touch.count = count;
        submit(upkeep, order);
    } else {
        free_order(order);
    }
    return count;
}

static void flush(struct gf_upkeep *upkeep) {
    /* New uses of a token come a minute later, so there is an end. */
    while (flush_some(upkeep) == GF_TOKEN_USES_MAX) {
    }
    struct gf_error error = {0};
    if (gf_vault_flush_uses(upkeep->options.vault, &error) != GF_OK) {
        gf_log_warn("secret_uses_not_written", GF_KV_ERROR(&error));
    }
}

/* On a worker. */
static void run_flush(void *ctx) {
    struct gf_upkeep *upkeep = ctx;
    flush(upkeep);
    atomic_store(&upkeep->flushing, false);
}

/* ---- Timers, on the reactor ---- */

static void start_timer(struct gf_upkeep *upkeep, struct gf_timer *timer, int64_t delay_ms,
                        gf_timer_fn *fn) {
    if (!atomic_load(&upkeep->stopping)) {
        gf_timer_start(upkeep->options.reactor, timer, gf_deadline_after_ms(gf_mono_ns(), delay_ms),
                       fn, upkeep);
    }
}

static void on_uses(struct gf_timer *timer, void *ctx) {
    struct gf_upkeep *upkeep = ctx;
    if (!atomic_exchange(&upkeep->flushing, true)) {
        gf_pool_submit_reserved(upkeep->options.pool, run_flush, upkeep);
    }
    gf_secret_journal_changed(upkeep->options.journal);
    start_timer(upkeep, timer, upkeep->options.uses_ms, on_uses);
}

static void on_keys(struct gf_timer *timer, void *ctx) {
    struct gf_upkeep *upkeep = ctx;
    upkeep->options.renew_secrets(upkeep->options.renew_ctx);
    start_timer(upkeep, timer, upkeep->options.keys_ms, on_keys);
}

/*
 * Expiry is a time of the wall clock, which may be set, and tokens with an earlier one may come: so
 * the wait is never long.
 */
static void on_expiry(struct gf_timer *timer, void *ctx) {
    struct gf_upkeep *upkeep = ctx;
    const int64_t now = gf_clock_wall_ns(upkeep->options.clock);
    if (gf_gate_next_expiry(upkeep->options.gate) <= now) {
        gf_gate_expire(upkeep->options.gate);
    }
    const int64_t next = gf_gate_next_expiry(upkeep->options.gate);
    int64_t delay_ms = upkeep->options.expiry_ms_max;
    if (next < now + delay_ms * GF_NS_PER_MS) {
        delay_ms = next <= now ? 1 : (next - now) / GF_NS_PER_MS + 1;
    }
    start_timer(upkeep, timer, delay_ms, on_expiry);
}

static void start_timers(void *ctx) {
    struct gf_upkeep *upkeep = ctx;
    on_expiry(&upkeep->expiry, upkeep);
    on_keys(&upkeep->keys, upkeep);
    start_timer(upkeep, &upkeep->uses, upkeep->options.uses_ms, on_uses);
}

static void stop_timers(void *ctx) {
    struct gf_upkeep *upkeep = ctx;
    gf_timer_stop(&upkeep->expiry);
    gf_timer_stop(&upkeep->uses);
    gf_timer_stop(&upkeep->keys);
}

/* ---- The whole ---- */

static void default_ms(int64_t *value, int64_t fallback) {
    *value = *value == 0 ? fallback : *value;
}

struct gf_upkeep *gf_upkeep_start(const struct gf_upkeep_options *options) {
    struct gf_upkeep *upkeep = GF_NEW(struct gf_upkeep);
    upkeep->options = *options;
    default_ms(&upkeep->options.uses_ms, GF_UPKEEP_USES_MS);
    default_ms(&upkeep->options.keys_ms, GF_UPKEEP_KEYS_MS);
    default_ms(&upkeep->options.expiry_ms_max, GF_UPKEEP_EXPIRY_MS_MAX);
    gf_reactor_call(options->reactor, start_timers, upkeep);
    return upkeep;
}

void gf_upkeep_stop(struct gf_upkeep *upkeep) {
    if (upkeep == NULL || atomic_exchange(&upkeep->stopping, true)) {
        return;
    }
    gf_reactor_call(upkeep->options.reactor, stop_timers, upkeep);
    flush(upkeep);
}

void gf_upkeep_destroy(struct gf_upkeep *upkeep) {
    free(upkeep);
}
