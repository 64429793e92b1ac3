#include "base/alloc.h"
#include "engine/events/hub.h"

#include <criterion/criterion.h>

static struct gf_event_hub *hub;
static struct gf_arena arena;
static int64_t next_sequence;

static void setup(void) {
    hub = gf_event_hub_create();
    gf_arena_init(&arena, (size_t)1 << 30);
    next_sequence = 1;
}

static void teardown(void) {
    gf_event_hub_destroy(hub);
    gf_arena_fini(&arena);
}

TestSuite(hub, .init = setup, .fini = teardown);

static void publish(const char *pipeline_id, int64_t run_id, enum gf_event_kind kind) {
    const struct gf_event event = {.sequence = next_sequence++,
                                   .kind = kind,
                                   .namespace_id = GF_STR("default"),
                                   .pipeline_id = gf_str_from(pipeline_id),
                                   .run_id = run_id,
                                   .task_id = GF_STR("one")};
    gf_event_hub_publish(hub, &event, 1);
}

static struct gf_event_kinds only(enum gf_event_kind kind) {
    struct gf_event_kinds kinds = {0};
    gf_event_kinds_add(&kinds, kind);
    return kinds;
}

static size_t read_all(struct gf_event_filter filter, int64_t after, int64_t *out_scanned) {
    struct gf_event *items = NULL;
    size_t count = 0;
    struct gf_error err = {0};
    cr_assert_eq(
        gf_event_hub_read(hub, &filter, after, 100000, &arena, &items, &count, out_scanned, &err),
        GF_OK, "%s", err.message);
    for (size_t i = 0; i < count; i++) {
        cr_expect(gf_event_filter_matches(&filter, &items[i]));
        cr_expect_gt(items[i].sequence, i == 0 ? after : items[i - 1].sequence);
    }
    return count;
}

struct counter {
    struct gf_event_follower follower;
    int wakes;
};

static void count_wake(struct gf_event_follower *follower) {
    GF_CONTAINER_OF(follower, struct counter, follower)->wakes++;
}

static void add(struct counter *counter, struct gf_event_filter filter) {
    *counter = (struct counter){.follower = {.filter = filter, .wake = count_wake}};
    cr_assert_eq(gf_event_hub_add(hub, &counter->follower, NULL), GF_OK);
}

Test(hub, gives_what_was_published) {
    publish("pipe", 1, GF_EVENT_RUN_STARTED);
    publish("other", 2, GF_EVENT_RUN_COMPLETED);
    struct gf_event *items = NULL;
    size_t count = 0;
    int64_t scanned = 0;
    const struct gf_event_filter all = {.run_id = 0};
    cr_assert_eq(gf_event_hub_read(hub, &all, 0, 10, &arena, &items, &count, &scanned, NULL),
                 GF_OK);
    cr_assert_eq(count, 2);
    cr_expect_eq(scanned, 2);
    cr_expect_eq(items[0].sequence, 1);
    cr_expect(gf_str_eq(items[1].pipeline_id, GF_STR("other")));
    cr_expect(gf_str_eq(items[1].namespace_id, GF_STR("default")));
    cr_expect(gf_str_eq(items[1].task_id, GF_STR("one")));
    cr_expect_eq(items[1].kind, GF_EVENT_RUN_COMPLETED);
    cr_expect_eq(gf_event_hub_newest(hub), 2);
}

/* What is published is lent for the call. */
Test(hub, keeps_what_is_told_of_an_event) {
    char text[] = "user-of-the-token";
    struct gf_label label = {GF_STR("kind"), {text, 4}};
    const struct gf_event event = {
        .sequence = next_sequence++,
        .kind = GF_EVENT_TOKEN_CREATED,
        .extension_id = {text, 8},
        .subscription_id = {text, 6},
        .subject_id = {text, 3},
        .key = {text, 2},
        .actor = {.token_id = {text, 5}, .user = {text, sizeof(text) - 1}, .peer = {text, 1}},
        .metadata = &label,
        .metadata_count = 1,
    };
    gf_event_hub_publish(hub, &event, 1);
    memset(text, '#', sizeof(text) - 1);
    label.key = GF_STR("overwritten");
    const struct gf_event_filter all = {0};
    struct gf_event *items = NULL;
    size_t count = 0;
    int64_t scanned = 0;
    cr_assert_eq(gf_event_hub_read(hub, &all, 0, 10, &arena, &items, &count, &scanned, NULL),
                 GF_OK);
    cr_assert_eq(count, 1);
    cr_expect(gf_str_eq(items[0].extension_id, GF_STR("user-of-")));
    cr_expect(gf_str_eq(items[0].subscription_id, GF_STR("user-o")));
    cr_expect(gf_str_eq(items[0].subject_id, GF_STR("use")));
    cr_expect(gf_str_eq(items[0].key, GF_STR("us")));
    cr_expect(gf_str_eq(items[0].actor.token_id, GF_STR("user-")));
    cr_expect(gf_str_eq(items[0].actor.user, GF_STR("user-of-the-token")));
    cr_expect(gf_str_eq(items[0].actor.peer, GF_STR("u")));
    cr_assert_eq(items[0].metadata_count, 1);
    cr_expect(gf_str_eq(items[0].metadata[0].key, GF_STR("kind")));
    cr_expect(gf_str_eq(items[0].metadata[0].value, GF_STR("user")));
}

