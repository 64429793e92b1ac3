#include "engine/secrets/testing/battery_internal.h"

#include <stdio.h>

static void expect_version(const struct gf_secret_version *actual,
                           const struct gf_secret_version *expected) {
    cr_expect_eq(actual->version, expected->version);
    cr_expect_eq(actual->create_time, expected->create_time);
    cr_expect_eq(actual->size_bytes, expected->size_bytes);
    cr_expect_eq(actual->key_number, expected->key_number);
    same_text(actual->create_user, expected->create_user, "create_user");
    same_text(actual->sealed, expected->sealed, "sealed");
}

static void expect_secret(struct battery *battery, struct gf_secret_place place, int64_t version,
                          int64_t create_time) {
    const struct gf_secret expected = battery_secret(battery, place, version, 1);
    const struct gf_secret_version expected_version = battery_version(battery, version, 1);
    struct gf_secret secret;
    struct gf_secret_version row;
    must(battery, battery->ops->get(battery->store, &place, 0, &battery->arena, &secret, &row,
                                    &battery->err));
    cr_expect_eq(secret.place.namespace_key, place.namespace_key);
    cr_expect_eq(secret.place.pipeline_key, place.pipeline_key);
    same_text(secret.place.key, place.key, "key");
    same_text(secret.namespace_id, expected.namespace_id, "namespace_id");
    same_text(secret.pipeline_id, expected.pipeline_id, "pipeline_id");
    same_text(secret.description, expected.description, "description");
    same_text(secret.mark, expected.mark, "mark");
    cr_assert_eq(secret.namespace_count, expected.namespace_count);
    for (size_t i = 0; i < secret.namespace_count; i++) {
        same_text(secret.namespaces[i], expected.namespaces[i], "namespaces");
    }
    cr_expect_eq(secret.latest_version, version);
    cr_expect_eq(secret.create_time, create_time);
    cr_expect_eq(secret.update_time, expected.update_time);
    cr_expect_eq(secret.last_use_time, 0);
    expect_version(&row, &expected_version);
}

void gf_secret_store_battery_secrets_come_back(const struct gf_secret_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_secret_place place = battery_place(7, 70, "password");
    const struct gf_secret_place global = battery_place(0, 0, "password");
    battery_put(&battery, place, 1, 1);
    battery_put(&battery, global, 1, 1);
    expect_secret(&battery, place, 1, 1000);
    expect_secret(&battery, global, 1, 1000);
    battery_close(&battery);
}

void gf_secret_store_battery_versions_follow_one_another(
    const struct gf_secret_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_secret_place place = battery_place(0, 0, "password");
    battery_put(&battery, place, 1, 1);
    battery_put(&battery, place, 2, 1);
    expect_secret(&battery, place, 2, 1000);
    struct gf_secret secret;
    struct gf_secret_version row;
    const struct gf_secret_version expected = battery_version(&battery, 1, 1);
    must(&battery,
         battery.ops->get(battery.store, &place, 1, &battery.arena, &secret, &row, &battery.err));
    cr_expect_eq(secret.latest_version, 2);
    expect_version(&row, &expected);
    battery_close(&battery);
}

void gf_secret_store_battery_a_version_that_does_not_follow_is_refused(
    const struct gf_secret_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_secret_place place = battery_place(7, 70, "password");
    cr_expect_eq(battery_try_put(&battery, place, 2, 1), GF_ABORTED);
    cr_expect_not(battery_has(&battery, place));
    battery_put(&battery, place, 1, 1);
    cr_expect_eq(battery_try_put(&battery, place, 1, 1), GF_ABORTED);
    cr_expect_eq(battery_try_put(&battery, place, 3, 1), GF_ABORTED);
    expect_secret(&battery, place, 1, 1000);
    cr_expect_eq(battery_count_changes(&battery), 1);
    battery_close(&battery);
}

void gf_secret_store_battery_the_newest_versions_are_kept(
    const struct gf_secret_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_secret_place place = battery_place(7, 70, "password");
    for (int64_t version = 1; version <= GF_SECRET_VERSIONS_MAX + 2; version++) {
        battery_put(&battery, place, version, 1);
    }
    struct gf_secret_version *versions = NULL;
    size_t count = 0;
    must(&battery, battery.ops->list_versions(battery.store, &place, &battery.arena, &versions,
                                              &count, &battery.err));
    cr_assert_eq(count, GF_SECRET_VERSIONS_MAX);
    for (size_t i = 0; i < count; i++) {
        struct gf_secret_version expected =
            battery_version(&battery, GF_SECRET_VERSIONS_MAX + 2 - (int64_t)i, 1);
        expected.sealed = (struct gf_str){0};
        expect_version(&versions[i], &expected);
    }
    struct gf_secret secret;
    struct gf_secret_version row;
    cr_expect_eq(
        battery.ops->get(battery.store, &place, 2, &battery.arena, &secret, &row, &battery.err),
        GF_NOT_FOUND);
    cr_expect_not_null(strstr(battery.err.message, "version 2"));
    battery_close(&battery);
}

