/*
 * Runs that extensions want. Exactly one for each subscription and key: what became of a key is
 * written with the run, and answered to every repetition.
 *
 * All that one input wants is durable together. So everything is looked up first, then it is made
 * sure that what may have to wait has room, and only then the first run is created.
 *
 * A refusal that nothing but a person can undo, or that the pipeline asks for (queue policy
 * reject), is the outcome of the key for good. What may go well later (starts are paused, too many
 * runs) is kept as a delivery, which is tried again until it is started or refused, or given up;
 * until then the key is PENDING.
 */
#include "engine/core/config.h"
#include "engine/core/copy.h"
#include "engine/core/core_checks.h"
#include "engine/core/core_starts.h"

#include <string.h>

/* ---- The input itself ---- */

static enum gf_code check_form(const struct gf_extension_start *given, struct gf_error *err) {
    enum gf_code rc = gf_text_check(given->key, GF_START_KEY_CHARS_MAX, "idempotency_key", err);
    if (rc == GF_OK && given->key.len == 0) {
        rc = gf_fail_field(err, "idempotency_key", "is required");
    }
    if (rc == GF_OK && (given->subscription_count == 0 ||
                        given->subscription_count > GF_START_SUBSCRIPTIONS_MAX)) {
        rc = gf_fail_field(err, "subscriptions", "there are %zu, expected 1 to %d",
                           given->subscription_count, GF_START_SUBSCRIPTIONS_MAX);
    }
    if (rc == GF_OK && given->delivery_key != 0 && given->subscription_count != 1) {
        rc = gf_fail_field(err, "subscriptions", "a delivery is for one");
    }
    if (rc == GF_OK && given->content.len > GF_DELIVERY_BYTES_MAX) {
        rc = gf_fail_field(err, "content", "content has %zu bytes, expected up to %d",
                           given->content.len, GF_DELIVERY_BYTES_MAX);
    }
    if (rc == GF_OK && given->checkpoint.len > GF_CHECKPOINT_BYTES_MAX) {
        rc = gf_fail_field(err, "checkpoint", "checkpoint has %zu bytes, expected up to %d",
                           given->checkpoint.len, GF_CHECKPOINT_BYTES_MAX);
    }
    return rc;
}

static enum gf_code check_extension(const struct core_extension *extension, struct gf_error *err) {
    if (extension->row.disabled) {
        return gf_fail_reason(err, GF_FAILED_PRECONDITION, "EXTENSION_DISABLED",
                              "extension '%" GF_STR_FMT "' is disabled",
                              GF_STR_ARG(extension->row.extension_id));
    }
    return GF_OK;
}

/* ---- What is refused for good ---- */

static const struct gf_variable *with_source(const struct core_starts *starts) {
    const struct gf_extension_start *given = starts->given;
    size_t index = 0;
    while (index < given->variable_count &&
           given->variables[index].source == GF_VARIABLE_SOURCE_EXTENSION) {
        index++;
    }
    if (index == given->variable_count) {
        return given->variables;
    }
    struct gf_variable *variables =
        GF_ARENA_ARRAY(&starts->core->batch_arena, given->variable_count, struct gf_variable);
    for (size_t i = 0; i < given->variable_count; i++) {
        variables[i] = given->variables[i];
        variables[i].source = GF_VARIABLE_SOURCE_EXTENSION;
    }
    return variables;
}

/* What one message makes many runs of is written many times, in one transaction. */
static enum gf_code check_copies(const struct gf_extension_start *given, struct gf_error *err) {
    size_t bytes = given->document == NULL ? 0 : given->document->content.len;
    for (size_t i = 0; i < given->variable_count; i++) {
        bytes += given->variables[i].key.len + given->variables[i].value.len;
    }
    if (bytes > GF_START_BYTES_MAX / given->subscription_count) {
        return gf_fail_field(err, "subscriptions",
                             "variables and input have %zu bytes, which is too much for %zu runs: "
                             "expected up to %d together",
                             bytes, given->subscription_count, GF_START_BYTES_MAX);
    }
    return GF_OK;
}