Test(hub, filters_and_pages) {
    for (int i = 0; i < 1500; i++) {
        publish(i % 3 == 0 ? "pipe" : "other", i % 5, GF_EVENT_RUN_STARTED);
    }
    int64_t scanned = 0;
    const struct gf_event_filter pipe = {.namespace_id = GF_STR("default"),
                                         .pipeline_id = GF_STR("pipe")};
    cr_expect_eq(read_all(pipe, 0, &scanned), 500);
    cr_expect_eq(scanned, 1500);
    struct gf_event_filter run = pipe;
    run.run_id = 3;
    cr_expect_eq(read_all(run, 0, &scanned), 100);
    const struct gf_event_filter kinds = {.kinds = only(GF_EVENT_RUN_COMPLETED)};
    cr_expect_eq(read_all(kinds, 0, &scanned), 0);
    cr_expect_eq(scanned, 1500);
    const struct gf_event_filter elsewhere = {.namespace_id = GF_STR("elsewhere")};
    cr_expect_eq(read_all(elsewhere, 0, &scanned), 0);
    struct gf_event *items = NULL;
    size_t count = 0;
    cr_assert_eq(gf_event_hub_read(hub, &pipe, 0, 7, &arena, &items, &count, &scanned, NULL),
                 GF_OK);
    cr_expect_eq(count, 7);
    cr_expect_eq(scanned, items[6].sequence);
    cr_expect_eq(read_all(pipe, scanned, &scanned), 493);
}

Test(hub, behind_the_newest_is_nothing) {
    publish("pipe", 1, GF_EVENT_RUN_STARTED);
    const struct gf_event_filter all = {.run_id = 0};
    int64_t scanned = 0;
    cr_expect_eq(read_all(all, 1, &scanned), 0);
    cr_expect_eq(scanned, 1);
    cr_expect_eq(read_all(all, 9, &scanned), 0);
    cr_expect_eq(scanned, 9);
}

Test(hub, what_is_too_old_is_out_of_range) {
    for (int i = 0; i < GF_EVENT_HUB_RING_EVENTS + 10; i++) {
        publish("pipe", i, GF_EVENT_RUN_STARTED);
    }
    const struct gf_event_filter all = {.run_id = 0};
    struct gf_event *items = NULL;
    size_t count = 0;
    int64_t scanned = 0;
    cr_expect_eq(gf_event_hub_read(hub, &all, 9, 10, &arena, &items, &count, &scanned, NULL),
                 GF_OUT_OF_RANGE);
    cr_expect_eq(read_all(all, 10, &scanned), GF_EVENT_HUB_RING_EVENTS);
    cr_expect_eq(scanned, next_sequence - 1);
}

Test(hub, begins_where_the_store_ends) {
    gf_event_hub_set_newest(hub, 41);
    cr_expect_eq(gf_event_hub_newest(hub), 41);
    const struct gf_event_filter all = {.run_id = 0};
    struct gf_event *items = NULL;
    size_t count = 0;
    int64_t scanned = 0;
    cr_expect_eq(gf_event_hub_read(hub, &all, 40, 10, &arena, &items, &count, &scanned, NULL),
                 GF_OUT_OF_RANGE);
    cr_expect_eq(read_all(all, 41, &scanned), 0);
    next_sequence = 42;
    publish("pipe", 1, GF_EVENT_RUN_STARTED);
    cr_expect_eq(read_all(all, 41, &scanned), 1);
}

Test(hub, an_armed_follower_is_woken_once) {
    struct counter counter;
    add(&counter, (struct gf_event_filter){.run_id = 0});
    publish("pipe", 1, GF_EVENT_RUN_STARTED);
    cr_expect_eq(counter.wakes, 0); /* not armed */
    gf_event_hub_arm(hub, &counter.follower, 1);
    cr_expect_eq(counter.wakes, 0);
    publish("pipe", 1, GF_EVENT_RUN_STARTED);
    cr_expect_eq(counter.wakes, 1);
    publish("pipe", 1, GF_EVENT_RUN_STARTED);
    cr_expect_eq(counter.wakes, 1);
    gf_event_hub_arm(hub, &counter.follower, 3);
    publish("pipe", 1, GF_EVENT_RUN_STARTED);
    cr_expect_eq(counter.wakes, 2);
    gf_event_hub_remove(hub, &counter.follower);
}

