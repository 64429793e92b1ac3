#include "api/service/secret_journal.h"
#include "engine/scheduler/null/null.h"
#include "engine/secrets/memory/memory.h"
#include "engine/secrets/testing/vault_fixture.h"
#include "engine/store/memory/memory.h"

#include <criterion/criterion.h>

enum {
    TIMEOUT_MS = 30000,
};

static struct gf_vault_fixture fixture;
static struct gf_store *store;
static struct gf_event_hub *hub;
static struct gf_pool *pool;
static struct gf_engine *engine;
static struct gf_null_scheduler *scheduler;
static struct gf_secret_journal *journal;
static int64_t began_at; /* the events that were there before */

/* An engine on the store, as after a start of the server. */
static void begin(void) {
    const struct gf_pool_opts opts = {.thread_count = 1, .queue_limit = 4, .name = "test"};
    hub = gf_event_hub_create();
    pool = gf_pool_create(&opts);
    const struct gf_engine_options options = {
        .store = store, .hub = hub, .clock = gf_clock_system()};
    engine = gf_engine_create(&options);
    scheduler = gf_null_scheduler_create(gf_engine_scheduler_events(engine), gf_clock_system());
    gf_engine_set_scheduler(engine, gf_null_scheduler_port(scheduler));
    cr_assert_eq(gf_engine_start(engine, NULL), GF_OK);
    began_at = gf_event_hub_newest(hub);
    journal = gf_secret_journal_create();
    gf_secret_journal_start(journal, fixture.vault, engine, pool);
}

/* What the journal has begun comes to its end, unless it is to stop on the way. */
static void end(bool stop) {
    if (stop) {
        gf_secret_journal_stop(journal);
    }
    gf_engine_stop(engine);
    gf_pool_join(pool);
    gf_secret_journal_destroy(journal);
    gf_engine_destroy(engine);
    gf_null_scheduler_destroy(scheduler);
    gf_pool_destroy(pool);
    gf_event_hub_destroy(hub);
}

static void setup(void) {
    gf_vault_fixture_init(&fixture, gf_memory_secret_store_create());
    store = gf_memory_store_create();
}

static void teardown(void) {
    store->ops->destroy(store);
    gf_vault_fixture_fini(&fixture);
}

TestSuite(secret_journal, .init = setup, .fini = teardown);

struct waiter {
    struct gf_event_follower follower;
    struct gf_latch latch;
};

static void wake(struct gf_event_follower *follower) {
    gf_latch_open(&GF_CONTAINER_OF(follower, struct waiter, follower)->latch);
}

/* Waits until there are so many events of secrets since the start, and gives them. */
static struct gf_event *wait_events(size_t wanted) {
    const int64_t deadline = gf_mono_ns() + TIMEOUT_MS * GF_NS_PER_MS;
    struct gf_event *items = NULL;
    size_t count = 0;
    while (count < wanted) {
        struct waiter waiter = {.follower.wake = wake};
        int64_t scanned = 0;
        gf_event_kinds_add(&waiter.follower.filter.kinds, GF_EVENT_SECRET_WRITTEN);
        gf_event_kinds_add(&waiter.follower.filter.kinds, GF_EVENT_SECRET_KEYS_ROTATED);
        gf_latch_init(&waiter.latch);
        cr_assert_eq(gf_event_hub_add(hub, &waiter.follower, NULL), GF_OK);
        cr_assert_eq(gf_event_hub_read(hub, &waiter.follower.filter, began_at, 1000, &fixture.arena,
                                       &items, &count, &scanned, NULL),
                     GF_OK);
        if (count < wanted) {
            gf_event_hub_arm(hub, &waiter.follower, scanned);
            cr_assert(gf_latch_wait_until(&waiter.latch, deadline));
        }
        gf_event_hub_remove(hub, &waiter.follower);
        gf_latch_fini(&waiter.latch);
    }
    cr_assert_eq(count, wanted);
    return items;
}

