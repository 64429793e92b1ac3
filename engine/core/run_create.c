/*
 * How a run comes into being, however it was asked for: it is checked against the queue of its
 * pipeline, written, and queued; older runs give way where the pipeline or the ordering key says
 * so. Whether it begins in the same step is for the queue to say (queue.c).
 */
#include "base/alloc.h"
#include "engine/core/config.h"
#include "engine/core/copy.h"
#include "engine/core/core_internal.h"

#include <inttypes.h>

/* ---- What may be refused ---- */

static enum gf_code check_server(const struct gf_core *core, const struct core_new_run *new_run,
                                 struct gf_error *err) {
    if (core->preferences.run_starts_paused) {
        const struct gf_str reason = core->preferences.run_starts_paused_reason;
        return gf_fail_reason(err, GF_FAILED_PRECONDITION, "RUN_STARTS_PAUSED",
                              "run starts are paused%s%" GF_STR_FMT, reason.len > 0 ? ": " : "",
                              GF_STR_ARG(reason));
    }
    if (core->limits.runs_active_max > 0 &&
        core->runs_active + new_run->ahead >= core->limits.runs_active_max) {
        return gf_fail_reason(err, GF_RESOURCE_EXHAUSTED, "TOO_MANY_RUNS",
                              "%" PRId64 " runs have not ended, no more are possible: try again "
                              "later",
                              core->runs_active);
    }
    return GF_OK;
}

enum gf_code gf_core__check_enabled(const struct core_pipeline *pipeline, struct gf_error *err) {
    const struct gf_str reason = pipeline->row.state_reason;
    if (pipeline->row.state != GF_PIPELINE_STATE_ACTIVE) {
        return gf_fail_reason(err, GF_FAILED_PRECONDITION, "PIPELINE_DISABLED",
                              "pipeline '%" GF_STR_FMT "' is disabled (%" GF_STR_FMT
                              "): enable it first",
                              GF_STR_ARG(pipeline->row.pipeline_id),
                              GF_STR_ARG(reason.len > 0 ? reason : GF_STR("no reason was given")));
    }
    return GF_OK;
}

/* How many runs of its key wait that a new one would take the place of. */
static int64_t coalesced_count(const struct core_new_run *new_run) {
    if (new_run->ordering_policy != GF_RUN_ORDERING_NEWEST) {
        return 0;
    }
    const struct core_order *order = gf_map_get(&new_run->pipeline->orders, new_run->ordering_key);
    return order == NULL ? 0
                         : order->waiting_count + (order->leader != NULL &&
                                                   order->leader->row.state == GF_RUN_STATE_QUEUED);
}

/* How many of those that wait would be ended to make room for a new one. */
static int64_t displaced_count(const struct gf_core *core, const struct core_new_run *new_run) {
    const struct core_pipeline *pipeline = new_run->pipeline;
    const int64_t most = gf_core__pipeline_parallelism(core, new_run->config);
    if (new_run->config->row.queue_policy != GF_QUEUE_POLICY_CANCEL_OLDEST || most == 0) {
        return 0;
    }
    int64_t left = pipeline->runs_unended + 1 - most;
    int64_t count = 0;
    GF_LIST_FOREACH(link, &pipeline->runs) {
        if (left-- <= 0) {
            break;
        }
        const struct core_run *run = GF_CONTAINER_OF(link, struct core_run, pipeline_link);
        count += run->row.state == GF_RUN_STATE_QUEUED;
    }
    return count;
}

/* A pipeline's own limit is one of those that queue; the server's holds for all. */
static int64_t queue_limit(const struct gf_core *core, const struct core_config *config) {
    const bool queues = config->row.queue_policy == GF_QUEUE_POLICY_UNSPECIFIED ||
                        config->row.queue_policy == GF_QUEUE_POLICY_QUEUE;
    const int64_t of_config = queues ? config->row.queue_limit : 0;
    return gf_least_limit(of_config, core->limits.pipeline_queue_max);
}

