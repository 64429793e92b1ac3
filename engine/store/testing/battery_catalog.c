/* The battery: namespaces, pipelines, configs, deployments. */
#include "engine/store/testing/battery_internal.h"

#include <criterion/criterion.h>

/* Text that a careless store breaks: quotes, per cent signs, several bytes a character, lines. */
static const struct gf_str HARD_TEXT =
    GF_STR("it's \"50 %\" of \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80;\n"
           "-- DROP TABLE runs; ?1 \\ '' %s");

static void same_namespace(const struct gf_namespace *actual, const struct gf_namespace *expected) {
    must_be_equal(actual, expected, namespace_key);
    must_be_same(actual, expected, namespace_id);
    must_be_same(actual, expected, name);
    must_be_same(actual, expected, description);
    must_be_equal(actual, expected, run_parallelism);
    must_be_equal(actual, expected, create_time);
    must_be_equal(actual, expected, update_time);
}

static void same_pipeline(const struct gf_pipeline *actual, const struct gf_pipeline *expected) {
    must_be_equal(actual, expected, pipeline_key);
    must_be_equal(actual, expected, namespace_key);
    must_be_same(actual, expected, namespace_id);
    must_be_same(actual, expected, pipeline_id);
    must_be_equal(actual, expected, state);
    must_be_same(actual, expected, state_reason);
    must_be_equal(actual, expected, create_time);
    must_be_equal(actual, expected, update_time);
    must_be_equal(actual, expected, latest_version);
    must_be_equal(actual, expected, live_version);
    must_be_equal(actual, expected, latest_run_id);
    must_be_equal(actual, expected, latest_deployment_id);
}

static void same_config(const struct gf_config *actual, const struct gf_config *expected) {
    must_be_equal(actual, expected, pipeline_key);
    must_be_same(actual, expected, namespace_id);
    must_be_same(actual, expected, pipeline_id);
    must_be_equal(actual, expected, version);
    must_be_equal(actual, expected, state);
    must_be_equal(actual, expected, register_time);
    must_be_same(actual, expected, register_user);
    must_be_equal(actual, expected, deprecate_time);
    must_be_same(actual, expected, content_hash);
    must_be_same(actual, expected, name);
    must_be_same(actual, expected, description);
    must_be_equal(actual, expected, parallelism);
    must_be_equal(actual, expected, task_count);
    for (size_t i = 0; i < expected->task_count; i++) {
        const struct gf_task *task = &actual->tasks[i];
        must_be_same(task, &expected->tasks[i], task_id);
        must_be_same(task, &expected->tasks[i], image);
        must_be_equal(task, &expected->tasks[i], child_count);
        must_be_equal(task, &expected->tasks[i], parent_count);
        for (size_t j = 0; j < task->parent_count; j++) {
            must_be_same(&task->parents[j], &expected->tasks[i].parents[j], task_id);
            must_be_equal(&task->parents[j], &expected->tasks[i].parents[j], index);
            must_be_equal(&task->parents[j], &expected->tasks[i].parents[j], rule);
        }
    }
}

static void same_deployment(const struct gf_deployment *actual,
                            const struct gf_deployment *expected) {
    must_be_equal(actual, expected, pipeline_key);
    must_be_same(actual, expected, namespace_id);
    must_be_same(actual, expected, pipeline_id);
    must_be_equal(actual, expected, deployment_id);
    must_be_equal(actual, expected, start_version);
    must_be_equal(actual, expected, end_version);
    must_be_equal(actual, expected, state);
    must_be_equal(actual, expected, status);
    must_be_equal(actual, expected, reason.kind);
    must_be_same(actual, expected, reason.text);
    must_be_equal(actual, expected, start_time);
    must_be_equal(actual, expected, end_time);
    must_be_same(actual, expected, start_user);
}

void gf_store_battery_empty_batch_commits(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    battery_look(&battery);
    struct gf_namespace *items = NULL;
    size_t count = 1;
    must(&battery, list_namespaces, GF_STR(""), 10, &battery.arena, &items, &count);
    cr_assert_eq(count, 0);
    battery_close(&battery);
}

void gf_store_battery_namespaces_come_back(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    struct gf_namespace *ns = gf_rows_namespace(&battery.rows, 1, "default");
    ns->name = HARD_TEXT;
    battery_look(&battery);
    struct gf_namespace found = {0};
    must(&battery, get_namespace, GF_STR("default"), &battery.arena, &found);
    same_namespace(&found, ns);

    ns->name = GF_STR("");
    ns->run_parallelism = INT32_MAX;
    ns->description = HARD_TEXT;
    ns->update_time++;
    gf_rows_again_namespace(&battery.rows, ns);
    battery_look(&battery);
    must(&battery, get_namespace, GF_STR("default"), &battery.arena, &found);
    same_namespace(&found, ns);
    battery_close(&battery);
}

