/*
 * Design: the rows say which events there must be, the batch has those that there are; both are
 * added up as hashes of everything that an event tells, so that their order does not count and a
 * difference shows in one comparison.
 */
#include "tests/sim/check.h"

#include <inttypes.h>

static uint64_t add(uint64_t hash, uint64_t value) {
    hash = (hash ^ value) * UINT64_C(0x9fb21c651e98df25);
    return hash ^ (hash >> 28);
}

static uint64_t add_text(uint64_t hash, struct gf_str text) {
    for (size_t i = 0; i < text.len; i++) {
        hash = (hash ^ (unsigned char)text.ptr[i]) * UINT64_C(0x100000001b3);
    }
    return add(hash, text.len);
}

static uint64_t hash_of(const struct gf_event *event) {
    uint64_t hash = add(UINT64_C(0xcbf29ce484222325), (uint64_t)event->kind);
    hash = add_text(hash, event->namespace_id);
    hash = add_text(hash, event->pipeline_id);
    hash = add_text(hash, event->task_id);
    hash = add_text(hash, event->key);
    hash = add_text(hash, event->subject_id);
    hash = add_text(hash, event->extension_id);
    hash = add_text(hash, event->subscription_id);
    for (size_t i = 0; i < event->metadata_count; i++) {
        hash = add_text(hash, event->metadata[i].key);
        hash = add_text(hash, event->metadata[i].value);
    }
    hash = add(hash, (uint64_t)event->version);
    hash = add(hash, (uint64_t)event->deployment_id);
    hash = add(hash, (uint64_t)event->run_id);
    hash = add(hash, (uint64_t)event->attempt);
    return add(hash, (uint64_t)event->status);
}

void sim_check_event_due(struct sim *sim, const struct gf_event *event) {
    if (sim->options.trace) {
        sim_trace(sim,
                  "    due %s %" GF_STR_FMT " run %" PRId64 " %" GF_STR_FMT " v%" PRId64
                  " #%" PRId32 " status %" PRId32,
                  gf_event_kind_name(event->kind), GF_STR_ARG(event->pipeline_id), event->run_id,
                  GF_STR_ARG(event->task_id), event->version, event->attempt, event->status);
    }
    sim->events_due += hash_of(event);
}

/* The names of the events of the step, for the message. */
static const char *names(struct sim *sim) {
    const struct gf_batch *batch = gf_core_batch(sim->core);
    struct gf_strbuf text;
    gf_strbuf_init(&text, SIM_TEXT_BYTES_MAX / 2);
    for (size_t i = sim->events_seen; i < batch->events.count; i++) {
        const struct gf_event *event = &batch->events.items[i];
        gf_strbuf_printf(&text, " %s(%" PRId64 " %" GF_STR_FMT " #%" PRId32 " %" PRId32 ")",
                         gf_event_kind_name(event->kind), event->run_id, GF_STR_ARG(event->task_id),
                         event->attempt, event->status);
    }
    const char *copy = gf_arena_str(&sim->arena, gf_strbuf_view(&text)).ptr;
    gf_strbuf_fini(&text);
    return copy;
}

/* What is told of the world outside may have happened before. */
static int64_t time_of_step(const struct sim *sim) {
    const bool of_outside = sim->input != NULL && sim->input->kind == GF_INPUT_RECORD_EVENT &&
                            sim->input->u.record.event->time != 0;
    return of_outside ? sim->input->u.record.event->time : sim->core_now;
}

void sim_check_events(struct sim *sim) {
    const struct gf_batch *batch = gf_core_batch(sim->core);
    uint64_t told = 0;
    int64_t repaired = 0;
    for (size_t i = sim->events_seen; i < batch->events.count; i++) {
        const struct gf_event *event = &batch->events.items[i];
        SIM_EXPECT(sim, event_sequence, event->sequence == sim->rows.newest.next_event_sequence,
                   "event %" PRId64 " follows %" PRId64, event->sequence,
                   sim->rows.newest.next_event_sequence - 1);
        SIM_EXPECT(sim, event_agreement, event->time == time_of_step(sim),
                   "event %" PRId64 " of time %" PRId64, event->sequence, event->time);
        sim_check_actor(sim, event);
        sim->rows.newest.next_event_sequence++;
        sim->rows_touched++;
        sim->result.events++;
        if (event->kind == GF_EVENT_RUN_REPAIRED) {
            repaired++; /* no row says so: see the replies */
        } else {
            told += hash_of(event);
        }
    }
    SIM_EXPECT(sim, event_agreement, told == sim->events_due,
               "the rows changed otherwise than the events tell:%s", names(sim));
    SIM_EXPECT(sim, event_agreement,
               (repaired > 0 || !sim->repaired) && (repaired == 0 || sim->repair_ended),
               "%" PRId64 " repairs are told of", repaired);
    sim->events_seen = batch->events.count;
}
