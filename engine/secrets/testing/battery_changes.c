#include "engine/secrets/testing/battery_internal.h"

void gf_secret_store_battery_changes_are_recorded_with_what_they_change(
    const struct gf_secret_store_factory *factory) {
    static const enum gf_secret_change_kind kinds[] = {
        GF_SECRET_CHANGE_PUT, GF_SECRET_CHANGE_REVEALED, GF_SECRET_CHANGE_DELETED};
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_secret_place place = battery_place(7, 70, "password");
    const struct gf_secret_change revealed = battery_change(GF_SECRET_CHANGE_REVEALED, place, 1);
    const struct gf_secret_change removed = battery_change(GF_SECRET_CHANGE_DELETED, place, 1);
    battery_put(&battery, place, 1, 1);
    must(&battery, battery.ops->record(battery.store, &revealed, NULL, &battery.err));
    must(&battery, battery.ops->remove(battery.store, &place, &removed, &battery.err));
    struct gf_secret_change *changes = NULL;
    size_t count = 0;
    must(&battery, battery.ops->list_changes(battery.store, 0, 100, &battery.arena, &changes,
                                             &count, &battery.err));
    cr_assert_eq(count, 3);
    for (size_t i = 0; i < count; i++) {
        cr_expect_eq(changes[i].kind, kinds[i]);
        cr_expect_eq(changes[i].place.namespace_key, 7);
        cr_expect_eq(changes[i].place.pipeline_key, 70);
        cr_expect_eq(changes[i].version, 1);
        cr_expect_eq(changes[i].time, 77);
        same_text(changes[i].place.key, place.key, "key");
        same_text(changes[i].namespace_id, revealed.namespace_id, "namespace_id");
        same_text(changes[i].pipeline_id, revealed.pipeline_id, "pipeline_id");
        same_text(changes[i].user, revealed.user, "user");
        same_text(changes[i].address, revealed.address, "address");
        same_text(changes[i].token_id, revealed.token_id, "token_id");
        cr_expect(i == 0 || changes[i].sequence > changes[i - 1].sequence);
    }
    const int64_t last = changes[2].sequence;
    must(&battery, battery.ops->forget_changes(battery.store, changes[1].sequence, &battery.err));
    must(&battery, battery.ops->list_changes(battery.store, 0, 100, &battery.arena, &changes,
                                             &count, &battery.err));
    cr_assert_eq(count, 1);
    cr_expect_eq(changes[0].sequence, last);
    must(&battery, battery.ops->list_changes(battery.store, last, 100, &battery.arena, &changes,
                                             &count, &battery.err));
    cr_expect_eq(count, 0);
    must(&battery, battery.ops->forget_changes(battery.store, last, &battery.err));
    must(&battery, battery.ops->record(battery.store, &revealed, NULL, &battery.err));
    must(&battery, battery.ops->list_changes(battery.store, 0, 100, &battery.arena, &changes,
                                             &count, &battery.err));
    cr_assert_eq(count, 1);
    cr_expect_gt(changes[0].sequence, last, "numbers are not used again");
    battery_close(&battery);
}

/* So that a store that is new goes on above the one that was there before. */
void gf_secret_store_battery_records_are_numbered_by_their_time(
    const struct gf_secret_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const int64_t times[] = {5000000, 4000000, 5000000, 9000000};
    const int64_t sequences[] = {5000, 5001, 5002, 9000};
    const struct gf_secret_place place = battery_place(7, 70, "password");
    struct gf_secret_change change = battery_change(GF_SECRET_CHANGE_REVEALED, place, 1);
    for (size_t i = 0; i < GF_ARRAY_COUNT(times); i++) {
        change.time = times[i];
        must(&battery, battery.ops->record(battery.store, &change, NULL, &battery.err));
    }
    struct gf_secret_change *changes = NULL;
    size_t count = 0;
    must(&battery, battery.ops->list_changes(battery.store, 0, 100, &battery.arena, &changes,
                                             &count, &battery.err));
    cr_assert_eq(count, GF_ARRAY_COUNT(times));
    for (size_t i = 0; i < count; i++) {
        cr_expect_eq(changes[i].sequence, sequences[i]);
    }
    battery_close(&battery);
}

