/*
 * The containers of extensions.
 *
 * Design: an extension has up to three containers, each in a seat of its row: one serves, during an
 * update its successor starts, and the one that served before leaves. A seat is taken with a launch
 * and is free again when the end of its container is told, or the scheduler is given up. What an
 * extension lacks is launched by one function (settle), which looks at nothing but the row, behind
 * everything that changes one: so an update, a failure and a disabling may meet in any order.
 *
 * A container that is not connected and ready has limited patience, as in clock.c: with the
 * scheduler until it has started, with the program until it is ready or ready again, with its last
 * work while it drains, with the scheduler again until its end is told. All of these begin anew
 * with the server, which could hear of nothing while it was away.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/time.h"
#include "engine/core/copy.h"
#include "engine/core/core_internal.h"
#include "engine/core/retry.h"

enum {
    BACKOFF_JITTER_PERCENT = 20,
};

struct gf_extension_instance *gf_core__instance_row(const struct core_instance *instance) {
    struct gf_extension *row = &instance->extension->row;
    switch (instance->seat) {
    case CORE_SEAT_SERVING:
        return &row->serving;
    case CORE_SEAT_SUCCESSOR:
        return &row->successor;
    case CORE_SEAT_LEAVING:
        return &row->leaving;
    case CORE_SEATS:
        break;
    }
    gf_unreachable();
}

struct core_instance *gf_core__find_instance(struct core_extension *extension, int32_t attempt) {
    for (size_t i = 0; i < CORE_SEATS && attempt > 0; i++) {
        if (gf_core__instance_row(&extension->instances[i])->attempt == attempt) {
            return &extension->instances[i];
        }
    }
    return NULL;
}

const struct gf_extension_spec *gf_core__serving_spec(const struct gf_extension *row) {
    return row->has_fallback ? &row->fallback : &row->spec;
}

static struct gf_attempt attempt_of(const struct core_instance *instance) {
    return (struct gf_attempt){.run_key = instance->extension->row.extension_key,
                               .attempt = gf_core__instance_row(instance)->attempt};
}

/* ---- Patience ---- */

static int64_t patience_ms(const struct gf_core *core, const struct core_instance *instance) {
    switch (gf_core__instance_row(instance)->state) {
    case GF_INSTANCE_LAUNCHED:
        return gf_core__launch_lease_ms(core);
    case GF_INSTANCE_RUNNING:
        return GF_EXTENSION_READY_LEASE_MS;
    case GF_INSTANCE_DRAINING:
        return GF_EXTENSION_DRAIN_LEASE_MS;
    case GF_INSTANCE_STOPPING:
        return gf_core__stop_lease_ms(core) +
               (instance->last_call ? 0 : gf_core__default_stop_timeout_ms(core));
    case GF_INSTANCE_UNSPECIFIED:
        break;
    }
    gf_unreachable();
}

void gf_core__instance_watch(struct gf_core *core, struct core_instance *instance) {
    if (instance->connected && gf_core__instance_row(instance)->state == GF_INSTANCE_RUNNING) {
        gf_core__timer_clear(core, &instance->timer);
        return;
    }
    gf_core__timer_set(core, &instance->timer, CORE_TIMER_INSTANCE,
                       gf_deadline_after_ms(core->now, patience_ms(core, instance)));
}

/* ---- Launching and ending ---- */

/* A copy without the settings, which no container gets: an update may come before the launch. */
static const struct gf_extension_spec *copy_spec(struct gf_core *core,
                                                 const struct gf_extension_spec *from) {
    struct gf_arena *arena = &core->batch_arena;
    struct gf_extension_spec *spec = GF_ARENA_NEW(arena, struct gf_extension_spec);
    *spec = (struct gf_extension_spec){
        .image = gf_text_copy(from->image, arena),
        .registry_auth = {.secret_key = gf_text_copy(from->registry_auth.secret_key, arena),
                          .user = gf_text_copy(from->registry_auth.user, arena),
                          .password = gf_text_copy(from->registry_auth.password, arena)},
        .network = from->network,
    };
    return spec;
}

