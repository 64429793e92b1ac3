#include "engine/secrets/testing/battery_internal.h"

static struct gf_secret_key *list(struct battery *battery, enum gf_secret_key_purpose purpose,
                                  int64_t namespace_key, size_t expected_count) {
    struct gf_secret_key *keys = NULL;
    size_t count = 0;
    must(battery, battery->ops->list_keys(battery->store, purpose, namespace_key, &battery->arena,
                                          &keys, &count, &battery->err));
    cr_assert_eq(count, expected_count);
    return keys;
}

void gf_secret_store_battery_keys_come_back(const struct gf_secret_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    (void)list(&battery, GF_SECRET_KEY_VALUES, 7, 0);
    battery_put_key(&battery, GF_SECRET_KEY_VALUES, 7, 1, "master-a");
    battery_put_key(&battery, GF_SECRET_KEY_SEALING, 0, 1, "master-a");
    const struct gf_secret_key expected =
        battery_key(&battery, GF_SECRET_KEY_VALUES, 7, 1, "master-a");
    const struct gf_secret_key *keys = list(&battery, GF_SECRET_KEY_VALUES, 7, 1);
    cr_expect_eq(keys[0].purpose, GF_SECRET_KEY_VALUES);
    cr_expect_eq(keys[0].namespace_key, 7);
    cr_expect_eq(keys[0].number, 1);
    cr_expect_eq(keys[0].create_time, 10);
    cr_expect_eq(keys[0].state, GF_SECRET_KEY_ACTIVE);
    same_text(keys[0].wrapped, expected.wrapped, "wrapped");
    same_text(keys[0].master_key_id, GF_STR("master-a"), "master_key_id");
    (void)list(&battery, GF_SECRET_KEY_SEALING, 0, 1);
    (void)list(&battery, GF_SECRET_KEY_VALUES, 0, 0);
    battery_close(&battery);
}

void gf_secret_store_battery_a_new_key_retires_the_one_before(
    const struct gf_secret_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    battery_put_key(&battery, GF_SECRET_KEY_VALUES, 7, 1, "master-a");
    battery_put_key(&battery, GF_SECRET_KEY_VALUES, 8, 1, "master-a");
    const struct gf_secret_key same = battery_key(&battery, GF_SECRET_KEY_VALUES, 7, 1, "master-b");
    const struct gf_secret_key gap = battery_key(&battery, GF_SECRET_KEY_VALUES, 7, 3, "master-b");
    cr_expect_eq(battery.ops->put_key(battery.store, &same, NULL, NULL, &battery.err), GF_ABORTED);
    cr_expect_eq(battery.ops->put_key(battery.store, &gap, NULL, NULL, &battery.err), GF_ABORTED);
    const struct gf_secret_key next = battery_key(&battery, GF_SECRET_KEY_VALUES, 7, 2, "master-b");
    const struct gf_secret_change change =
        battery_change(GF_SECRET_CHANGE_KEYS_ROTATED, battery_place(7, 0, ""), 0);
    must(&battery, battery.ops->put_key(battery.store, &next, &change, NULL, &battery.err));
    const struct gf_secret_key *keys = list(&battery, GF_SECRET_KEY_VALUES, 7, 2);
    cr_expect_eq(keys[0].number, 1);
    cr_expect_eq(keys[0].state, GF_SECRET_KEY_RETIRED);
    same_text(keys[0].master_key_id, GF_STR("master-a"), "master_key_id");
    cr_expect_eq(keys[1].number, 2);
    cr_expect_eq(keys[1].state, GF_SECRET_KEY_ACTIVE);
    cr_expect_eq(list(&battery, GF_SECRET_KEY_VALUES, 8, 1)[0].state, GF_SECRET_KEY_ACTIVE);
    cr_expect_eq(battery_count_changes(&battery), 1);
    battery_close(&battery);
}

