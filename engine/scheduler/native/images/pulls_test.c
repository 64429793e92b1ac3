/*
 * Who shares a pull, how many run, and how they end: with a stand-in for gofer-fetch that does what
 * it is told to.
 */
#include "base/file.h"
#include "engine/scheduler/native/images/testing/pull_rig.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include <criterion/criterion.h>

static struct gf_pull_rig rig;

/* Each test opens its own: threads do not survive Criterion's fork. */
static void open_rig(int64_t at_once, int64_t timeout_ms) {
    const struct gf_image_settings settings = {.pulls_at_once = at_once,
                                               .pull_timeout_ms = timeout_ms};
    gf_pull_rig_open(&rig, &settings);
}

static pid_t await_start(const char *name) {
    char started[GF_PULL_RIG_NAME_BYTES];
    const pid_t pid = gf_pull_rig_await_start(&rig, started);
    cr_assert_str_eq(started, name);
    return pid;
}

static void assert_gone(pid_t pid) {
    cr_expect(kill(pid, 0) != 0 && errno == ESRCH);
}

static void assert_pulled(struct gf_pull_waiter *waiter) {
    cr_assert_eq(gf_pull_waiter_await(waiter), GF_OK, "%s", waiter->error.message);
    cr_expect(gf_digest_eq(&waiter->digest, &rig.digest));
    cr_expect(waiter->is_new);
}

Test(pulls, one_reference_is_pulled_once_for_all_who_wait) {
    struct gf_pull_waiter waiters[3];
    open_rig(4, 0);
    GF_CLEANUP(gf_close_p) int orders = gf_pull_rig_orders(&rig, "1", "");
    gf_pull_waiter_open(&waiters[0], &rig, "1", "", false);
    await_start("1-");
    gf_pull_rig_order(orders, "progress resolving 0 0 0 0\n");
    gf_pull_waiter_open(&waiters[1], &rig, "1", "", true);
    gf_pull_rig_order(orders, "progress fetching 120 4000 1 5\n");
    gf_pull_waiter_await_bytes(&waiters[0], 120);
    gf_pull_waiter_await_bytes(&waiters[1], 120);
    /* Who comes later hears at once how far it is. */
    gf_pull_waiter_open(&waiters[2], &rig, "1", "", false);
    gf_pull_waiter_await_bytes(&waiters[2], 120);
    cr_expect_eq(waiters[2].progress.phase, GF_PULL_FETCHING);
    cr_expect_eq(waiters[2].progress.total_layers, 5);
    cr_expect_not(gf_pull_rig_has_started(&rig));
    gf_pull_rig_succeed(&rig, orders);
    for (size_t i = 0; i < GF_ARRAY_COUNT(waiters); i++) {
        assert_pulled(&waiters[i]);
        gf_pull_waiter_close(&waiters[i]);
    }
    gf_pull_rig_close(&rig);
}

Test(pulls, who_wants_the_newest_does_not_share_an_older_answer) {
    struct gf_pull_waiter first;
    struct gf_pull_waiter second;
    open_rig(4, 0);
    GF_CLEANUP(gf_close_p) int orders = gf_pull_rig_orders(&rig, "1", "");
    gf_pull_waiter_open(&first, &rig, "1", "", false);
    const pid_t pid = await_start("1-");
    gf_pull_rig_order(orders, "progress fetching 120 4000 1 5\n");
    gf_pull_waiter_await_bytes(&first, 120);
    gf_pull_waiter_open(&second, &rig, "1", "", true);
    cr_expect_neq(await_start("1-"), pid);
    gf_pull_waiter_close(&first);
    gf_pull_waiter_close(&second);
    gf_pull_rig_close(&rig);
}

Test(pulls, other_credentials_are_another_pull) {
    struct gf_pull_waiter waiters[2];
    open_rig(4, 0);
    GF_CLEANUP(gf_close_p) int of_ann = gf_pull_rig_orders(&rig, "1", "ann");
    GF_CLEANUP(gf_close_p) int of_ben = gf_pull_rig_orders(&rig, "1", "ben");
    gf_pull_waiter_open(&waiters[0], &rig, "1", "ann", false);
    await_start("1-ann");
    gf_pull_waiter_open(&waiters[1], &rig, "1", "ben", false);
    await_start("1-ben");
    gf_pull_rig_fail(of_ben);
    gf_pull_rig_succeed(&rig, of_ann);
    assert_pulled(&waiters[0]);
    cr_expect_eq(gf_pull_waiter_await(&waiters[1]), GF_NOT_FOUND);
    cr_expect_str_eq(waiters[1].error.reason, "IMAGE_NOT_FOUND");
    gf_pull_waiter_close(&waiters[0]);
    gf_pull_waiter_close(&waiters[1]);
    gf_pull_rig_close(&rig);
}