/* Tells the scheduler to launch the container that is in the row. */
void gf_core__tell_launch(struct gf_core *core, const struct core_instance *instance) {
    const struct gf_extension *row = &instance->extension->row;
    const bool is_successor = instance->seat == CORE_SEAT_SUCCESSOR;
    struct gf_effect *effect = gf_core__effect(core, GF_EFFECT_LAUNCH, attempt_of(instance));
    effect->extension = row;
    effect->spec = copy_spec(core, is_successor ? &row->spec : gf_core__serving_spec(row));
    effect->renew_image = is_successor && row->has_fallback && !instance->image_is_here &&
                          gf_core__is_same_spec(&row->spec, &row->fallback);
    effect->stop_timeout_ms = gf_core__default_stop_timeout_ms(core);
}

void gf_core__instance_launch(struct gf_core *core, struct core_instance *instance) {
    struct core_extension *extension = instance->extension;
    struct gf_extension_instance *row = gf_core__instance_row(instance);
    gf_assert(row->attempt == 0 && extension->row.latest_attempt < INT32_MAX);
    row->attempt = ++extension->row.latest_attempt;
    row->state = GF_INSTANCE_LAUNCHED;
    row->launch_time = core->now;
    gf_core__mark_extension(core, extension);
    gf_core__tell_launch(core, instance);
    gf_core__instance_watch(core, instance);
}

void gf_core__instance_stop(struct gf_core *core, struct core_instance *instance, bool force) {
    gf_core__instance_row(instance)->state = GF_INSTANCE_STOPPING;
    instance->last_call = force;
    gf_core__mark_extension(core, instance->extension);
    gf_core__effect(core, GF_EFFECT_STOP, attempt_of(instance))->force = force;
    gf_core__instance_watch(core, instance);
}

void gf_core__instance_leave(struct gf_core *core, struct core_instance *instance) {
    struct gf_extension_instance *row = gf_core__instance_row(instance);
    if (row->state == GF_INSTANCE_RUNNING && instance->connected) {
        row->state = GF_INSTANCE_DRAINING;
        gf_core__mark_extension(core, instance->extension);
        gf_core__instance_watch(core, instance);
    } else if (row->state == GF_INSTANCE_RUNNING || row->state == GF_INSTANCE_LAUNCHED) {
        /* Nobody is there to be told that it should finish. */
        gf_core__instance_stop(core, instance, /* force= */ false);
    }
}

/* The seat is free again. */
static void vacate(struct gf_core *core, struct core_instance *instance) {
    struct gf_extension_instance *row = gf_core__instance_row(instance);
    gf_core__set_extension_text(core, instance->extension, &row->image_digest, GF_STR(""));
    *row = (struct gf_extension_instance){.image_digest = row->image_digest};
    gf_core__timer_clear(core, &instance->timer);
    free((char *)instance->registration.ptr);
    instance->registration = (struct gf_str){NULL, 0};
    instance->connected = false;
    instance->last_call = false;
    instance->image_is_here = false;
    gf_core__mark_extension(core, instance->extension);
}

void gf_core__instance_move(struct gf_core *core, struct core_instance *from,
                            struct core_instance *to) {
    struct gf_extension_instance *from_row = gf_core__instance_row(from);
    struct gf_extension_instance *to_row = gf_core__instance_row(to);
    gf_assert(to_row->attempt == 0 && from_row->attempt > 0);
    /* What a free seat has is as good as nothing, so that both are changed for each other. */
    const struct gf_extension_instance free_row = *to_row;
    const struct gf_str free_registration = to->registration;
    *to_row = *from_row;
    *from_row = free_row;
    to->registration = from->registration;
    from->registration = free_registration;
    to->connected = from->connected;
    to->last_call = from->last_call;
    from->connected = false;
    from->last_call = false;
    from->image_is_here = false;
    if (gf_heap_contains(&from->timer.node)) {
        gf_core__timer_set(core, &to->timer, CORE_TIMER_INSTANCE, from->timer.node.key);
        gf_core__timer_clear(core, &from->timer);
    }
    gf_core__mark_extension(core, to->extension);
}

/* ---- What an extension lacks ---- */

