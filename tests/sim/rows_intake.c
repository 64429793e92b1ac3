/* Extensions, subscriptions, keys and deliveries: finding their rows, and giving them to a core. */
#include "tests/sim/intake.h"
#include "tests/sim/rows.h"

/* ---- Names ---- */

struct gf_str sim_extension_name(int extension) {
    static const struct gf_str names[SIM_EXTENSIONS] = {{"ext-0", 5}, {"ext-1", 5}};
    return names[extension];
}

struct gf_str sim_subscription_name(int name) {
    static const struct gf_str names[SIM_SUBSCRIPTION_NAMES] = {{"sub-0", 5}, {"sub-1", 5}};
    return names[name];
}

struct gf_str sim_start_key_name(int name) {
    static const struct gf_str names[SIM_START_KEYS] = {{"key-0", 5}, {"key-1", 5}, {"key-2", 5},
                                                        {"key-3", 5}, {"key-4", 5}, {"key-5", 5},
                                                        {"key-6", 5}, {"key-7", 5}};
    return names[name];
}

struct gf_str sim_trouble(void) {
    return GF_STR("it does not work");
}

int sim_name_number(struct gf_str name) {
    return name.len == 5 && name.ptr[3] == '-' ? name.ptr[4] - '0' : -1;
}

/* ---- Finding ---- */

struct sim_subscription *sim_find_subscription(struct sim_intake_rows *rows, int64_t key) {
    for (size_t i = 0; i < rows->subscription_count; i++) {
        if (rows->subscriptions[i].key == key) {
            return &rows->subscriptions[i];
        }
    }
    return NULL;
}

struct sim_subscription *sim_find_subscription_name(struct sim_intake_rows *rows, int extension,
                                                    int64_t pipeline_key, int name) {
    for (size_t i = 0; i < rows->subscription_count; i++) {
        struct sim_subscription *row = &rows->subscriptions[i];
        if (row->extension == extension && row->pipeline_key == pipeline_key && row->name == name) {
            return row;
        }
    }
    return NULL;
}

struct sim_start *sim_find_start(struct sim_intake_rows *rows, int64_t subscription_key, int name) {
    for (size_t i = 0; i < rows->start_count; i++) {
        if (rows->starts[i].subscription_key == subscription_key && rows->starts[i].name == name) {
            return &rows->starts[i];
        }
    }
    return NULL;
}

struct sim_waiting *sim_find_waiting(struct sim_intake_rows *rows, int64_t key) {
    for (size_t i = 0; i < rows->waiting_count; i++) {
        if (rows->waiting[i].key == key) {
            return &rows->waiting[i];
        }
    }
    return NULL;
}

struct sim_waiting *sim_find_waiting_start(struct sim_intake_rows *rows, int64_t subscription_key,
                                           int name) {
    for (size_t i = 0; i < rows->waiting_count; i++) {
        if (rows->waiting[i].subscription_key == subscription_key &&
            rows->waiting[i].name == name) {
            return &rows->waiting[i];
        }
    }
    return NULL;
}

int sim_extension_of_key(const struct sim_intake_rows *rows, int64_t key) {
    for (int i = 0; i < SIM_EXTENSIONS; i++) {
        if (key != 0 && rows->extensions[i].key == key) {
            return i;
        }
    }
    return -1;
}

/* ---- What a step asks for ---- */

static void answer_start_key(struct sim_rows *rows, struct gf_core *core,
                             const struct gf_need *need) {
    const struct sim_start *start =
        sim_find_start(&rows->intake.saved, need->subscription_key, sim_name_number(need->text));
    if (start == NULL) {
        gf_core_give_start_key(core, need, NULL);
        return;
    }
    const struct gf_start_key row = {.subscription_key = start->subscription_key,
                                     .key = sim_start_key_name(start->name),
                                     .outcome = start->outcome,
                                     .run_id = start->run_id,
                                     .reason = start->reason,
                                     .description = start->reason,
                                     .create_time = start->create_time};
    gf_core_give_start_key(core, need, &row);
}

static void answer_delivery_id(struct sim_rows *rows, struct gf_core *core,
                               const struct gf_need *need) {
    const struct sim_intake_rows *saved = &rows->intake.saved;
    const int extension = sim_extension_of_key(saved, need->extension_key);
    const struct sim_delivery_id *id =
        extension < 0 ? NULL : &saved->extensions[extension].ids[sim_name_number(need->text)];
    if (id == NULL || id->delivery_key == 0) {
        gf_core_give_delivery_id(core, need, NULL);
        return;
    }
    const struct gf_delivery_id row = {.extension_key = need->extension_key,
                                       .id = need->text,
                                       .number = id->number,
                                       .delivery_key = id->delivery_key,
                                       .create_time = id->create_time};
    gf_core_give_delivery_id(core, need, &row);
}

