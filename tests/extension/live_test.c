/* What is seen of an extension, and what people ask it. */
#include "base/sync.h"
#include "tests/extension/rig.h"

#include <stdatomic.h>
#include <unistd.h>

#include <criterion/criterion.h>

#define MESSAGE(name) GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_##name
#define REQUEST(name) GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_##name

static struct hub_rig rig;
static struct script script;
static char lines[4][128];
static _Atomic int line_count;

static void keep_line(void *ctx, const struct gf_extension_log_line *line) {
    (void)ctx;
    const int index = atomic_fetch_add(&line_count, 1);
    if (index < 4) {
        (void)snprintf(lines[index], sizeof(lines[index]), "%d %" GF_STR_FMT " %zu",
                       (int)line->level, GF_STR_ARG(line->text), line->metadata_count);
    }
}

static void with_log(struct gf_extension_hub_options *options) {
    options->log_line = keep_line;
}

static void setup(void) {
    hub_rig_init(&rig, with_log);
    hub_rig_install(&rig, "cron", "", "");
}

static void teardown(void) {
    script_close(&script);
    hub_rig_fini(&rig);
}

TestSuite(extension_live, .init = setup, .fini = teardown, .timeout = 60);

static struct gf_extension_live look(void) {
    struct gf_extension_live live;
    gf_extension_hub_live(rig.hub, hub_rig_row(&rig, "cron").extension_key, &live);
    return live;
}

/* Everything that was said before is taken in: a request that is answered comes behind it. */
static void settle(void) {
    to_gofer message = GOFER__EXTENSION__V1__CONNECT_REQUEST__INIT;
    Gofer__Extension__V1__ObjectRequest request = GOFER__EXTENSION__V1__OBJECT_REQUEST__INIT;
    request.request_id = "a";
    message.message_case = REQUEST(OBJECT_REQUEST);
    message.object_request = &request;
    script_send(&script, &message);
    (void)script_expect(&script, MESSAGE(OBJECT_RESPONSE));
}

Test(extension_live, who_is_not_connected_is_seen_as_that) {
    const struct gf_extension_live live = look();
    cr_assert_not(live.connected);
    cr_assert_eq(live.protocol_major, 0);
}

Test(extension_live, health_and_figures_are_those_of_the_last_report) {
    (void)script_connect(&script, &rig, "cron");
    to_gofer message = GOFER__EXTENSION__V1__CONNECT_REQUEST__INIT;
    Gofer__Extension__V1__HealthReport report = GOFER__EXTENSION__V1__HEALTH_REPORT__INIT;
    Gofer__V1__ExtensionMetric metric = GOFER__V1__EXTENSION_METRIC__INIT;
    Gofer__V1__ExtensionMetric *metrics[] = {&metric};
    metric.name = "hops_total";
    metric.value = 42;
    report.health = GOFER__V1__EXTENSION_HEALTH__EXTENSION_HEALTH_DEGRADED;
    report.description = "tired";
    report.n_metrics = 1;
    report.metrics = metrics;
    message.message_case = REQUEST(HEALTH);
    message.health = &report;
    script_send(&script, &message);
    settle();
    const struct gf_extension_live live = look();
    cr_assert(live.ready);
    cr_assert_eq(live.health, GOFER__V1__EXTENSION_HEALTH__EXTENSION_HEALTH_DEGRADED);
    cr_assert_str_eq(live.health_description, "tired");
    cr_assert_eq(live.protocol_major, 1);
    Gofer__V1__ExtensionMetric **all = NULL;
    size_t count = 0;
    gf_extension_hub_metrics(rig.hub, hub_rig_row(&rig, "cron").extension_key, &rig.arena, &all,
                             &count);
    cr_assert_gt(count, 1);
    cr_assert_str_eq(all[count - 1]->name, "hops_total");
    cr_assert_eq(all[count - 1]->value, 42);
    for (size_t i = 1; i < count; i++) {
        cr_assert_leq(strcmp(all[i - 1]->name, all[i]->name), 0);
    }
}

Test(extension_live, a_bad_health_ends_the_connection) {
    (void)script_connect(&script, &rig, "cron");
    to_gofer message = GOFER__EXTENSION__V1__CONNECT_REQUEST__INIT;
    Gofer__Extension__V1__HealthReport report = GOFER__EXTENSION__V1__HEALTH_REPORT__INIT;
    message.message_case = REQUEST(HEALTH);
    message.health = &report;
    script_send(&script, &message);
    script_expect_end(&script, GF_INVALID_ARGUMENT, "");
}