void gf_store_battery_namespaces_are_listed_in_pages(const struct gf_store_factory *factory) {
    static const char *const IDS[] = {"delta", "alpha", "Zeta", "beta", "alpha-2"};
    static const char *const SORTED[] = {"Zeta", "alpha", "alpha-2", "beta", "delta"};
    struct battery battery;
    battery_open(&battery, factory);
    for (size_t i = 0; i < GF_ARRAY_COUNT(IDS); i++) {
        (void)gf_rows_namespace(&battery.rows, (int64_t)i + 1, IDS[i]);
    }
    battery_look(&battery);
    struct gf_str after = GF_STR("");
    for (size_t seen = 0; seen < GF_ARRAY_COUNT(SORTED);) {
        struct gf_namespace *items = NULL;
        size_t count = 0;
        must(&battery, list_namespaces, after, 2, &battery.arena, &items, &count);
        cr_assert(count > 0 && count <= 2);
        for (size_t i = 0; i < count; i++) {
            same_str(items[i].namespace_id, gf_str_from(SORTED[seen++]), "namespace_id");
        }
        after = items[count - 1].namespace_id;
    }
    battery_close(&battery);
}

void gf_store_battery_missing_namespace_is_named(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    (void)gf_rows_namespace(&battery.rows, 1, "default");
    battery_look(&battery);
    struct gf_namespace found = {.namespace_key = 77};
    must_miss(&battery, "namespace 'other' not found", get_namespace, GF_STR("other"),
              &battery.arena, &found);
    must_miss(&battery, "namespace 'defaul' not found", get_namespace, GF_STR("defaul"),
              &battery.arena, &found);
    cr_assert_eq(found.namespace_key, 77, "outputs are untouched on failure");
    battery_close(&battery);
}

void gf_store_battery_pipelines_come_back(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    struct gf_pipeline *pipeline = battery_pipeline(&battery);
    pipeline->pipeline_key = 9;
    battery_look(&battery);
    struct gf_pipeline found = {0};
    must(&battery, get_pipeline, GF_STR("default"), GF_STR("pipe"), &battery.arena, &found);
    same_pipeline(&found, pipeline);

    pipeline->state = GF_PIPELINE_STATE_DISABLED;
    pipeline->state_reason = HARD_TEXT;
    pipeline->update_time += 5;
    pipeline->latest_version = 7;
    pipeline->live_version = 6;
    pipeline->latest_run_id = INT64_C(5000000000);
    pipeline->latest_deployment_id = 4;
    gf_rows_again_pipeline(&battery.rows, pipeline);
    battery_look(&battery);
    must(&battery, get_pipeline, GF_STR("default"), GF_STR("pipe"), &battery.arena, &found);
    same_pipeline(&found, pipeline);
    must(&battery, get_pipeline_by_key, 9, &battery.arena, &found);
    same_pipeline(&found, pipeline);
    battery_close(&battery);
}

void gf_store_battery_pipelines_are_listed_in_pages(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_namespace *one = gf_rows_namespace(&battery.rows, 1, "one");
    const struct gf_namespace *two = gf_rows_namespace(&battery.rows, 2, "two");
    for (int64_t key = 1; key <= 9; key++) {
        const struct gf_str id = gf_rows_text(&battery.rows, "pipe-%lld", (long long)(10 - key));
        (void)gf_rows_pipeline(&battery.rows, key % 2 == 0 ? two : one, key, id.ptr);
    }
    battery_look(&battery);
    struct gf_str after = GF_STR("");
    size_t seen = 0;
    for (size_t count = 2; count == 2;) {
        struct gf_pipeline *items = NULL;
        must(&battery, list_pipelines, 1, after, 2, &battery.arena, &items, &count);
        for (size_t i = 0; i < count; i++) {
            cr_assert_eq(items[i].namespace_key, 1);
            same_str(items[i].namespace_id, GF_STR("one"), "namespace_id");
            cr_assert(gf_str_cmp(after, items[i].pipeline_id) < 0);
            after = items[i].pipeline_id;
            seen++;
        }
    }
    cr_assert_eq(seen, 5);
    struct gf_pipeline *items = NULL;
    size_t count = 1;
    must(&battery, list_pipelines, 3, GF_STR(""), 2, &battery.arena, &items, &count);
    cr_assert_eq(count, 0);
    battery_close(&battery);
}

void gf_store_battery_missing_pipeline_names_its_namespace(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    (void)battery_pipeline(&battery);
    (void)gf_rows_namespace(&battery.rows, 2, "empty");
    battery_look(&battery);
    struct gf_pipeline found = {0};
    must_miss(&battery, "namespace 'nowhere' not found", get_pipeline, GF_STR("nowhere"),
              GF_STR("pipe"), &battery.arena, &found);
    must_miss(&battery, "pipeline 'pipe' not found in namespace 'empty'", get_pipeline,
              GF_STR("empty"), GF_STR("pipe"), &battery.arena, &found);
    must_miss(&battery, "pipeline", get_pipeline_by_key, 99, &battery.arena, &found);
    battery_close(&battery);
}

