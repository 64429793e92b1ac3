/*
 * The battery: tests that every back end of the secret store passes.
 *
 * A back end's test file makes a Criterion test of each case, as that of engine/store does
 * (engine/store/testing/store_battery.h):
 *
 *     #define CASE(name) \
 *         Test(memory_secret_store, name) { \
 *             gf_secret_store_battery_##name(&factory); \
 *         }
 *     GF_SECRET_STORE_BATTERY(CASE)
 */
#ifndef GOFER_ENGINE_SECRETS_TESTING_SECRET_STORE_BATTERY_H_
#define GOFER_ENGINE_SECRETS_TESTING_SECRET_STORE_BATTERY_H_

#include "engine/secrets/secret_store.h"

struct gf_secret_store_factory {
    /* A store that holds nothing. Called once in a case, which destroys what it gives. */
    struct gf_secret_store *(*create)(void *ctx);
    /* The same store after it was destroyed; NULL where nothing outlives it. */
    struct gf_secret_store *(*reopen)(void *ctx);
    /* Makes all changes behind the next `changes_left` ones fail; NULL where that cannot be. */
    void (*fail_after)(struct gf_secret_store *store, int64_t changes_left);
    void *ctx;
};

/* X(name) */
#define GF_SECRET_STORE_BATTERY(X)                                                                 \
    X(secrets_come_back)                                                                           \
    X(versions_follow_one_another)                                                                 \
    X(a_version_that_does_not_follow_is_refused)                                                   \
    X(the_newest_versions_are_kept)                                                                \
    X(missing_secrets_are_named)                                                                   \
    X(places_are_apart)                                                                            \
    X(secrets_are_listed_in_pages)                                                                 \
    X(secrets_are_limited)                                                                         \
    X(removed_secrets_are_gone)                                                                    \
    X(pipelines_with_secrets_are_listed)                                                           \
    X(secrets_go_with_their_pipeline)                                                              \
    X(secrets_and_keys_go_with_their_namespace)                                                    \
    X(uses_are_noted)                                                                              \
    X(keys_come_back)                                                                              \
    X(a_new_key_retires_the_one_before)                                                            \
    X(keys_are_found_by_their_master_key)                                                          \
    X(master_keys_are_counted)                                                                     \
    X(namespaces_with_keys_are_listed)                                                             \
    X(nothing_is_stored_under_a_key_that_is_gone)                                                  \
    X(keys_are_replaced_as_they_are_known)                                                         \
    X(keys_in_use_stay)                                                                            \
    X(values_under_older_keys_are_found)                                                           \
    X(values_are_replaced_as_they_are_known)                                                       \
    X(marks_under_older_keys_are_found_and_replaced)                                               \
    X(changes_are_recorded_with_what_they_change)                                                  \
    X(records_are_numbered_by_their_time)                                                          \
    X(requests_are_kept_with_what_they_changed)                                                    \
    X(old_requests_are_forgotten)                                                                  \
    X(a_failed_change_leaves_nothing)                                                              \
    X(everything_survives_a_reopen)

#define GF_SECRET_STORE_BATTERY_CASE(name)                                                         \
    void gf_secret_store_battery_##name(const struct gf_secret_store_factory *factory);
GF_SECRET_STORE_BATTERY(GF_SECRET_STORE_BATTERY_CASE)
#undef GF_SECRET_STORE_BATTERY_CASE

#endif /* GOFER_ENGINE_SECRETS_TESTING_SECRET_STORE_BATTERY_H_ */
