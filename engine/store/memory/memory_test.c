/* The memory store passes the battery of all stores; what it has beyond the port is tested here. */
#include "engine/store/memory/memory.h"
#include "engine/store/testing/rows.h"
#include "engine/store/testing/store_battery.h"

#include <criterion/criterion.h>

static struct gf_store *create(GF_UNUSED void *ctx) {
    return gf_memory_store_create();
}

static const struct gf_store_factory factory = {.create = create};

#define CASE(name)                                                                                 \
    Test(memory_store, name) {                                                                     \
        gf_store_battery_##name(&factory);                                                         \
    }
GF_STORE_BATTERY(CASE)
#undef CASE

/* ---- Beyond the port ---- */

static enum gf_code commit_namespace(struct gf_store *store, int64_t key, const char *id) {
    const struct gf_namespace row = {.namespace_key = key, .namespace_id = gf_str_from(id)};
    const struct gf_namespace *rows[] = {&row};
    const struct gf_batch batch = {.namespaces = {.items = rows, .count = 1}};
    return store->ops->commit(store, &batch, NULL);
}

static bool has_namespace(struct gf_store *store, const char *id) {
    struct gf_arena arena;
    struct gf_namespace ns = {0};
    gf_arena_init(&arena, 1 << 16);
    struct gf_store_reader *reader = store->ops->open_reader(store);
    const enum gf_code rc = store->ops->get_namespace(reader, gf_str_from(id), &arena, &ns, NULL);
    store->ops->close_reader(store, reader);
    gf_arena_fini(&arena);
    return rc == GF_OK;
}

Test(memory_store_settings, commits_fail_when_they_are_told_to) {
    struct gf_store *store = gf_memory_store_create();
    gf_memory_store_fail_after(store, 1);
    cr_expect_eq(commit_namespace(store, 1, "one"), GF_OK);
    cr_expect_eq(commit_namespace(store, 2, "two"), GF_UNAVAILABLE);
    cr_expect_eq(commit_namespace(store, 2, "two"), GF_UNAVAILABLE);
    cr_expect(has_namespace(store, "one"));
    cr_expect_not(has_namespace(store, "two"));
    gf_memory_store_fail_after(store, -1);
    cr_expect_eq(commit_namespace(store, 2, "two"), GF_OK);
    cr_expect_eq(gf_memory_store_commit_count(store), 2);
    store->ops->destroy(store);
}

Test(memory_store_settings, a_clone_is_independent) {
    struct gf_store *store = gf_memory_store_create();
    cr_expect_eq(commit_namespace(store, 1, "one"), GF_OK);
    struct gf_store *clone = gf_memory_store_clone(store);
    cr_expect_eq(commit_namespace(store, 2, "two"), GF_OK);
    cr_expect(has_namespace(clone, "one"));
    cr_expect_not(has_namespace(clone, "two"));
    store->ops->destroy(store);
    cr_expect_eq(commit_namespace(clone, 2, "other"), GF_OK);
    struct gf_core_start start = {0};
    struct gf_arena arena;
    gf_arena_init(&arena, 1 << 16);
    cr_expect_eq(clone->ops->load_start(clone, &arena, &start, NULL), GF_OK);
    gf_arena_fini(&arena);
    cr_expect_eq(start.next_namespace_key, 3);
    clone->ops->destroy(clone);
}

Test(memory_store_settings, a_clone_has_rows_of_every_kind) {
    struct gf_rows rows;
    struct gf_arena arena;
    gf_rows_init(&rows);
    gf_arena_init(&arena, 1 << 20);
    struct gf_store *store = gf_memory_store_create();
    const struct gf_namespace *ns = gf_rows_namespace(&rows, 1, "default");
    const struct gf_pipeline *pipeline = gf_rows_pipeline(&rows, ns, 1, "pipe");
    (void)gf_rows_config(&rows, pipeline, 1, "one");
    (void)gf_rows_deployment(&rows, pipeline, 1);
    const struct gf_run *run = gf_rows_run(&rows, pipeline, 1, 1);
    (void)gf_rows_attempt(&rows, gf_rows_task(&rows, run, 0, "one"));
    gf_rows_input(&rows, run, GF_STR("input"));
    (void)gf_rows_request(&rows, "somebody", "request", 1);
    gf_rows_preferences(&rows, &(const struct gf_preferences){.run_starts_paused = true});
    (void)gf_rows_token(&rows, "tok_1", 1);
    (void)gf_rows_role(&rows, "role");
    gf_rows_bootstrapped(&rows);
    gf_rows_source_sequence(&rows, 5);
    (void)gf_rows_event(&rows, GF_EVENT_RUN_STARTED, "default", "pipe", 1);
    gf_rows_commit(&rows, store);
    struct gf_store *clone = gf_memory_store_clone(store);
    store->ops->destroy(store);

    const struct gf_store_ops *ops = clone->ops;
    struct gf_store_reader *reader = ops->open_reader(clone);
    struct gf_config config = {0};
    struct gf_deployment deployment = {0};
    struct gf_task_execution task = {0};
    struct gf_task_execution *attempts = NULL;
    size_t count = 0;
    struct gf_str input = {0};
    struct gf_request request = {0};
    struct gf_preferences preferences = {0};
    struct gf_event event = {0};
    cr_expect_eq(ops->get_config(reader, 1, 1, &arena, &config, NULL), GF_OK);
    cr_expect_eq(ops->get_deployment(reader, 1, 1, &arena, &deployment, NULL), GF_OK);
    cr_expect_eq(ops->get_task(reader, 1, GF_STR("one"), &arena, &task, NULL), GF_OK);
    cr_expect_eq(ops->list_attempts(reader, 1, 0, &arena, &attempts, &count, NULL), GF_OK);
    cr_expect_eq(count, 1);
    cr_expect_eq(ops->get_run_input(reader, 1, &arena, &input, NULL), GF_OK);
    cr_expect(gf_str_eq(input, GF_STR("input")));
    cr_expect_eq(
        ops->get_request(reader, GF_STR("somebody"), GF_STR("request"), &arena, &request, NULL),
        GF_OK);
    cr_expect_eq(ops->get_preferences(reader, &arena, &preferences, NULL), GF_OK);
    cr_expect(preferences.run_starts_paused);
    cr_expect_eq(ops->get_event(reader, 1, &arena, &event, NULL), GF_OK);
    struct gf_token token = {0};
    struct gf_role role = {0};
    struct gf_core_start start = {0};
    cr_expect_eq(ops->get_token(reader, GF_STR("tok_1"), &arena, &token, NULL), GF_OK);
    cr_expect_eq(ops->get_role(reader, GF_STR("role"), &arena, &role, NULL), GF_OK);
    cr_expect_eq(ops->load_start(clone, &arena, &start, NULL), GF_OK);
    cr_expect(start.bootstrapped);
    cr_expect_eq(start.source_sequence, 5);
    ops->close_reader(clone, reader);
    ops->destroy(clone);
    gf_arena_fini(&arena);
    gf_rows_fini(&rows);
}
