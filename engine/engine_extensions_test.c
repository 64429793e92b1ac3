/* Containers of extensions, from the install to the launch, and over a restart. */
#include "engine/core/limits.h"
#include "engine/secrets/memory/memory.h"
#include "engine/secrets/testing/vault_fixture.h"
#include "engine/testing/caller.h"
#include "engine/testing/rig.h"

#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

/* What the scheduler was given of the last launch. */
struct seen {
    char image[64];
    char masked[512]; /* the values, each with a newline behind */
    char registry[256];
    char namespace_id[64];
    int64_t pipeline_key;
    int64_t ring_log_bytes;
    enum gf_network_mode network;
    enum gf_pull_policy pull;
    bool task_api;
    bool disable_logs;
};

static struct rig rig;
static struct gf_vault_fixture secrets;
static struct seen seen;
static struct gf_latch failed; /* a row tells of trouble */
static char trouble[512];

static void put_text(char *out, size_t size, struct gf_str text) {
    (void)snprintf(out, size, "%" GF_STR_FMT, GF_STR_ARG(text));
}

static void look(void *ctx, const struct gf_launch *launch) {
    struct seen *out = ctx;
    *out = (struct seen){.pipeline_key = launch->pipeline_key,
                         .ring_log_bytes = launch->ring_log_bytes,
                         .network = launch->task->network,
                         .pull = launch->task->pull,
                         .task_api = launch->task_api,
                         .disable_logs = launch->disable_logs};
    put_text(out->image, sizeof(out->image), launch->task->image);
    put_text(out->namespace_id, sizeof(out->namespace_id), launch->namespace_id);
    (void)snprintf(out->registry, sizeof(out->registry), "%" GF_STR_FMT " %" GF_STR_FMT,
                   GF_STR_ARG(launch->registry_user), GF_STR_ARG(launch->registry_password));
    size_t at = 0;
    for (size_t i = 0; i < launch->masked_count; i++) {
        const struct gf_str value = launch->masked[i];
        cr_assert_lt(at + value.len + 2, sizeof(out->masked));
        memcpy(out->masked + at, value.ptr, value.len);
        at += value.len;
        out->masked[at++] = '\n';
    }
    cr_expect_null(launch->environment[launch->environment_count]);
}

static void committed(void *ctx, const struct gf_batch *batch) {
    (void)ctx;
    for (size_t i = 0; i < batch->extensions.count; i++) {
        const struct gf_str text = batch->extensions.items[i]->last_trouble;
        if (text.len > 0) {
            put_text(trouble, sizeof(trouble), text);
            gf_latch_open(&failed);
        }
    }
}

static void start(struct gf_vault *vault) {
    rig.vault = vault;
    rig.listener = (struct gf_engine_listener){.committed = committed};
    rig_restart(&rig, (struct gf_core_limits){0}, NULL);
    rig.puppet.on_launch = look;
    rig.puppet.ctx = &seen;
}

static void setup(void) {
    gf_latch_init(&failed);
    rig_init(&rig, (struct gf_core_limits){0});
    gf_vault_fixture_init(&secrets, gf_memory_secret_store_create());
    start(secrets.vault);
}

static void teardown(void) {
    rig_fini(&rig);
    gf_vault_fixture_fini(&secrets);
    gf_latch_fini(&failed);
}

TestSuite(engine_extensions, .init = setup, .fini = teardown, .timeout = 60);

static struct gf_extension stored(const char *extension_id) {
    const struct gf_store_ops *ops = rig.store->ops;
    struct gf_extension row = {0};
    struct gf_store_reader *reader = ops->open_reader(rig.store);
    cr_assert_eq(ops->extensions->get(reader, gf_str_from(extension_id), &rig.arena, &row, NULL),
                 GF_OK);
    ops->close_reader(rig.store, reader);
    return row;
}

static void give(enum gf_input_kind kind, const struct gf_extension_spec *spec) {
    struct caller caller;
    caller_extension(&caller, kind, "cron", spec);
    cr_assert_eq(caller_call(&caller, rig.engine), GF_OK, "%s", caller.error.message);
}

static void say(enum gf_input_kind kind, int32_t attempt) {
    struct caller caller;
    caller_extension_word(&caller, kind, stored("cron").extension_key, attempt);
    cr_assert_eq(caller_call(&caller, rig.engine), GF_OK, "%s", caller.error.message);
}