void gf_secret_store_battery_missing_secrets_are_named(
    const struct gf_secret_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_secret_place place = battery_place(7, 70, "password");
    const struct gf_secret_change change = battery_change(GF_SECRET_CHANGE_DELETED, place, 0);
    struct gf_secret_version *versions = NULL;
    size_t count = 0;
    cr_expect_not(battery_has(&battery, place));
    cr_expect_not_null(strstr(battery.err.message, "secret 'password' not found"));
    cr_expect_eq(battery.ops->list_versions(battery.store, &place, &battery.arena, &versions,
                                            &count, &battery.err),
                 GF_NOT_FOUND);
    cr_expect_eq(battery.ops->remove(battery.store, &place, &change, &battery.err), GF_NOT_FOUND);
    cr_expect_eq(battery_count_changes(&battery), 0);
    battery_close(&battery);
}

void gf_secret_store_battery_places_are_apart(const struct gf_secret_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    battery_put(&battery, battery_place(7, 70, "password"), 1, 1);
    cr_expect_not(battery_has(&battery, battery_place(7, 71, "password")));
    cr_expect_not(battery_has(&battery, battery_place(8, 70, "password")));
    cr_expect_not(battery_has(&battery, battery_place(0, 0, "password")));
    cr_expect_not(battery_has(&battery, battery_place(7, 70, "passwor")));
    cr_expect_not(battery_has(&battery, battery_place(7, 70, "Password")));
    battery_close(&battery);
}

void gf_secret_store_battery_secrets_are_listed_in_pages(
    const struct gf_secret_store_factory *factory) {
    static const char *const keys[] = {"BETA", "alpha", "alpha-2", "alpha_1", "gamma"};
    struct battery battery;
    battery_open(&battery, factory);
    for (size_t i = GF_ARRAY_COUNT(keys); i-- > 0;) {
        battery_put(&battery, battery_place(7, 70, keys[i]), 1, 1);
        battery_put(&battery, battery_place(7, 71, keys[i]), 1, 1);
    }
    battery_put(&battery, battery_place(0, 0, "global"), 1, 1);
    struct gf_secret *items = NULL;
    struct gf_str after = GF_STR("");
    size_t count = 0;
    size_t seen = 0;
    do {
        must(&battery, battery.ops->list(battery.store, 7, 70, after, 2, &battery.arena, &items,
                                         &count, &battery.err));
        for (size_t i = 0; i < count; i++) {
            cr_assert_lt(seen, GF_ARRAY_COUNT(keys));
            same_text(items[i].place.key, gf_str_from(keys[seen++]), "key");
            cr_expect_eq(items[i].place.pipeline_key, 70);
            after = items[i].place.key;
        }
    } while (count == 2);
    cr_expect_eq(seen, GF_ARRAY_COUNT(keys));
    must(&battery, battery.ops->list(battery.store, 0, 0, GF_STR(""), 100, &battery.arena, &items,
                                     &count, &battery.err));
    cr_assert_eq(count, 1);
    cr_expect_eq(items[0].namespace_count, 2);
    battery_close(&battery);
}

void gf_secret_store_battery_secrets_are_limited(const struct gf_secret_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    for (int i = 0; i < GF_SECRETS_PER_PIPELINE_MAX; i++) {
        char key[32];
        (void)snprintf(key, sizeof(key), "key-%d", i);
        battery_put(&battery, battery_place(7, 70, key), 1, 1);
    }
    cr_expect_eq(battery_try_put(&battery, battery_place(7, 70, "one-more"), 1, 1),
                 GF_RESOURCE_EXHAUSTED);
    battery_put(&battery, battery_place(7, 70, "key-0"), 2, 1);
    battery_put(&battery, battery_place(7, 71, "one-more"), 1, 1);
    battery_close(&battery);
}

void gf_secret_store_battery_removed_secrets_are_gone(
    const struct gf_secret_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_secret_place place = battery_place(7, 70, "password");
    const struct gf_secret_change change = battery_change(GF_SECRET_CHANGE_DELETED, place, 0);
    battery_put(&battery, place, 1, 1);
    battery_put(&battery, place, 2, 1);
    battery_put(&battery, battery_place(7, 71, "password"), 1, 1);
    must(&battery, battery.ops->remove(battery.store, &place, &change, &battery.err));
    cr_expect_not(battery_has(&battery, place));
    cr_expect(battery_has(&battery, battery_place(7, 71, "password")));
    int64_t values = 0;
    must(&battery, battery.ops->count_values_below(battery.store, 7, 9, &values, &battery.err));
    cr_expect_eq(values, 1, "its versions are gone too");
    battery_put(&battery, place, 1, 1);
    expect_secret(&battery, place, 1, 1000);
    battery_close(&battery);
}