static struct gf_secret_request request_of(const char *caller, const char *request_id,
                                           int64_t time) {
    return (struct gf_secret_request){
        .caller = gf_str_from(caller),
        .request_id = gf_str_from(request_id),
        .fingerprint = GF_STR("0123456789abcdef\0123456789abcdef"),
        .create_time = time,
        .number = 3,
        .created = true,
    };
}

static enum gf_code find_request(struct battery *battery, const char *caller,
                                 const char *request_id, struct gf_secret_request *out) {
    return battery->ops->get_request(battery->store, gf_str_from(caller), gf_str_from(request_id),
                                     &battery->arena, out, &battery->err);
}

void gf_secret_store_battery_requests_are_kept_with_what_they_changed(
    const struct gf_secret_store_factory *factory) {
    struct battery battery;
    struct gf_secret_request found;
    battery_open(&battery, factory);
    const struct gf_secret_place place = battery_place(7, 70, "password");
    const struct gf_secret secret = battery_secret(&battery, place, 1, 1);
    const struct gf_secret second = battery_secret(&battery, place, 2, 1);
    const struct gf_secret_version version = battery_version(&battery, 1, 1);
    const struct gf_secret_version next = battery_version(&battery, 2, 1);
    const struct gf_secret_change change = battery_change(GF_SECRET_CHANGE_PUT, place, 1);
    const struct gf_secret_key key = battery_key(&battery, GF_SECRET_KEY_VALUES, 7, 2, "master-a");
    const struct gf_secret_request request = request_of("tok_1", "r-1", 1000);
    const struct gf_secret_request other = request_of("", "r-1", 1000);
    battery_need_keys(&battery, 7, 1);
    cr_expect_eq(find_request(&battery, "tok_1", "r-1", &found), GF_NOT_FOUND);
    must(&battery,
         battery.ops->put(battery.store, &secret, &version, &change, &request, &battery.err));
    must(&battery, find_request(&battery, "tok_1", "r-1", &found));
    same_text(found.caller, request.caller, "caller");
    same_text(found.request_id, request.request_id, "request_id");
    same_text(found.fingerprint, request.fingerprint, "fingerprint");
    cr_expect_eq(found.create_time, 1000);
    cr_expect_eq(found.number, 3);
    cr_expect(found.created);
    cr_expect_eq(find_request(&battery, "tok_2", "r-1", &found), GF_NOT_FOUND);
    cr_expect_eq(find_request(&battery, "tok_1", "R-1", &found), GF_NOT_FOUND);
    /* The same id again changes nothing, whatever it is given for. */
    cr_expect_eq(battery.ops->put(battery.store, &second, &next, &change, &request, &battery.err),
                 GF_ABORTED);
    cr_expect_eq(battery.ops->put_key(battery.store, &key, &change, &request, &battery.err),
                 GF_ABORTED);
    cr_expect_eq(battery.ops->record(battery.store, &change, &request, &battery.err), GF_ABORTED);
    cr_expect_eq(battery_count_changes(&battery), 1);
    cr_expect_eq(battery_count_keys(&battery, GF_SECRET_KEY_VALUES, 7), 1);
    must(&battery, battery.ops->put_key(battery.store, &key, &change, &other, &battery.err));
    must(&battery, find_request(&battery, "", "r-1", &found));
    battery_close(&battery);
}