/* What is wrong with every run of the input: as of a run that somebody starts. */
static void check_all(struct core_starts *starts) {
    const struct gf_extension_start *given = starts->given;
    if (given->refusal != NULL) {
        starts->refusal = *given->refusal;
        return;
    }
    const struct gf_input start = {.kind = GF_INPUT_START_RUN,
                                   .u.start_run = {.variables = starts->variables,
                                                   .variable_count = given->variable_count,
                                                   .labels = given->labels,
                                                   .label_count = given->label_count,
                                                   .initiator.reason = given->reason,
                                                   .document = given->document,
                                                   .ordering_key = given->ordering_key,
                                                   .ordering_policy = given->ordering_policy}};
    if (gf_core__check_start_run(&start, &starts->refusal) != GF_OK ||
        check_copies(given, &starts->refusal) != GF_OK) {
        return;
    }
    if (starts->chain_depth >= GF_CHAIN_DEPTH_MAX) {
        (void)gf_fail_reason(&starts->refusal, GF_FAILED_PRECONDITION, "CHAIN_TOO_DEEP",
                             "the chain of runs that made extensions want each other has %d, which "
                             "is as many as it may have",
                             GF_CHAIN_DEPTH_MAX);
    }
}

static enum gf_code check_final(const struct core_starts *starts, const struct core_wanted *wanted,
                                struct gf_error *err) {
    const struct gf_subscription *row = &wanted->subscription->row;
    if (row->status == GF_SUBSCRIPTION_DISABLED) {
        return gf_fail_reason(err, GF_FAILED_PRECONDITION, "SUBSCRIPTION_DISABLED",
                              "subscription '%" GF_STR_FMT "' is disabled",
                              GF_STR_ARG(row->subscription_id));
    }
    if (starts->refusal.code != GF_OK) {
        if (err != NULL) {
            *err = starts->refusal;
        }
        return starts->refusal.code;
    }
    const enum gf_code rc = gf_core__check_enabled(wanted->pipeline, err);
    return rc == GF_OK ? gf_core__check_live(wanted->pipeline, err) : rc;
}

/* ---- What may have to wait ---- */

static enum gf_run_ordering_policy ordering_policy(const struct gf_extension_start *given) {
    if (given->ordering_key.len == 0) {
        return GF_RUN_ORDERING_UNSPECIFIED;
    }
    return given->ordering_policy == GF_RUN_ORDERING_NEWEST ? GF_RUN_ORDERING_NEWEST
                                                            : GF_RUN_ORDERING_STRICT;
}

static struct core_new_run new_run_of(const struct core_starts *starts,
                                      const struct core_wanted *wanted) {
    const struct gf_extension_start *given = starts->given;
    return (struct core_new_run){
        .pipeline = wanted->pipeline,
        .config = wanted->config,
        .variables = starts->variables,
        .variable_count = given->variable_count,
        .labels = given->labels,
        .label_count = given->label_count,
        .initiator = {.kind = GF_INITIATOR_EXTENSION,
                      .id = starts->extension->row.extension_id,
                      .reason = given->reason,
                      .token_id = starts->core->actor->token_id,
                      .subscription_id = wanted->subscription->row.subscription_id,
                      .key = given->key,
                      .event_time = given->event_time},
        .document = given->document,
        .priority = wanted->config->row.priority,
        .ordering_key = given->ordering_key,
        .ordering_policy = ordering_policy(given),
        .chain_depth = starts->chain_depth,
    };
}

/*
 * Whether there is room for all that may have to wait: more of them than will, because each run
 * that is created may be the one too many for the next.
 */
static enum gf_code check_room(const struct core_starts *starts, struct gf_error *err) {
    const struct core_wanted *items = starts->core->intake.wanted.items;
    const int64_t bytes = (int64_t)starts->given->content.len;
    int64_t count = 0;
    int64_t ahead = 0;
    for (size_t i = 0; starts->delivery == NULL && i < starts->given->subscription_count; i++) {
        if (items[i].subscription == NULL || !gf_core__starts_is_open(starts, items[i].known) ||
            check_final(starts, &items[i], NULL) != GF_OK) {
            continue;
        }
        struct core_new_run new_run = new_run_of(starts, &items[i]);
        new_run.ahead = ahead++;
        count += gf_core__check_new_run(starts->core, &new_run, NULL) != GF_OK;
    }
    return count == 0 ? GF_OK
                      : gf_core__check_delivery_room(starts->extension, count, count * bytes, err);
}

/* ---- Doing it ---- */

