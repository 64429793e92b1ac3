#include "tests/sim/sim.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

static const char *kind_name(enum gf_input_kind kind) {
    static const char *const names[] = {
        [GF_INPUT_CREATE_NAMESPACE] = "CREATE_NAMESPACE",
        [GF_INPUT_UPDATE_NAMESPACE] = "UPDATE_NAMESPACE",
        [GF_INPUT_DELETE_NAMESPACE] = "DELETE_NAMESPACE",
        [GF_INPUT_REGISTER_CONFIG] = "REGISTER_CONFIG",
        [GF_INPUT_DELETE_CONFIG] = "DELETE_CONFIG",
        [GF_INPUT_DEPLOY] = "DEPLOY",
        [GF_INPUT_ENABLE_PIPELINE] = "ENABLE_PIPELINE",
        [GF_INPUT_DISABLE_PIPELINE] = "DISABLE_PIPELINE",
        [GF_INPUT_DELETE_PIPELINE] = "DELETE_PIPELINE",
        [GF_INPUT_START_RUN] = "START_RUN",
        [GF_INPUT_RETRY_RUN] = "RETRY_RUN",
        [GF_INPUT_CANCEL_RUN] = "CANCEL_RUN",
        [GF_INPUT_CANCEL_ALL_RUNS] = "CANCEL_ALL_RUNS",
        [GF_INPUT_CANCEL_TASK] = "CANCEL_TASK",
        [GF_INPUT_REPAIR_RUN] = "REPAIR_RUN",
        [GF_INPUT_DELETE_TASK_LOGS] = "DELETE_TASK_LOGS",
        [GF_INPUT_UPDATE_PREFERENCES] = "UPDATE_PREFERENCES",
        [GF_INPUT_BOOTSTRAP_TOKEN] = "BOOTSTRAP_TOKEN",
        [GF_INPUT_CREATE_TOKEN] = "CREATE_TOKEN",
        [GF_INPUT_ENABLE_TOKEN] = "ENABLE_TOKEN",
        [GF_INPUT_DISABLE_TOKEN] = "DISABLE_TOKEN",
        [GF_INPUT_DELETE_TOKEN] = "DELETE_TOKEN",
        [GF_INPUT_DELETE_EXPIRED_TOKENS] = "DELETE_EXPIRED_TOKENS",
        [GF_INPUT_TOUCH_TOKENS] = "TOUCH_TOKENS",
        [GF_INPUT_CREATE_ROLE] = "CREATE_ROLE",
        [GF_INPUT_UPDATE_ROLE] = "UPDATE_ROLE",
        [GF_INPUT_DELETE_ROLE] = "DELETE_ROLE",
        [GF_INPUT_RECORD_EVENT] = "RECORD_EVENT",
        [GF_INPUT_INSTALL_EXTENSION] = "INSTALL_EXTENSION",
        [GF_INPUT_UPDATE_EXTENSION] = "UPDATE_EXTENSION",
        [GF_INPUT_UNINSTALL_EXTENSION] = "UNINSTALL_EXTENSION",
        [GF_INPUT_ENABLE_EXTENSION] = "ENABLE_EXTENSION",
        [GF_INPUT_DISABLE_EXTENSION] = "DISABLE_EXTENSION",
        [GF_INPUT_CREATE_SUBSCRIPTION] = "CREATE_SUBSCRIPTION",
        [GF_INPUT_UPDATE_SUBSCRIPTION] = "UPDATE_SUBSCRIPTION",
        [GF_INPUT_ENABLE_SUBSCRIPTION] = "ENABLE_SUBSCRIPTION",
        [GF_INPUT_DISABLE_SUBSCRIPTION] = "DISABLE_SUBSCRIPTION",
        [GF_INPUT_DELETE_SUBSCRIPTION] = "DELETE_SUBSCRIPTION",
        [GF_INPUT_REPLAY_DELIVERIES] = "REPLAY_DELIVERIES",
        [GF_INPUT_DELETE_DELIVERIES] = "DELETE_DELIVERIES",
        [GF_INPUT_EXTENSION_REGISTERED] = "EXTENSION_REGISTERED",
        [GF_INPUT_EXTENSION_READY] = "EXTENSION_READY",
        [GF_INPUT_EXTENSION_DRAINED] = "EXTENSION_DRAINED",
        [GF_INPUT_EXTENSION_GONE] = "EXTENSION_GONE",
        [GF_INPUT_SUBSCRIPTION_JUDGED] = "SUBSCRIPTION_JUDGED",
        [GF_INPUT_START_EXTENSION_RUNS] = "START_EXTENSION_RUNS",
        [GF_INPUT_SET_CHECKPOINT] = "SET_CHECKPOINT",
        [GF_INPUT_SET_EVENT_SEQUENCE] = "SET_EVENT_SEQUENCE",
        [GF_INPUT_ADD_DELIVERY] = "ADD_DELIVERY",
        [GF_INPUT_SETTLE_DELIVERY] = "SETTLE_DELIVERY",
        [GF_INPUT_PUT_REPORT] = "PUT_REPORT",
        [GF_INPUT_TASK_STARTED] = "TASK_STARTED",
        [GF_INPUT_TASK_EXITED] = "TASK_EXITED",
        [GF_INPUT_TASK_LAUNCH_FAILED] = "TASK_LAUNCH_FAILED",
        [GF_INPUT_TASK_LOST] = "TASK_LOST",
        [GF_INPUT_TASK_NEVER_STARTED] = "TASK_NEVER_STARTED",
        [GF_INPUT_CLOCK] = "CLOCK",
    };
    return names[kind];
}

