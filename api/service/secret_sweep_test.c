#include "api/service/secret_sweep.h"
#include "engine/core/limits.h"
#include "engine/secrets/memory/memory.h"
#include "engine/secrets/testing/vault_fixture.h"

#include <criterion/criterion.h>

enum {
    DESCRIPTION_BYTES = 4 * GF_DESCRIPTION_CHARS_MAX,
};

/* A store that knows some namespaces and pipelines, by their keys. */
struct known {
    struct gf_store store;
    struct gf_store_ops ops;
    int64_t namespaces[4]; /* up to the first 0 */
    int64_t pipelines[4];
    size_t many_count; /* namespaces besides, with the longest descriptions; keys from 1000 */
    bool fails;
};

static struct known known;
static struct gf_vault_fixture fixture;
static struct gf_event_hub *hub;
static struct gf_pool *pool;
static struct gf_secret_sweep *sweep;

static struct gf_store_reader *open_reader(struct gf_store *store) {
    return (struct gf_store_reader *)store;
}

static void close_reader(GF_UNUSED struct gf_store *store,
                         GF_UNUSED struct gf_store_reader *reader) {
}

/* Those of `many_count` behind `after`, which is the id of one of them. */
static enum gf_code list_many(struct gf_str after, size_t limit, struct gf_arena *arena,
                              struct gf_namespace **out_items, size_t *out_count) {
    struct gf_namespace *items = GF_ARENA_ARRAY(arena, limit, struct gf_namespace);
    int64_t next = 0;
    size_t count = 0;
    if (after.len > 0) {
        cr_assert(gf_parse_i64(after, &next));
        next++;
    }
    for (; count < limit && (size_t)next < known.many_count; count++, next++) {
        items[count].namespace_key = 1000 + next;
        items[count].namespace_id = gf_str_from(gf_arena_printf(arena, "%05d", (int)next));
        items[count].description =
            (struct gf_str){gf_arena_alloc(arena, DESCRIPTION_BYTES), DESCRIPTION_BYTES};
    }
    *out_items = items;
    *out_count = count;
    return GF_OK;
}

static enum gf_code list_namespaces(GF_UNUSED struct gf_store_reader *reader, struct gf_str after,
                                    size_t limit, struct gf_arena *arena,
                                    struct gf_namespace **out_items, size_t *out_count,
                                    struct gf_error *err) {
    if (known.many_count > 0) {
        return list_many(after, limit, arena, out_items, out_count);
    }
    struct gf_namespace *items = GF_ARENA_ARRAY(arena, 4, struct gf_namespace);
    size_t count = 0;
    if (known.fails) {
        return gf_fail(err, GF_UNAVAILABLE, "no answer");
    }
    for (; count < 4 && known.namespaces[count] != 0; count++) {
        items[count].namespace_key = known.namespaces[count];
    }
    *out_items = items;
    *out_count = count;
    return GF_OK;
}

static enum gf_code get_pipeline_by_key(GF_UNUSED struct gf_store_reader *reader, int64_t key,
                                        GF_UNUSED struct gf_arena *arena,
                                        GF_UNUSED struct gf_pipeline *out, struct gf_error *err) {
    for (size_t i = 0; i < 4; i++) {
        if (known.pipelines[i] == key) {
            return GF_OK;
        }
    }
    return gf_fail(err, GF_NOT_FOUND, "pipeline not found");
}

static void setup(void) {
    const struct gf_pool_opts opts = {.thread_count = 1, .queue_limit = 4, .name = "test"};
    known.ops = (struct gf_store_ops){.open_reader = open_reader,
                                      .close_reader = close_reader,
                                      .list_namespaces = list_namespaces,
                                      .get_pipeline_by_key = get_pipeline_by_key};
    known.store.ops = &known.ops;
    gf_vault_fixture_init(&fixture, gf_memory_secret_store_create());
    hub = gf_event_hub_create();
    pool = gf_pool_create(&opts);
}

static void teardown(void) {
    gf_secret_sweep_stop(sweep);
    gf_pool_join(pool);
    gf_secret_sweep_destroy(sweep);
    gf_pool_destroy(pool);
    gf_event_hub_destroy(hub);
    gf_vault_fixture_fini(&fixture);
}

TestSuite(secret_sweep, .init = setup, .fini = teardown);

static void start(int64_t next_namespace_key, int64_t next_pipeline_key) {
    const struct gf_secret_sweep_options options = {
        .store = &known.store,
        .vault = fixture.vault,
        .hub = hub,
        .pool = pool,
        .next_namespace_key = next_namespace_key,
        .next_pipeline_key = next_pipeline_key,
    };
    cr_assert_eq(gf_secret_sweep_start(&options, &sweep, &fixture.err), GF_OK);
    gf_pool_drain(pool);
}

