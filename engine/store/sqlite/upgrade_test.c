/* Databases of older schemas, with data: they are brought up to date, and everything is there. */
#include "engine/store/sqlite/migrate.h"
#include "engine/store/sqlite/sql.h"
#include "engine/store/sqlite/testing/fixture.h"

#include <string.h>

#include <criterion/criterion.h>

/* A pipeline with a run that ended, one that runs, and a namespace that waits to be removed. */
static const char FIRST[] =
    "INSERT INTO namespaces VALUES (1, 'default', 'Default', 'd', 10, 11, 0),"
    " (2, '#2', '', '', 12, 12, 1);"
    "INSERT INTO pipelines VALUES (1, 1, 'pipe', 1, 20, 21, 0, 0, 2, 0),"
    " (2, 2, 'gone', 1, 22, 22, 0, 0, 1, 0);"
    "INSERT INTO runs VALUES"
    " (1, 1, 1, 1, 4, 2, 1, 'exit code 3', 1, 'somebody', '', x'', 'request-1', 0, 100, 110, 190),"
    " (2, 1, 2, 1, 3, 0, 0, '', 1, 'somebody', '', x'', '', 1, 200, 210, 0),"
    " (3, 2, 1, 1, 4, 1, 0, '', 1, '', '', x'', '', 0, 300, 310, 320);"
    "INSERT INTO task_executions VALUES"
    " (1, 0, 'main', 1, 4, 2, 1, 'exit code 3', 3, 0, 101, 111, 112, 189, 'sha256:ab', 'here',"
    "  5, 6, 7, 1),"
    " (2, 0, 'main', 1, 3, 0, 0, '', NULL, 0, 201, 211, 212, 0, 'sha256:ab', 'here', 0, 0, 0, 0),"
    " (3, 0, 'main', 1, 4, 1, 0, '', 0, 0, 301, 311, 312, 319, '', '', 0, 0, 0, 0);"
    "INSERT INTO events VALUES (1, 100, 40, 'default', 'pipe', 1, 0, 1, '', 0, 0);";

/* A database of the second schema: what only that has. */
static const char SECOND[] =
    "INSERT INTO namespaces VALUES (1, 'default', 'Default', 'd', 10, 11, 0, 5);"
    "INSERT INTO requests VALUES ('somebody', 'request-1', 1, -7, 1000, 'default', '', 1, 0, 1, 0);"
    "INSERT INTO preferences VALUES (1, 1, 'night', 0, 50);"
    "INSERT INTO events VALUES (1, 100, 1, 'default', '', 0, 0, 0, '', 0, 0),"
    " (2, 110, 130, '', '', 0, 0, 0, '', 0, 0);";

struct fixture {
    struct gf_sqlite_fixture sqlite;
    struct gf_store *store;
    struct gf_store_reader *reader;
    struct gf_rows rows;
    struct gf_arena arena;
    struct gf_error err;
};

static void write_old(struct fixture *fixture, size_t version, const char *rows) {
    struct gf_sqlite_db db = {0};
    cr_assert_eq(gf_sqlite__db_open(&db, fixture->sqlite.path, NULL, GF_SQLITE_WRITER,
                                    &gf_sqlite__profile, &fixture->err),
                 GF_OK, "%s", fixture->err.message);
    cr_assert_eq(gf_sqlite__migrate(&db, gf_sqlite__migrations, version, &fixture->err), GF_OK,
                 "%s", fixture->err.message);
    cr_assert_eq(gf_sqlite__exec(&db, rows, "insert", &fixture->err), GF_OK, "%s",
                 fixture->err.message);
    gf_sqlite__db_close(&db);
}

static void look(struct fixture *fixture) {
    if (fixture->reader != NULL) {
        fixture->store->ops->close_reader(fixture->store, fixture->reader);
    }
    gf_rows_commit(&fixture->rows, fixture->store);
    fixture->reader = fixture->store->ops->open_reader(fixture->store);
}