static void answer(const struct gf_start_key *row, bool before, struct gf_start_result *out) {
    out->outcome = row->outcome;
    out->duplicate = before && row->outcome == GF_START_STARTED;
    out->run_id = row->run_id;
    out->reason = row->reason;
    out->description = row->description;
}

/* The outcome of the key from now on. */
static void record(struct core_starts *starts, const struct core_wanted *wanted,
                   const struct gf_start_key *outcome, struct gf_start_result *out) {
    struct gf_start_key row = *outcome;
    row.subscription_key = wanted->subscription->row.subscription_key;
    row.key = starts->key;
    row.create_time = wanted->known == NULL ? starts->core->now : wanted->known->row.create_time;
    gf_core__put_start_key(starts->core, &row);
    answer(&row, /* before= */ false, out);
}

static struct gf_str sentence(struct gf_core *core, const struct gf_error *err) {
    return gf_str_from(err->field[0] == '\0' ? gf_arena_strdup(&core->batch_arena, err->message)
                                             : gf_arena_printf(&core->batch_arena, "%s: %s",
                                                               err->field, err->message));
}

static void refuse(struct core_starts *starts, const struct core_wanted *wanted,
                   const struct gf_error *err, struct gf_start_result *out) {
    struct gf_core *core = starts->core;
    const char *reason = err->reason[0] != '\0' ? err->reason : gf_code_name(err->code);
    const struct gf_start_key outcome = {
        .outcome = GF_START_REFUSED,
        .reason = gf_str_from(gf_arena_strdup(&core->batch_arena, reason)),
        .description = sentence(core, err),
    };
    record(starts, wanted, &outcome, out);
}

static void start(struct core_starts *starts, const struct core_wanted *wanted,
                  const struct core_new_run *new_run, struct gf_start_result *out) {
    struct gf_core *core = starts->core;
    struct gf_subscription *row = &wanted->subscription->row;
    const struct core_run *run = gf_core__create_run(core, new_run);
    row->last_run_id = run->row.run_id;
    row->last_run_time = core->now;
    row->run_count++;
    gf_core__mark_subscription(core, wanted->subscription);
    starts->extension->row.run_count++;
    gf_core__mark_extension(core, starts->extension);
    const struct gf_start_key outcome = {.outcome = GF_START_STARTED, .run_id = run->row.run_id};
    record(starts, wanted, &outcome, out);
}

static void keep(struct core_starts *starts, const struct core_wanted *wanted,
                 const struct gf_error *err, struct gf_start_result *out) {
    struct gf_core *core = starts->core;
    const struct gf_subscription *row = &wanted->subscription->row;
    if (starts->content.len == 0) {
        starts->content = gf_text_copy(starts->given->content, &core->batch_arena);
    }
    const struct gf_delivery delivery = {
        .extension_key = row->extension_key,
        .kind = GF_DELIVERY_RUN_START,
        .subscription_key = row->subscription_key,
        .namespace_id = row->namespace_id,
        .pipeline_id = row->pipeline_id,
        .subscription_id = row->subscription_id,
        .key = starts->key,
        .attempt_count = 1,
        .next_attempt_time = core->now + gf_core__delivery_backoff_ns(1),
        .create_time = core->now,
        .description = sentence(core, err),
        .content = starts->content,
    };
    (void)gf_core__add_delivery(core, &delivery);
    const struct gf_start_key outcome = {.outcome = GF_START_PENDING};
    record(starts, wanted, &outcome, out);
}

/* The owner of the pipeline wants no run that comes while others are under way: then none waits for
 * that anywhere else either. */
static bool wants_no_queue(const struct core_new_run *new_run, const struct gf_error *err) {
    return new_run->config->row.queue_policy == GF_QUEUE_POLICY_REJECT &&
           strcmp(err->reason, GF_REASON_PIPELINE_BUSY) == 0;
}