void gf_store_battery_configs_come_back(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_pipeline *pipeline = battery_pipeline(&battery);
    struct gf_config *config =
        gf_rows_config(&battery.rows, pipeline, 1, "one; two < one; tri < one:any two:failure");
    config->description = HARD_TEXT;
    config->parallelism = 3;
    config->register_user = GF_STR("somebody");
    battery_look(&battery);
    struct gf_config found = {0};
    must(&battery, get_config, 1, 1, &battery.arena, &found);
    same_config(&found, config);

    config->state = GF_CONFIG_STATE_DEPRECATED;
    config->deprecate_time = config->register_time + 100;
    gf_rows_again_config(&battery.rows, config);
    battery_look(&battery);
    must(&battery, get_config, 1, 1, &battery.arena, &found);
    same_config(&found, config);
    battery_close(&battery);
}

void gf_store_battery_configs_are_listed_newest_first(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_pipeline *pipeline = battery_pipeline(&battery);
    const struct gf_namespace ns = {.namespace_key = 1, .namespace_id = GF_STR("default")};
    const struct gf_pipeline *other = gf_rows_pipeline(&battery.rows, &ns, 2, "other");
    for (int64_t version = 1; version <= 5; version++) {
        (void)gf_rows_config(&battery.rows, pipeline, version, "one");
        (void)gf_rows_config(&battery.rows, other, version, "one; two");
    }
    battery_look(&battery);
    int64_t before = 0;
    int64_t expected = 5;
    for (size_t count = 2; count == 2;) {
        struct gf_config *items = NULL;
        must(&battery, list_configs, 1, before, 2, &battery.arena, &items, &count);
        for (size_t i = 0; i < count; i++) {
            cr_assert_eq(items[i].version, expected--);
            cr_assert_eq(items[i].task_count, 1);
            before = items[i].version;
        }
    }
    cr_assert_eq(expected, 0);
    battery_close(&battery);
}

void gf_store_battery_deleted_configs_are_gone(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_pipeline *pipeline = battery_pipeline(&battery);
    const struct gf_namespace ns = {.namespace_key = 1, .namespace_id = GF_STR("default")};
    const struct gf_pipeline *other = gf_rows_pipeline(&battery.rows, &ns, 2, "other");
    for (int64_t version = 1; version <= 3; version++) {
        (void)gf_rows_config(&battery.rows, pipeline, version, "one");
    }
    (void)gf_rows_config(&battery.rows, other, 2, "one");
    battery_look(&battery);

    gf_rows_delete_config(&battery.rows, 1, 2);
    gf_rows_delete_config(&battery.rows, 1, 9);  /* not known: nothing */
    gf_rows_delete_config(&battery.rows, 99, 1); /* likewise */
    (void)gf_rows_config(&battery.rows, pipeline, 4, "one; two");
    battery_look(&battery);
    struct gf_config found = {0};
    must_miss(&battery, "2 not found in pipeline 'pipe'", get_config, 1, 2, &battery.arena, &found);
    must(&battery, get_config, 2, 2, &battery.arena, &found);
    struct gf_config *items = NULL;
    size_t count = 0;
    must(&battery, list_configs, 1, 0, 10, &battery.arena, &items, &count);
    cr_assert_eq(count, 3);
    cr_assert_eq(items[0].version, 4);
    cr_assert_eq(items[1].version, 3);
    cr_assert_eq(items[2].version, 1);
    battery_close(&battery);
}

void gf_store_battery_deployments_come_back(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_pipeline *pipeline = battery_pipeline(&battery);
    struct gf_deployment *deployment = gf_rows_deployment(&battery.rows, pipeline, 1);
    deployment->start_user = GF_STR("somebody");
    battery_look(&battery);
    struct gf_deployment found = {0};
    must(&battery, get_deployment, 1, 1, &battery.arena, &found);
    same_deployment(&found, deployment);

    deployment->state = GF_DEPLOYMENT_STATE_COMPLETE;
    deployment->status = GF_DEPLOYMENT_STATUS_FAILED;
    deployment->reason.kind = GF_REASON_SCHEDULER_ERROR;
    deployment->reason.text = HARD_TEXT;
    deployment->end_time = deployment->start_time + 1;
    gf_rows_again_deployment(&battery.rows, deployment);
    battery_look(&battery);
    must(&battery, get_deployment, 1, 1, &battery.arena, &found);
    same_deployment(&found, deployment);
    battery_close(&battery);
}

void gf_store_battery_deployments_are_listed_newest_first(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_pipeline *pipeline = battery_pipeline(&battery);
    for (int64_t id = 1; id <= 5; id++) {
        (void)gf_rows_deployment(&battery.rows, pipeline, id);
    }
    battery_look(&battery);
    int64_t before = 0;
    int64_t expected = 5;
    for (size_t count = 2; count == 2;) {
        struct gf_deployment *items = NULL;
        must(&battery, list_deployments, 1, before, 2, &battery.arena, &items, &count);
        for (size_t i = 0; i < count; i++) {
            cr_assert_eq(items[i].deployment_id, expected--);
            before = items[i].deployment_id;
        }
    }
    cr_assert_eq(expected, 0);
    battery_close(&battery);
}