static void print_names(struct gf_strbuf *out, struct gf_str namespace_id,
                        struct gf_str pipeline_id) {
    gf_strbuf_printf(out, " %" GF_STR_FMT "/%" GF_STR_FMT, GF_STR_ARG(namespace_id),
                     GF_STR_ARG(pipeline_id));
}

static void print_attempt(struct gf_strbuf *out, struct gf_attempt attempt) {
    gf_strbuf_printf(out, " run key %" PRId64 " task %" PRId32 " #%" PRId32, attempt.run_key,
                     attempt.task_index, attempt.attempt);
}

static void print_request(struct gf_strbuf *out, struct gf_str request_id) {
    if (request_id.len > 0) {
        gf_strbuf_printf(out, " request %" GF_STR_FMT, GF_STR_ARG(request_id));
    }
}

static void print_start(struct gf_strbuf *out, const struct gf_input *input) {
    print_names(out, input->u.start_run.namespace_id, input->u.start_run.pipeline_id);
    print_request(out, input->u.start_run.request_id);
    if (input->u.start_run.has_priority) {
        gf_strbuf_printf(out, " priority %" PRId32, input->u.start_run.priority);
    }
    if (input->u.start_run.ordering_key.len > 0) {
        gf_strbuf_printf(out, " %" GF_STR_FMT " %s", GF_STR_ARG(input->u.start_run.ordering_key),
                         gf_run_ordering_policy_name(input->u.start_run.ordering_policy));
    }
}

static void print_exit(struct gf_strbuf *out, const struct gf_exit *exit) {
    gf_strbuf_printf(out, " code %" PRId32 "%s%s%s%s", exit->exit_code,
                     exit->stopped ? " stopped" : "", exit->timed_out ? " timed out" : "",
                     exit->out_of_memory ? " out of memory" : "",
                     exit->failure.len > 0 ? " broken" : "");
}

static void print_namespace(struct gf_strbuf *out, const struct gf_input *input) {
    gf_strbuf_printf(out, " %" GF_STR_FMT " parallelism %" PRId64 "%s",
                     GF_STR_ARG(input->u.ns.namespace_id), input->u.ns.run_parallelism,
                     input->u.ns.cascade ? " cascade" : "");
    print_request(out, input->u.ns.request.request_id);
}