static enum gf_code check_queue(const struct gf_core *core, const struct core_new_run *new_run,
                                struct gf_error *err) {
    const struct core_pipeline *pipeline = new_run->pipeline;
    const struct core_config *config = new_run->config;
    const bool first = new_run->ahead == 0;
    const int64_t waiting = pipeline->runs_queued + new_run->ahead - coalesced_count(new_run);
    const int64_t most = gf_core__pipeline_parallelism(core, config);
    const int64_t limit = queue_limit(core, config);
    if (config->row.queue_policy == GF_QUEUE_POLICY_REJECT && most > 0 &&
        pipeline->runs_running + waiting >= most) {
        return gf_fail_reason(err, GF_RESOURCE_EXHAUSTED, GF_REASON_PIPELINE_BUSY,
                              "pipeline '%" GF_STR_FMT "' has %" PRId64
                              " runs, which is as many as it may, and does not queue more",
                              GF_STR_ARG(pipeline->row.pipeline_id),
                              pipeline->runs_running + waiting);
    }
    if (limit > 0 && waiting - (first ? displaced_count(core, new_run) : 0) >= limit &&
        !(first && gf_core__run_would_begin(core, pipeline, config, new_run->ordering_key))) {
        return gf_fail_reason(err, GF_RESOURCE_EXHAUSTED, "QUEUE_FULL",
                              "%" PRId64 " runs of pipeline '%" GF_STR_FMT
                              "' wait, no more are possible: try again later",
                              waiting, GF_STR_ARG(pipeline->row.pipeline_id));
    }
    return GF_OK;
}

enum gf_code gf_core__check_new_run(const struct gf_core *core, const struct core_new_run *new_run,
                                    struct gf_error *err) {
    enum gf_code rc = check_server(core, new_run, err);
    if (rc == GF_OK) {
        rc = gf_core__check_enabled(new_run->pipeline, err);
    }
    return rc == GF_OK ? check_queue(core, new_run, err) : rc;
}

/* ---- Those that give way ---- */

static void stop_for(struct gf_core *core, struct core_run *run, enum gf_reason_kind kind,
                     const struct core_run *newer, const char *how) {
    struct gf_strbuf text;
    gf_strbuf_init(&text, GF_REASON_BYTES_MAX);
    gf_strbuf_printf(&text, "run %" PRId64 " %s", newer->row.run_id, how);
    gf_core__run_stop(core, run, kind, gf_strbuf_view(&text), /* force= */ false);
    gf_strbuf_fini(&text);
}

/* Only the newest of those that wait with the same key is kept. */
static void coalesce(struct gf_core *core, const struct core_run *newer) {
    const struct core_order *order = newer->order;
    GF_LIST_FOREACH(link, &order->waiting) {
        struct core_run *run = GF_CONTAINER_OF(link, struct core_run, order_link);
        if (run != newer) {
            stop_for(core, run, GF_REASON_COALESCED, newer,
                     "has the same ordering key and took its place");
        }
    }
    if (order->leader != newer && order->leader->row.state == GF_RUN_STATE_QUEUED) {
        struct core_run *leader = gf_map_i64_get(&core->runs, order->leader->row.run_key);
        stop_for(core, leader, GF_REASON_COALESCED, newer,
                 "has the same ordering key and took its place");
    }
}

/* The oldest ones that nothing ends yet are ended until there is a slot for the newest. */
static void displace(struct gf_core *core, const struct core_run *newer, int64_t count) {
    struct core_pipeline *pipeline = newer->pipeline;
    for (int64_t i = 0; i < count; i++) {
        struct core_run *oldest =
            GF_CONTAINER_OF(gf_list_first(&pipeline->runs), struct core_run, pipeline_link);
        if (oldest == newer) {
            return;
        }
        stop_for(core, oldest, GF_REASON_DISPLACED, newer, "took its place");
    }
}