void gf_secret_store_battery_keys_are_found_by_their_master_key(
    const struct gf_secret_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    battery_put_key(&battery, GF_SECRET_KEY_VALUES, 7, 1, "master-a");
    battery_put_key(&battery, GF_SECRET_KEY_VALUES, 7, 2, "master-b");
    battery_put_key(&battery, GF_SECRET_KEY_VALUES, 0, 1, "master-a");
    battery_put_key(&battery, GF_SECRET_KEY_SEALING, 0, 1, "master-a");
    struct gf_secret_key *keys = NULL;
    size_t count = 0;
    must(&battery,
         battery.ops->list_keys_not_wrapped_by(battery.store, GF_STR("master-b"), 100,
                                               &battery.arena, &keys, &count, &battery.err));
    cr_expect_eq(count, 3);
    for (size_t i = 0; i < count; i++) {
        same_text(keys[i].master_key_id, GF_STR("master-a"), "master_key_id");
    }
    must(&battery,
         battery.ops->list_keys_not_wrapped_by(battery.store, GF_STR("master-b"), 2, &battery.arena,
                                               &keys, &count, &battery.err));
    cr_expect_eq(count, 2);
    battery_close(&battery);
}

void gf_secret_store_battery_master_keys_are_counted(
    const struct gf_secret_store_factory *factory) {
    struct battery battery;
    struct gf_secret_master_use *items = NULL;
    size_t count = 0;
    battery_open(&battery, factory);
    must(&battery, battery.ops->list_master_keys(battery.store, &battery.arena, &items, &count,
                                                 &battery.err));
    cr_expect_eq(count, 0);
    battery_put_key(&battery, GF_SECRET_KEY_VALUES, 7, 1, "master-b");
    battery_put_key(&battery, GF_SECRET_KEY_VALUES, 7, 2, "master-a");
    battery_put_key(&battery, GF_SECRET_KEY_SEALING, 0, 1, "master-b");
    must(&battery, battery.ops->list_master_keys(battery.store, &battery.arena, &items, &count,
                                                 &battery.err));
    cr_assert_eq(count, 2);
    same_text(items[0].master_key_id, GF_STR("master-a"), "master_key_id");
    cr_expect_eq(items[0].key_count, 1);
    same_text(items[1].master_key_id, GF_STR("master-b"), "master_key_id");
    cr_expect_eq(items[1].key_count, 2);
    battery_close(&battery);
}

void gf_secret_store_battery_namespaces_with_keys_are_listed(
    const struct gf_secret_store_factory *factory) {
    static const int64_t expected[] = {0, 7, 8, 9};
    struct battery battery;
    int64_t *items = NULL;
    int64_t after = -1;
    size_t count = 0;
    size_t seen = 0;
    battery_open(&battery, factory);
    battery_put_key(&battery, GF_SECRET_KEY_VALUES, 9, 1, "master-a");
    battery_put_key(&battery, GF_SECRET_KEY_VALUES, 7, 1, "master-a");
    battery_put_key(&battery, GF_SECRET_KEY_VALUES, 8, 1, "master-a");
    battery_put_key(&battery, GF_SECRET_KEY_VALUES, 8, 2, "master-a");
    battery_put_key(&battery, GF_SECRET_KEY_VALUES, 0, 1, "master-a");
    battery_put_key(&battery, GF_SECRET_KEY_SEALING, 0, 1, "master-a");
    battery_put_key(&battery, GF_SECRET_KEY_SEALING, 0, 2, "master-a");
    do {
        must(&battery,
             battery.ops->list_key_namespaces(battery.store, GF_SECRET_KEY_VALUES, false, after, 3,
                                              &battery.arena, &items, &count, &battery.err));
        for (size_t i = 0; i < count; i++) {
            cr_assert_lt(seen, GF_ARRAY_COUNT(expected));
            cr_expect_eq(items[i], expected[seen++]);
            after = items[i];
        }
    } while (count == 3);
    cr_expect_eq(seen, GF_ARRAY_COUNT(expected));
    must(&battery,
         battery.ops->list_key_namespaces(battery.store, GF_SECRET_KEY_VALUES, true, -1, 10,
                                          &battery.arena, &items, &count, &battery.err));
    cr_assert_eq(count, 1);
    cr_expect_eq(items[0], 8);
    battery_close(&battery);
}

void gf_secret_store_battery_keys_are_replaced_as_they_are_known(
    const struct gf_secret_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    battery_put_key(&battery, GF_SECRET_KEY_VALUES, 7, 1, "master-a");
    const struct gf_secret_key from = battery_key(&battery, GF_SECRET_KEY_VALUES, 7, 1, "master-a");
    struct gf_secret_key to = battery_key(&battery, GF_SECRET_KEY_VALUES, 9, 1, "master-b");
    must(&battery, battery.ops->replace_key(battery.store, &from, &to, &battery.err));
    const struct gf_secret_key *keys = list(&battery, GF_SECRET_KEY_VALUES, 7, 1);
    same_text(keys[0].wrapped, to.wrapped, "wrapped");
    same_text(keys[0].master_key_id, GF_STR("master-b"), "master_key_id");
    cr_expect_eq(keys[0].create_time, 10);
    cr_expect_eq(keys[0].state, GF_SECRET_KEY_ACTIVE);
    cr_expect_eq(battery.ops->replace_key(battery.store, &from, &to, &battery.err), GF_ABORTED);
    to.number = 2;
    cr_expect_eq(battery.ops->replace_key(battery.store, &to, &from, &battery.err), GF_ABORTED);
    battery_close(&battery);
}

