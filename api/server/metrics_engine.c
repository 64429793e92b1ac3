/* The engine: what waits, what it does, and what became of it. */
#include "api/server/metrics_internal.h"
#include "engine/core/limits.h"

static void add_runs(const struct gf_engine_stats *stats, const struct gf_core_limits *limits,
                     struct gf_metrics *metrics) {
    gf_metrics_gauge(metrics, "gofer_runs_active", "Runs that have not ended.",
                     stats->core.runs_active);
    gf_metrics_gauge(metrics, "gofer_runs_active_limit",
                     "Runs that have not ended, at most; more are refused. 0: no limit.",
                     limits->runs_active_max);
    gf_metrics_gauge(metrics, "gofer_runs_queued", "Runs that wait until a limit lets them begin.",
                     stats->core.runs_queued);
    gf_metrics_gauge(metrics, "gofer_runs_running", "Runs that have begun and not ended.",
                     stats->core.runs_running);
    gf_metrics_gauge(metrics, "gofer_runs_running_limit",
                     "Runs at once, at most; more are queued. 0: no limit.",
                     limits->runs_running_max);
    gf_metrics_begin(metrics, GF_METRICS_COUNTER, "gofer_runs_ended_total",
                     "Runs that ended, by their status.");
#define GF_X(name, number)                                                                         \
    {                                                                                              \
        char word[GF_SERVER__METRIC_WORD_BYTES];                                                   \
        gf_metrics_add(metrics, stats->runs_ended_total[number],                                   \
                       GF_LABELS({"status", gf_server__metric_word(#name, word)}));                \
    }
    GF_RUN_STATUSES(GF_X)
#undef GF_X
}

static void add_tasks(const struct gf_engine_stats *stats, const struct gf_core_limits *limits,
                      struct gf_metrics *metrics) {
    gf_metrics_gauge(metrics, "gofer_attempts_running",
                     "Attempts of tasks that are launched and not ended: each has a slot.",
                     stats->core.attempts_running);
    gf_metrics_gauge(metrics, "gofer_attempts_running_limit",
                     "Slots of the server; more tasks wait. 0: no limit.",
                     limits->attempts_running_max);
    gf_metrics_gauge(metrics, "gofer_tasks_ready", "Tasks that wait for a slot.",
                     stats->core.tasks_ready);
    gf_metrics_gauge(metrics, "gofer_tasks_backoff",
                     "Tasks that wait for the time of their next attempt.",
                     stats->core.tasks_backoff);
    gf_metrics_begin(metrics, GF_METRICS_COUNTER, "gofer_tasks_ended_total",
                     "Tasks of runs that ended, by their status.");
#define GF_X(name, number)                                                                         \
    {                                                                                              \
        char word[GF_SERVER__METRIC_WORD_BYTES];                                                   \
        gf_metrics_add(metrics, stats->tasks_ended_total[number],                                  \
                       GF_LABELS({"status", gf_server__metric_word(#name, word)}));                \
    }
    GF_TASK_STATUSES(GF_X)
#undef GF_X
    gf_metrics_begin(metrics, GF_METRICS_COUNTER, "gofer_attempts_failed_total",
                     "Attempts of tasks that failed, by the reason.");
#define GF_X(name, number)                                                                         \
    {                                                                                              \
        char word[GF_SERVER__METRIC_WORD_BYTES];                                                   \
        gf_metrics_add(metrics, stats->attempts_failed_total[number],                              \
                       GF_LABELS({"reason", gf_server__metric_word(#name, word)}));                \
    }
    GF_REASON_KINDS(GF_X)
#undef GF_X
    gf_metrics_counter(metrics, "gofer_attempts_retried_total",
                       "Attempts of tasks that failed and are followed by another one.",
                       (uint64_t)stats->attempts_retried_total);
    gf_metrics_counter(metrics, "gofer_attempts_launched_total",
                       "Attempts of tasks, and containers of extensions, given to the scheduler.",
                       (uint64_t)stats->launches_total);
    gf_metrics_counter(metrics, "gofer_attempts_stopped_total",
                       "Times that the scheduler was told to end a container.",
                       (uint64_t)stats->stops_total);
}

static void add_queue(const struct gf_engine_stats *stats, struct gf_metrics *metrics) {
    gf_metrics_begin(metrics, GF_METRICS_GAUGE, "gofer_engine_queue_inputs",
                     "Inputs that wait for the engine, by their lane.");
    gf_metrics_add(metrics, (int64_t)stats->commands_queued, GF_LABELS({"lane", "commands"}));
    gf_metrics_add(metrics, (int64_t)stats->urgent_queued, GF_LABELS({"lane", "urgent"}));
    gf_metrics_add(metrics, (int64_t)stats->reports_queued, GF_LABELS({"lane", "reports"}));
    gf_metrics_begin(metrics, GF_METRICS_GAUGE, "gofer_engine_queue_inputs_limit",
                     "Inputs that may wait; more are refused. Reports are bounded by what runs.");
    gf_metrics_add(metrics, (int64_t)stats->commands_limit, GF_LABELS({"lane", "commands"}));
    gf_metrics_add(metrics, (int64_t)stats->urgent_limit, GF_LABELS({"lane", "urgent"}));
    gf_metrics_begin(metrics, GF_METRICS_COUNTER, "gofer_engine_queue_refused_total",
                     "Commands that were refused because their lane was full.");
    gf_metrics_add(metrics, (int64_t)stats->commands_refused_total,
                   GF_LABELS({"lane", "commands"}));
    gf_metrics_add(metrics, (int64_t)stats->urgent_refused_total, GF_LABELS({"lane", "urgent"}));
    gf_metrics_histogram(metrics, "gofer_engine_queue_wait_seconds",
                         "How long inputs waited for the engine.", &stats->wait);
}

static void add_batches(const struct gf_engine_stats *stats, struct gf_metrics *metrics) {
    gf_metrics_counter(metrics, "gofer_engine_inputs_total",
                       "Inputs that were stepped; over the commits: how large batches are.",
                       (uint64_t)stats->inputs_total);
    gf_metrics_counter(metrics, "gofer_engine_clock_steps_total",
                       "Steps of the clock, which are no inputs.",
                       (uint64_t)stats->clock_steps_total);
    gf_metrics_histogram(metrics, "gofer_engine_step_seconds",
                         "How long the steps of a batch took together.", &stats->step);
    gf_metrics_histogram(metrics, "gofer_engine_commit_seconds",
                         "How long commits took, with their sync.", &stats->commit);
    gf_metrics_counter(metrics, "gofer_engine_rows_total", "Rows and events that were committed.",
                       (uint64_t)stats->rows_total);
    gf_metrics_counter(metrics, "gofer_engine_purges_total",
                       "Portions of deleted things that were removed while nothing else waited.",
                       (uint64_t)stats->purges_total);
    gf_metrics_gauge(metrics, "gofer_engine_deadlines",
                     "Things that happen by themselves at a time that is set.",
                     stats->core.deadlines);
    gf_metrics_begin(metrics, GF_METRICS_COUNTER, "gofer_engine_replies_total",
                     "Answers of the engine to commands, by their code.");
#define GF_X(name, number)                                                                         \
    gf_metrics_add(metrics, stats->replies_total[number], GF_LABELS({"code", #name}));
    GF_CODES(GF_X)
#undef GF_X
    gf_metrics_begin(metrics, GF_METRICS_COUNTER, "gofer_events_total",
                     "Events that were committed since the start, by their kind.");
#define GF_X(name, number)                                                                         \
    {                                                                                              \
        char word[GF_SERVER__METRIC_WORD_BYTES];                                                   \
        gf_metrics_add(metrics, stats->events_total[number],                                       \
                       GF_LABELS({"kind", gf_server__metric_word(#name, word)}));                  \
    }
    GF_EVENT_KINDS(GF_X)
#undef GF_X
}

/* What the core has in memory, with the limits of each. */
static void add_objects(const struct gf_core_stats *core, struct gf_metrics *metrics) {
    const struct {
        const char *kind;
        int64_t count;
        int64_t limit;
    } objects[] = {
        {"extensions", core->extensions, GF_EXTENSIONS_MAX},
        {"namespaces", core->namespaces, GF_NAMESPACES_MAX},
        {"roles", core->roles, GF_ROLES_MAX},
        {"subscriptions", core->subscriptions, GF_SUBSCRIPTIONS_MAX},
        {"tokens", core->tokens, GF_TOKENS_MAX},
    };
    gf_metrics_begin(metrics, GF_METRICS_GAUGE, "gofer_objects",
                     "What is stored of kinds that are all in memory.");
    for (size_t i = 0; i < GF_ARRAY_COUNT(objects); i++) {
        gf_metrics_add(metrics, objects[i].count, GF_LABELS({"kind", objects[i].kind}));
    }
    gf_metrics_begin(metrics, GF_METRICS_GAUGE, "gofer_objects_limit",
                     "How many of each kind there may be; more are refused.");
    for (size_t i = 0; i < GF_ARRAY_COUNT(objects); i++) {
        gf_metrics_add(metrics, objects[i].limit, GF_LABELS({"kind", objects[i].kind}));
    }
    gf_metrics_begin(metrics, GF_METRICS_GAUGE, "gofer_engine_cached",
                     "Objects that the engine has in memory because they are, or were, in use.");
    gf_metrics_add(metrics, core->pipelines_cached, GF_LABELS({"kind", "pipelines"}));
    gf_metrics_add(metrics, core->configs_cached, GF_LABELS({"kind", "configs"}));
}

void gf_server__engine_metrics(const struct gf_server *server, struct gf_metrics *metrics) {
    const struct gf_engine_stats stats = gf_engine_get_stats(server->engine);
    add_runs(&stats, &server->services.limits, metrics);
    add_tasks(&stats, &server->services.limits, metrics);
    add_queue(&stats, metrics);
    add_batches(&stats, metrics);
    add_objects(&stats.core, metrics);
}