void gf_core__extension_settle(struct gf_core *core, struct core_extension *extension) {
    const struct gf_extension *row = &extension->row;
    /* An installer has one container in its life. */
    const bool is_over = row->disabled || (row->installer && row->latest_attempt > 0);
    if (!is_over && row->serving.attempt == 0 && row->next_start_time == 0 &&
        gf_core__serving_spec(row)->image.len > 0) {
        gf_core__instance_launch(core, &extension->instances[CORE_SEAT_SERVING]);
    }
}

void gf_core__extension_clear_start(struct gf_core *core, struct core_extension *extension) {
    gf_core__timer_clear(core, &extension->start);
    extension->row.next_start_time = 0;
    gf_core__mark_extension(core, extension);
}

static int64_t backoff_ms(const struct core_extension *extension) {
    static const struct gf_retry_policy policy = {
        .initial_backoff_ms = GF_EXTENSION_BACKOFF_MS_MIN,
        .max_backoff_ms = GF_EXTENSION_BACKOFF_MS_MAX,
        .backoff_multiplier = 2,
        .jitter_percent = BACKOFF_JITTER_PERCENT,
    };
    /* Many that fail together do not start together, and a replay makes the same of it. */
    const uint64_t seed =
        (uint64_t)extension->row.extension_key << 32 ^ (uint64_t)extension->row.latest_attempt;
    return gf_retry_backoff_ms(&policy, extension->failures, seed);
}

/* The serving container is of no use: another one comes after a while. */
static void fail(struct gf_core *core, struct core_extension *extension, struct gf_str why) {
    struct gf_extension *row = &extension->row;
    const int64_t long_enough = GF_EXTENSION_BACKOFF_MS_MAX * GF_NS_PER_MS;
    gf_core__set_extension_text(core, extension, &row->last_trouble, why);
    gf_core__mark_extension(core, extension);
    if (row->installer) {
        return;
    }
    if (row->serving.ready_time > 0 && core->now - row->serving.ready_time >= long_enough) {
        extension->failures = 0;
    }
    extension->failures += extension->failures < INT32_MAX;
    row->restart_count += row->restart_count < INT32_MAX;
    row->next_start_time = gf_deadline_after_ms(core->now, backoff_ms(extension));
    gf_core__timer_set(core, &extension->start, CORE_TIMER_START, row->next_start_time);
    const struct core_extension_facts facts = {.reason = row->last_trouble};
    gf_core__tell_extension(
        core, gf_core__event_extension(core, GF_EVENT_EXTENSION_RESTARTED, extension), &facts);
}

/* A container that is to work does not. */
static void trouble(struct gf_core *core, struct core_instance *instance, struct gf_str why) {
    if (why.len > GF_REASON_BYTES_MAX) {
        why = gf_text_copy_cut(why, GF_REASON_BYTES_MAX, &core->batch_arena);
    }
    if (instance->seat == CORE_SEAT_SERVING) {
        fail(core, instance->extension, why);
    } else if (instance->seat == CORE_SEAT_SUCCESSOR) {
        gf_core__update_give_up(core, instance->extension, why);
    }
}

void gf_core__instance_ended(struct gf_core *core, struct core_instance *instance,
                             struct gf_str why) {
    struct core_extension *extension = instance->extension;
    const enum gf_instance_state state = gf_core__instance_row(instance)->state;
    gf_core__effect(core, GF_EFFECT_FORGET, attempt_of(instance));
    gf_core__instance_disconnected(core, instance, why);
    if (state == GF_INSTANCE_LAUNCHED || state == GF_INSTANCE_RUNNING) {
        trouble(core, instance, why);
    }
    vacate(core, instance);
    gf_core__extension_settle(core, extension);
}

void gf_core__instance_disconnected(struct gf_core *core, struct core_instance *instance,
                                    struct gf_str why) {
    const struct core_extension *extension = instance->extension;
    const bool was_connected = instance->connected;
    instance->connected = false;
    /* Who leaves is mostly not missed: the extension is connected by another one. */
    if (was_connected && !extension->instances[CORE_SEAT_SERVING].connected &&
        !extension->connected_by_hand) {
        gf_core__tell_disconnected(core, extension, why);
    }
}

/* ---- Time ---- */

