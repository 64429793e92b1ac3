/* Extensions at the gate: the tokens of their containers, and those that somebody made for them. */
#include "api/access/testing/rig.h"
#include "base/sync.h"
#include "engine/secrets/memory/memory.h"
#include "engine/secrets/testing/keys.h"
#include "engine/store/memory/memory.h"
#include "gofer/extension/v1/extension.gofer.h"
#include "gofer/v1/extension.gofer.h"
#include "gofer/v1/token.gofer.h"

#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

static struct gf_gate_rig rig;
static struct gf_vault *vault;
static struct gf_secret_store *secrets;
static struct gf_error error;
static struct gf_principal seen; /* by the last call that was let in; its texts are gone */
static char seen_id[64];
static char seen_user[64];

static void note(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx) {
    (void)request;
    (void)ctx;
    seen = *gf_principal_of(call);
    (void)snprintf(seen_id, sizeof(seen_id), "%" GF_STR_FMT, GF_STR_ARG(seen.extension_id));
    (void)snprintf(seen_user, sizeof(seen_user), "%" GF_STR_FMT, GF_STR_ARG(seen.user));
    struct gf_error done;
    (void)gf_fail(&done, GF_ABORTED, "seen");
    gf_rpc_fail(call, &done);
}

static struct gf_extension cron(void) {
    return (struct gf_extension){
        .extension_key = 7,
        .extension_id = GF_STR("cron"),
        .create_time = 1234,
        .serving = {.attempt = 3, .state = GF_INSTANCE_RUNNING},
    };
}

static void setup(void) {
    secrets = gf_memory_secret_store_create();
    const struct gf_vault_options options = {
        .store = secrets, .masters = gf_test_masters(1), .clock = gf_clock_system()};
    cr_assert_eq(gf_vault_create(&options, &vault, &error), GF_OK, "%s", error.message);
    const struct gf_gate_options gate_options = {
        .vault = vault, .token_rate_max = -1, .address_rate_max = -1, .address_streams_max = -1};
    gf_gate_rig_start(&rig, &gate_options, NULL);
    rig.on_start = note;
}

static void teardown(void) {
    gf_gate_rig_stop(&rig);
    gf_vault_destroy(vault);
    secrets->ops->destroy(secrets);
}

TestSuite(access_extension, .init = setup, .fini = teardown);

static const char *bearer(const char *text) {
    static char value[GF_TOKEN_CHARS_MAX + 16];
    (void)snprintf(value, sizeof(value), "Bearer %s", text);
    return value;
}

static struct gf_token_text token_of(const struct gf_extension *row, int32_t attempt) {
    const struct gf_extension_identity identity = {row->extension_key, attempt, row->extension_id,
                                                   row->create_time};
    struct gf_token_text text;
    gf_vault_make_extension_token(vault, &identity, &text);
    return text;
}

/* GF_OK where it was let in, as `note` saw. */
static enum gf_code outcome(enum gf_code code) {
    return code == GF_ABORTED && strcmp(error.message, "seen") == 0 ? GF_OK : code;
}

static enum gf_code connect_at(const struct gf_gate_rig_server *server, const char *text) {
    return outcome(
        gf_gate_rig_call(server, gf_gate_rig_method("gofer.extension.v1.ExtensionService/Connect"),
                         bearer(text), NULL, &error));
}

static enum gf_code get_extension(const char *text, const char *extension_id) {
    Gofer__V1__GetExtensionRequest request = GOFER__V1__GET_EXTENSION_REQUEST__INIT;
    request.extension_id = (char *)extension_id;
    return outcome(gf_gate_rig_call(&rig.tasks,
                                    gf_gate_rig_method("gofer.v1.ExtensionService/GetExtension"),
                                    bearer(text), &request.base, &error));
}

static void put_by_hand(uint64_t seed, struct gf_gate_rig_token *token) {
    const char *const role = "all-of-red";
    gf_gate_rig_put_namespace_role(&rig, role, "red");
    gf_gate_rig_make_token(seed, GF_TOKEN_KIND_EXTENSION, &role, 1, token);
    token->row.extension_id = GF_STR("cron");
    gf_gate_rig_put_token(&rig, token);
}