void gf_secret_store_battery_old_requests_are_forgotten(
    const struct gf_secret_store_factory *factory) {
    struct battery battery;
    struct gf_secret_request found;
    battery_open(&battery, factory);
    const struct gf_secret_change change =
        battery_change(GF_SECRET_CHANGE_KEYS_ROTATED, battery_place(0, 0, ""), 0);
    const struct gf_secret_request first = request_of("tok_1", "r-1", 1000);
    const struct gf_secret_request second = request_of("tok_1", "r-2", 2000);
    const struct gf_secret_request third =
        request_of("tok_1", "r-3", 1001 + GF_SECRET_REQUEST_KEEP_NS);
    must(&battery, battery.ops->record(battery.store, &change, &first, &battery.err));
    must(&battery, battery.ops->record(battery.store, &change, &second, &battery.err));
    must(&battery, battery.ops->record(battery.store, &change, &third, &battery.err));
    cr_expect_eq(find_request(&battery, "tok_1", "r-1", &found), GF_NOT_FOUND);
    must(&battery, find_request(&battery, "tok_1", "r-2", &found));
    must(&battery, find_request(&battery, "tok_1", "r-3", &found));
    /* What is too old gives way also to the same id. */
    const struct gf_secret_request again =
        request_of("tok_1", "r-2", 2001 + GF_SECRET_REQUEST_KEEP_NS);
    must(&battery, battery.ops->record(battery.store, &change, &again, &battery.err));
    must(&battery, find_request(&battery, "tok_1", "r-2", &found));
    cr_expect_eq(found.create_time, again.create_time);
    battery_close(&battery);
}

void gf_secret_store_battery_a_failed_change_leaves_nothing(
    const struct gf_secret_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    if (factory->fail_after != NULL) {
        const struct gf_secret_place place = battery_place(7, 70, "password");
        const struct gf_secret_place other = battery_place(7, 70, "other");
        const struct gf_secret_change change = battery_change(GF_SECRET_CHANGE_DELETED, place, 1);
        const struct gf_secret_key key =
            battery_key(&battery, GF_SECRET_KEY_VALUES, 7, 2, "master-a");
        battery_put(&battery, place, 1, 1);
        factory->fail_after(battery.store, 0);
        cr_expect_eq(battery_try_put(&battery, other, 1, 1), GF_UNAVAILABLE);
        cr_expect_eq(battery_try_put(&battery, place, 2, 1), GF_UNAVAILABLE);
        cr_expect_eq(battery.ops->remove(battery.store, &place, &change, &battery.err),
                     GF_UNAVAILABLE);
        cr_expect_eq(battery.ops->put_key(battery.store, &key, &change, NULL, &battery.err),
                     GF_UNAVAILABLE);
        cr_expect_eq(battery.ops->remove_namespace(battery.store, 7, &battery.err), GF_UNAVAILABLE);
        factory->fail_after(battery.store, -1);
        struct gf_secret secret;
        must(&battery, battery.ops->get(battery.store, &place, 0, &battery.arena, &secret, NULL,
                                        &battery.err));
        cr_expect_eq(secret.latest_version, 1);
        cr_expect_not(battery_has(&battery, other));
        cr_expect_eq(battery_count_keys(&battery, GF_SECRET_KEY_VALUES, 7), 1);
        cr_expect_eq(battery_count_changes(&battery), 1);
    }
    battery_close(&battery);
}

void gf_secret_store_battery_everything_survives_a_reopen(
    const struct gf_secret_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    if (factory->reopen != NULL) {
        const struct gf_secret_place place = battery_place(7, 70, "password");
        battery_put(&battery, place, 1, 1);
        battery.ops->destroy(battery.store);
        battery.store = factory->reopen(factory->ctx);
        cr_assert_not_null(battery.store);
        battery.ops = battery.store->ops;
        cr_expect(battery_has(&battery, place));
        cr_expect_eq(battery_count_keys(&battery, GF_SECRET_KEY_VALUES, 7), 1);
        cr_expect_eq(battery_count_changes(&battery), 1);
        battery_put(&battery, place, 2, 1);
        cr_expect_eq(battery_count_changes(&battery), 2);
    }
    battery_close(&battery);
}