static const char *token_of(int32_t attempt) {
    const struct gf_extension row = stored("cron");
    const struct gf_extension_identity identity = {.extension_key = row.extension_key,
                                                   .attempt = attempt,
                                                   .extension_id = row.extension_id,
                                                   .create_time = row.create_time};
    struct gf_token_text token;
    gf_vault_make_extension_token(secrets.vault, &identity, &token);
    return gf_arena_strdup(&rig.arena, token.chars);
}

/* ---- What a container gets ---- */

Test(engine_extensions, a_container_gets_what_it_connects_with) {
    const struct gf_extension_spec spec = {
        .image = GF_STR("gofer/cron:1"), .network = GF_NETWORK_NONE, .settings = GF_STR("sealed")};
    give(GF_INPUT_INSTALL_EXTENSION, &spec);
    const struct puppet_launch launch = puppet_wait_launch(&rig.puppet, 1);
    const char *token = token_of(1);
    cr_expect_str_eq(launch.environment,
                     gf_arena_printf(&rig.arena,
                                     "GOFER_API_TOKEN=%s\nGOFER_EXTENSION_ID=cron\n"
                                     "GOFER_HOST=" GF_TASK_API_HOST "\nGOFER_TOKEN=%s\n",
                                     token, token),
                     "sorted, and nothing else");
    cr_expect_str_eq(seen.masked, gf_arena_printf(&rig.arena, "%s\n", token));
    cr_expect_str_eq(seen.image, "gofer/cron:1");
    cr_expect_eq(seen.network, GF_NETWORK_NONE);
    cr_expect_eq(seen.pull, GF_PULL_UNSPECIFIED);
    cr_expect(seen.task_api);
    cr_expect_not(seen.disable_logs);
    cr_expect_eq(seen.ring_log_bytes, GF_RING_LOG_BYTES_DEFAULT);
    cr_expect_str_eq(seen.registry, " ");
    cr_expect_str_eq(launch.pipeline_id, "cron");
    cr_expect_str_eq(seen.namespace_id, "");
    cr_expect_eq(seen.pipeline_key, 0);
    cr_expect_eq(launch.run_id, stored("cron").extension_key);
    cr_expect_eq(launch.attempt.run_key, stored("cron").extension_key);
    cr_expect_eq(launch.timeout_ms, 0, "it has no end");
    cr_expect_eq(launch.stop_timeout_ms, GF_STOP_TIMEOUT_MS_DEFAULT);
}

Test(engine_extensions, the_token_verifies_for_its_container_alone) {
    const struct gf_extension_spec spec = {.image = GF_STR("one")};
    struct gf_error err = {0};
    give(GF_INPUT_INSTALL_EXTENSION, &spec);
    (void)puppet_wait_launch(&rig.puppet, 1);
    const struct gf_extension row = stored("cron");
    struct gf_extension_identity identity = {row.extension_key, 1, row.extension_id,
                                             row.create_time};
    const char *token = gf_arena_strdup(&rig.arena, seen.masked);
    const struct gf_str text = {token, strlen(token) - 1};
    cr_expect_eq(gf_vault_verify_extension_token(secrets.vault, &identity, text, &err), GF_OK);
    identity.attempt = 2;
    cr_expect_eq(gf_vault_verify_extension_token(secrets.vault, &identity, text, &err),
                 GF_UNAUTHENTICATED);
}

Test(engine_extensions, global_secrets_are_filled_in_for_its_registry) {
    const struct gf_str globs[] = {GF_STR("team-*")}; /* whose pipelines; an extension is none */
    const struct gf_vault_put put = {.place = {.key = GF_STR("PASSWORD")},
                                     .value = GF_STR("hush-hush"),
                                     .namespaces = globs,
                                     .namespace_count = 1};
    const struct gf_vault_caller caller = {0};
    struct gf_vault_put_result result;
    cr_assert_eq(gf_vault_put(secrets.vault, &put, &caller, &rig.arena, &result, NULL), GF_OK);
    const struct gf_extension_spec spec = {
        .image = GF_STR("one"),
        .registry_auth = {.user = GF_STR("ann"), .password = GF_STR("global_secret{{PASSWORD}}")}};
    give(GF_INPUT_INSTALL_EXTENSION, &spec);
    (void)puppet_wait_launch(&rig.puppet, 1);
    cr_expect_str_eq(seen.registry, "ann hush-hush");
    cr_expect_not_null(strstr(seen.masked, "hush-hush\n"));
}

