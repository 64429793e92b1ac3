#include "api/server/log_sweep.h"
#include "base/file.h"
#include "base/tree.h"
#include "engine/store/memory/memory.h"

#include <stdio.h>
#include <stdlib.h>

#include <criterion/criterion.h>

enum {
    NEXT_KEY = 100,
};

static char directory[64];
static struct gf_reactor *reactor;
static struct gf_pool *pool;
static struct gf_event_hub *hub;
static struct gf_store *store;
static struct gf_log_store *logs;
static struct gf_extension_logs *extension_logs;
static struct gf_log_sweep *sweep;

static void setup(void) {
    const struct gf_pool_opts opts = {.thread_count = 1, .queue_limit = 10, .name = "pool"};
    (void)snprintf(directory, sizeof(directory), "/tmp/gofer-sweep-XXXXXX");
    cr_assert_not_null(mkdtemp(directory));
    cr_assert_eq(gf_reactor_create("reactor", &reactor, NULL), GF_OK);
    cr_assert_eq(gf_log_store_open(directory, reactor, &logs, NULL), GF_OK);
    pool = gf_pool_create(&opts);
    hub = gf_event_hub_create();
    store = gf_memory_store_create();
    extension_logs = gf_extension_logs_create(logs, pool, gf_clock_system());
}

static void teardown(void) {
    gf_log_sweep_stop(sweep);
    gf_pool_join(pool);
    gf_log_sweep_destroy(sweep);
    gf_extension_logs_destroy(extension_logs);
    gf_pool_destroy(pool);
    gf_event_hub_destroy(hub);
    store->ops->destroy(store);
    gf_log_store_destroy(logs);
    gf_reactor_destroy(reactor);
    cr_assert_eq(gf_tree_remove(AT_FDCWD, directory, NULL), GF_OK);
}

TestSuite(log_sweep, .init = setup, .fini = teardown);

static void start(void) {
    const struct gf_log_sweep_options options = {
        .store = store,
        .logs = logs,
        .extension_logs = extension_logs,
        .hub = hub,
        .pool = pool,
        .next_pipeline_key = NEXT_KEY,
        .next_run_key = NEXT_KEY,
    };
    cr_assert_eq(gf_log_sweep_start(&options, &sweep, NULL), GF_OK);
    gf_pool_drain(pool);
}

static void make(int64_t pipeline_key, int64_t run_id, int32_t attempt) {
    const struct gf_log_name name = {
        .pipeline_key = pipeline_key, .run_id = run_id, .attempt = attempt};
    int fd = -1;
    cr_assert_eq(gf_log_store_create(logs, &name, &fd, NULL), GF_OK);
    gf_close(&fd);
}

static bool has(int64_t pipeline_key, int64_t run_id, int32_t attempt) {
    const struct gf_log_name name = {
        .pipeline_key = pipeline_key, .run_id = run_id, .attempt = attempt};
    return gf_log_store_has(logs, &name);
}

/* Extension "cron" with key 7 is installed, or uninstalled. */
static void commit_extension(bool installed) {
    const struct gf_extension row = {.extension_key = 7,
                                     .extension_id = GF_STR("cron"),
                                     .update_policy = GF_EXTENSION_UPDATE_NEVER};
    struct gf_batch batch = {0};
    if (installed) {
        gf_vec_push(&batch.extensions, &row);
    } else {
        gf_vec_push(&batch.deleted_extensions, row.extension_key);
    }
    cr_assert_eq(store->ops->commit(store, &batch, NULL), GF_OK);
    gf_vec_fini(&batch.extensions);
    gf_vec_fini(&batch.deleted_extensions);
}

static void tell(enum gf_event_kind kind) {
    const struct gf_event event = {.sequence = 1, .kind = kind, .extension_id = GF_STR("cron")};
    gf_event_hub_publish(hub, &event, 1);
    gf_pool_drain(pool);
}

Test(log_sweep, logs_go_with_their_extension) {
    commit_extension(true);
    make(0, 7, 0);
    make(0, 7, 3);
    make(0, 8, 1);
    start();
    cr_expect(has(0, 7, 0));
    cr_expect(has(0, 7, 3));
    cr_expect_not(has(0, 8, 1), "it is not installed");
    commit_extension(false);
    tell(GF_EVENT_PIPELINE_DELETED);
    cr_expect_not(has(0, 7, 0));
    cr_expect_not(has(0, 7, 3));
}

Test(log_sweep, logs_of_another_store_are_left_alone) {
    make(0, NEXT_KEY, 1);
    make(0, NEXT_KEY - 1, 1);
    make(NEXT_KEY, 1, 1);
    make(NEXT_KEY - 1, 1, 1);
    start();
    tell(GF_EVENT_PIPELINE_DELETED);
    cr_expect(has(0, NEXT_KEY, 1));
    cr_expect_not(has(0, NEXT_KEY - 1, 1));
    cr_expect(has(NEXT_KEY, 1, 1));
    cr_expect_not(has(NEXT_KEY - 1, 1, 1));
}

Test(log_sweep, logs_of_extensions_are_no_pipelines) {
    commit_extension(true);
    make(0, 7, 1);
    start();
    tell(GF_EVENT_PIPELINE_DELETED);
    cr_expect(has(0, 7, 1));
}