void gf_secret_store_battery_nothing_is_stored_under_a_key_that_is_gone(
    const struct gf_secret_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_secret_place place = battery_place(7, 70, "password");
    const struct gf_secret secret = battery_secret(&battery, place, 1, 1);
    const struct gf_secret marked = battery_secret(&battery, place, 1, 2);
    const struct gf_secret_version version = battery_version(&battery, 1, 1);
    const struct gf_secret_version newer = battery_version(&battery, 1, 2);
    const struct gf_secret_change change = battery_change(GF_SECRET_CHANGE_PUT, place, 1);
    battery_need_keys(&battery, 8, 1);
    cr_expect_eq(battery.ops->put(battery.store, &secret, &version, &change, NULL, &battery.err),
                 GF_ABORTED);
    battery_need_keys(&battery, 7, 2);
    must(&battery,
         battery.ops->remove_key(battery.store, GF_SECRET_KEY_VALUES, 7, 1, &battery.err));
    cr_expect_eq(battery.ops->put(battery.store, &marked, &version, &change, NULL, &battery.err),
                 GF_ABORTED);
    cr_expect_eq(battery.ops->put(battery.store, &secret, &newer, &change, NULL, &battery.err),
                 GF_ABORTED);
    cr_expect_not(battery_has(&battery, place));
    must(&battery, battery.ops->put(battery.store, &marked, &newer, &change, NULL, &battery.err));
    cr_expect_eq(battery_count_changes(&battery), 1);
    battery_close(&battery);
}

void gf_secret_store_battery_keys_in_use_stay(const struct gf_secret_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_secret_place place = battery_place(7, 70, "password");
    for (int64_t number = 1; number <= 3; number++) {
        battery_put_key(&battery, GF_SECRET_KEY_VALUES, 7, number, "master-a");
    }
    battery_put_key(&battery, GF_SECRET_KEY_VALUES, 8, 1, "master-a");
    battery_put_key(&battery, GF_SECRET_KEY_VALUES, 8, 2, "master-a");
    /* A value lies under key 1, the mark under key 2. */
    const struct gf_secret secret = battery_secret(&battery, place, 1, 2);
    const struct gf_secret_version version = battery_version(&battery, 1, 1);
    const struct gf_secret_change change = battery_change(GF_SECRET_CHANGE_PUT, place, 1);
    must(&battery, battery.ops->put(battery.store, &secret, &version, &change, NULL, &battery.err));
    for (int64_t number = 1; number <= 3; number++) {
        cr_expect_eq(
            battery.ops->remove_key(battery.store, GF_SECRET_KEY_VALUES, 7, number, &battery.err),
            GF_FAILED_PRECONDITION);
    }
    cr_expect_eq(battery.ops->remove_key(battery.store, GF_SECRET_KEY_VALUES, 7, 4, &battery.err),
                 GF_NOT_FOUND);
    must(&battery,
         battery.ops->remove_key(battery.store, GF_SECRET_KEY_VALUES, 8, 1, &battery.err));
    must(&battery, battery.ops->remove(battery.store, &place, &change, &battery.err));
    must(&battery,
         battery.ops->remove_key(battery.store, GF_SECRET_KEY_VALUES, 7, 1, &battery.err));
    cr_expect_eq(list(&battery, GF_SECRET_KEY_VALUES, 7, 2)[0].number, 2);
    battery_put_key(&battery, GF_SECRET_KEY_VALUES, 7, 4, "master-a");
    battery_close(&battery);
}