static void print_register(struct gf_strbuf *out, const struct gf_input *input) {
    print_names(out, input->u.register_config.namespace_id,
                input->u.register_config.config->pipeline_id);
    gf_strbuf_printf(out, " %zu tasks%s", input->u.register_config.config->task_count,
                     input->u.register_config.deploy ? " deploy" : "");
    print_request(out, input->u.register_config.request.request_id);
}

static void print_retry(struct gf_strbuf *out, const struct gf_input *input) {
    print_names(out, input->u.retry_run.namespace_id, input->u.retry_run.pipeline_id);
    gf_strbuf_printf(out, " run %" PRId64 "%s%s", input->u.retry_run.run_id,
                     input->u.retry_run.failed_tasks_only ? " failed tasks" : "",
                     input->u.retry_run.use_live_version ? " live version" : "");
    print_request(out, input->u.retry_run.request_id);
}

static void print_cancel(struct gf_strbuf *out, const struct gf_input *input) {
    print_names(out, input->u.cancel.namespace_id, input->u.cancel.pipeline_id);
    gf_strbuf_printf(out, " run %" PRId64 " %" GF_STR_FMT "%s", input->u.cancel.run_id,
                     GF_STR_ARG(input->u.cancel.task_id), input->u.cancel.force ? " force" : "");
}

static void print_token(struct gf_strbuf *out, const struct gf_input *input) {
    const struct gf_token *row = input->u.token.row;
    gf_strbuf_printf(out, " %" GF_STR_FMT " by %" GF_STR_FMT, GF_STR_ARG(row->token_id),
                     GF_STR_ARG(input->actor.token_id));
    for (size_t i = 0; i < row->role_count; i++) {
        gf_strbuf_printf(out, " %" GF_STR_FMT, GF_STR_ARG(row->role_ids[i]));
    }
    gf_strbuf_printf(out, " for %" PRId64 " ms", input->u.token.lifetime_ms);
    print_request(out, input->u.token.request.request_id);
}

static void print_subscription(struct gf_strbuf *out, const struct gf_input *input) {
    const struct gf_subscription_change *change = &input->u.subscription.change;
    print_names(out, change->namespace_id, change->pipeline_id);
    gf_strbuf_printf(out, " %" GF_STR_FMT " %" GF_STR_FMT "%s", GF_STR_ARG(change->extension_id),
                     GF_STR_ARG(change->subscription_id), change->pending ? " pending" : "");
}

static void print_extension_start(struct gf_strbuf *out, const struct gf_input *input) {
    const struct gf_extension_start *start = &input->u.extension_start;
    gf_strbuf_printf(out, " of %" PRId64 " %" GF_STR_FMT, start->extension_key,
                     GF_STR_ARG(start->key));
    for (size_t i = 0; i < start->subscription_count; i++) {
        print_names(out, start->subscriptions[i].namespace_id, start->subscriptions[i].pipeline_id);
        gf_strbuf_printf(out, "/%" GF_STR_FMT, GF_STR_ARG(start->subscriptions[i].subscription_id));
    }
    if (start->delivery_key != 0) {
        gf_strbuf_printf(out, " try of %" PRId64, start->delivery_key);
    }
}