static struct gf_delivery delivery_row(const struct sim_rows *rows,
                                       const struct sim_waiting *waiting) {
    const bool starts = waiting->subscription_key != 0;
    const struct gf_pipeline *pipeline =
        starts ? &rows->pipelines[waiting->pipeline_key - 1].row : NULL;
    return (struct gf_delivery){
        .delivery_key = waiting->key,
        .extension_key = waiting->extension_key,
        .kind = starts ? GF_DELIVERY_RUN_START : GF_DELIVERY_EXTERNAL_EVENT,
        .subscription_key = waiting->subscription_key,
        .namespace_id = starts ? pipeline->namespace_id : GF_STR(""),
        .pipeline_id = starts ? pipeline->pipeline_id : GF_STR(""),
        .subscription_id = starts ? sim_subscription_name(waiting->subscription_name) : GF_STR(""),
        .key = sim_start_key_name(waiting->name),
        .dead = waiting->dead,
        .attempt_count = waiting->attempt_count,
        .next_attempt_time = waiting->next_attempt_time,
        .create_time = waiting->create_time,
        .dead_time = waiting->dead_time,
        .content_bytes = 7};
}

static void answer_delivery(struct sim_rows *rows, struct gf_core *core,
                            const struct gf_need *need) {
    const struct sim_waiting *waiting = sim_find_waiting(&rows->intake.saved, need->delivery_key);
    if (waiting == NULL) {
        gf_core_give_delivery(core, need, NULL);
        return;
    }
    const struct gf_delivery row = delivery_row(rows, waiting);
    gf_core_give_delivery(core, need, &row);
}

static void answer_dead_letters(struct sim_rows *rows, struct gf_core *core,
                                const struct gf_need *need) {
    struct gf_delivery letters[SIM_WAITING_MAX];
    size_t count = 0;
    for (size_t i = rows->intake.saved.waiting_count; i > 0; i--) {
        const struct sim_waiting *waiting = &rows->intake.saved.waiting[i - 1];
        if (waiting->dead && waiting->extension_key == need->extension_key) {
            letters[count++] = delivery_row(rows, waiting);
        }
    }
    gf_core_give_dead_letters(core, need, letters, count);
}

void sim_intake_answer(struct sim_rows *rows, struct gf_core *core, const struct gf_need *need) {
    if (need->kind == GF_NEED_START_KEY) {
        answer_start_key(rows, core, need);
    } else if (need->kind == GF_NEED_DELIVERY_ID) {
        answer_delivery_id(rows, core, need);
    } else if (need->kind == GF_NEED_DELIVERY) {
        answer_delivery(rows, core, need);
    } else {
        answer_dead_letters(rows, core, need);
    }
}

/* ---- Restoring ---- */

static void restore_extension(const struct sim_intake_rows *saved, int number,
                              struct gf_core *core) {
    const struct sim_extension *extension = &saved->extensions[number];
    const struct gf_extension row = {.extension_key = extension->key,
                                     .extension_id = sim_extension_name(number),
                                     .update_policy = GF_EXTENSION_UPDATE_NEVER,
                                     .disabled = extension->disabled,
                                     .checkpoint = extension->checkpoint,
                                     .event_sequence = extension->event_sequence,
                                     .run_count = extension->run_count,
                                     .create_time = extension->create_time,
                                     .update_time = extension->create_time};
    int64_t pending = 0;
    for (size_t i = 0; i < saved->waiting_count; i++) {
        pending += saved->waiting[i].extension_key == extension->key && !saved->waiting[i].dead;
    }
    gf_core_restore_extension(core, &row);
    gf_core_restore_deliveries(core, extension->key, pending, pending * 7, extension->latest_id);
}

static bool restore_subscription(const struct sim_rows *rows, const struct sim_subscription *from,
                                 struct gf_core *core) {
    const struct gf_pipeline *pipeline = &rows->pipelines[from->pipeline_key - 1].saved;
    const struct gf_subscription row = {
        .subscription_key = from->key,
        .extension_key = rows->intake.saved.extensions[from->extension].key,
        .pipeline_key = from->pipeline_key,
        .namespace_key = pipeline->namespace_key,
        .namespace_id = pipeline->namespace_id,
        .pipeline_id = pipeline->pipeline_id,
        .extension_id = sim_extension_name(from->extension),
        .subscription_id = sim_subscription_name(from->name),
        .generation = from->generation,
        .status = from->status,
        .reason = from->reason,
        .reason_text = from->status == GF_SUBSCRIPTION_ERROR ? sim_trouble() : GF_STR(""),
        .checkpoint = from->checkpoint,
        .create_time = from->create_time,
        .update_time = from->create_time,
        .last_run_time = from->last_run_time,
        .last_run_id = from->last_run_id,
        .run_count = from->run_count};
    return gf_core_restore_subscription(core, &row);
}

bool sim_intake_restore(struct sim_rows *rows, struct gf_core *core) {
    const struct sim_intake_rows *saved = &rows->intake.saved;
    for (int i = 0; i < SIM_EXTENSIONS; i++) {
        if (saved->extensions[i].key != 0) {
            restore_extension(saved, i, core);
        }
    }
    for (size_t i = 0; i < saved->subscription_count; i++) {
        if (!restore_subscription(rows, &saved->subscriptions[i], core)) {
            return false;
        }
    }
    return true;
}