static const char *duration(int64_t ms, char text[GF_DURATION_BYTES_MAX]) {
    return gf_duration_format(ms * GF_NS_PER_MS, text);
}

/* It took too long: whatever it does, it is ended. */
static void overdue(struct gf_core *core, struct core_instance *instance) {
    const bool launched = gf_core__instance_row(instance)->state == GF_INSTANCE_LAUNCHED;
    char limit[GF_DURATION_BYTES_MAX];
    struct gf_strbuf why;
    gf_strbuf_init(&why, GF_REASON_BYTES_MAX);
    if (launched) {
        gf_strbuf_printf(&why, "the scheduler has not told within %s whether its container started",
                         duration(gf_core__launch_lease_ms(core), limit));
    } else {
        gf_strbuf_printf(&why, "it was not connected and ready for %s",
                         duration(GF_EXTENSION_READY_LEASE_MS, limit));
    }
    trouble(core, instance, gf_strbuf_view(&why));
    gf_strbuf_fini(&why);
    gf_core__instance_stop(core, instance, /* force= */ launched);
}

void gf_core__instance_due(struct gf_core *core, struct core_instance *instance) {
    switch (gf_core__instance_row(instance)->state) {
    case GF_INSTANCE_LAUNCHED:
    case GF_INSTANCE_RUNNING:
        overdue(core, instance);
        return;
    case GF_INSTANCE_DRAINING:
        gf_core__instance_stop(core, instance, /* force= */ false);
        return;
    case GF_INSTANCE_STOPPING:
        if (instance->last_call) {
            gf_core__instance_ended(
                core, instance, GF_STR("the scheduler has not told of the end of its container"));
        } else {
            gf_core__instance_stop(core, instance, /* force= */ true);
        }
        return;
    case GF_INSTANCE_UNSPECIFIED:
        break;
    }
    gf_unreachable();
}

void gf_core__start_due(struct gf_core *core, struct core_extension *extension) {
    gf_core__extension_clear_start(core, extension);
    gf_core__extension_settle(core, extension);
}

/* ---- After a restart ---- */

static void resume_instance(struct gf_core *core, struct core_instance *instance,
                            struct gf_attempt_vec *out_attempts) {
    const struct gf_extension_instance *row = gf_core__instance_row(instance);
    if (row->attempt == 0) {
        return;
    }
    gf_vec_push(out_attempts, attempt_of(instance));
    if (row->state == GF_INSTANCE_STOPPING ||
        (row->state == GF_INSTANCE_DRAINING && instance->extension->row.disabled)) {
        /* It may not have been told; and a disabled one is not let in again to be drained. */
        gf_core__instance_stop(core, instance, /* force= */ false);
    } else {
        gf_core__instance_watch(core, instance);
    }
}

static void resume(struct gf_core *core, struct core_extension *extension,
                   struct gf_attempt_vec *out_attempts) {
    const int64_t latest = gf_deadline_after_ms(core->now, GF_EXTENSION_BACKOFF_MS_MAX);
    const int64_t next = extension->row.next_start_time;
    for (size_t i = 0; i < CORE_SEATS; i++) {
        resume_instance(core, &extension->instances[i], out_attempts);
    }
    if (extension->row.serving.ready_time == 0) {
        /* How long it waits next goes on from here: counted too high rather than from nothing, as
         * the first that works for long enough ends it anyway. */
        extension->failures = extension->row.restart_count;
    }
    if (next > 0) {
        /* The clock may have been set back since. */
        gf_core__timer_set(core, &extension->start, CORE_TIMER_START,
                           next < latest ? next : latest);
    }
    gf_core__extension_settle(core, extension);
}

void gf_core__resume_extensions(struct gf_core *core, struct gf_attempt_vec *out_attempts) {
    size_t position = 0;
    void *value = NULL;
    while (gf_map_i64_next(&core->extensions_by_key, &position, NULL, &value)) {
        struct core_extension *extension = value;
        if (extension->row.installer) {
            /* Its dialog is over. The scheduler ends containers that nobody names to it. */
            gf_core__bury_extension(core, extension);
        } else {
            resume(core, extension, out_attempts);
        }
    }
}