Test(extension_live, lines_get_to_the_log) {
    (void)script_connect(&script, &rig, "cron");
    to_gofer message = GOFER__EXTENSION__V1__CONNECT_REQUEST__INIT;
    Gofer__Extension__V1__LogEntry entry = GOFER__EXTENSION__V1__LOG_ENTRY__INIT;
    Gofer__Extension__V1__LogEntry__MetadataEntry same[2];
    Gofer__Extension__V1__LogEntry__MetadataEntry *metadata[2];
    for (size_t i = 0; i < 2; i++) {
        gofer__extension__v1__log_entry__metadata_entry__init(&same[i]);
        same[i].key = "k";
        metadata[i] = &same[i];
    }
    entry.text = "hello";
    entry.level = GOFER__EXTENSION__V1__LOG_LEVEL__LOG_LEVEL_ERROR;
    entry.n_metadata = 2;
    entry.metadata = metadata;
    message.message_case = REQUEST(LOG);
    message.log = &entry;
    script_send(&script, &message);
    settle();
    cr_assert_eq(line_count, 1);
    cr_assert_str_eq(lines[0], "4 hello 1");
}

static void wake(struct gf_extension_watcher *watcher) {
    (void)watcher;
    atomic_fetch_add(&line_count, 1);
}

Test(extension_live, watchers_hear_of_changes_until_they_go) {
    struct gf_extension_watcher watcher = {
        .extension_key = hub_rig_row(&rig, "cron").extension_key,
        .changed = wake,
    };
    gf_extension_hub_watch(rig.hub, &watcher);
    (void)script_connect(&script, &rig, "cron");
    cr_assert_gt(line_count, 0);
    gf_extension_hub_unwatch(rig.hub, &watcher);
    line_count = 0;
    hub_rig_switch(&rig, GF_INPUT_DISABLE_EXTENSION, "cron");
    script_expect_end(&script, GF_PERMISSION_DENIED, "EXTENSION_DISABLED");
    cr_assert_eq(line_count, 0);
}

/* ---- Debug ---- */

struct inspection {
    struct gf_extension_debug debug;
    struct gf_latch answered;
    enum gf_code code;
    char info[32];
};

static void inspected(struct gf_extension_debug *debug, const struct gf_error *error,
                      struct gf_str info) {
    struct inspection *inspection = GF_CONTAINER_OF(debug, struct inspection, debug);
    inspection->code = error->code;
    (void)snprintf(inspection->info, sizeof(inspection->info), "%" GF_STR_FMT, GF_STR_ARG(info));
    gf_latch_open(&inspection->answered);
}

static void inspect(struct inspection *inspection, int64_t timeout_ms) {
    *inspection =
        (struct inspection){.debug = {.extension_key = hub_rig_row(&rig, "cron").extension_key,
                                      .timeout_ms = timeout_ms,
                                      .answered = inspected}};
    gf_latch_init(&inspection->answered);
    gf_extension_hub_debug(rig.hub, &inspection->debug);
}

static enum gf_code outcome_of(struct inspection *inspection) {
    gf_latch_wait(&inspection->answered);
    gf_latch_fini(&inspection->answered);
    return inspection->code;
}

Test(extension_live, it_says_how_it_looks_inside) {
    struct inspection inspection;
    inspect(&inspection, 0);
    cr_assert_eq(outcome_of(&inspection), GF_UNAVAILABLE);
    (void)script_connect(&script, &rig, "cron");
    inspect(&inspection, 0);
    to_gofer message = GOFER__EXTENSION__V1__CONNECT_REQUEST__INIT;
    Gofer__Extension__V1__DebugInfo info = GOFER__EXTENSION__V1__DEBUG_INFO__INIT;
    info.request_id = script_expect(&script, MESSAGE(DEBUG_REQUEST))->debug_request->request_id;
    info.info = "fine";
    message.message_case = REQUEST(DEBUG_INFO);
    message.debug_info = &info;
    script_send(&script, &message);
    cr_assert_eq(outcome_of(&inspection), GF_OK);
    cr_assert_str_eq(inspection.info, "fine");
    inspect(&inspection, 1);
    cr_assert_eq(outcome_of(&inspection), GF_DEADLINE_EXCEEDED);
}

/* ---- Dialogs ---- */

struct talk {
    struct gf_extension_dialog dialog;
    struct gf_latch stepped, ended;
    char text[32];
    enum gf_code code;
};

static void stepped(struct gf_extension_dialog *dialog,
                    const Gofer__Extension__V1__DialogStep *step) {
    struct talk *talk = GF_CONTAINER_OF(dialog, struct talk, dialog);
    (void)snprintf(talk->text, sizeof(talk->text), "%s", step->text);
    gf_latch_open(&talk->stepped);
}

