/*
 * The battery: tests that every back end of the store passes.
 *
 * A back end's test file makes a Criterion test of each case:
 *
 *     #define CASE(name) \
 *         Test(sqlite_store, name) { \
 *             struct fixture fixture; \
 *             open_fixture(&fixture); \
 *             gf_store_battery_##name(&fixture.factory); \
 *             close_fixture(&fixture); \
 *         }
 *     GF_STORE_BATTERY(CASE)
 */
#ifndef GOFER_ENGINE_STORE_TESTING_STORE_BATTERY_H_
#define GOFER_ENGINE_STORE_TESTING_STORE_BATTERY_H_

#include "engine/store/store.h"

struct gf_store_factory {
    /* A store that holds nothing. Called once in a case, which destroys what it gives. */
    struct gf_store *(*create)(void *ctx);
    /* The same store after it was destroyed; NULL where nothing outlives it. */
    struct gf_store *(*reopen)(void *ctx);
    void *ctx;
};

/* X(name) */
#define GF_STORE_BATTERY(X)                                                                        \
    X(empty_store_starts_with_ones)                                                                \
    X(empty_batch_commits)                                                                         \
    X(namespaces_come_back)                                                                        \
    X(namespaces_are_listed_in_pages)                                                              \
    X(missing_namespace_is_named)                                                                  \
    X(pipelines_come_back)                                                                         \
    X(pipelines_are_listed_in_pages)                                                               \
    X(missing_pipeline_names_its_namespace)                                                        \
    X(configs_come_back)                                                                           \
    X(configs_are_listed_newest_first)                                                             \
    X(deleted_configs_are_gone)                                                                    \
    X(deployments_come_back)                                                                       \
    X(deployments_are_listed_newest_first)                                                         \
    X(runs_come_back)                                                                              \
    X(runs_change)                                                                                 \
    X(runs_are_listed_both_ways)                                                                   \
    X(runs_are_listed_by_state)                                                                    \
    X(runs_are_listed_by_status)                                                                   \
    X(inputs_come_back)                                                                            \
    X(stats_are_exact)                                                                             \
    X(stats_are_of_one_pipeline_and_its_ended_runs)                                                \
    X(requests_find_their_run)                                                                     \
    X(active_runs_are_listed_by_key)                                                               \
    X(tasks_come_back)                                                                             \
    X(tasks_change)                                                                                \
    X(tasks_are_listed_by_index)                                                                   \
    X(tasks_are_counted)                                                                           \
    X(attempts_come_back)                                                                          \
    X(missing_children_are_named)                                                                  \
    X(events_come_back)                                                                            \
    X(events_tell_who_did_what)                                                                    \
    X(events_are_listed_in_pages)                                                                  \
    X(events_are_filtered)                                                                         \
    X(requests_come_back)                                                                          \
    X(requests_replace_older_ones)                                                                 \
    X(old_requests_go)                                                                             \
    X(tokens_come_back)                                                                            \
    X(tokens_change)                                                                               \
    X(tokens_are_listed_newest_first)                                                              \
    X(deleted_tokens_are_gone)                                                                     \
    X(roles_come_back)                                                                             \
    X(roles_change)                                                                                \
    X(roles_are_listed_in_pages)                                                                   \
    X(deleted_roles_are_gone)                                                                      \
    X(extensions_come_back)                                                                        \
    X(extensions_change)                                                                           \
    X(extensions_are_listed_by_id)                                                                 \
    X(subscriptions_come_back)                                                                     \
    X(subscriptions_change)                                                                        \
    X(subscriptions_are_listed_by_ids)                                                             \
    X(subscriptions_are_scanned_by_key)                                                            \
    X(missing_subscription_names_what_is_missing)                                                  \
    X(start_keys_come_back)                                                                        \
    X(old_start_keys_go)                                                                           \
    X(delivery_ids_come_back)                                                                      \
    X(old_delivery_ids_go)                                                                         \
    X(delivery_ids_beyond_the_limit_go)                                                            \
    X(deliveries_come_back)                                                                        \
    X(deliveries_are_listed_both_ways)                                                             \
    X(old_dead_letters_go)                                                                         \
    X(starts_go_with_their_letters)                                                                \
    X(reports_come_back)                                                                           \
    X(reports_are_listed_newest_first)                                                             \
    X(old_reports_go)                                                                              \
    X(deleted_extension_takes_everything_along)                                                    \
    X(deleted_subscription_takes_its_starts_along)                                                 \
    X(deleted_pipeline_takes_its_subscriptions_along)                                              \
    X(what_comes_and_goes_at_once_leaves_nothing)                                                  \
    X(keys_go_on_after_those_of_extensions)                                                        \
    X(what_the_core_remembers_comes_back)                                                          \
    X(preferences_come_back)                                                                       \
    X(keys_go_on_after_the_highest)                                                                \
    X(rows_of_any_key_are_inserted)                                                                \
    X(deleted_namespace_takes_everything_along)                                                    \
    X(deleted_namespace_frees_its_id)                                                              \
    X(deleted_pipeline_takes_everything_along)                                                     \
    X(deleted_pipeline_frees_its_id)                                                               \
    X(deleted_pipeline_goes_with_its_namespace)                                                    \
    X(keys_of_deleted_rows_never_return)                                                           \
    X(deleted_rows_go_with_empty_batches)                                                          \
    X(large_batch_is_all_there)                                                                    \
    X(everything_survives_a_reopen)

#define GF_STORE_BATTERY_CASE(name)                                                                \
    void gf_store_battery_##name(const struct gf_store_factory *factory);
GF_STORE_BATTERY(GF_STORE_BATTERY_CASE)
#undef GF_STORE_BATTERY_CASE

#endif /* GOFER_ENGINE_STORE_TESTING_STORE_BATTERY_H_ */
