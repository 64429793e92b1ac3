/* What the files of the battery share. */
#ifndef GOFER_ENGINE_STORE_TESTING_BATTERY_INTERNAL_H_
#define GOFER_ENGINE_STORE_TESTING_BATTERY_INTERNAL_H_

#include "engine/store/testing/rows.h"
#include "engine/store/testing/store_battery.h"

/* A store, one reader's arena, and the rows that were written. */
struct battery {
    struct gf_store *store;
    struct gf_rows rows;
    struct gf_arena arena;
    struct gf_store_reader *reader; /* between look and look_away */
    struct gf_error err;
};

void battery_open(struct battery *battery, const struct gf_store_factory *factory);
void battery_close(struct battery *battery);

/* Commits what is in the rows, and gives a reader that sees it. */
void battery_look(struct battery *battery);
/* Gives the reader back; what was read stays. */
void battery_look_away(struct battery *battery);

/* The same store after a restart, where it can be: nothing is being read. */
void battery_reopen(struct battery *battery, const struct gf_store_factory *factory);

/* The texts are in the battery's arena. */
struct gf_core_start battery_load_start(struct battery *battery);

/*
 * Follows the log from `after` in pages of `limit` to its end. Gives how many events matched, and
 * the sum of their sequence numbers.
 */
size_t battery_follow(struct battery *battery, const struct gf_event_filter *filter, int64_t after,
                      size_t limit, int64_t *out_sum);

/* Namespace 1 "default" and pipeline 1 "pipe", not committed yet. */
struct gf_pipeline *battery_pipeline(struct battery *battery);

/* COMPLETE, started 10 ns and ended 1000 ns after its creation. */
void battery_complete_run(struct gf_run *run, enum gf_run_status status);

/* Calls an operation of the store on the reader: must(&battery, get_run, 1, 1, &out). */
#define must(battery, op, ...)                                                                     \
    battery_must((battery),                                                                        \
                 (battery)->store->ops->op((battery)->reader, __VA_ARGS__, &(battery)->err), #op)
void battery_must(struct battery *battery, enum gf_code rc, const char *op);

/* The operation fails with NOT_FOUND and a message in which `part` stands. */
#define must_miss(battery, part, op, ...)                                                          \
    battery_must_miss((battery),                                                                   \
                      (battery)->store->ops->op((battery)->reader, __VA_ARGS__, &(battery)->err),  \
                      (part), #op)
void battery_must_miss(struct battery *battery, enum gf_code rc, const char *part, const char *op);

/* Both for a read of extensions. */
#define must_x(battery, op, ...)                                                                   \
    battery_must(                                                                                  \
        (battery),                                                                                 \
        (battery)->store->ops->extensions->op((battery)->reader, __VA_ARGS__, &(battery)->err),    \
        #op)
#define must_miss_x(battery, part, op, ...)                                                        \
    battery_must_miss(                                                                             \
        (battery),                                                                                 \
        (battery)->store->ops->extensions->op((battery)->reader, __VA_ARGS__, &(battery)->err),    \
        (part), #op)

void same_str(struct gf_str actual, struct gf_str expected, const char *what);
#define must_be_same(actual, expected, member)                                                     \
    same_str((actual)->member, (expected)->member, #member)
#define must_be_equal(actual, expected, member)                                                    \
    cr_assert_eq((actual)->member, (expected)->member, "%s: %lld, expected %lld", #member,         \
                 (long long)(actual)->member, (long long)(expected)->member)

void same_labels(const struct gf_label *actual, size_t actual_count,
                 const struct gf_label *expected, size_t expected_count);
void same_texts(const struct gf_str *actual, size_t actual_count, const struct gf_str *expected,
                size_t expected_count);
void same_variables(const struct gf_variable *actual, size_t actual_count,
                    const struct gf_variable *expected, size_t expected_count);

/* battery_extension_lists.c: what is counted for an extension. Contents are those of gf_rows. */
void expect_counts(struct battery *battery, int64_t extension_key, int64_t subscriptions,
                   int64_t pending, int64_t dead);

#endif /* GOFER_ENGINE_STORE_TESTING_BATTERY_INTERNAL_H_ */