Test(hub, arming_behind_what_is_there_wakes_at_once) {
    struct counter counter;
    add(&counter,
        (struct gf_event_filter){.namespace_id = GF_STR("default"), .pipeline_id = GF_STR("pipe")});
    publish("pipe", 1, GF_EVENT_RUN_STARTED);
    publish("other", 1, GF_EVENT_RUN_STARTED);
    gf_event_hub_arm(hub, &counter.follower, 0);
    cr_expect_eq(counter.wakes, 1);
    gf_event_hub_arm(hub, &counter.follower, 1); /* only another pipeline's is behind */
    cr_expect_eq(counter.wakes, 1);
    gf_event_hub_remove(hub, &counter.follower);
}

Test(hub, arming_behind_the_ring_wakes_at_once) {
    gf_event_hub_set_newest(hub, 41);
    struct counter counter;
    add(&counter, (struct gf_event_filter){.namespace_id = GF_STR("elsewhere")});
    gf_event_hub_arm(hub, &counter.follower, 10);
    cr_expect_eq(counter.wakes, 1);
    gf_event_hub_remove(hub, &counter.follower);
}

Test(hub, only_those_whose_filter_matches_are_woken) {
    const struct gf_event_filter filters[] = {
        {.run_id = 0},
        {.namespace_id = GF_STR("default")},
        {.namespace_id = GF_STR("default"), .pipeline_id = GF_STR("pipe")},
        {.namespace_id = GF_STR("default"), .pipeline_id = GF_STR("pipe"), .run_id = 7},
        {.namespace_id = GF_STR("default"), .kinds = only(GF_EVENT_RUN_STARTED)},
        {.namespace_id = GF_STR("default"), .kinds = only(GF_EVENT_RUN_COMPLETED)},
        {.namespace_id = GF_STR("elsewhere")},
        {.namespace_id = GF_STR("default"), .pipeline_id = GF_STR("other")},
        {.namespace_id = GF_STR("default"), .pipeline_id = GF_STR("pipe"), .run_id = 8},
    };
    const int woken[] = {1, 1, 1, 1, 1, 0, 0, 0, 0};
    struct counter counters[GF_ARRAY_COUNT(filters)];
    for (size_t i = 0; i < GF_ARRAY_COUNT(filters); i++) {
        add(&counters[i], filters[i]);
        gf_event_hub_arm(hub, &counters[i].follower, 0);
    }
    publish("pipe", 7, GF_EVENT_RUN_STARTED);
    for (size_t i = 0; i < GF_ARRAY_COUNT(filters); i++) {
        cr_expect_eq(counters[i].wakes, woken[i], "filter %zu", i);
        gf_event_hub_remove(hub, &counters[i].follower);
    }
}

/* A token's, for example: its ids have no memory at all. */
Test(hub, what_is_of_no_namespace_wakes_who_follows_everything) {
    const struct gf_event_filter filters[] = {{.run_id = 0}, {.namespace_id = GF_STR("default")}};
    const struct gf_event event = {.sequence = next_sequence++, .kind = GF_EVENT_TOKEN_DISABLED};
    struct counter counters[GF_ARRAY_COUNT(filters)];
    for (size_t i = 0; i < GF_ARRAY_COUNT(filters); i++) {
        add(&counters[i], filters[i]);
        gf_event_hub_arm(hub, &counters[i].follower, 0);
    }
    gf_event_hub_publish(hub, &event, 1);
    for (size_t i = 0; i < GF_ARRAY_COUNT(filters); i++) {
        cr_expect_eq(counters[i].wakes, i == 0, "filter %zu", i);
        gf_event_hub_remove(hub, &counters[i].follower);
    }
}

Test(hub, a_removed_follower_is_not_woken) {
    struct counter counter;
    struct counter other;
    add(&counter, (struct gf_event_filter){.run_id = 0});
    add(&other, (struct gf_event_filter){.run_id = 0});
    gf_event_hub_arm(hub, &counter.follower, 0);
    gf_event_hub_arm(hub, &other.follower, 0);
    gf_event_hub_remove(hub, &counter.follower);
    publish("pipe", 1, GF_EVENT_RUN_STARTED);
    cr_expect_eq(counter.wakes, 0);
    cr_expect_eq(other.wakes, 1);
    gf_event_hub_remove(hub, &other.follower);
}