static void talk_ended(struct gf_extension_dialog *dialog, const struct gf_error *error) {
    struct talk *talk = GF_CONTAINER_OF(dialog, struct talk, dialog);
    talk->code = error->code;
    gf_latch_open(&talk->ended);
}

static enum gf_code open_talk(struct talk *talk, struct gf_error *error) {
    *talk = (struct talk){
        .dialog = {.extension_key = hub_rig_row(&rig, "cron").extension_key,
                   .kind = GOFER__EXTENSION__V1__DIALOG_KIND__DIALOG_KIND_SUBSCRIPTION,
                   .namespace_id = GF_STR("default"),
                   .pipeline_id = GF_STR("pipe"),
                   .step = stepped,
                   .ended = talk_ended}};
    gf_latch_init(&talk->stepped);
    gf_latch_init(&talk->ended);
    return gf_extension_hub_open_dialog(rig.hub, &talk->dialog, error);
}

Test(extension_live, a_dialog_goes_back_and_forth) {
    struct talk talk;
    struct gf_error error = {0};
    Gofer__Extension__V1__Registration *registration = script_registration(&rig, "cron");
    registration->has_configurator = true;
    cr_assert_eq(open_talk(&talk, &error), GF_UNAVAILABLE);
    (void)script_connect_with(&script, &rig, registration, true);
    cr_assert_eq(open_talk(&talk, &error), GF_OK);
    const from_gofer *begin = script_expect(&script, MESSAGE(DIALOG_START));
    cr_assert_str_eq(begin->dialog_start->pipeline_id, "pipe");
    to_gofer message = GOFER__EXTENSION__V1__CONNECT_REQUEST__INIT;
    Gofer__Extension__V1__DialogStep step = GOFER__EXTENSION__V1__DIALOG_STEP__INIT;
    step.dialog_id = begin->dialog_start->dialog_id;
    step.step_case = GOFER__EXTENSION__V1__DIALOG_STEP__STEP_TEXT;
    step.text = "hello";
    message.message_case = REQUEST(DIALOG_STEP);
    message.dialog_step = &step;
    script_send(&script, &message);
    gf_latch_wait(&talk.stepped);
    cr_assert_str_eq(talk.text, "hello");
    gf_extension_hub_answer_dialog(rig.hub, &talk.dialog, GF_STR("hi"));
    cr_assert_str_eq(script_expect(&script, MESSAGE(DIALOG_ANSWER))->dialog_answer->text, "hi");
    gf_extension_hub_close_dialog(rig.hub, &talk.dialog, true);
    gf_latch_wait(&talk.ended);
    cr_assert_eq(talk.code, GF_OK);
    (void)script_expect(&script, MESSAGE(DIALOG_CANCEL));
    script_send(&script, &message); /* late, and nothing to complain about */
    settle();
}

Test(extension_live, a_dialog_ends_with_the_connection) {
    struct talk talk;
    struct gf_error error = {0};
    Gofer__Extension__V1__Registration *registration = script_registration(&rig, "cron");
    (void)script_connect(&script, &rig, "cron");
    cr_assert_eq(open_talk(&talk, &error), GF_FAILED_PRECONDITION);
    script_close(&script);
    registration->has_configurator = true;
    (void)script_connect_with(&script, &rig, registration, true);
    cr_assert_eq(open_talk(&talk, &error), GF_OK);
    script_close(&script);
    gf_latch_wait(&talk.ended);
    cr_assert_eq(talk.code, GF_UNAVAILABLE);
}

Test(extension_live, figures_of_all_connections_are_added_up) {
    struct gf_extension_hub_stats stats;
    gf_extension_hub_stats(rig.hub, &stats);
    cr_expect_eq(stats.connections, 0);
    cr_expect_eq(stats.connections_limit, GF_EXTENSION_CONNECTIONS_MAX);
    (void)script_connect(&script, &rig, "cron");
    settle();
    gf_extension_hub_stats(rig.hub, &stats);
    cr_expect_eq(stats.connections, 1);
    cr_expect_eq(stats.ready, 1);
    cr_expect_eq(stats.connections_total, 1);
    cr_expect_eq(stats.connections_refused_total, 0);
    cr_expect_eq(stats.deliveries_pending, 0);
    cr_expect_eq(stats.deliveries_unanswered, 0);
    cr_expect_eq(stats.window_limit, GF_EXTENSION_WINDOW);
}