/* Gives whether it is new: no repetition, and no name of nothing. */
static bool do_one(struct core_starts *starts, struct core_wanted *wanted,
                   struct gf_start_result *out) {
    struct gf_core *core = starts->core;
    struct gf_error err = {0};
    if (wanted->subscription == NULL) {
        out->outcome = GF_START_REFUSED;
        out->reason = GF_STR("SUBSCRIPTION_NOT_FOUND");
        out->description = GF_STR("there is no such subscription");
        return false;
    }
    /* Again, because the input may name a subscription twice. */
    if (gf_core__find_start_key(core, wanted->subscription->row.subscription_key, starts->key,
                                &wanted->known) == CORE_FOUND &&
        !gf_core__starts_is_open(starts, wanted->known)) {
        answer(&wanted->known->row, /* before= */ true, out);
        return false;
    }
    if (check_final(starts, wanted, &err) != GF_OK) {
        refuse(starts, wanted, &err, out);
        return true;
    }
    const struct core_new_run new_run = new_run_of(starts, wanted);
    if (gf_core__check_new_run(core, &new_run, &err) == GF_OK) {
        start(starts, wanted, &new_run, out);
    } else if (wants_no_queue(&new_run, &err)) {
        refuse(starts, wanted, &err, out);
    } else if (starts->delivery == NULL) {
        keep(starts, wanted, &err, out);
    } else {
        gf_core__fail_delivery(core, starts->delivery, sentence(core, &err), /* wait_ns= */ 0);
        out->outcome = GF_START_PENDING;
    }
    return true;
}

/*
 * A repetition has set the checkpoint when it came first, and later ones may have been set since:
 * so it is set with what is new, and where there is nothing that could have been new.
 */
static void set_checkpoint(struct core_starts *starts, bool any_new, bool any_known) {
    const struct gf_extension_start *given = starts->given;
    struct core_subscription *subscription = starts->core->intake.wanted.items[0].subscription;
    if (!given->set_checkpoint || starts->delivery != NULL || (!any_new && any_known)) {
        return;
    }
    if (given->subscription_count > 1) {
        (void)gf_core__set_extension_checkpoint(starts->core, starts->extension, given->checkpoint);
    } else if (subscription != NULL) {
        (void)gf_core__set_subscription_checkpoint(starts->core, subscription, given->checkpoint);
    }
}

static struct gf_start_result *do_all(struct core_starts *starts) {
    struct gf_core *core = starts->core;
    const size_t count = starts->given->subscription_count;
    struct gf_start_result *results =
        GF_ARENA_ARRAY(&core->batch_arena, count, struct gf_start_result);
    bool any_new = false;
    bool any_known = false;
    starts->key = gf_text_copy(starts->given->key, &core->batch_arena);
    for (size_t i = 0; i < count; i++) {
        struct core_wanted *wanted = &core->intake.wanted.items[i];
        const bool is_new = do_one(starts, wanted, &results[i]);
        any_new = any_new || is_new;
        any_known = any_known || (!is_new && wanted->subscription != NULL);
    }
    set_checkpoint(starts, any_new, any_known);
    if (starts->delivery != NULL && results[0].outcome != GF_START_PENDING) {
        gf_core__remove_delivery(core, starts->delivery);
    }
    return results;
}

static enum gf_step step(struct core_starts *starts, const struct gf_input *input) {
    struct gf_core *core = starts->core;
    struct gf_error err = {0};
    if (starts->lost) {
        (void)gf_fail(&err, GF_DATA_LOSS,
                      "a pipeline that subscribes, or its live version, is not stored");
        return gf_core__refuse(core, input, &err);
    }
    starts->variables = with_source(starts);
    check_all(starts);
    if (check_room(starts, &err) != GF_OK) {
        return gf_core__refuse(core, input, &err);
    }
    struct gf_reply *reply = gf_core__reply(core, input);
    reply->starts = do_all(starts);
    reply->start_count = starts->given->subscription_count;
    return GF_STEP_DONE;
}

enum gf_step gf_core__start_extension_runs(struct gf_core *core, const struct gf_input *input,
                                           struct gf_need *out_need) {
    struct core_starts starts = {.core = core, .given = &input->u.extension_start};
    enum gf_step result = GF_STEP_DONE;
    struct gf_error err = {0};
    if (check_form(starts.given, &err) != GF_OK) {
        return gf_core__refuse(core, input, &err);
    }
    starts.extension = gf_core__resolve_extension_key(core, input, starts.given->extension_key);
    if (starts.extension == NULL) {
        return GF_STEP_DONE;
    }
    if (check_extension(starts.extension, &err) != GF_OK) {
        return gf_core__refuse(core, input, &err);
    }
    if (!gf_core__starts_find_delivery(&starts, input, out_need, &result)) {
        return result;
    }
    return gf_core__starts_find_all(&starts, out_need) ? step(&starts, input) : GF_STEP_NEED;
}
