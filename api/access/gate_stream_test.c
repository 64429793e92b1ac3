/* Streams that are open when what their callers may do changes; and what a gate reads at first. */
#include "api/access/testing/rig.h"
#include "base/sync.h"
#include "engine/store/memory/memory.h"
#include "gofer/v1/event.gofer.h"
#include "gofer/v1/run.gofer.h"

#include <stdio.h>

#include <criterion/criterion.h>

static struct gf_gate_rig rig;
static struct gf_gate_rig_token token;
static struct gf_error error;
static struct gf_rpc_stream *stream;
static _Atomic(struct gf_rpc_call *) held; /* the call of the stream */
static struct gf_gate_watch watch;
static atomic_int change_count;

static void hold(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx) {
    (void)request;
    (void)ctx;
    atomic_store(&held, call);
}

static void note_change(void *ctx) {
    (void)ctx;
    atomic_fetch_add(&change_count, 1);
}

/* Opens a WatchRun of red/nightly/1 by a token with the role "team". */
static void setup(void) {
    gf_gate_rig_start(&rig, &(struct gf_gate_options){.token_rate_max = -1}, NULL);
    gf_gate_set_changed(rig.gate, note_change, NULL);
    rig.on_start = hold;
    const char *const role = "team";
    gf_gate_rig_put_namespace_role(&rig, role, "red");
    gf_gate_rig_make_token(1, GF_TOKEN_KIND_BOT, &role, 1, &token);
    token.row.expire_time = gf_clock_wall_ns(&rig.clock.clock) + GF_NS_PER_HOUR;
    gf_gate_rig_put_token(&rig, &token);
    cr_assert_eq(atomic_load(&change_count), 0, "nobody has a stream yet");
    Gofer__V1__WatchRunRequest request = GOFER__V1__WATCH_RUN_REQUEST__INIT;
    request.namespace_id = "red";
    request.pipeline_id = "nightly";
    request.run_id = 1;
    char value[GF_TOKEN_CHARS_MAX + 16];
    (void)snprintf(value, sizeof(value), "Bearer %s", token.text.chars);
    const struct gf_rpc_metadata metadata = {"authorization", value};
    const struct gf_rpc_call_opts opts = {
        .timeout_ms = 60000, .metadata = &metadata, .metadata_count = 1};
    cr_assert_eq(gf_rpc_stream_open(rig.people.channel,
                                    gf_gate_rig_method("gofer.v1.RunService/WatchRun"), &opts,
                                    &request.base, &stream, &error),
                 GF_OK);
    while (atomic_load(&held) == NULL) {
        sched_yield();
    }
    cr_assert_eq(gf_gate_check_stream(atomic_load(&held), &watch, &error), GF_OK);
}

static void teardown(void) {
    gf_rpc_stream_destroy(stream);
    gf_gate_rig_stop(&rig);
}

TestSuite(access_stream, .init = setup, .fini = teardown);

static enum gf_code check(void) {
    return gf_gate_check_stream(atomic_load(&held), &watch, &error);
}

Test(access_stream, goes_on_while_nothing_of_its_own_changes) {
    struct gf_gate_rig_token other;
    const char *const role = "others";
    gf_gate_rig_make_token(2, GF_TOKEN_KIND_BOT, &role, 1, &other);
    gf_gate_rig_put_token(&rig, &other);
    gf_gate_rig_put_namespace_role(&rig, role, "blue");
    gf_gate_rig_remove_token(&rig, &other);
    cr_assert_eq(check(), GF_OK);
    gf_gate_rig_put_namespace_role(&rig, "team", "re?");
    cr_assert_eq(check(), GF_OK, "it still may");
}

Test(access_stream, ends_with_its_token) {
    token.row.disabled = true;
    gf_gate_rig_put_token(&rig, &token);
    cr_assert_eq(atomic_load(&change_count), 1);
    cr_assert_eq(check(), GF_UNAUTHENTICATED);
    cr_assert_str_eq(error.reason, "TOKEN_INVALID");
}

Test(access_stream, ends_when_its_token_is_deleted) {
    gf_gate_rig_remove_token(&rig, &token);
    cr_assert_eq(atomic_load(&change_count), 1);
    cr_assert_eq(check(), GF_UNAUTHENTICATED);
    cr_assert_eq(check(), GF_UNAUTHENTICATED, "and stays so");
}