/* ---- containers ---- */

Test(access_extension, container_is_let_in_at_both_doors) {
    const struct gf_extension row = cron();
    gf_gate_rig_put_extension(&rig, &row);
    const struct gf_token_text text = token_of(&row, 3);
    cr_assert_eq(connect_at(&rig.tasks, text.chars), GF_OK, "%s", error.message);
    cr_expect_eq(seen.kind, GF_PRINCIPAL_CONTAINER);
    cr_expect_eq(seen.token_kind, GF_TOKEN_KIND_EXTENSION);
    cr_expect_eq(seen.extension_key, 7);
    cr_expect_eq(seen.attempt, 3);
    cr_expect_str_eq(seen_id, "cron");
    cr_expect_str_eq(seen_user, "extension/cron");
    cr_assert_eq(connect_at(&rig.people, text.chars), GF_OK, "%s", error.message);
}

Test(access_extension, container_may_read_its_own_extension_alone) {
    const struct gf_extension row = cron();
    gf_gate_rig_put_extension(&rig, &row);
    const struct gf_token_text text = token_of(&row, 3);
    cr_assert_eq(get_extension(text.chars, "cron"), GF_OK, "%s", error.message);
    cr_assert_eq(get_extension(text.chars, "interval"), GF_PERMISSION_DENIED);
    cr_assert_eq(get_extension(text.chars, ""), GF_PERMISSION_DENIED);
}

Test(access_extension, each_container_has_a_token_of_its_own) {
    struct gf_extension row = cron();
    row.successor.attempt = 5;
    row.leaving.attempt = 1;
    gf_gate_rig_put_extension(&rig, &row);
    static const int32_t attempts[] = {3, 5, 1};
    for (size_t i = 0; i < GF_ARRAY_COUNT(attempts); i++) {
        const struct gf_token_text text = token_of(&row, attempts[i]);
        cr_expect_eq(connect_at(&rig.tasks, text.chars), GF_OK, "%s", error.message);
        cr_expect_eq(seen.attempt, attempts[i]);
    }
    const struct gf_token_text other = token_of(&row, 2);
    cr_expect_eq(connect_at(&rig.tasks, other.chars), GF_UNAUTHENTICATED);
    cr_expect_str_eq(error.reason, "TOKEN_INVALID");
}

Test(access_extension, token_ends_with_its_container) {
    struct gf_extension row = cron();
    gf_gate_rig_put_extension(&rig, &row);
    const struct gf_token_text text = token_of(&row, 3);
    cr_assert_eq(connect_at(&rig.tasks, text.chars), GF_OK);
    row.leaving = row.serving;
    row.serving.attempt = 4;
    gf_gate_rig_put_extension(&rig, &row);
    cr_assert_eq(connect_at(&rig.tasks, text.chars), GF_OK, "it leaves");
    row.leaving = (struct gf_extension_instance){.attempt = 0};
    gf_gate_rig_put_extension(&rig, &row);
    cr_assert_eq(connect_at(&rig.tasks, text.chars), GF_UNAUTHENTICATED);
    cr_expect_str_eq(error.reason, "TOKEN_INVALID");
}

Test(access_extension, token_of_the_one_before_of_that_name_does_not_let_in) {
    struct gf_extension row = cron();
    const struct gf_token_text text = token_of(&row, 3);
    row.create_time++;
    gf_gate_rig_put_extension(&rig, &row);
    cr_assert_eq(connect_at(&rig.tasks, text.chars), GF_UNAUTHENTICATED);
    gf_gate_rig_remove_extension(&rig, 7);
    const struct gf_token_text own = token_of(&row, 3);
    cr_assert_eq(connect_at(&rig.tasks, own.chars), GF_UNAUTHENTICATED, "it is uninstalled");
}

