#include "api/codec/model/deployment.h"
#include "api/codec/model/digest.h"
#include "api/codec/model/enums.h"
#include "api/codec/model/event.h"
#include "api/codec/model/message.h"
#include "api/codec/model/namespace.h"
#include "api/codec/model/pipeline.h"
#include "api/codec/model/preferences.h"
#include "api/codec/model/run.h"
#include "api/codec/model/stats.h"
#include "api/codec/model/task_execution.h"
#include "engine/core/protection.h"

#include <criterion/criterion.h>

static struct gf_arena arena;

static void setup(void) {
    gf_arena_init(&arena, 1 << 20);
}

static void teardown(void) {
    gf_arena_fini(&arena);
}

TestSuite(messages, .init = setup, .fini = teardown);

Test(messages, times_before_1970_have_positive_nanos) {
    const Google__Protobuf__Timestamp *time = gf_message_time(-1, &arena);
    cr_expect_eq(time->seconds, -1);
    cr_expect_eq(time->nanos, 999999999);
    int64_t back = 0;
    cr_expect_eq(gf_message_read_time(time, "x", &back, NULL), GF_OK);
    cr_expect_eq(back, -1);
    cr_expect_null(gf_message_time(0, &arena));
}

Test(messages, times_out_of_range_are_refused) {
    Google__Protobuf__Timestamp time = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    int64_t out = 5;
    struct gf_error err = {0};
    time.seconds = INT64_MAX;
    cr_expect_eq(gf_message_read_time(&time, "start_time", &out, &err), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(err.field, "start_time");
    time.seconds = 1;
    time.nanos = -1;
    cr_expect_eq(gf_message_read_time(&time, "start_time", &out, &err), GF_INVALID_ARGUMENT);
    cr_expect_eq(out, 5);
}

Test(messages, a_namespace_without_a_name_has_its_id) {
    const struct gf_namespace ns = {
        .namespace_id = GF_STR("team"), .run_parallelism = 7, .create_time = 1, .update_time = 2};
    const Gofer__V1__Namespace *message = gf_namespace_to_message(&ns, &arena);
    cr_expect_str_eq(message->name, "team");
    cr_expect_str_eq(message->description, "");
    cr_expect_eq(message->update_time->nanos, 2);
    cr_expect_eq(message->run_parallelism, 7);
}

Test(messages, a_pipeline_is_shown_with_its_config) {
    const struct gf_label label = {GF_STR("k"), GF_STR("v")};
    const struct gf_config config = {.name = GF_STR("Nightly"), .labels = &label, .label_count = 1};
    const struct gf_pipeline pipeline = {.namespace_id = GF_STR("default"),
                                         .pipeline_id = GF_STR("nightly"),
                                         .state = GF_PIPELINE_STATE_DISABLED,
                                         .state_reason = GF_STR("on holiday"),
                                         .latest_version = 3,
                                         .live_version = 2,
                                         .latest_run_id = 9};
    const Gofer__V1__Pipeline *message = gf_pipeline_to_message(&pipeline, &config, &arena);
    cr_expect_str_eq(message->name, "Nightly");
    cr_expect_str_eq(message->labels[0]->key, "k");
    cr_expect_eq((int)message->state, GOFER__V1__PIPELINE_STATE__PIPELINE_STATE_DISABLED);
    cr_expect_str_eq(message->state_reason, "on holiday");
    cr_expect_eq(message->latest_run_id, 9);
}

Test(messages, a_complete_deployment_says_why) {
    const struct gf_deployment deployment = {.deployment_id = 2,
                                             .start_version = 1,
                                             .end_version = 2,
                                             .state = GF_DEPLOYMENT_STATE_COMPLETE,
                                             .status = GF_DEPLOYMENT_STATUS_SUCCESSFUL,
                                             .start_user = GF_STR("somebody")};
    const Gofer__V1__Deployment *message = gf_deployment_to_message(&deployment, &arena);
    cr_expect_str_eq(message->start_user, "somebody");
    cr_expect_eq(message->current_percent, 100);
    cr_expect_eq((int)message->status_reason->kind,
                 GOFER__V1__DEPLOYMENT_STATUS_REASON_KIND__DEPLOYMENT_STATUS_REASON_KIND_FINISHED);
    cr_expect_eq((int)message->strategy->kind,
                 GOFER__V1__DEPLOYMENT_STRATEGY_KIND__DEPLOYMENT_STRATEGY_KIND_INSTANT);
}

Test(messages, a_successful_run_ended_normally) {
    const struct gf_variable variable = {GF_STR("A"), GF_STR("1"), GF_VARIABLE_SOURCE_RUN_OPTIONS};
    struct gf_run run = {.run_id = 4,
                         .version = 2,
                         .state = GF_RUN_STATE_RUNNING,
                         .initiator = {GF_INITIATOR_HUMAN, GF_STR(""), GF_STR("because")},
                         .variables = &variable,
                         .variable_count = 1};
    cr_expect_null(gf_run_to_message(&run, &arena)->status_reason);
    run.state = GF_RUN_STATE_COMPLETE;
    run.status = GF_RUN_STATUS_SUCCESSFUL;
    const Gofer__V1__Run *message = gf_run_to_message(&run, &arena);
    cr_expect_eq((int)message->status_reason->kind,
                 GOFER__V1__RUN_STATUS_REASON_KIND__RUN_STATUS_REASON_KIND_NORMAL_EXIT);
    cr_expect_str_eq(message->initiator->reason, "because");
    cr_expect_str_eq(message->variables[0]->key, "A");
    cr_expect_eq((int)message->variables[0]->source,
                 GOFER__V1__VARIABLE_SOURCE__VARIABLE_SOURCE_RUN_OPTIONS);
}

Test(messages, a_run_tells_which_extension_started_it) {
    struct gf_run run = {.run_id = 4,
                         .state = GF_RUN_STATE_RUNNING,
                         .initiator = {.kind = GF_INITIATOR_EXTENSION,
                                       .id = GF_STR("cron"),
                                       .subscription_id = GF_STR("nightly"),
                                       .key = GF_STR("2026-01-01")}};
    const Gofer__V1__Initiator *initiator = gf_run_to_message(&run, &arena)->initiator;
    cr_expect_str_eq(initiator->name, "cron");
    cr_expect_str_eq(initiator->extension_id, "cron");
    cr_expect_str_eq(initiator->subscription_id, "nightly");
    cr_expect_str_eq(initiator->idempotency_key, "2026-01-01");
    run.initiator = (struct gf_initiator){.kind = GF_INITIATOR_HUMAN, .id = GF_STR("me")};
    cr_expect_str_eq(gf_run_to_message(&run, &arena)->initiator->extension_id, "");
}

Test(messages, a_run_tells_how_it_was_started) {
    const struct gf_label label = {GF_STR("team"), GF_STR("blue")};
    const struct gf_run run = {
        .run_id = 4,
        .state = GF_RUN_STATE_RUNNING,
        .reason = {GF_REASON_TIMED_OUT, GF_STR("too slow")},
        .labels = &label,
        .label_count = 1,
        .has_input = true,
        .input = {GF_STR("text/plain"), GF_STR("abc"), 5},
        .priority = -3,
        .ordering_key = GF_STR("customer-7"),
        .ordering_policy = GF_RUN_ORDERING_NEWEST,
        .retried_run_id = 2,
        .cancel_requested = true,
        .deadline_time = 9,
    };
    Gofer__V1__Run *message = gf_run_to_message(&run, &arena);
    cr_expect_null(message->status_reason);
    cr_assert_eq(message->n_labels, 1);
    cr_expect_str_eq(message->labels[0]->key, "team");
    cr_expect_str_eq(message->labels[0]->value, "blue");
    cr_expect_str_eq(message->input->media_type, "text/plain");
    cr_expect_str_eq(message->input->digest, "abc");
    cr_expect_eq(message->input->size_bytes, 5);
    cr_expect_eq((int)message->input->source_case, GOFER__V1__RUN_INPUT__SOURCE__NOT_SET);
    cr_expect_eq(message->priority, -3);
    cr_expect_str_eq(message->ordering_key, "customer-7");
    cr_expect_eq((int)message->ordering_policy,
                 GOFER__V1__RUN_ORDERING_POLICY__RUN_ORDERING_POLICY_NEWEST);
    cr_expect_eq(message->retried_run_id, 2);
    cr_expect(message->cancel_requested);
    cr_expect_eq(message->deadline_time->nanos, 9);
    gf_run_message_set_content(message, GF_STR("hello"));
    cr_expect_eq((int)message->input->source_case, GOFER__V1__RUN_INPUT__SOURCE_CONTENT);
    cr_expect_eq(message->input->content.len, 5);
}

Test(messages, a_digest_is_hexadecimal_blake2b) {
    gf_model_codec_init();
    const struct gf_str digest = gf_digest_text(GF_STR("abc"), &arena);
    cr_expect_str_eq(digest.ptr,
                     "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
    cr_expect_eq(digest.len, 64);
}

Test(messages, a_run_has_no_reason_that_only_tasks_have) {
    cr_expect_eq((int)gf_run_reason_kind_to_message(GF_RUN_STATUS_FAILED, GF_REASON_OUT_OF_MEMORY),
                 GOFER__V1__RUN_STATUS_REASON_KIND__RUN_STATUS_REASON_KIND_ABNORMAL_EXIT);
}

static struct gf_task_execution failed_task(void) {
    return (struct gf_task_execution){.task_id = GF_STR("build"),
                                      .attempt = 1,
                                      .state = GF_TASK_STATE_COMPLETE,
                                      .status = GF_TASK_STATUS_FAILED,
                                      .reason = {GF_REASON_OUT_OF_MEMORY, GF_STR("no memory")},
                                      .has_exit_code = true,
                                      .exit_code = 137,
                                      .exit_signal = 9,
                                      .launch_time = 1,
                                      .start_time = 2,
                                      .end_time = 3,
                                      .cpu_time_ns = 1500000000,
                                      .peak_memory_bytes = 4096,
                                      .peak_pid_count = INT64_C(1) << 40,
                                      .disk_bytes = 5,
                                      .container_id = GF_STR("attempt-1"),
                                      .missing_protections = GF_PROTECTION_USER_NAMESPACE |
                                                             GF_PROTECTION_DISK_LIMIT | 1U << 31,
                                      .root_expire_time = 9,
                                      .log_bytes = 12};
}

Test(messages, a_task_tells_how_it_ended) {
    const struct gf_run run = {.run_id = 4, .pipeline_id = GF_STR("nightly")};
    const struct gf_task_execution execution = failed_task();
    const struct gf_task_execution_view view = {.run = &run,
                                                .execution = &execution,
                                                .image = GF_STR("busybox"),
                                                .scheduler = GF_STR("native")};
    const Gofer__V1__TaskExecution *message = gf_task_execution_to_message(&view, &arena);
    cr_expect_str_eq(message->task_id, "build");
    cr_expect_str_eq(message->image, "busybox");
    cr_expect_str_eq(message->scheduler, "native");
    cr_expect_eq(message->exit->code, 137);
    cr_expect_eq(message->exit->signal, 9);
    cr_expect(message->exit->out_of_memory);
    cr_expect_eq(message->usage->cpu_duration->seconds, 1);
    cr_expect_eq(message->usage->peak_memory_bytes, 4096);
    cr_expect_eq(message->usage->peak_pid_count, INT32_MAX);
    cr_expect_eq(message->usage->disk_bytes, 5);
    cr_expect_str_eq(message->container_id, "attempt-1");
    cr_expect_eq(message->root_expire_time->nanos, 9);
    cr_assert_eq(message->n_missing_protections, 2);
    cr_expect_str_eq(message->missing_protections[0], "user_namespace");
    cr_expect_str_eq(message->missing_protections[1], "disk_limit");
    cr_expect_eq(message->timeline->launch_time->nanos, 1);
    cr_expect_str_eq(message->status_reason->description, "no memory");
    cr_expect_eq((int)message->log_state, GOFER__V1__LOG_STATE__LOG_STATE_COMPLETE);
}

Test(messages, a_task_that_never_ran_has_no_exit) {
    const struct gf_run run = {.run_id = 4};
    const struct gf_task_execution execution = {.task_id = GF_STR("build"),
                                                .state = GF_TASK_STATE_COMPLETE,
                                                .status = GF_TASK_STATUS_SKIPPED,
                                                .end_time = 3};
    const struct gf_task_execution_view view = {
        .run = &run, .execution = &execution, .scheduler = GF_STR("native")};
    const Gofer__V1__TaskExecution *message = gf_task_execution_to_message(&view, &arena);
    cr_expect_null(message->exit);
    cr_expect_null(message->timeline);
    cr_expect_null(message->usage);
    cr_expect_str_eq(message->scheduler, "");
    cr_expect_eq((int)message->log_state, GOFER__V1__LOG_STATE__LOG_STATE_UNSPECIFIED);
}

Test(messages, a_task_that_waits_for_its_next_attempt_has_not_ended) {
    const struct gf_run run = {.run_id = 4};
    struct gf_task_execution execution = failed_task();
    const struct gf_task_execution earlier = failed_task();
    const struct gf_task_execution_view view = {
        .run = &run, .execution = &execution, .scheduler = GF_STR("native")};
    execution.state = GF_TASK_STATE_WAITING;
    execution.next_attempt_time = 7;
    Gofer__V1__TaskExecution *message = gf_task_execution_to_message(&view, &arena);
    cr_expect_eq((int)message->status, 0);
    cr_expect_null(message->status_reason);
    cr_expect_null(message->end_time);
    cr_expect_eq(message->next_attempt_time->nanos, 7);
    cr_expect_eq(message->attempt, 1);
    cr_expect_eq(message->exit->code, 137);
    cr_expect_eq((int)message->log_state, GOFER__V1__LOG_STATE__LOG_STATE_COMPLETE);
    gf_task_execution_message_set_attempts(message, &earlier, 1, GF_STR("native"), &arena);
    cr_assert_eq(message->n_previous_attempts, 1);
    const Gofer__V1__TaskAttempt *attempt = message->previous_attempts[0];
    cr_expect_eq(attempt->attempt, 1);
    cr_expect_eq((int)attempt->status,
                 GOFER__V1__TASK_EXECUTION_STATUS__TASK_EXECUTION_STATUS_FAILED);
    cr_expect_str_eq(attempt->status_reason->description, "no memory");
    cr_expect_eq(attempt->exit->code, 137);
    cr_expect_eq(attempt->timeline->launch_time->nanos, 1);
    cr_expect_eq(attempt->log_bytes, 12);
    cr_expect_str_eq(attempt->scheduler, "native");
    cr_expect_str_eq(attempt->container_id, "attempt-1");
    cr_expect_eq(attempt->root_expire_time->nanos, 9);
    cr_expect_eq(attempt->n_missing_protections, 2);
}

Test(messages, a_timeline_tells_what_happened_when) {
    const struct gf_run run = {.run_id = 4};
    const struct gf_task_execution execution = {.task_id = GF_STR("build"),
                                                .state = GF_TASK_STATE_RUNNING,
                                                .attempt = 2,
                                                .ready_time = 1,
                                                .queue_time = 2,
                                                .launch_time = 3,
                                                .pull_start_time = 4,
                                                .pull_end_time = 5,
                                                .start_time = 6,
                                                .stop_time = 7,
                                                .cancel_requested = true,
                                                .kept_run_id = 11,
                                                .reason = {GF_REASON_USER_CANCELLED, GF_STR("x")}};
    const struct gf_task_execution_view view = {.run = &run, .execution = &execution};
    const Gofer__V1__TaskExecution *message = gf_task_execution_to_message(&view, &arena);
    const Gofer__V1__TaskTimeline *timeline = message->timeline;
    cr_expect_eq(timeline->ready_time->nanos, 1);
    cr_expect_eq(timeline->queue_time->nanos, 2);
    cr_expect_eq(timeline->launch_time->nanos, 3);
    cr_expect_eq(timeline->pull_start_time->nanos, 4);
    cr_expect_eq(timeline->pull_end_time->nanos, 5);
    cr_expect_eq(timeline->start_time->nanos, 6);
    cr_expect_eq(timeline->stop_time->nanos, 7);
    cr_expect_null(timeline->end_time);
    cr_expect(message->cancel_requested);
    cr_expect_eq(message->kept_run_id, 11);
    cr_expect_null(message->status_reason);
}

Test(messages, stats_of_no_runs_have_no_durations) {
    struct gf_run_stats stats = {.cancelled_count = 1};
    const Gofer__V1__PipelineStats *message =
        gf_run_stats_to_message(&stats, 60 * INT64_C(1000000000), &arena);
    cr_expect_eq(message->window->seconds, 60);
    cr_expect_eq(message->cancelled_count, 1);
    cr_expect_float_eq(message->success_percent, 0, 1e-9);
    cr_expect_null(message->median_duration);
    cr_expect_null(message->median_queue_duration);
    stats = (struct gf_run_stats){
        .successful_count = 3, .failed_count = 1, .median_duration = 5, .p95_duration = 6};
    message = gf_run_stats_to_message(&stats, 60 * INT64_C(1000000000), &arena);
    cr_expect_float_eq(message->success_percent, 75, 1e-9);
    cr_expect_eq(message->median_duration->nanos, 5);
    cr_expect_eq(message->p95_duration->nanos, 6);
    cr_expect_eq(message->median_queue_duration->nanos, 0);
    cr_expect_not(message->truncated);
    stats.truncated = true;
    message = gf_run_stats_to_message(&stats, 60 * INT64_C(1000000000), &arena);
    cr_expect(message->truncated);
}

Test(messages, preferences_never_changed_have_no_time) {
    struct gf_preferences preferences = {0};
    cr_expect_null(gf_preferences_to_message(&preferences, &arena)->update_time);
    preferences = (struct gf_preferences){.run_starts_paused = true,
                                          .run_starts_paused_reason = GF_STR("moving house"),
                                          .attach_disabled = true,
                                          .update_time = 3};
    const Gofer__V1__SystemPreferences *message = gf_preferences_to_message(&preferences, &arena);
    cr_expect(message->run_starts_paused);
    cr_expect_str_eq(message->run_starts_paused_reason, "moving house");
    cr_expect(message->attach_disabled);
    cr_expect_eq(message->update_time->nanos, 3);
}

Test(messages, the_state_of_a_log_follows_from_the_task) {
    struct gf_task_execution execution = failed_task();
    execution.log_truncated = true;
    cr_expect_eq((int)gf_task_execution_log_state(&execution),
                 GOFER__V1__LOG_STATE__LOG_STATE_TRUNCATED);
    execution.log_truncated = false;
    execution.reason.kind = GF_REASON_ORPHANED;
    cr_expect_eq((int)gf_task_execution_log_state(&execution),
                 GOFER__V1__LOG_STATE__LOG_STATE_TRUNCATED);
    execution.state = GF_TASK_STATE_RUNNING;
    cr_expect_eq((int)gf_task_execution_log_state(&execution),
                 GOFER__V1__LOG_STATE__LOG_STATE_OPEN);
    execution.log_disabled = true;
    cr_expect_eq((int)gf_task_execution_log_state(&execution),
                 GOFER__V1__LOG_STATE__LOG_STATE_DISABLED);
}

Test(messages, an_event_has_the_status_of_its_kind) {
    struct gf_event event = {.sequence = 8,
                             .time = 1,
                             .kind = GF_EVENT_RUN_COMPLETED,
                             .run_id = 3,
                             .status = GF_RUN_STATUS_FAILED};
    const Gofer__V1__Event *message = gf_event_to_message(&event, &arena);
    cr_expect_eq(message->event_id, 8);
    cr_expect_eq((int)message->run_status, GOFER__V1__RUN_STATUS__RUN_STATUS_FAILED);
    cr_expect_eq((int)message->task_execution_status, 0);
    event.kind = GF_EVENT_TASK_EXECUTION_COMPLETED;
    event.status = GF_TASK_STATUS_SKIPPED;
    message = gf_event_to_message(&event, &arena);
    cr_expect_eq((int)message->run_status, 0);
    cr_expect_eq((int)message->task_execution_status,
                 GOFER__V1__TASK_EXECUTION_STATUS__TASK_EXECUTION_STATUS_SKIPPED);
}

Test(messages, an_event_tells_who_did_what_to_what) {
    static const struct gf_label METADATA[] = {{GF_STR("kind"), GF_STR("BOT")},
                                               {GF_STR("user"), GF_STR("ci")}};
    struct gf_event event = {
        .sequence = 1,
        .kind = GF_EVENT_TOKEN_CREATED,
        .key = GF_STR("password"),
        .subject_id = GF_STR("tok_1"),
        .extension_id = GF_STR("cron"),
        .subscription_id = GF_STR("nightly"),
        .actor = {.token_id = GF_STR("tok_2"), .user = GF_STR("somebody"), .peer = GF_STR("unix:")},
        .metadata = METADATA,
        .metadata_count = GF_ARRAY_COUNT(METADATA)};
    const Gofer__V1__Event *message = gf_event_to_message(&event, &arena);
    cr_expect_eq((int)message->kind, GOFER__V1__EVENT_KIND__EVENT_KIND_TOKEN_CREATED);
    cr_expect_str_eq(message->key, "password");
    cr_expect_str_eq(message->subject_id, "tok_1");
    cr_expect_str_eq(message->extension_id, "cron");
    cr_expect_str_eq(message->subscription_id, "nightly");
    cr_assert_not_null(message->actor);
    cr_expect_str_eq(message->actor->token_id, "tok_2");
    cr_expect_str_eq(message->actor->user, "somebody");
    cr_expect_str_eq(message->actor->peer, "unix:");
    cr_assert_eq(message->n_metadata, 2);
    cr_expect_str_eq(message->metadata[1]->key, "user");
    cr_expect_str_eq(message->metadata[1]->value, "ci");
    /* In development mode there is an address alone; what gofer does by itself has nobody. */
    event.actor = (struct gf_actor){.peer = GF_STR("unix:")};
    message = gf_event_to_message(&event, &arena);
    cr_assert_not_null(message->actor);
    cr_expect_str_eq(message->actor->user, "");
    event.actor = (struct gf_actor){0};
    cr_expect_null(gf_event_to_message(&event, &arena)->actor);
}

static void expect_filter_refused(const Gofer__V1__EventFilter *filter, enum gf_code code,
                                  const char *field) {
    struct gf_event_selection selection = {.run_id = 77};
    struct gf_error err = {0};
    cr_expect_eq(gf_event_filter_from_message(filter, &selection, &err), code, "%s", field);
    cr_expect_str_eq(err.field, field);
    cr_expect_eq(selection.run_id, 77);
}

Test(messages, filters_of_events_are_checked) {
    Gofer__V1__EventFilter filter = GOFER__V1__EVENT_FILTER__INIT;
    Gofer__V1__EventKind kind = (Gofer__V1__EventKind)9999;
    filter.n_kinds = 1;
    filter.kinds = &kind;
    expect_filter_refused(&filter, GF_INVALID_ARGUMENT, "filter.kinds[0]");
    filter.n_kinds = 0;
    filter.pipeline_id = "nightly";
    expect_filter_refused(&filter, GF_INVALID_ARGUMENT, "filter.pipeline_id");
    filter.namespace_id = "x";
    expect_filter_refused(&filter, GF_INVALID_ARGUMENT, "filter.namespace_id");
    filter.namespace_id = "default";
    filter.pipeline_id = "";
    filter.run_id = 3;
    expect_filter_refused(&filter, GF_INVALID_ARGUMENT, "filter.run_id");
    filter.run_id = 0;
    filter.extension_id = "x";
    expect_filter_refused(&filter, GF_INVALID_ARGUMENT, "filter.extension_id");
    struct gf_event_selection selection = {0};
    filter.extension_id = "cron";
    cr_assert_eq(gf_event_filter_from_message(&filter, &selection, NULL), GF_OK);
    cr_expect(gf_str_eq(selection.extension_id, GF_STR("cron")));
}

Test(messages, kinds_that_never_happen_select_nothing) {
    Gofer__V1__EventFilter filter = GOFER__V1__EVENT_FILTER__INIT;
    Gofer__V1__EventKind kinds[] = {GOFER__V1__EVENT_KIND__EVENT_KIND_OBJECT_WRITTEN,
                                    GOFER__V1__EVENT_KIND__EVENT_KIND_RUN_STARTED};
    struct gf_event_selection selection = {0};
    filter.n_kinds = 1;
    filter.kinds = kinds;
    cr_assert_eq(gf_event_filter_from_message(&filter, &selection, NULL), GF_OK);
    cr_expect(selection.nothing);
    filter.n_kinds = 2;
    cr_assert_eq(gf_event_filter_from_message(&filter, &selection, NULL), GF_OK);
    cr_expect_not(selection.nothing);
    struct gf_event_kinds wanted = {0};
    gf_event_kinds_add(&wanted, GF_EVENT_RUN_STARTED);
    cr_expect_arr_eq(selection.kinds.words, wanted.words, sizeof(wanted.words));
}