static size_t count_records(void) {
    struct gf_secret_change *items = NULL;
    size_t count = 0;
    cr_assert_eq(
        gf_vault_list_changes(fixture.vault, 0, 1000, &fixture.arena, &items, &count, NULL), GF_OK);
    return count;
}

/* Of the store, whatever the hub has. */
static size_t count_events(enum gf_event_kind kind) {
    struct gf_event_filter filter = {0};
    struct gf_event *items = NULL;
    size_t count = 0;
    int64_t scanned = 0;
    gf_event_kinds_add(&filter.kinds, kind);
    struct gf_store_reader *reader = store->ops->open_reader(store);
    cr_assert_eq(store->ops->list_events(reader, &filter, 0, 1000, &fixture.arena, &items, &count,
                                         &scanned, NULL),
                 GF_OK);
    store->ops->close_reader(store, reader);
    return count;
}

Test(secret_journal, publishes_in_order_and_forgets) {
    enum {
        COUNT = 150
    };
    for (int i = 0; i < COUNT; i++) {
        gf_vault_fixture_put(&fixture, gf_arena_printf(&fixture.arena, "KEY_%d", i), "value");
    }
    begin();
    const struct gf_event *events = wait_events(COUNT);
    for (int i = 0; i < COUNT; i++) {
        cr_assert(
            gf_str_eq(events[i].key, gf_str_from(gf_arena_printf(&fixture.arena, "KEY_%d", i))));
        cr_expect_eq(events[i].version, 1);
    }
    end(/* stop= */ false);
    cr_expect_eq(count_records(), 0);
}

Test(secret_journal, follows_what_changes) {
    begin();
    gf_vault_fixture_put(&fixture, "ONE", "value");
    gf_secret_journal_changed(journal);
    (void)wait_events(1);
    gf_vault_fixture_put(&fixture, "TWO", "value");
    gf_secret_journal_changed(journal);
    (void)wait_events(2);
    end(/* stop= */ false);
}

Test(secret_journal, says_which_keys_were_renewed) {
    int64_t pending = 0;
    cr_assert_eq(gf_vault_fixture_rotate(&fixture, GF_VAULT_SCOPE_SEALING, 0, &pending), GF_OK);
    begin();
    const struct gf_event *event = wait_events(1);
    cr_expect_eq(event->kind, GF_EVENT_SECRET_KEYS_ROTATED);
    cr_expect_eq(event->version, 0);
    cr_assert_eq(event->metadata_count, 1);
    cr_expect(gf_str_eq(event->metadata[0].key, GF_STR("scope")));
    cr_expect(gf_str_eq(event->metadata[0].value, GF_STR("SEALING")));
    end(/* stop= */ false);
}

/* The server ends between the event and the end of the record. */
Test(secret_journal, tells_once_what_a_crash_left) {
    gf_vault_fixture_put(&fixture, "ONE", "value");
    gf_memory_secret_store_fail_after(fixture.store, 0);
    begin();
    (void)wait_events(1);
    end(/* stop= */ false);
    gf_memory_secret_store_fail_after(fixture.store, -1);
    cr_expect_eq(count_records(), 1);
    begin();
    gf_vault_fixture_put(&fixture, "TWO", "value");
    gf_secret_journal_changed(journal);
    (void)wait_events(1); /* since this start: the other one was told before */
    end(/* stop= */ false);
    cr_expect_eq(count_records(), 0);
    cr_expect_eq(count_events(GF_EVENT_SECRET_WRITTEN), 2);
}

Test(secret_journal, does_nothing_once_it_is_stopped) {
    begin();
    gf_secret_journal_stop(journal);
    gf_vault_fixture_put(&fixture, "ONE", "value");
    gf_secret_journal_changed(journal);
    end(/* stop= */ true);
    cr_expect_eq(count_records(), 1);
    cr_expect_eq(count_events(GF_EVENT_SECRET_WRITTEN), 0);
}