void gf_secret_store_battery_pipelines_with_secrets_are_listed(
    const struct gf_secret_store_factory *factory) {
    static const struct gf_secret_place expected[] = {{7, 70}, {7, 71}, {8, 2}, {8, 80}};
    struct battery battery;
    struct gf_secret_place after = {0};
    struct gf_secret_place *items = NULL;
    size_t count = 0;
    size_t seen = 0;
    battery_open(&battery, factory);
    battery_put(&battery, battery_place(8, 80, "one"), 1, 1);
    battery_put(&battery, battery_place(8, 2, "one"), 1, 1);
    battery_put(&battery, battery_place(7, 71, "one"), 1, 1);
    battery_put(&battery, battery_place(7, 70, "one"), 1, 1);
    battery_put(&battery, battery_place(7, 70, "two"), 1, 1);
    battery_put(&battery, battery_place(0, 0, "one"), 1, 1);
    do {
        must(&battery, battery.ops->list_places(battery.store, &after, 3, &battery.arena, &items,
                                                &count, &battery.err));
        for (size_t i = 0; i < count; i++) {
            cr_assert_lt(seen, GF_ARRAY_COUNT(expected));
            cr_expect_eq(items[i].namespace_key, expected[seen].namespace_key);
            cr_expect_eq(items[i].pipeline_key, expected[seen].pipeline_key);
            cr_expect_eq(items[i].key.len, 0);
            after = items[i];
            seen++;
        }
    } while (count == 3);
    cr_expect_eq(seen, GF_ARRAY_COUNT(expected));
    battery_close(&battery);
}

void gf_secret_store_battery_secrets_go_with_their_pipeline(
    const struct gf_secret_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    battery_put(&battery, battery_place(7, 70, "one"), 1, 1);
    battery_put(&battery, battery_place(7, 70, "two"), 1, 1);
    battery_put(&battery, battery_place(7, 71, "one"), 1, 1);
    battery_put(&battery, battery_place(0, 0, "one"), 1, 1);
    must(&battery, battery.ops->remove_pipeline(battery.store, 7, 70, &battery.err));
    must(&battery, battery.ops->remove_pipeline(battery.store, 7, 70, &battery.err));
    cr_expect_not(battery_has(&battery, battery_place(7, 70, "one")));
    cr_expect_not(battery_has(&battery, battery_place(7, 70, "two")));
    cr_expect(battery_has(&battery, battery_place(7, 71, "one")));
    cr_expect(battery_has(&battery, battery_place(0, 0, "one")));
    battery_close(&battery);
}

void gf_secret_store_battery_secrets_and_keys_go_with_their_namespace(
    const struct gf_secret_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    battery_put(&battery, battery_place(7, 70, "one"), 1, 1);
    battery_put(&battery, battery_place(7, 71, "one"), 1, 1);
    battery_put(&battery, battery_place(8, 80, "one"), 1, 1);
    battery_put(&battery, battery_place(0, 0, "one"), 1, 1);
    must(&battery, battery.ops->remove_namespace(battery.store, 7, &battery.err));
    must(&battery, battery.ops->remove_namespace(battery.store, 7, &battery.err));
    cr_expect_not(battery_has(&battery, battery_place(7, 70, "one")));
    cr_expect_not(battery_has(&battery, battery_place(7, 71, "one")));
    cr_expect(battery_has(&battery, battery_place(8, 80, "one")));
    cr_expect(battery_has(&battery, battery_place(0, 0, "one")));
    cr_expect_eq(battery_count_keys(&battery, GF_SECRET_KEY_VALUES, 7), 0);
    cr_expect_eq(battery_count_keys(&battery, GF_SECRET_KEY_VALUES, 8), 1);
    cr_expect_eq(battery_count_keys(&battery, GF_SECRET_KEY_VALUES, 0), 1);
    battery_close(&battery);
}

void gf_secret_store_battery_uses_are_noted(const struct gf_secret_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_secret_place place = battery_place(7, 70, "password");
    struct gf_secret secret;
    battery_put(&battery, place, 1, 1);
    const struct gf_secret_use later[] = {
        {place, 500},
        {battery_place(7, 70, "gone"), 500},
    };
    const struct gf_secret_use earlier = {place, 400};
    must(&battery, battery.ops->touch(battery.store, later, 2, &battery.err));
    must(&battery, battery.ops->touch(battery.store, &earlier, 1, &battery.err));
    battery_put(&battery, place, 2, 1);
    must(&battery,
         battery.ops->get(battery.store, &place, 0, &battery.arena, &secret, NULL, &battery.err));
    cr_expect_eq(secret.last_use_time, 500);
    cr_expect_eq(battery_count_changes(&battery), 2);
    battery_close(&battery);
}