/* A wake that arms again at once, as a fast job would. */
struct eager {
    struct gf_event_follower follower;
    int64_t seen;
};

static void arm_again(struct gf_event_follower *follower) {
    struct eager *eager = GF_CONTAINER_OF(follower, struct eager, follower);
    const struct gf_event_filter all = {.run_id = 0};
    (void)read_all(all, eager->seen, &eager->seen);
    gf_event_hub_arm(hub, follower, eager->seen);
}

Test(hub, a_wake_may_lead_to_the_next_arming) {
    struct eager eager = {.follower = {.wake = arm_again}};
    cr_assert_eq(gf_event_hub_add(hub, &eager.follower, NULL), GF_OK);
    gf_event_hub_arm(hub, &eager.follower, 0);
    for (int i = 0; i < 10; i++) {
        publish("pipe", i, GF_EVENT_RUN_STARTED);
        cr_expect_eq(eager.seen, i + 1);
    }
    gf_event_hub_remove(hub, &eager.follower);
}

Test(hub, followers_have_a_limit) {
    struct counter *counters = gf_calloc(GF_EVENT_HUB_FOLLOWERS_MAX, sizeof(*counters));
    for (size_t i = 0; i < GF_EVENT_HUB_FOLLOWERS_MAX; i++) {
        add(&counters[i], (struct gf_event_filter){.namespace_id = GF_STR("default"),
                                                   .pipeline_id = GF_STR("pipe"),
                                                   .run_id = 1 + (int64_t)i});
        gf_event_hub_arm(hub, &counters[i].follower, 0);
    }
    struct gf_event_follower one_more = {.wake = count_wake};
    cr_expect_eq(gf_event_hub_add(hub, &one_more, NULL), GF_RESOURCE_EXHAUSTED);
    publish("pipe", 77, GF_EVENT_RUN_STARTED);
    for (size_t i = 0; i < GF_EVENT_HUB_FOLLOWERS_MAX; i++) {
        cr_assert_eq(counters[i].wakes, i == 76);
        gf_event_hub_remove(hub, &counters[i].follower);
    }
    cr_expect_eq(gf_event_hub_add(hub, &one_more, NULL), GF_OK);
    gf_event_hub_remove(hub, &one_more);
    free(counters);
}

Test(hub, ids_that_no_event_has_are_refused) {
    char id[GF_EVENT_HUB_RING_EVENTS];
    memset(id, 'x', sizeof(id));
    struct gf_event_follower follower = {.filter.namespace_id = {id, sizeof(id)}};
    cr_expect_eq(gf_event_hub_add(hub, &follower, NULL), GF_INVALID_ARGUMENT);
}

Test(hub, stats_tell_who_waits_and_what_is_buffered) {
    struct counter counters[2];
    struct gf_event_hub_stats stats;
    for (size_t i = 0; i < GF_ARRAY_COUNT(counters); i++) {
        add(&counters[i], (struct gf_event_filter){.run_id = 0});
    }
    gf_event_hub_arm(hub, &counters[0].follower, 0);
    gf_event_hub_stats(hub, &stats);
    cr_expect_eq(stats.followers, 2);
    cr_expect_eq(stats.followers_limit, GF_EVENT_HUB_FOLLOWERS_MAX);
    cr_expect_eq(stats.waiting, 1);
    cr_expect_eq(stats.buffered, 0);
    for (int i = 0; i < GF_EVENT_HUB_RING_EVENTS + 2; i++) {
        publish("pipe", 1, GF_EVENT_RUN_STARTED);
    }
    gf_event_hub_stats(hub, &stats);
    cr_expect_eq(stats.waiting, 0);
    cr_expect_eq(stats.wakes_total, 1);
    cr_expect_eq(stats.buffered, GF_EVENT_HUB_RING_EVENTS);
    cr_expect_eq(stats.newest, GF_EVENT_HUB_RING_EVENTS + 2);
    cr_expect_eq(stats.misses_total, 0);
    struct gf_event *items = NULL;
    size_t count = 0;
    int64_t scanned = 0;
    const struct gf_event_filter all = {.run_id = 0};
    cr_expect_eq(gf_event_hub_read(hub, &all, 0, 10, &arena, &items, &count, &scanned, NULL),
                 GF_OUT_OF_RANGE);
    gf_event_hub_stats(hub, &stats);
    cr_expect_eq(stats.misses_total, 1);
    for (size_t i = 0; i < GF_ARRAY_COUNT(counters); i++) {
        gf_event_hub_remove(hub, &counters[i].follower);
    }
    gf_event_hub_stats(hub, &stats);
    cr_expect_eq(stats.followers, 0);
}