Test(access_extension, disabled_one_may_do_nothing) {
    struct gf_extension row = cron();
    struct gf_gate_rig_token by_hand;
    put_by_hand(1, &by_hand);
    gf_gate_rig_put_extension(&rig, &row);
    const struct gf_token_text text = token_of(&row, 3);
    row.disabled = true;
    gf_gate_rig_put_extension(&rig, &row);
    const char *const texts[] = {text.chars, by_hand.text.chars};
    for (size_t i = 0; i < GF_ARRAY_COUNT(texts); i++) {
        cr_expect_eq(connect_at(&rig.tasks, texts[i]), GF_PERMISSION_DENIED);
        cr_expect_str_eq(error.reason, "EXTENSION_DISABLED");
        cr_expect_eq(get_extension(texts[i], "cron"), GF_PERMISSION_DENIED);
    }
    row.disabled = false;
    gf_gate_rig_put_extension(&rig, &row);
    for (size_t i = 0; i < GF_ARRAY_COUNT(texts); i++) {
        cr_expect_eq(connect_at(&rig.tasks, texts[i]), GF_OK, "%s", error.message);
    }
}

/* ---- roles ---- */

static enum gf_code list_runs(const char *text, const char *namespace_id) {
    Gofer__V1__ListRunsRequest request = GOFER__V1__LIST_RUNS_REQUEST__INIT;
    request.namespace_id = (char *)namespace_id;
    request.pipeline_id = "nightly";
    return outcome(gf_gate_rig_call(&rig.people, gf_gate_rig_method("gofer.v1.RunService/ListRuns"),
                                    bearer(text), &request.base, &error));
}

Test(access_extension, roles_of_the_extension_hold_for_all_its_tokens_at_once) {
    struct gf_extension row = cron();
    struct gf_gate_rig_token by_hand;
    put_by_hand(1, &by_hand);
    gf_gate_rig_put_extension(&rig, &row);
    const struct gf_token_text text = token_of(&row, 3);
    gf_gate_rig_put_namespace_role(&rig, "all-of-blue", "blue");
    cr_assert_eq(list_runs(text.chars, "blue"), GF_PERMISSION_DENIED);
    cr_assert_eq(list_runs(by_hand.text.chars, "red"), GF_OK, "its own role");
    cr_assert_eq(list_runs(by_hand.text.chars, "blue"), GF_PERMISSION_DENIED);
    const struct gf_str role_id = GF_STR("all-of-blue");
    row.role_ids = &role_id;
    row.role_count = 1;
    gf_gate_rig_put_extension(&rig, &row);
    cr_assert_eq(list_runs(text.chars, "blue"), GF_OK, "%s", error.message);
    cr_assert_eq(list_runs(by_hand.text.chars, "blue"), GF_OK, "%s", error.message);
    gf_gate_rig_put_namespace_role(&rig, "all-of-blue", "green");
    cr_assert_eq(list_runs(text.chars, "blue"), GF_PERMISSION_DENIED, "the role changed");
    cr_assert_eq(list_runs(text.chars, "green"), GF_OK);
    row.role_count = 0;
    gf_gate_rig_put_extension(&rig, &row);
    cr_assert_eq(list_runs(text.chars, "green"), GF_PERMISSION_DENIED);
}

Test(access_extension, without_the_extension_a_token_may_ask_to_connect_and_nothing_else) {
    struct gf_gate_rig_token by_hand;
    put_by_hand(1, &by_hand);
    cr_assert_eq(connect_at(&rig.people, by_hand.text.chars), GF_OK, "%s", error.message);
    cr_expect_eq(seen.extension_key, 0);
    cr_expect_str_eq(seen_id, "cron");
    cr_assert_eq(list_runs(by_hand.text.chars, "red"), GF_PERMISSION_DENIED);
    cr_assert_eq(get_extension(by_hand.text.chars, "cron"), GF_PERMISSION_DENIED);
    const struct gf_extension row = cron();
    gf_gate_rig_put_extension(&rig, &row);
    cr_assert_eq(connect_at(&rig.people, by_hand.text.chars), GF_OK);
    cr_expect_eq(seen.extension_key, 7);
    cr_expect_eq(seen.attempt, 0);
    cr_assert_eq(list_runs(by_hand.text.chars, "red"), GF_OK);
    gf_gate_rig_remove_extension(&rig, 7);
    cr_assert_eq(list_runs(by_hand.text.chars, "red"), GF_PERMISSION_DENIED);
}