Test(engine_extensions, a_secret_that_is_not_there_fails_the_launch) {
    const struct gf_extension_spec spec = {
        .image = GF_STR("one"),
        .registry_auth = {.user = GF_STR("ann"), .password = GF_STR("global_secret{{PASSWORD}}")}};
    give(GF_INPUT_INSTALL_EXTENSION, &spec);
    gf_latch_wait(&failed);
    cr_expect_not_null(strstr(trouble, "PASSWORD"), "%s", trouble);
    cr_expect_not_null(strstr(trouble, "credentials for the registry"), "%s", trouble);
    cr_expect_eq(puppet_launch_count(&rig.puppet), 0);
}

Test(engine_extensions, a_token_needs_a_vault) {
    const struct gf_extension_spec spec = {.image = GF_STR("one")};
    start(NULL);
    give(GF_INPUT_INSTALL_EXTENSION, &spec);
    gf_latch_wait(&failed);
    cr_expect_str_eq(trouble, "the extension gets a token, and this server makes none");
}

/* ---- Its life ---- */

Test(engine_extensions, an_update_launches_beside_it_and_ends_the_old_one) {
    struct gf_extension_spec spec = {.image = GF_STR("one")};
    give(GF_INPUT_INSTALL_EXTENSION, &spec);
    const struct gf_attempt first = puppet_wait_launch(&rig.puppet, 1).attempt;
    puppet_started(&rig.puppet, first);
    say(GF_INPUT_EXTENSION_READY, 1);
    spec.image = GF_STR("two");
    give(GF_INPUT_UPDATE_EXTENSION, &spec);
    const struct gf_attempt second = puppet_wait_launch(&rig.puppet, 2).attempt;
    cr_expect_str_eq(seen.image, "two");
    cr_expect_eq(seen.pull, GF_PULL_UNSPECIFIED);
    cr_expect_eq(second.run_key, first.run_key);
    cr_expect_eq(second.attempt, 2);
    say(GF_INPUT_EXTENSION_READY, 2);
    say(GF_INPUT_EXTENSION_DRAINED, 1);
    const struct puppet_stop stop = puppet_wait_stop(&rig.puppet, 1);
    cr_expect_eq(stop.attempt.attempt, 1);
    cr_expect_not(stop.force);
    puppet_stopped(&rig.puppet, first);
    puppet_wait_forget(&rig.puppet, 1);
    cr_expect_eq(stored("cron").serving.attempt, 2);
    struct caller caller;
    caller_extension(&caller, GF_INPUT_UPDATE_EXTENSION, "cron", &spec);
    caller.command.input.u.extension.change.relaunch = true;
    cr_assert_eq(caller_call(&caller, rig.engine), GF_OK);
    (void)puppet_wait_launch(&rig.puppet, 3);
    cr_expect_eq(seen.pull, GF_PULL_ALWAYS, "what its name means may have changed");
}

Test(engine_extensions, a_restart_names_its_containers_to_the_scheduler) {
    struct gf_extension_spec spec = {.image = GF_STR("one")};
    give(GF_INPUT_INSTALL_EXTENSION, &spec);
    puppet_started(&rig.puppet, puppet_wait_launch(&rig.puppet, 1).attempt);
    say(GF_INPUT_EXTENSION_READY, 1);
    spec.image = GF_STR("two");
    give(GF_INPUT_UPDATE_EXTENSION, &spec);
    (void)puppet_wait_launch(&rig.puppet, 2);
    start(secrets.vault);
    cr_assert(rig.puppet.recover_called);
    cr_assert_eq(rig.puppet.recovered.count, 2);
    const struct gf_attempt second = {stored("cron").extension_key, /* task_index= */ 0, 2};
    cr_expect_eq(rig.puppet.recovered.items[0].run_key, second.run_key);
    puppet_never_started(&rig.puppet, second);
    const struct puppet_launch launch = puppet_wait_launch(&rig.puppet, 1);
    cr_expect_eq(launch.attempt.attempt, 2, "with the same number");
    cr_expect_str_eq(seen.image, "two");
    cr_expect_str_eq(seen.masked, gf_arena_printf(&rig.arena, "%s\n", token_of(2)));
}

Test(engine_extensions, what_is_uninstalled_is_stopped) {
    const struct gf_extension_spec spec = {.image = GF_STR("one")};
    struct caller caller;
    give(GF_INPUT_INSTALL_EXTENSION, &spec);
    (void)puppet_wait_launch(&rig.puppet, 1);
    caller_extension_choice(&caller, GF_INPUT_UNINSTALL_EXTENSION, "cron");
    cr_assert_eq(caller_call(&caller, rig.engine), GF_OK);
    cr_expect_eq(puppet_wait_stop(&rig.puppet, 1).attempt.attempt, 1);
    start(secrets.vault);
    cr_expect_eq(rig.puppet.recovered.count, 0, "nobody names it, so it is ended");
}