Test(access_stream, ends_when_its_token_expires) {
    const int64_t expiry = gf_gate_next_expiry(rig.gate);
    cr_assert_eq(expiry, token.row.expire_time);
    gf_gate_expire(rig.gate);
    cr_assert_eq(atomic_load(&change_count), 0);
    gf_fake_clock_advance(&rig.clock, expiry - gf_clock_wall_ns(&rig.clock.clock));
    gf_gate_expire(rig.gate);
    cr_assert_eq(atomic_load(&change_count), 1);
    cr_assert_eq(check(), GF_UNAUTHENTICATED);
    cr_assert_eq(gf_gate_next_expiry(rig.gate), GF_NEVER);
}

Test(access_stream, ends_when_its_role_allows_it_no_more) {
    gf_gate_rig_put_namespace_role(&rig, "team", "blue");
    cr_assert_eq(atomic_load(&change_count), 1);
    cr_assert_eq(check(), GF_PERMISSION_DENIED);
    cr_assert_str_eq(error.message, "needs action READ on resource RUNS in namespace 'red'");
    gf_gate_rig_put_namespace_role(&rig, "team", "red");
    cr_assert_eq(check(), GF_OK, "nothing was kept of the refusal");
}

Test(access_stream, ends_when_its_role_is_deleted) {
    gf_gate_rig_remove_role(&rig, "team");
    cr_assert_eq(atomic_load(&change_count), 1);
    cr_assert_eq(check(), GF_PERMISSION_DENIED);
}

Test(access_stream, one_change_tells_of_many) {
    struct gf_token row = token.row;
    row.token_id = gf_str_from(token.id.chars);
    row.role_ids = token.role_ids;
    row.disabled = true;
    struct gf_batch batch = {.bootstrapped = false};
    gf_vec_push(&batch.tokens, &row);
    gf_vec_push(&batch.deleted_roles, GF_STR("team"));
    rig.listener.committed(rig.listener.ctx, &batch);
    gf_vec_fini(&batch.tokens);
    gf_vec_fini(&batch.deleted_roles);
    cr_assert_eq(atomic_load(&change_count), 1);
    cr_assert_eq(check(), GF_UNAUTHENTICATED);
}

/* ---- the start ---- */

static void fill_store(struct gf_store *store, size_t token_count) {
    static struct gf_gate_rig_token tokens[1200];
    static struct gf_token rows[1200];
    static const char *const role = "team";
    struct gf_batch batch = {.bootstrapped = false};
    cr_assert_leq(token_count, GF_ARRAY_COUNT(tokens));
    for (size_t i = 0; i < token_count; i++) {
        gf_gate_rig_make_token(i, GF_TOKEN_KIND_BOT, &role, 1, &tokens[i]);
        rows[i] = tokens[i].row;
        rows[i].token_id = gf_str_from(tokens[i].id.chars);
        rows[i].role_ids = tokens[i].role_ids;
        rows[i].create_time = (int64_t)i / 10 + 1; /* some at the same time */
        gf_vec_push(&batch.tokens, &rows[i]);
    }
    const struct gf_str everywhere = GF_STR("*");
    const enum gf_permission_action action = GF_PERMISSION_ACTION_READ;
    const struct gf_permission_target target = {.resource = GF_PERMISSION_RESOURCE_RUNS};
    const struct gf_permission permission = {&everywhere, 1, &target, 1, &action, 1, 0};
    const struct gf_role team = {
        .role_id = GF_STR("team"), .permissions = &permission, .permission_count = 1};
    gf_vec_push(&batch.roles, &team);
    cr_assert_eq(store->ops->commit(store, &batch, &error), GF_OK, "%s", error.message);
    gf_vec_fini(&batch.tokens);
    gf_vec_fini(&batch.roles);
}

Test(access_load, all_tokens_and_roles_of_the_store_are_there) {
    struct gf_store *store = gf_memory_store_create();
    fill_store(store, 1200);
    gf_gate_rig_start(&rig, &(struct gf_gate_options){.token_rate_max = -1}, NULL);
    cr_assert_eq(gf_gate_load(rig.gate, store, &error), GF_OK, "%s", error.message);
    Gofer__V1__GetRunRequest request = GOFER__V1__GET_RUN_REQUEST__INIT;
    request.pipeline_id = "nightly";
    request.run_id = 1;
    const char *const role = "team";
    for (size_t i = 0; i < 1200; i += 7) {
        gf_gate_rig_make_token(i, GF_TOKEN_KIND_BOT, &role, 1, &token);
        cr_assert_eq(gf_gate_rig_call_as(&rig.people,
                                         gf_gate_rig_method("gofer.v1.RunService/GetRun"), &token,
                                         &request.base, &error),
                     GF_OK, "%zu: %s", i, error.message);
    }
    gf_gate_rig_stop(&rig);
    store->ops->destroy(store);
}
