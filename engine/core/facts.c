/*
 * The metadata of events: facts that no field of an event has, as EventKind in event.proto names
 * them. Their keys stand in the order of bytes.
 *
 * Most runs and tasks go the same way, so what is the same for many is a constant here; only what
 * is an event's own is in the arena of the batch.
 */
#include "engine/core/copy.h"
#include "engine/core/core_internal.h"

#include <inttypes.h>

static const struct gf_label FORCE[] = {
    [false] = {GF_STR("force"), GF_STR("false")},
    [true] = {GF_STR("force"), GF_STR("true")},
};

static const struct gf_label EXIT_CODE_ZERO = {GF_STR("exit_code"), GF_STR("0")};

static const struct gf_label REASONS[] = {
#define GF_X(name, number) [number] = {GF_STR("reason"), GF_STR(#name)},
    GF_REASON_KINDS(GF_X)
#undef GF_X
};

static const struct gf_label INITIATORS[] = {
#define GF_X(name, number) [number] = {GF_STR("initiator_kind"), GF_STR(#name)},
    GF_INITIATOR_KINDS(GF_X)
#undef GF_X
};

static const struct gf_label SUBSCRIPTION_REASONS[] = {
#define GF_X(name, number) [number] = {GF_STR("reason"), GF_STR(#name)},
    GF_SUBSCRIPTION_REASONS(GF_X)
#undef GF_X
};

static void set(struct gf_event *event, const struct gf_label *facts, size_t count) {
    event->metadata = facts;
    event->metadata_count = count;
}

/* Sets facts in the arena of the batch, for the caller to fill in. */
static struct gf_label *set_own(struct gf_core *core, struct gf_event *event, size_t count) {
    struct gf_label *facts = GF_ARENA_ARRAY(&core->batch_arena, count, struct gf_label);
    set(event, facts, count);
    return facts;
}

static struct gf_str number_text(struct gf_core *core, int64_t number) {
    return gf_str_from(gf_arena_printf(&core->batch_arena, "%" PRId64, number));
}

void gf_core__tell_config(struct gf_core *core, struct gf_event *event,
                          const struct gf_config *config) {
    struct gf_label *facts = set_own(core, event, 1);
    facts[0] = (struct gf_label){GF_STR("content_hash"),
                                 gf_arena_str(&core->batch_arena, config->content_hash)};
}

void gf_core__tell_deployment(struct gf_core *core, struct gf_event *event,
                              const struct gf_deployment *deployment) {
    struct gf_label *facts = set_own(core, event, 2);
    facts[0] =
        (struct gf_label){GF_STR("start_version"), number_text(core, deployment->start_version)};
    if (event->kind == GF_EVENT_DEPLOYMENT_COMPLETED) {
        facts[1] = (struct gf_label){GF_STR("status"),
                                     gf_str_from(gf_deployment_status_name(deployment->status))};
    } else {
        facts[1] = (struct gf_label){GF_STR("strategy"), GF_STR("INSTANT")};
    }
}

void gf_core__tell_initiator(struct gf_core *core, struct gf_event *event,
                             const struct gf_initiator *initiator) {
    const struct gf_label *kind = &INITIATORS[initiator->kind];
    if (initiator->kind == GF_INITIATOR_UNSPECIFIED) {
        return;
    }
    if (initiator->id.len == 0) {
        set(event, kind, 1);
        return;
    }
    struct gf_label *facts = set_own(core, event, 2);
    facts[0] = *kind;
    facts[1] = (struct gf_label){GF_STR("initiator_name"), initiator->id};
}

void gf_core__tell_force(struct gf_event *event, bool force) {
    set(event, &FORCE[force], 1);
}

void gf_core__tell_reason(struct gf_event *event, enum gf_reason_kind kind) {
    if (kind != GF_REASON_UNSPECIFIED) {
        set(event, &REASONS[kind], 1);
    }
}

void gf_core__tell_end(struct gf_core *core, struct gf_event *event,
                       const struct gf_task_execution *task) {
    if (!task->has_exit_code) {
        gf_core__tell_reason(event, task->reason.kind);
        return;
    }
    const bool has_reason = task->reason.kind != GF_REASON_UNSPECIFIED;
    if (task->exit_code == 0 && !has_reason) {
        set(event, &EXIT_CODE_ZERO, 1);
        return;
    }
    struct gf_label *facts = set_own(core, event, has_reason ? 2 : 1);
    facts[0] = (struct gf_label){GF_STR("exit_code"), number_text(core, task->exit_code)};
    if (has_reason) {
        facts[1] = REASONS[task->reason.kind];
    }
}

void gf_core__tell_extension(struct gf_core *core, struct gf_event *event,
                             const struct core_extension_facts *facts) {
    const struct gf_label all[] = {
        {GF_STR("image"), facts->image},
        {GF_STR("reason"), facts->reason},
        {GF_STR("version"), facts->version},
    };
    struct gf_label *known = set_own(core, event, GF_ARRAY_COUNT(all));
    event->metadata_count = 0;
    for (size_t i = 0; i < GF_ARRAY_COUNT(all); i++) {
        if (all[i].value.len > 0) {
            known[event->metadata_count++] =
                (struct gf_label){all[i].key, gf_text_copy_cut(all[i].value, GF_REASON_BYTES_MAX,
                                                               &core->batch_arena)};
        }
    }
}

void gf_core__tell_place(struct gf_core *core, struct gf_event *event,
                         const struct gf_task_execution *task) {
    const size_t count = (task->image_digest.len > 0) + (task->node.len > 0);
    if (count == 0) {
        return;
    }
    struct gf_label *fact = set_own(core, event, count);
    if (task->image_digest.len > 0) {
        *fact++ = (struct gf_label){GF_STR("image_digest"), task->image_digest};
    }
    if (task->node.len > 0) {
        *fact = (struct gf_label){GF_STR("node"), task->node};
    }
}

void gf_core__tell_subscription_reason(struct gf_event *event, enum gf_subscription_reason reason) {
    set(event, &SUBSCRIPTION_REASONS[reason], 1);
}

void gf_core__tell_dead_letter(struct gf_core *core, struct gf_event *event, int64_t delivery_key) {
    struct gf_label *facts = set_own(core, event, 1);
    facts[0] = (struct gf_label){GF_STR("dead_letter_id"), number_text(core, delivery_key)};
}