/* The sweep that it causes has ended when this returns. */
static void tell(int64_t sequence, enum gf_event_kind kind) {
    const struct gf_event event = {
        .sequence = sequence, .kind = kind, .namespace_id = GF_STR("team-a")};
    gf_event_hub_publish(hub, &event, 1);
    gf_pool_drain(pool);
}

static bool is_there(const char *path) {
    const char *value = NULL;
    return gf_vault_fixture_try_read(&fixture, path, &value) == GF_OK;
}

Test(secret_sweep, what_was_deleted_before_the_start_goes) {
    gf_vault_fixture_put(&fixture, "7/70/KEY", "value");
    gf_vault_fixture_put(&fixture, "7/71/KEY", "value");
    gf_vault_fixture_put(&fixture, "8/80/KEY", "value");
    gf_vault_fixture_put(&fixture, "/KEY", "value");
    known.namespaces[0] = 7;
    known.pipelines[0] = 70;
    start(100, 100);
    cr_expect(is_there("7/70/KEY"));
    cr_expect_not(is_there("7/71/KEY"));
    cr_expect_not(is_there("8/80/KEY"));
    cr_expect(is_there("/KEY"), "global ones belong to nobody");
}

Test(secret_sweep, a_deletion_causes_the_next_one) {
    gf_vault_fixture_put(&fixture, "7/70/KEY", "value");
    gf_vault_fixture_put(&fixture, "7/71/KEY", "value");
    known.namespaces[0] = 7;
    known.pipelines[0] = 70;
    known.pipelines[1] = 71;
    start(100, 100);
    cr_expect(is_there("7/70/KEY") && is_there("7/71/KEY"));
    known.pipelines[0] = 0;
    tell(1, GF_EVENT_PIPELINE_CREATED);
    cr_expect(is_there("7/70/KEY"), "it is no deletion");
    tell(2, GF_EVENT_PIPELINE_DELETED);
    cr_expect_not(is_there("7/70/KEY"));
    cr_expect(is_there("7/71/KEY"));
    known.namespaces[0] = 0;
    tell(3, GF_EVENT_NAMESPACE_DELETED);
    cr_expect_not(is_there("7/71/KEY"));
}

/* A store that was replaced by an older one does not know what it gives away again later. */
Test(secret_sweep, what_the_store_never_gave_away_is_left_alone) {
    gf_vault_fixture_put(&fixture, "7/70/KEY", "value");
    gf_vault_fixture_put(&fixture, "9/10/KEY", "value");
    known.namespaces[0] = 7;
    start(9, 70);
    cr_expect(is_there("7/70/KEY"), "a pipeline that is not there yet");
    cr_expect(is_there("9/10/KEY"), "a namespace that is not there yet");
    tell(1, GF_EVENT_PIPELINE_DELETED);
    cr_expect(is_there("7/70/KEY"));
}

Test(secret_sweep, nothing_goes_where_the_store_does_not_answer) {
    gf_vault_fixture_put(&fixture, "7/70/KEY", "value");
    known.fails = true;
    start(100, 100);
    cr_expect(is_there("7/70/KEY"));
    known.fails = false;
    tell(1, GF_EVENT_PIPELINE_DELETED);
    cr_expect_not(is_there("7/70/KEY"));
}

Test(secret_sweep, namespaces_may_be_as_many_and_as_large_as_can_be) {
    gf_vault_fixture_put(&fixture, "1000/70/KEY", "value");
    gf_vault_fixture_put(&fixture, "10999/71/KEY", "value");
    gf_vault_fixture_put(&fixture, "11000/72/KEY", "value");
    known.many_count = GF_NAMESPACES_MAX;
    known.pipelines[0] = 70;
    known.pipelines[1] = 71;
    start(20000, 100);
    cr_expect(is_there("1000/70/KEY"));
    cr_expect(is_there("10999/71/KEY"));
    cr_expect_not(is_there("11000/72/KEY"));
}

Test(secret_sweep, keys_of_all_secrets_are_known) {
    int64_t namespace_key = 0;
    int64_t pipeline_key = 0;
    gf_vault_fixture_put(&fixture, "/KEY", "value");
    cr_assert_eq(gf_secret_next_keys(fixture.vault, &namespace_key, &pipeline_key, &fixture.err),
                 GF_OK);
    cr_expect_eq(namespace_key, 1);
    cr_expect_eq(pipeline_key, 1);
    gf_vault_fixture_put(&fixture, "7/90/KEY", "value");
    gf_vault_fixture_put(&fixture, "9/10/KEY", "value");
    cr_assert_eq(gf_secret_next_keys(fixture.vault, &namespace_key, &pipeline_key, &fixture.err),
                 GF_OK);
    cr_expect_eq(namespace_key, 10);
    cr_expect_eq(pipeline_key, 91);
}