/* ---- open streams ---- */

static _Atomic(struct gf_rpc_call *) held;
static atomic_int change_count;

static void hold(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx) {
    (void)request;
    (void)ctx;
    atomic_store(&held, call);
}

static void note_change(void *ctx) {
    (void)ctx;
    (void)atomic_fetch_add(&change_count, 1);
}

static struct gf_rpc_stream *open_stream(const char *text) {
    rig.on_start = hold;
    gf_gate_set_changed(rig.gate, note_change, NULL);
    const struct gf_rpc_metadata metadata = {"authorization", bearer(text)};
    const struct gf_rpc_call_opts opts = {
        .timeout_ms = 60000, .metadata = &metadata, .metadata_count = 1};
    struct gf_rpc_stream *stream = NULL;
    cr_assert_eq(
        gf_rpc_stream_open(rig.tasks.channel,
                           gf_gate_rig_method("gofer.extension.v1.ExtensionService/Connect"), &opts,
                           NULL, &stream, &error),
        GF_OK);
    while (atomic_load(&held) == NULL) {
        sched_yield();
    }
    return stream;
}

static enum gf_code check(void) {
    struct gf_gate_watch watch = {.version = 0};
    return gf_gate_check_stream(atomic_load(&held), &watch, &error);
}

Test(access_extension, stream_ends_with_its_container) {
    struct gf_extension row = cron();
    gf_gate_rig_put_extension(&rig, &row);
    struct gf_rpc_stream *stream = open_stream(token_of(&row, 3).chars);
    row.serving.state = GF_INSTANCE_STOPPING;
    row.restart_count = 9;
    gf_gate_rig_put_extension(&rig, &row);
    cr_expect_eq(atomic_load(&change_count), 0, "nothing that it may do");
    cr_expect_eq(check(), GF_OK);
    row.serving.attempt = 4;
    gf_gate_rig_put_extension(&rig, &row);
    cr_expect_eq(atomic_load(&change_count), 1);
    cr_expect_eq(check(), GF_UNAUTHENTICATED);
    gf_rpc_stream_destroy(stream);
}

Test(access_extension, stream_by_hand_ends_when_the_extension_is_disabled) {
    struct gf_extension row = cron();
    struct gf_gate_rig_token by_hand;
    put_by_hand(1, &by_hand);
    gf_gate_rig_put_extension(&rig, &row);
    struct gf_rpc_stream *stream = open_stream(by_hand.text.chars);
    cr_expect_eq(check(), GF_OK);
    row.disabled = true;
    gf_gate_rig_put_extension(&rig, &row);
    cr_expect_eq(atomic_load(&change_count), 1);
    cr_expect_eq(check(), GF_PERMISSION_DENIED);
    cr_expect_str_eq(error.reason, "EXTENSION_DISABLED");
    gf_rpc_stream_destroy(stream);
}

Test(access_extension, stream_ends_when_the_extension_is_uninstalled) {
    const struct gf_extension row = cron();
    gf_gate_rig_put_extension(&rig, &row);
    struct gf_rpc_stream *stream = open_stream(token_of(&row, 3).chars);
    gf_gate_rig_remove_extension(&rig, 7);
    cr_expect_eq(atomic_load(&change_count), 1);
    cr_expect_eq(check(), GF_UNAUTHENTICATED);
    gf_rpc_stream_destroy(stream);
}

/* ---- the start ---- */

Test(access_extension, all_extensions_of_the_store_are_there_after_a_start) {
    struct gf_store *store = gf_memory_store_create();
    struct gf_batch batch = {.bootstrapped = false};
    const struct gf_extension row = cron();
    gf_vec_push(&batch.extensions, &row);
    cr_assert_eq(store->ops->commit(store, &batch, &error), GF_OK, "%s", error.message);
    gf_vec_fini(&batch.extensions);
    cr_assert_eq(gf_gate_load(rig.gate, store, &error), GF_OK, "%s", error.message);
    cr_assert_eq(connect_at(&rig.tasks, token_of(&row, 3).chars), GF_OK, "%s", error.message);
    store->ops->destroy(store);
}