void gf_secret_store_battery_values_under_older_keys_are_found(
    const struct gf_secret_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_secret_place place = battery_place(7, 70, "password");
    battery_put(&battery, place, 1, 1);
    battery_put(&battery, place, 2, 1);
    battery_put(&battery, place, 3, 2);
    battery_put(&battery, battery_place(7, 71, "other"), 1, 1);
    battery_put(&battery, battery_place(8, 80, "other"), 1, 1);
    battery_put(&battery, battery_place(0, 0, "other"), 1, 1);
    struct gf_secret_value_row *rows = NULL;
    size_t count = 0;
    int64_t total = 0;
    must(&battery, battery.ops->count_values_below(battery.store, 7, 2, &total, &battery.err));
    cr_expect_eq(total, 3);
    must(&battery, battery.ops->list_values_below(battery.store, 7, 2, 100, &battery.arena, &rows,
                                                  &count, &battery.err));
    cr_assert_eq(count, 3);
    for (size_t i = 0; i < count; i++) {
        cr_expect_eq(rows[i].place.namespace_key, 7);
        cr_expect_eq(rows[i].version.key_number, 1);
        same_text(rows[i].version.sealed,
                  battery_version(&battery, rows[i].version.version, 1).sealed, "sealed");
    }
    must(&battery, battery.ops->list_values_below(battery.store, 7, 2, 1, &battery.arena, &rows,
                                                  &count, &battery.err));
    cr_expect_eq(count, 1);
    must(&battery, battery.ops->list_values_below(battery.store, 0, 2, 100, &battery.arena, &rows,
                                                  &count, &battery.err));
    cr_expect_eq(count, 1);
    battery_close(&battery);
}

void gf_secret_store_battery_values_are_replaced_as_they_are_known(
    const struct gf_secret_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_secret_place place = battery_place(7, 70, "password");
    const struct gf_secret_version from = battery_version(&battery, 1, 1);
    const struct gf_secret_version to = battery_version(&battery, 1, 2);
    battery_put(&battery, place, 1, 1);
    battery_put(&battery, place, 2, 1);
    cr_expect_eq(battery.ops->replace_value(battery.store, &place, &from, &to, &battery.err),
                 GF_ABORTED, "there is no key 2 yet");
    battery_need_keys(&battery, 7, 2);
    must(&battery, battery.ops->replace_value(battery.store, &place, &from, &to, &battery.err));
    cr_expect_eq(battery.ops->replace_value(battery.store, &place, &from, &to, &battery.err),
                 GF_ABORTED);
    struct gf_secret secret;
    struct gf_secret_version row;
    must(&battery,
         battery.ops->get(battery.store, &place, 1, &battery.arena, &secret, &row, &battery.err));
    same_text(row.sealed, to.sealed, "sealed");
    cr_expect_eq(row.key_number, 2);
    cr_expect_eq(secret.latest_version, 2);
    cr_expect_eq(secret.update_time, 2000);
    const struct gf_secret_place gone = battery_place(7, 70, "gone");
    cr_expect_eq(battery.ops->replace_value(battery.store, &gone, &to, &from, &battery.err),
                 GF_ABORTED);
    battery_close(&battery);
}

void gf_secret_store_battery_marks_under_older_keys_are_found_and_replaced(
    const struct gf_secret_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_secret_place place = battery_place(7, 70, "password");
    const struct gf_str from = battery_secret(&battery, place, 1, 1).mark;
    const struct gf_str to = battery_secret(&battery, place, 1, 2).mark;
    battery_put(&battery, place, 1, 1);
    battery_put(&battery, battery_place(7, 70, "newer"), 1, 2);
    battery_put(&battery, battery_place(8, 80, "other"), 1, 1);
    struct gf_secret *items = NULL;
    size_t count = 0;
    must(&battery, battery.ops->list_marks_below(battery.store, 7, 2, 100, &battery.arena, &items,
                                                 &count, &battery.err));
    cr_assert_eq(count, 1);
    same_text(items[0].place.key, place.key, "key");
    same_text(items[0].mark, from, "mark");
    const struct gf_str keyless = battery_secret(&battery, place, 1, 3).mark;
    cr_expect_eq(battery.ops->replace_mark(battery.store, &place, from, keyless, &battery.err),
                 GF_ABORTED);
    must(&battery, battery.ops->replace_mark(battery.store, &place, from, to, &battery.err));
    cr_expect_eq(battery.ops->replace_mark(battery.store, &place, from, to, &battery.err),
                 GF_ABORTED);
    must(&battery, battery.ops->list_marks_below(battery.store, 7, 2, 100, &battery.arena, &items,
                                                 &count, &battery.err));
    cr_expect_eq(count, 0);
    battery_close(&battery);
}
