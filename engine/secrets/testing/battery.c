#include "engine/secrets/testing/battery_internal.h"

#include <inttypes.h>

enum {
    ARENA_BYTES_MAX = 64 << 20,
};

static const struct gf_str globs[] = {{"team-a", 6}, {"*-prod", 6}};

void battery_open(struct battery *battery, const struct gf_secret_store_factory *factory) {
    memset(battery, 0, sizeof(*battery));
    battery->factory = factory;
    battery->store = factory->create(factory->ctx);
    cr_assert_not_null(battery->store);
    battery->ops = battery->store->ops;
    gf_arena_init(&battery->arena, ARENA_BYTES_MAX);
}

void battery_close(struct battery *battery) {
    battery->ops->destroy(battery->store);
    gf_arena_fini(&battery->arena);
}

struct gf_secret_place battery_place(int64_t namespace_key, int64_t pipeline_key, const char *key) {
    return (struct gf_secret_place){namespace_key, pipeline_key, gf_str_from(key)};
}

struct gf_secret battery_secret(struct battery *battery, struct gf_secret_place place,
                                int64_t version, int64_t key_number) {
    char *mark = gf_arena_alloc(&battery->arena, GF_SECRET_MARK_BYTES);
    memset(mark, (int)version, GF_SECRET_MARK_BYTES);
    memset(mark + 1, 0, sizeof(int64_t));
    mark[1] = (char)key_number;
    const bool global = gf_secret_is_global(&place);
    return (struct gf_secret){
        .place = place,
        .namespace_id = global ? GF_STR("") : GF_STR("default"),
        .pipeline_id = global ? GF_STR("") : GF_STR("nightly"),
        .namespaces = global ? globs : NULL,
        .namespace_count = global ? GF_ARRAY_COUNT(globs) : 0,
        .description = gf_str_from(
            gf_arena_printf(&battery->arena, "described for version %" PRId64, version)),
        .latest_version = version,
        .create_time = 1000 * version,
        .update_time = 1000 * version,
        .mark = {mark, GF_SECRET_MARK_BYTES},
    };
}

struct gf_secret_version battery_version(struct battery *battery, int64_t version,
                                         int64_t key_number) {
    const char *sealed =
        gf_arena_printf(&battery->arena, "sealed %" PRId64 " by %" PRId64, version, key_number);
    return (struct gf_secret_version){
        .version = version,
        .create_time = 1000 * version,
        .create_user = GF_STR("somebody"),
        .size_bytes = 7 + version,
        .key_number = key_number,
        .sealed = {sealed, strlen(sealed) + 1}, /* with a zero byte */
    };
}

struct gf_secret_change battery_change(enum gf_secret_change_kind kind,
                                       struct gf_secret_place place, int64_t version) {
    return (struct gf_secret_change){
        .kind = kind,
        .place = place,
        .namespace_id = GF_STR("default"),
        .pipeline_id = GF_STR("nightly"),
        .version = version,
        .time = 77,
        .user = GF_STR("somebody"),
        .address = GF_STR("unix:"),
        .token_id = GF_STR("tok_1"),
    };
}

void battery_need_keys(struct battery *battery, int64_t namespace_key, int64_t number) {
    for (int64_t next = (int64_t)battery_count_keys(battery, GF_SECRET_KEY_VALUES, namespace_key);
         next < number; next++) {
        battery_put_key(battery, GF_SECRET_KEY_VALUES, namespace_key, next + 1, "master-a");
    }
}

enum gf_code battery_try_put(struct battery *battery, struct gf_secret_place place, int64_t version,
                             int64_t key_number) {
    battery_need_keys(battery, place.namespace_key, key_number);
    const struct gf_secret secret = battery_secret(battery, place, version, key_number);
    const struct gf_secret_version row = battery_version(battery, version, key_number);
    const struct gf_secret_change change = battery_change(GF_SECRET_CHANGE_PUT, place, version);
    return battery->ops->put(battery->store, &secret, &row, &change, NULL, &battery->err);
}

void battery_put(struct battery *battery, struct gf_secret_place place, int64_t version,
                 int64_t key_number) {
    must(battery, battery_try_put(battery, place, version, key_number));
}

bool battery_has(struct battery *battery, struct gf_secret_place place) {
    struct gf_secret secret;
    const enum gf_code rc =
        battery->ops->get(battery->store, &place, 0, &battery->arena, &secret, NULL, &battery->err);
    cr_assert(rc == GF_OK || rc == GF_NOT_FOUND);
    return rc == GF_OK;
}

struct gf_secret_key battery_key(struct battery *battery, enum gf_secret_key_purpose purpose,
                                 int64_t namespace_key, int64_t number, const char *master_key_id) {
    char *wrapped = gf_arena_alloc(&battery->arena, GF_SECRET_KEY_WRAPPED_BYTES);
    memset(wrapped, (int)(number + namespace_key), GF_SECRET_KEY_WRAPPED_BYTES);
    wrapped[3] = '\0';
    return (struct gf_secret_key){
        .purpose = purpose,
        .namespace_key = namespace_key,
        .number = number,
        .wrapped = {wrapped, GF_SECRET_KEY_WRAPPED_BYTES},
        .master_key_id = gf_str_from(master_key_id),
        .create_time = 10 * number,
        .state = GF_SECRET_KEY_ACTIVE,
    };
}

void battery_put_key(struct battery *battery, enum gf_secret_key_purpose purpose,
                     int64_t namespace_key, int64_t number, const char *master_key_id) {
    const struct gf_secret_key key =
        battery_key(battery, purpose, namespace_key, number, master_key_id);
    must(battery, battery->ops->put_key(battery->store, &key, NULL, NULL, &battery->err));
}

size_t battery_count_keys(struct battery *battery, enum gf_secret_key_purpose purpose,
                          int64_t namespace_key) {
    struct gf_secret_key *keys = NULL;
    size_t count = 0;
    must(battery, battery->ops->list_keys(battery->store, purpose, namespace_key, &battery->arena,
                                          &keys, &count, &battery->err));
    return count;
}

size_t battery_count_changes(struct battery *battery) {
    struct gf_secret_change *changes = NULL;
    size_t count = 0;
    must(battery, battery->ops->list_changes(battery->store, 0, 10000, &battery->arena, &changes,
                                             &count, &battery->err));
    return count;
}

void same_text(struct gf_str actual, struct gf_str expected, const char *what) {
    cr_expect(gf_str_eq(actual, expected), "%s: '%" GF_STR_FMT "', expected '%" GF_STR_FMT "'",
              what, GF_STR_ARG(actual), GF_STR_ARG(expected));
}
