/* The metadata that an event must have, told anew from the rows and the input. */
#include "tests/sim/check.h"

#include <inttypes.h>
#include <stdio.h>

static void add(struct sim_facts *facts, const char *key, struct gf_str value,
                struct gf_event *event) {
    gf_assert(facts->count < GF_ARRAY_COUNT(facts->items));
    facts->items[facts->count++] = (struct gf_label){gf_str_from(key), value};
    event->metadata = facts->items;
    event->metadata_count = facts->count;
}

static void add_number(struct sim_facts *facts, const char *key, int64_t number,
                       struct gf_event *event) {
    const int length = snprintf(facts->number, sizeof(facts->number), "%" PRId64, number);
    add(facts, key, (struct gf_str){facts->number, (size_t)length}, event);
}

static void begin(struct sim_facts *facts, struct gf_event *event) {
    *facts = (struct sim_facts){.count = 0};
    event->metadata = NULL;
    event->metadata_count = 0;
}

void sim_facts_config(struct sim_facts *facts, const struct gf_config *row,
                      struct gf_event *event) {
    begin(facts, event);
    add(facts, "content_hash", row->content_hash, event);
}

void sim_facts_deployment(struct sim_facts *facts, const struct gf_deployment *row,
                          struct gf_event *event) {
    begin(facts, event);
    add_number(facts, "start_version", row->start_version, event);
    if (event->kind == GF_EVENT_DEPLOYMENT_COMPLETED) {
        add(facts, "status", gf_str_from(gf_deployment_status_name(row->status)), event);
    } else {
        add(facts, "strategy", GF_STR("INSTANT"), event);
    }
}

void sim_facts_initiator(struct sim_facts *facts, const struct gf_run *row,
                         struct gf_event *event) {
    begin(facts, event);
    add(facts, "initiator_kind", gf_str_from(gf_initiator_kind_name(row->initiator.kind)), event);
    if (row->initiator.id.len > 0) {
        add(facts, "initiator_name", row->initiator.id, event);
    }
}

/* Only who cancels can ask for force. */
void sim_facts_force(struct sim_facts *facts, const struct sim *sim, struct gf_event *event) {
    const struct gf_input *input = sim->input;
    const bool force =
        input != NULL &&
        (input->kind == GF_INPUT_CANCEL_RUN || input->kind == GF_INPUT_CANCEL_ALL_RUNS ||
         input->kind == GF_INPUT_CANCEL_TASK) &&
        input->u.cancel.force;
    begin(facts, event);
    add(facts, "force", force ? GF_STR("true") : GF_STR("false"), event);
}

void sim_facts_reason(struct sim_facts *facts, const struct gf_reason *reason,
                      struct gf_event *event) {
    begin(facts, event);
    if (reason->kind != GF_REASON_UNSPECIFIED) {
        add(facts, "reason", gf_str_from(gf_reason_kind_name(reason->kind)), event);
    }
}

void sim_facts_end(struct sim_facts *facts, const struct gf_task_execution *row,
                   struct gf_event *event) {
    begin(facts, event);
    if (row->has_exit_code) {
        add_number(facts, "exit_code", row->exit_code, event);
    }
    if (row->reason.kind != GF_REASON_UNSPECIFIED) {
        add(facts, "reason", gf_str_from(gf_reason_kind_name(row->reason.kind)), event);
    }
}

void sim_facts_place(struct sim_facts *facts, const struct gf_task_execution *row,
                     struct gf_event *event) {
    begin(facts, event);
    if (row->image_digest.len > 0) {
        add(facts, "image_digest", row->image_digest, event);
    }
    if (row->node.len > 0) {
        add(facts, "node", row->node, event);
    }
}