static void open_version(struct fixture *fixture, size_t version, const char *rows) {
    memset(fixture, 0, sizeof(*fixture));
    gf_sqlite_fixture_init(&fixture->sqlite);
    gf_rows_init(&fixture->rows);
    gf_arena_init(&fixture->arena, 16 << 20);
    write_old(fixture, version, rows);
    fixture->store = gf_sqlite_fixture_open(&fixture->sqlite, NULL);
    fixture->rows.next_sequence = 2;
    fixture->reader = fixture->store->ops->open_reader(fixture->store);
}

static void open_fixture(struct fixture *fixture) {
    open_version(fixture, 1, FIRST);
}

static void close_fixture(struct fixture *fixture) {
    fixture->store->ops->close_reader(fixture->store, fixture->reader);
    fixture->store->ops->destroy(fixture->store);
    gf_arena_fini(&fixture->arena);
    gf_rows_fini(&fixture->rows);
    gf_sqlite_fixture_fini(&fixture->sqlite);
}

#define must(fixture, op, ...)                                                                     \
    cr_assert_eq((fixture)->store->ops->op((fixture)->reader, __VA_ARGS__, &(fixture)->err),       \
                 GF_OK, #op ": %s", (fixture)->err.message)

Test(sqlite_upgrade, what_was_there_is_there_with_defaults) {
    struct fixture fixture;
    open_fixture(&fixture);
    struct gf_namespace ns = {0};
    struct gf_pipeline pipeline = {0};
    struct gf_run run = {0};
    struct gf_task_execution task = {0};
    must(&fixture, get_namespace, GF_STR("default"), &fixture.arena, &ns);
    cr_assert_eq(ns.run_parallelism, 0);
    must(&fixture, get_pipeline, GF_STR("default"), GF_STR("pipe"), &fixture.arena, &pipeline);
    cr_assert_eq(pipeline.state_reason.len, 0);
    cr_assert_eq(pipeline.latest_run_id, 2);
    must(&fixture, get_run, 1, 1, &fixture.arena, &run);
    cr_assert(gf_str_eq(run.reason.text, GF_STR("exit code 3")));
    cr_assert_eq(run.end_time, 190);
    cr_assert_eq(run.deadline_time, 0);
    cr_assert_eq(run.priority, 0);
    cr_assert_eq(run.label_count, 0);
    cr_assert_not(run.has_input);
    must(&fixture, get_task, 1, GF_STR("main"), &fixture.arena, &task);
    cr_assert_eq(task.exit_code, 3);
    cr_assert_eq(task.ready_time, 0);
    cr_assert_eq(task.launch_time, 111);
    cr_assert_not(task.cancel_requested);
    cr_assert_eq(task.end_time, 189);
    cr_assert(task.log_truncated);
    cr_assert_eq(task.peak_memory_bytes, 6);
    cr_assert_eq(task.peak_pid_count, 0);
    cr_assert_eq(task.container_id.len, 0);
    cr_assert_eq(task.missing_protections, 0);
    close_fixture(&fixture);
}

Test(sqlite_upgrade, statistics_know_the_runs_of_before) {
    struct fixture fixture;
    open_fixture(&fixture);
    struct gf_run_stats stats = {0};
    must(&fixture, get_run_stats, 1, &(const int64_t){0}, 1, &stats);
    cr_assert_eq(stats.failed_count, 1);
    cr_assert_eq(stats.successful_count, 0);
    cr_assert_eq(stats.median_duration, 80);
    cr_assert_eq(stats.median_queue_duration, 10);
    close_fixture(&fixture);
}

Test(sqlite_upgrade, rows_of_before_take_what_is_new) {
    struct fixture fixture;
    open_fixture(&fixture);
    struct gf_run run = {0};
    struct gf_task_execution task = {0};
    struct gf_pipeline pipeline = {0};
    must(&fixture, get_run, 1, 2, &fixture.arena, &run);
    must(&fixture, get_task, 2, GF_STR("main"), &fixture.arena, &task);
    must(&fixture, get_pipeline_by_key, 1, &fixture.arena, &pipeline);
    run.deadline_time = 5000;
    task.stop_time = 4000;
    task.cancel_requested = true;
    pipeline.state = GF_PIPELINE_STATE_DISABLED;
    pipeline.state_reason = GF_STR("too dear");
    gf_rows_again_run(&fixture.rows, &run);
    gf_rows_again_task(&fixture.rows, &task);
    gf_rows_again_pipeline(&fixture.rows, &pipeline);
    (void)gf_rows_attempt(&fixture.rows, &task);
    gf_rows_input(&fixture.rows, &run, GF_STR("late"));
    look(&fixture);
    struct gf_run run_now = {0};
    struct gf_task_execution task_now = {0};
    struct gf_task_execution *attempts = NULL;
    struct gf_pipeline pipeline_now = {0};
    size_t count = 0;
    must(&fixture, get_run, 1, 2, &fixture.arena, &run_now);
    cr_assert_eq(run_now.deadline_time, 5000);
    cr_assert(run_now.cancel_requested);
    must(&fixture, get_task, 2, GF_STR("main"), &fixture.arena, &task_now);
    cr_assert_eq(task_now.stop_time, 4000);
    cr_assert(task_now.cancel_requested);
    must(&fixture, get_pipeline_by_key, 1, &fixture.arena, &pipeline_now);
    cr_assert(gf_str_eq(pipeline_now.state_reason, GF_STR("too dear")));
    must(&fixture, list_attempts, 2, 0, &fixture.arena, &attempts, &count);
    cr_assert_eq(count, 1);
    close_fixture(&fixture);
}

Test(sqlite_upgrade, what_waited_to_be_removed_is_removed) {
    struct fixture fixture;
    open_fixture(&fixture);
    look(&fixture);
    cr_assert_eq(gf_sqlite_fixture_query(&fixture.sqlite, "SELECT count(*) FROM namespaces"), 1);
    cr_assert_eq(gf_sqlite_fixture_query(&fixture.sqlite, "SELECT count(*) FROM runs"), 2);
    gf_rows_delete_pipeline(&fixture.rows, 1);
    look(&fixture);
    cr_assert_eq(gf_sqlite_fixture_query(&fixture.sqlite, "SELECT count(*) FROM runs"), 0);
    cr_assert_eq(gf_sqlite_fixture_query(&fixture.sqlite, "SELECT count(*) FROM pipelines"), 0);
    struct gf_core_start start = {0};
    cr_assert_eq(
        fixture.store->ops->load_start(fixture.store, &fixture.arena, &start, &fixture.err), GF_OK);
    cr_assert_eq(start.next_run_key, 4);
    cr_assert_eq(start.next_pipeline_key, 3);
    cr_assert_eq(start.next_event_sequence, 2);
    cr_assert_not(start.preferences.run_starts_paused);
    close_fixture(&fixture);
}

/* ---- From the second schema ---- */

Test(sqlite_upgrade, events_and_requests_of_before_have_nothing_of_what_is_new) {
    struct fixture fixture;
    open_version(&fixture, 2, SECOND);
    struct gf_event event = {0};
    struct gf_request request = {0};
    struct gf_preferences preferences = {0};
    must(&fixture, get_event, 2, &fixture.arena, &event);
    cr_assert_eq(event.kind, GF_EVENT_SYSTEM_PREFERENCES_UPDATED);
    cr_assert_eq(event.key.len + event.subject_id.len + event.metadata_count, 0);
    cr_assert_eq(event.actor.token_id.len + event.actor.user.len + event.actor.peer.len, 0);
    must(&fixture, get_request, GF_STR("somebody"), GF_STR("request-1"), &fixture.arena, &request);
    cr_assert_eq(request.fingerprint, -7);
    cr_assert_eq(request.subject_id.len, 0);
    must(&fixture, get_preferences, &fixture.arena, &preferences);
    cr_assert(gf_str_eq(preferences.run_starts_paused_reason, GF_STR("night")));
    close_fixture(&fixture);
}

Test(sqlite_upgrade, nobody_was_let_in_before) {
    struct fixture fixture;
    open_version(&fixture, 2, SECOND);
    struct gf_core_start start = {0};
    struct gf_token *tokens = NULL;
    struct gf_role *roles = NULL;
    size_t count = 7;
    cr_assert_eq(
        fixture.store->ops->load_start(fixture.store, &fixture.arena, &start, &fixture.err), GF_OK);
    cr_assert_not(start.bootstrapped);
    cr_assert_eq(start.source_sequence, 0);
    cr_assert_eq(start.next_event_sequence, 3);
    must(&fixture, list_tokens, NULL, 10, &fixture.arena, &tokens, &count);
    cr_assert_eq(count, 0);
    must(&fixture, list_roles, GF_STR(""), 10, &fixture.arena, &roles, &count);
    cr_assert_eq(count, 0);
    close_fixture(&fixture);
}

Test(sqlite_upgrade, tokens_roles_and_actors_can_be_written_then) {
    struct fixture fixture;
    open_version(&fixture, 2, SECOND);
    fixture.rows.next_sequence = 3;
    (void)gf_rows_token(&fixture.rows, "tok_1", 500);
    (void)gf_rows_role(&fixture.rows, "role");
    struct gf_event *event = gf_rows_event(&fixture.rows, GF_EVENT_TOKEN_CREATED, "", "", 0);
    event->subject_id = GF_STR("tok_1");
    event->actor.peer = GF_STR("unix:");
    gf_rows_request(&fixture.rows, "somebody", "request-2", 2000)->subject_id = GF_STR("tok_1");
    gf_rows_bootstrapped(&fixture.rows);
    look(&fixture);
    struct gf_event found = {0};
    struct gf_token token = {0};
    struct gf_role role = {0};
    struct gf_request request = {0};
    must(&fixture, get_event, 3, &fixture.arena, &found);
    cr_assert(gf_str_eq(found.subject_id, GF_STR("tok_1")));
    cr_assert(gf_str_eq(found.actor.peer, GF_STR("unix:")));
    must(&fixture, get_token, GF_STR("tok_1"), &fixture.arena, &token);
    must(&fixture, get_role, GF_STR("role"), &fixture.arena, &role);
    must(&fixture, get_request, GF_STR("somebody"), GF_STR("request-2"), &fixture.arena, &request);
    cr_assert(gf_str_eq(request.subject_id, GF_STR("tok_1")));
    close_fixture(&fixture);
}

Test(sqlite_upgrade, extensions_can_be_written_then) {
    struct fixture fixture;
    open_version(&fixture, 2, SECOND);
    const struct gf_store_extension_ops *ops = fixture.store->ops->extensions;
    struct gf_extension *extensions = NULL;
    struct gf_extension found = {0};
    struct gf_event event = {0};
    size_t count = 7;
    cr_assert_eq(ops->list(fixture.reader, GF_STR(""), 10, &fixture.arena, &extensions, &count,
                           &fixture.err),
                 GF_OK, "%s", fixture.err.message);
    cr_assert_eq(count, 0);
    fixture.rows.next_sequence = 3;
    (void)gf_rows_extension(&fixture.rows, 900, "cron");
    gf_rows_event(&fixture.rows, GF_EVENT_EXTENSION_INSTALLED, "", "", 0)->extension_id =
        GF_STR("cron");
    look(&fixture);
    cr_assert_eq(ops->get(fixture.reader, GF_STR("cron"), &fixture.arena, &found, &fixture.err),
                 GF_OK);
    cr_assert_eq(found.extension_key, 900);
    must(&fixture, get_event, 3, &fixture.arena, &event);
    cr_assert(gf_str_eq(event.extension_id, GF_STR("cron")));
    must(&fixture, get_event, 2, &fixture.arena, &event);
    cr_assert_eq(event.extension_id.len, 0);
    close_fixture(&fixture);
}