Test(pulls, more_than_run_at_once_wait_in_order) {
    static const char *const tags[] = {"a", "b", "c", "d"};
    struct gf_pull_waiter waiters[GF_ARRAY_COUNT(tags)];
    int orders[GF_ARRAY_COUNT(tags)];
    open_rig(1, 0);
    for (size_t i = 0; i < GF_ARRAY_COUNT(tags); i++) {
        orders[i] = gf_pull_rig_orders(&rig, tags[i], "");
        gf_pull_waiter_open(&waiters[i], &rig, tags[i], "", false);
    }
    for (size_t i = 0; i < GF_ARRAY_COUNT(tags); i++) {
        char name[GF_PULL_RIG_NAME_BYTES];
        (void)snprintf(name, sizeof(name), "%s-", tags[i]);
        await_start(name);
        gf_pull_rig_order(orders[i], "progress fetching 1 2 0 1\n");
        gf_pull_waiter_await_bytes(&waiters[i], 1);
        cr_expect_not(gf_pull_rig_has_started(&rig), "%s runs alone", tags[i]);
        gf_pull_rig_succeed(&rig, orders[i]);
        assert_pulled(&waiters[i]);
        gf_pull_waiter_close(&waiters[i]);
        gf_close(&orders[i]);
    }
    gf_pull_rig_close(&rig);
}

Test(pulls, too_many_are_refused) {
    static struct gf_pull_waiter waiters[GF_IMAGE_PULLS_MAX + 1];
    open_rig(1, 0);
    GF_CLEANUP(gf_close_p) GF_UNUSED int orders = gf_pull_rig_orders(&rig, "t0", "");
    for (size_t i = 0; i < GF_ARRAY_COUNT(waiters); i++) {
        char tag[GF_PULL_RIG_NAME_BYTES];
        (void)snprintf(tag, sizeof(tag), "t%zu", i);
        gf_pull_waiter_open(&waiters[i], &rig, tag, "", false);
    }
    cr_expect_eq(gf_pull_waiter_await(&waiters[GF_IMAGE_PULLS_MAX]), GF_RESOURCE_EXHAUSTED);
    cr_expect_not(waiters[GF_IMAGE_PULLS_MAX - 1].ended);
    await_start("t0-");
    for (size_t i = GF_ARRAY_COUNT(waiters); i > 0; i--) {
        gf_pull_waiter_close(&waiters[i - 1]);
    }
    gf_pull_rig_close(&rig);
}

Test(pulls, the_time_that_a_pull_waits_counts) {
    struct gf_pull_waiter first;
    struct gf_pull_waiter second;
    open_rig(1, 100);
    GF_CLEANUP(gf_close_p) GF_UNUSED int of_first = gf_pull_rig_orders(&rig, "1", "");
    GF_CLEANUP(gf_close_p) GF_UNUSED int of_second = gf_pull_rig_orders(&rig, "2", "");
    gf_pull_waiter_open(&first, &rig, "1", "", false);
    gf_pull_waiter_open(&second, &rig, "2", "", false);
    cr_expect_eq(gf_pull_waiter_await(&first), GF_DEADLINE_EXCEEDED);
    cr_expect_eq(gf_pull_waiter_await(&second), GF_DEADLINE_EXCEEDED);
    cr_expect_str_eq(first.error.reason, "IMAGE_PULL_TIMEOUT");
    gf_pull_waiter_close(&first);
    gf_pull_waiter_close(&second);
    gf_pull_rig_close(&rig);
}

Test(pulls, a_pull_goes_on_for_one_of_two_and_is_killed_for_none) {
    struct gf_pull_waiter first;
    struct gf_pull_waiter second;
    struct gf_pull_waiter next;
    open_rig(1, 0);
    GF_CLEANUP(gf_close_p) int orders = gf_pull_rig_orders(&rig, "1", "");
    gf_pull_waiter_open(&first, &rig, "1", "", false);
    gf_pull_waiter_open(&second, &rig, "1", "", false);
    const pid_t pid = await_start("1-");
    gf_pull_waiter_open(&next, &rig, "2", "", false);
    gf_pull_waiter_close(&first);
    gf_pull_rig_order(orders, "progress fetching 7 9 0 1\n");
    gf_pull_waiter_await_bytes(&second, 7);
    gf_pull_waiter_close(&second);
    await_start("2-"); /* its slot is free: it is gone */
    assert_gone(pid);
    gf_pull_waiter_close(&next);
    gf_pull_rig_close(&rig);
}

/* Somebody who asks again right after the last one has left gets a pull of his own. */
Test(pulls, nobody_joins_a_pull_that_is_being_killed) {
    struct gf_pull_waiter first;
    struct gf_pull_waiter second;
    open_rig(2, 0);
    GF_CLEANUP(gf_close_p) GF_UNUSED int orders = gf_pull_rig_orders(&rig, "1", "");
    gf_pull_waiter_open(&first, &rig, "1", "", false);
    const pid_t pid = await_start("1-");
    gf_pull_waiter_close(&first);
    gf_pull_waiter_open(&second, &rig, "1", "", false);
    cr_expect_neq(await_start("1-"), pid);
    gf_pull_waiter_close(&second);
    gf_pull_rig_close(&rig);
}