/* ---- Creating ---- */

static void add_document(struct gf_core *core, struct core_run *run,
                         const struct gf_run_document *document) {
    run->row.has_input = true;
    run->row.input.media_type = gf_text_copy(document->media_type, &run->arena);
    run->row.input.digest = gf_text_copy(document->digest, &run->arena);
    run->row.input.size_bytes = (int64_t)document->content.len;
    struct gf_run_input_row *row = gf_vec_push_zeroed(&core->batch.inputs);
    row->run_key = run->row.run_key;
    row->content = gf_text_copy(document->content, &core->batch_arena);
}

static struct core_run *make_run(struct gf_core *core, const struct core_new_run *new_run) {
    struct core_run *run = GF_NEW(struct core_run);
    gf_arena_init(&run->arena, GF_CORE_RUN_BYTES_MAX);
    run->pipeline = new_run->pipeline;
    run->config = new_run->config;
    run->row = (struct gf_run){
        .run_key = core->next.next_run_key++,
        .pipeline_key = run->pipeline->row.pipeline_key,
        .namespace_id = run->pipeline->row.namespace_id,
        .pipeline_id = run->pipeline->row.pipeline_id,
        .run_id = ++run->pipeline->row.latest_run_id,
        .version = run->config->row.version,
        .state = GF_RUN_STATE_PENDING,
        .initiator = new_run->initiator,
        .variables = gf_variables_copy(new_run->variables, new_run->variable_count, &run->arena),
        .variable_count = new_run->variable_count,
        .labels = gf_labels_copy(new_run->labels, new_run->label_count, &run->arena),
        .label_count = new_run->label_count,
        .request_id = gf_text_copy(new_run->request_id, &run->arena),
        .priority = new_run->priority,
        .has_priority = new_run->has_priority,
        .ordering_key = gf_text_copy(new_run->ordering_key, &run->arena),
        .ordering_policy = new_run->ordering_policy,
        .retried_run_id = new_run->retried_run_id,
        .used_live_version = new_run->used_live_version,
        .kept_tasks = gf_kept_tasks_copy(new_run->kept_tasks, new_run->kept_count, &run->arena),
        .kept_count = new_run->kept_count,
        .chain_depth = new_run->chain_depth,
        .create_time = core->now,
    };
    run->row.initiator.id = gf_text_copy(run->row.initiator.id, &run->arena);
    run->row.initiator.reason = gf_text_copy(run->row.initiator.reason, &run->arena);
    run->row.initiator.token_id = gf_text_copy(run->row.initiator.token_id, &run->arena);
    run->row.initiator.subscription_id =
        gf_text_copy(run->row.initiator.subscription_id, &run->arena);
    run->row.initiator.key = gf_text_copy(run->row.initiator.key, &run->arena);
    return run;
}

struct core_run *gf_core__create_run(struct gf_core *core, const struct core_new_run *new_run) {
    struct core_pipeline *pipeline = new_run->pipeline;
    struct core_run *run = make_run(core, new_run);
    if (new_run->document != NULL) {
        add_document(core, run, new_run->document);
    }
    gf_core__mark_pipeline(core, pipeline);
    gf_core__mark_run(core, run);
    gf_core__add_run(core, run);
    struct gf_event *event = gf_core__event_run(core, GF_EVENT_RUN_QUEUED, run);
    gf_core__tell_initiator(core, event, &run->row.initiator);
    gf_core__run_enqueue(core, run);
    if (run->row.ordering_policy == GF_RUN_ORDERING_NEWEST) {
        coalesce(core, run);
    }
    const int64_t most = gf_core__pipeline_parallelism(core, run->config);
    if (run->config->row.queue_policy == GF_QUEUE_POLICY_CANCEL_OLDEST && most > 0) {
        displace(core, run, (int64_t)pipeline->runs_unended - most);
    }
    return run;
}