void sim_print_input(struct gf_strbuf *out, const struct gf_input *input) {
    gf_strbuf_append_cstr(out, kind_name(input->kind));
    switch ((int)input->kind) {
    case GF_INPUT_CREATE_NAMESPACE:
    case GF_INPUT_UPDATE_NAMESPACE:
    case GF_INPUT_DELETE_NAMESPACE:
        print_namespace(out, input);
        return;
    case GF_INPUT_REGISTER_CONFIG:
        print_register(out, input);
        return;
    case GF_INPUT_DELETE_CONFIG:
    case GF_INPUT_DEPLOY:
        print_names(out, input->u.deploy.namespace_id, input->u.deploy.pipeline_id);
        gf_strbuf_printf(out, " v%" PRId64, input->u.deploy.version);
        print_request(out, input->u.deploy.request.request_id);
        return;
    case GF_INPUT_ENABLE_PIPELINE:
    case GF_INPUT_DISABLE_PIPELINE:
    case GF_INPUT_DELETE_PIPELINE:
        print_names(out, input->u.pipeline.namespace_id, input->u.pipeline.pipeline_id);
        return;
    case GF_INPUT_START_RUN:
        print_start(out, input);
        return;
    case GF_INPUT_RETRY_RUN:
        print_retry(out, input);
        return;
    case GF_INPUT_CANCEL_RUN:
    case GF_INPUT_CANCEL_ALL_RUNS:
    case GF_INPUT_CANCEL_TASK:
    case GF_INPUT_REPAIR_RUN:
        print_cancel(out, input);
        return;
    case GF_INPUT_DELETE_TASK_LOGS:
        print_names(out, input->u.delete_logs.namespace_id, input->u.delete_logs.pipeline_id);
        gf_strbuf_printf(out, " run %" PRId64 " %" GF_STR_FMT, input->u.delete_logs.run_id,
                         GF_STR_ARG(input->u.delete_logs.task_id));
        return;
    case GF_INPUT_UPDATE_PREFERENCES:
        gf_strbuf_printf(out, " paused %d", input->u.preferences.run_starts_paused);
        return;
    case GF_INPUT_BOOTSTRAP_TOKEN:
    case GF_INPUT_CREATE_TOKEN:
    case GF_INPUT_ENABLE_TOKEN:
    case GF_INPUT_DISABLE_TOKEN:
    case GF_INPUT_DELETE_TOKEN:
        print_token(out, input);
        return;
    case GF_INPUT_CREATE_ROLE:
    case GF_INPUT_UPDATE_ROLE:
    case GF_INPUT_DELETE_ROLE:
        gf_strbuf_printf(out, " %" GF_STR_FMT, GF_STR_ARG(input->u.role.row->role_id));
        print_request(out, input->u.role.request.request_id);
        return;
    case GF_INPUT_CREATE_SUBSCRIPTION:
    case GF_INPUT_UPDATE_SUBSCRIPTION:
    case GF_INPUT_ENABLE_SUBSCRIPTION:
    case GF_INPUT_DISABLE_SUBSCRIPTION:
    case GF_INPUT_DELETE_SUBSCRIPTION:
        print_subscription(out, input);
        return;
    case GF_INPUT_START_EXTENSION_RUNS:
        print_extension_start(out, input);
        return;
    case GF_INPUT_SETTLE_DELIVERY:
        gf_strbuf_printf(out, " %" PRId64 " %d", input->u.delivery.delivery_key,
                         (int)input->u.delivery.settled);
        return;
    case GF_INPUT_RECORD_EVENT:
        gf_strbuf_printf(out, " source %" PRId64, input->u.record.source_sequence);
        return;
    case GF_INPUT_TASK_STARTED:
        print_attempt(out, input->u.started.attempt);
        return;
    case GF_INPUT_TASK_EXITED:
        print_attempt(out, input->u.exited.attempt);
        print_exit(out, &input->u.exited.exit);
        return;
    case GF_INPUT_TASK_LAUNCH_FAILED:
    case GF_INPUT_TASK_LOST:
    case GF_INPUT_TASK_NEVER_STARTED:
        print_attempt(out, input->u.failed.attempt);
        return;
    default: /* nothing to add to the name */
        return;
    }
}

void sim_print_history(struct gf_strbuf *out, const struct sim *sim) {
    const int64_t first = sim->step >= SIM_HISTORY ? sim->step - SIM_HISTORY + 1 : 1;
    for (int64_t step = first; step <= sim->step; step++) {
        const size_t at = (size_t)(step % SIM_HISTORY);
        gf_strbuf_printf(out, "  step %" PRId64 " at %" PRId64 ": ", step, sim->history[at].wall);
        sim_print_input(out, &sim->history[at].input);
        gf_strbuf_append_char(out, '\n');
    }
}

void sim_trace(struct sim *sim, const char *fmt, ...) {
    if (!sim->options.trace) {
        return;
    }
    va_list args;
    va_start(args, fmt);
    (void)vprintf(fmt, args);
    va_end(args);
    (void)putchar('\n');
    (void)fflush(stdout);
}