Test(pulls, one_that_is_closed_while_it_waits_never_runs) {
    struct gf_pull_waiter first;
    struct gf_pull_waiter second;
    struct gf_pull_waiter third;
    open_rig(1, 0);
    GF_CLEANUP(gf_close_p) int orders = gf_pull_rig_orders(&rig, "1", "");
    gf_pull_waiter_open(&first, &rig, "1", "", false);
    gf_pull_waiter_open(&second, &rig, "2", "", false);
    gf_pull_waiter_open(&third, &rig, "3", "", false);
    await_start("1-");
    gf_pull_waiter_close(&second);
    gf_pull_rig_succeed(&rig, orders);
    assert_pulled(&first);
    await_start("3-");
    gf_pull_waiter_close(&first);
    gf_pull_waiter_close(&third);
    gf_pull_rig_close(&rig);
}

Test(pulls, stopping_ends_those_that_run_and_those_that_wait) {
    struct gf_pull_waiter first;
    struct gf_pull_waiter second;
    struct gf_pull_waiter late;
    open_rig(1, 0);
    GF_CLEANUP(gf_close_p) GF_UNUSED int orders = gf_pull_rig_orders(&rig, "1", "");
    gf_pull_waiter_open(&first, &rig, "1", "", false);
    gf_pull_waiter_open(&second, &rig, "2", "", false);
    const pid_t pid = await_start("1-");
    gf_image_pulls_stop(rig.pulls);
    cr_expect_eq(gf_pull_waiter_await(&first), GF_UNAVAILABLE);
    cr_expect_eq(gf_pull_waiter_await(&second), GF_UNAVAILABLE);
    gf_pull_waiter_open(&late, &rig, "3", "", false);
    cr_expect_eq(gf_pull_waiter_await(&late), GF_UNAVAILABLE);
    gf_pull_waiter_close(&first);
    gf_pull_waiter_close(&second);
    gf_pull_waiter_close(&late);
    gf_pull_rig_close(&rig);
    assert_gone(pid);
}

Test(pulls, a_program_that_says_nothing_or_nonsense_is_a_failure) {
    struct gf_pull_waiter silent;
    struct gf_pull_waiter strange;
    open_rig(2, 0);
    GF_CLEANUP(gf_close_p) int of_silent = gf_pull_rig_orders(&rig, "1", "");
    GF_CLEANUP(gf_close_p) int of_strange = gf_pull_rig_orders(&rig, "2", "");
    gf_pull_waiter_open(&silent, &rig, "1", "", false);
    gf_pull_waiter_open(&strange, &rig, "2", "", false);
    gf_pull_rig_order(of_silent, "over\n");
    gf_pull_rig_order(of_strange, "gofer-pull-result 1\nname=\nover\n");
    cr_expect_eq(gf_pull_waiter_await(&silent), GF_INTERNAL);
    cr_expect_eq(gf_pull_waiter_await(&strange), GF_DATA_LOSS);
    gf_pull_waiter_close(&silent);
    gf_pull_waiter_close(&strange);
    gf_pull_rig_close(&rig);
}

Test(pulls, stats_tell_what_runs_waits_and_failed) {
    struct gf_pull_waiter waiters[3];
    struct gf_image_pulls_stats stats;
    open_rig(1, 0);
    GF_CLEANUP(gf_close_p) int first = gf_pull_rig_orders(&rig, "1", "");
    GF_CLEANUP(gf_close_p) int second = gf_pull_rig_orders(&rig, "2", "");
    gf_pull_waiter_open(&waiters[0], &rig, "1", "", false);
    gf_pull_waiter_open(&waiters[1], &rig, "1", "", false);
    gf_pull_waiter_open(&waiters[2], &rig, "2", "", false);
    await_start("1-");
    gf_pull_rig_order(first, "progress fetching 1 2 0 1\n");
    gf_pull_waiter_await_bytes(&waiters[0], 1);
    gf_pull_waiter_await_bytes(&waiters[1], 1);
    gf_image_pulls_stats(rig.pulls, &stats);
    cr_expect_eq(stats.running, 1);
    cr_expect_eq(stats.running_limit, 1);
    cr_expect_leq(stats.waiting, 1); /* the third may be on its way still */
    cr_expect_eq(stats.limit, GF_IMAGE_PULLS_MAX);
    gf_pull_rig_succeed(&rig, first);
    assert_pulled(&waiters[0]);
    await_start("2-");
    gf_pull_rig_fail(second);
    cr_expect_eq(gf_pull_waiter_await(&waiters[2]), GF_NOT_FOUND);
    gf_image_pulls_stats(rig.pulls, &stats);
    cr_expect_eq(stats.requests_total, 3);
    cr_expect_eq(stats.refused_total, 0);
    cr_expect_eq(stats.failures_total, 1);
    cr_expect_eq(stats.duration.count, 1);
    for (size_t i = 0; i < GF_ARRAY_COUNT(waiters); i++) {
        gf_pull_waiter_close(&waiters[i]);
    }
    gf_pull_rig_close(&rig);
}
