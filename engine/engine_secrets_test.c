/* Secrets and tokens of tasks, from the config to the launch. */
#include "engine/core/testing/fixture.h"
#include "engine/engine_environment.h"
#include "engine/secrets/memory/memory.h"
#include "engine/secrets/testing/vault_fixture.h"
#include "engine/testing/caller.h"
#include "engine/testing/rig.h"

#include <string.h>

#include <criterion/criterion.h>

enum {
    NOTES_MAX = 4096,
};

/* What the scheduler was given of the last launch. */
struct seen {
    char masked[NOTES_MAX]; /* the values, each with a newline behind */
    size_t masked_count;
    bool task_api;
    bool disable_logs;
    char registry[256]; /* USER PASSWORD */
};

static struct rig rig;
static struct gf_vault_fixture secrets;
static struct seen seen;

static void look(void *ctx, const struct gf_launch *launch) {
    struct seen *out = ctx;
    *out = (struct seen){.masked_count = launch->masked_count,
                         .task_api = launch->task_api,
                         .disable_logs = launch->disable_logs};
    (void)snprintf(out->registry, sizeof(out->registry), "%" GF_STR_FMT " %" GF_STR_FMT,
                   GF_STR_ARG(launch->registry_user), GF_STR_ARG(launch->registry_password));
    size_t at = 0;
    for (size_t i = 0; i < launch->masked_count; i++) {
        const struct gf_str value = launch->masked[i];
        if (at + value.len + 2 < sizeof(out->masked)) {
            memcpy(out->masked + at, value.ptr, value.len);
            at += value.len;
            out->masked[at++] = '\n';
        }
    }
    cr_expect_null(launch->environment[launch->environment_count]);
}

static void start(struct gf_vault *vault) {
    rig.vault = vault;
    rig_restart(&rig, (struct gf_core_limits){0}, NULL);
    rig.puppet.on_launch = look;
    rig.puppet.ctx = &seen;
}

static void setup(void) {
    rig_init(&rig, (struct gf_core_limits){0});
    gf_vault_fixture_init(&secrets, gf_memory_secret_store_create());
    start(secrets.vault);
}

static void teardown(void) {
    rig_fini(&rig);
    gf_vault_fixture_fini(&secrets);
}

TestSuite(engine_secrets, .init = setup, .fini = teardown, .timeout = 60);

static const struct gf_vault_caller caller = {0};

/* Of pipeline "pipe" in "default", whose numbers the store knows; or global. */
static void put(const char *key, const char *value, const char *glob) {
    const struct gf_store_ops *ops = rig.store->ops;
    struct gf_pipeline pipeline = {0};
    struct gf_error err = {0};
    struct gf_store_reader *reader = ops->open_reader(rig.store);
    cr_assert_eq(
        ops->get_pipeline(reader, GF_STR("default"), GF_STR("pipe"), &rig.arena, &pipeline, &err),
        GF_OK);
    ops->close_reader(rig.store, reader);
    const struct gf_str globs[] = {gf_str_from(glob)};
    struct gf_vault_put what = {.value = gf_str_from(value), .force = true};
    struct gf_vault_put_result result;
    what.place.key = gf_str_from(key);
    if (glob == NULL) {
        what.place.namespace_key = pipeline.namespace_key;
        what.place.pipeline_key = pipeline.pipeline_key;
        what.namespace_id = GF_STR("default");
        what.pipeline_id = GF_STR("pipe");
    } else {
        what.namespaces = globs;
        what.namespace_count = 1;
    }
    cr_assert_eq(gf_vault_put(secrets.vault, &what, &caller, &rig.arena, &result, &err), GF_OK,
                 "%s", err.message);
}

/* A config with a task "one" that has these variables. */
static struct gf_config *config_of(struct gf_variable *of_pipeline, size_t of_pipeline_count,
                                   struct gf_variable *of_task, size_t of_task_count) {
    struct gf_config *config = gf_fixture_checked(&rig.arena, "one");
    struct gf_task *task = gf_arena_memdup(&rig.arena, config->tasks, sizeof(*task));
    task->variables = of_task;
    task->variable_count = of_task_count;
    config->tasks = task;
    config->variables = of_pipeline;
    config->variable_count = of_pipeline_count;
    return config;
}

static void up(struct gf_variable *variable) {
    rig_up_config(&rig, config_of(NULL, 0, variable, variable == NULL ? 0 : 1));
}

static struct puppet_launch launch_one(void) {
    const size_t before = puppet_launch_count(&rig.puppet);
    (void)rig_start_run(&rig);
    return puppet_wait_launch(&rig.puppet, before + 1);
}

/* The message of a run of it that cannot be launched. */
static const char *refusal(void) {
    const int64_t run_id = rig_start_run(&rig);
    rig_wait_for(&rig, run_id, GF_EVENT_RUN_COMPLETED);
    const struct gf_task_execution task = rig_stored_task(&rig, run_id, "one");
    cr_expect_eq(task.status, GF_TASK_STATUS_FAILED);
    cr_expect_eq(task.reason.kind, GF_REASON_SCHEDULER_ERROR);
    cr_expect_eq(puppet_launch_count(&rig.puppet), 0);
    return gf_arena_str(&rig.arena, task.reason.text).ptr;
}

/* ---- References ---- */

Test(engine_secrets, references_of_configs_are_filled_in) {
    struct gf_variable of_pipeline[] = {
        {GF_STR("DSN"), GF_STR("db://app:pipeline_secret{{db-password}}@host"), 0},
        {GF_STR("SAME"), GF_STR("pipeline_secret{{db-password}}"), 0}};
    struct gf_variable of_task[] = {
        {GF_STR("BOTH"), GF_STR("global_secret{{api-key}}:pipeline_secret{{ db-password }}"), 0},
        {GF_STR("PLAIN"), GF_STR("as it is"), 0},
        {GF_STR("TEXT"), GF_STR("pipeline_secret{{{{db-password}} ${{ github.sha }}"), 0}};
    rig_up_config(&rig, config_of(of_pipeline, 2, of_task, 3));
    put("db-password", "correct horse", NULL);
    put("api-key", "battery staple", "def*");
    const struct puppet_launch launch = launch_one();
    cr_expect_str_eq(launch.environment, "BOTH=battery staple:correct horse\n"
                                         "DSN=db://app:correct horse@host\n"
                                         "GOFER_NAMESPACE_ID=default\n"
                                         "GOFER_PIPELINE_ID=pipe\n"
                                         "GOFER_RUN_ID=1\n"
                                         "GOFER_TASK_ATTEMPT=1\n"
                                         "GOFER_TASK_ID=one\n"
                                         "GOFER_TASK_IMAGE=busybox:latest\n"
                                         "PLAIN=as it is\n"
                                         "SAME=correct horse\n"
                                         "TEXT=pipeline_secret{{db-password}} ${{ github.sha }}\n");
    cr_expect_eq(seen.masked_count, 2, "each value once");
    cr_expect_str_eq(seen.masked, "battery staple\ncorrect horse\n");
    cr_expect_not(seen.task_api);
}

Test(engine_secrets, what_is_given_at_the_start_is_text) {
    struct gf_variable of_task[] = {{GF_STR("OWN"), GF_STR("pipeline_secret{{db-password}}"), 0}};
    struct gf_variable given[] = {{GF_STR("THEIRS"), GF_STR("global_secret{{api-key}}"), 0},
                                  {GF_STR("own"), GF_STR("pipeline_secret{{db-password}}"),
                                   GF_VARIABLE_SOURCE_PIPELINE_CONFIG}};
    up(of_task);
    put("db-password", "correct horse", NULL);
    put("api-key", "battery staple", "*");
    struct caller run;
    caller_start_run(&run, "pipe");
    run.command.input.u.start_run.variables = given;
    run.command.input.u.start_run.variable_count = 2;
    cr_assert_eq(caller_call(&run, rig.engine), GF_OK, "%s", run.error.message);
    const struct puppet_launch launch = puppet_wait_launch(&rig.puppet, 1);
    cr_expect_not_null(strstr(launch.environment, "THEIRS=global_secret{{api-key}}\n"));
    cr_expect_not_null(strstr(launch.environment, "own=pipeline_secret{{db-password}}\n"));
    cr_expect_null(strstr(launch.environment, "horse"));
    cr_expect_eq(seen.masked_count, 0);
}

Test(engine_secrets, a_value_is_not_filled_in_again) {
    struct gf_variable of_task[] = {{GF_STR("A"), GF_STR("pipeline_secret{{first}}"), 0}};
    up(of_task);
    put("first", "pipeline_secret{{second}}", NULL);
    put("second", "correct horse", NULL);
    const struct puppet_launch launch = launch_one();
    cr_expect_not_null(strstr(launch.environment, "A=pipeline_secret{{second}}\n"));
}

Test(engine_secrets, each_attempt_has_the_value_of_its_time) {
    struct gf_variable of_task[] = {{GF_STR("A"), GF_STR("pipeline_secret{{first}}"), 0}};
    up(of_task);
    put("first", "correct horse", NULL);
    cr_expect_not_null(strstr(launch_one().environment, "A=correct horse\n"));
    put("first", "battery staple", NULL);
    cr_expect_not_null(strstr(launch_one().environment, "A=battery staple\n"));
    cr_expect_str_eq(seen.masked, "battery staple\n");
}

/* ---- What is refused ---- */

Test(engine_secrets, a_missing_secret_is_named) {
    struct gf_variable of_task[] = {
        {GF_STR("A"), GF_STR("pipeline_secret{{there}} pipeline_secret{{db-password}}"), 0}};
    up(of_task);
    put("there", "correct horse", NULL);
    const char *message = refusal();
    cr_expect_str_eq(message, "variable 'A': pipeline_secret{{db-password}}: "
                              "secret 'db-password' not found");
}

Test(engine_secrets, a_global_secret_of_other_namespaces_is_missing) {
    struct gf_variable of_task[] = {{GF_STR("A"), GF_STR("global_secret{{api-key}}"), 0}};
    up(of_task);
    put("api-key", "battery staple", "team-*");
    cr_expect_str_eq(refusal(),
                     "variable 'A': global_secret{{api-key}}: secret 'api-key' not found");
}

Test(engine_secrets, a_bad_reference_is_named) {
    struct gf_variable of_task[] = {{GF_STR("A"), GF_STR("pipeline_secret{{pass word}}"), 0}};
    up(of_task);
    const char *message = refusal();
    cr_expect_not_null(strstr(message, "variable 'A': "), "%s", message);
}

Test(engine_secrets, a_value_that_no_variable_can_hold_is_refused) {
    struct gf_variable of_task[] = {{GF_STR("A"), GF_STR("pipeline_secret{{first}}"), 0}};
    up(of_task);
    put("first", "to be replaced", NULL);
    const struct gf_vault_put what = {
        .place = {1, 1, GF_STR("first")}, .value = {"correct\0horse", 13}, .force = true};
    struct gf_vault_put_result result;
    struct gf_error err = {0};
    cr_assert_eq(gf_vault_put(secrets.vault, &what, &caller, &rig.arena, &result, &err), GF_OK);
    const char *message = refusal();
    cr_expect_not_null(strstr(message, "zero byte"), "%s", message);
    cr_expect_null(strstr(message, "horse"));
}

static char *repeat(const char *text, size_t count) {
    const size_t len = strlen(text);
    char *all = gf_arena_alloc(&rig.arena, len * count + 1);
    for (size_t i = 0; i < count; i++) {
        memcpy(all + i * len, text, len);
    }
    return all;
}

Test(engine_secrets, what_is_too_large_is_refused_not_cut) {
    struct gf_variable of_task[] = {
        {GF_STR("A"), GF_STR("pipeline_secret{{first}}pipeline_secret{{first}}+"), 0}};
    up(of_task);
    put("first", repeat("x", GF_SECRET_VALUE_BYTES_MAX), NULL);
    const char *message = refusal();
    cr_expect_str_eq(message, "variable 'A': with its references filled in it has more than "
                              "131071 bytes");
}

Test(engine_secrets, an_environment_that_is_too_large_is_refused) {
    enum {
        VARIABLES = 40
    };
    struct gf_variable of_task[VARIABLES];
    for (int i = 0; i < VARIABLES; i++) {
        of_task[i] = (struct gf_variable){gf_str_from(gf_arena_printf(&rig.arena, "A%02d", i)),
                                          GF_STR("pipeline_secret{{first}}"), 0};
    }
    rig_up_config(&rig, config_of(NULL, 0, of_task, VARIABLES));
    put("first", repeat("x", GF_SECRET_VALUE_BYTES_MAX), NULL);
    const char *message = refusal();
    cr_expect_not_null(strstr(message, "has more than 2097152 bytes"), "%s", message);
}

Test(engine_secrets, more_than_can_be_masked_is_refused) {
    enum {
        VARIABLES = 9
    };
    struct gf_variable of_task[VARIABLES];
    for (int i = 0; i < VARIABLES; i++) {
        of_task[i] = (struct gf_variable){
            gf_str_from(gf_arena_printf(&rig.arena, "A%02d", i)),
            gf_str_from(gf_arena_printf(&rig.arena, "pipeline_secret{{key-%d}}", i)), 0};
    }
    rig_up_config(&rig, config_of(NULL, 0, of_task, VARIABLES));
    for (int i = 0; i < VARIABLES; i++) {
        put(gf_arena_printf(&rig.arena, "key-%d", i), repeat("x", GF_SECRET_VALUE_BYTES_MAX), NULL);
    }
    const char *message = refusal();
    cr_expect_not_null(strstr(message, "more than can be masked"), "%s", message);
}

Test(engine_secrets, a_server_without_a_vault_says_so) {
    struct gf_variable of_task[] = {{GF_STR("A"), GF_STR("pipeline_secret{{first}}"), 0}};
    up(of_task);
    start(NULL);
    cr_expect_str_eq(refusal(),
                     "variable 'A': pipeline_secret{{first}}: this server keeps no secrets");
}

/* ---- Tokens ---- */

static void up_with_token(struct gf_variable *variable) {
    struct gf_config *config = config_of(NULL, 0, variable, variable == NULL ? 0 : 1);
    struct gf_task *task = gf_arena_memdup(&rig.arena, config->tasks, sizeof(*task));
    task->inject_token = true;
    config->tasks = task;
    rig_up_config(&rig, config);
}

Test(engine_secrets, a_task_gets_a_token_of_its_run) {
    struct gf_variable of_task[] = {{GF_STR("gofer_token"), GF_STR("my own"), 0}};
    up_with_token(of_task);
    const struct puppet_launch launch = launch_one();
    const struct gf_run run = rig_stored_run(&rig, launch.run_id);
    const struct gf_run_identity identity = {run.run_key, run.run_id, GF_STR("default"),
                                             GF_STR("pipe"), run.create_time};
    struct gf_token_text token;
    gf_vault_make_run_token(secrets.vault, &identity, &token);
    const char *text = token.chars;
    cr_expect_not_null(
        strstr(launch.environment, gf_arena_printf(&rig.arena, "\nGOFER_TOKEN=%s\n", text)), "%s",
        launch.environment);
    cr_expect_not_null(
        strstr(launch.environment, gf_arena_printf(&rig.arena, "GOFER_API_TOKEN=%s\n", text)));
    cr_expect_not_null(strstr(launch.environment, "\nGOFER_HOST=" GF_TASK_API_HOST "\n"));
    cr_expect_null(strstr(launch.environment, "my own"));
    cr_expect_eq(seen.masked_count, 1);
    cr_expect_str_eq(seen.masked, gf_arena_printf(&rig.arena, "%s\n", text));
    cr_expect(seen.task_api);
}

Test(engine_secrets, a_token_needs_a_vault) {
    up_with_token(NULL);
    start(NULL);
    cr_expect_str_eq(refusal(), "the task gets a token of its run, and this server makes none");
}

Test(engine_secrets, a_launch_without_secrets_does_not_need_one) {
    up(NULL);
    start(NULL);
    const struct puppet_launch launch = launch_one();
    cr_expect_eq(seen.masked_count, 0);
    cr_expect_not(seen.task_api);
    cr_expect_null(strstr(launch.environment, "GOFER_TOKEN"));
    cr_expect_null(strstr(launch.environment, "GOFER_HOST"));
}

/* ---- Registries ---- */

static void up_with_auth(struct gf_registry_auth auth) {
    struct gf_config *config = config_of(NULL, 0, NULL, 0);
    struct gf_task *task = gf_arena_memdup(&rig.arena, config->tasks, sizeof(*task));
    task->registry_auth = auth;
    task->disable_logs = true;
    config->tasks = task;
    config->content_hash = GF_STR(""); /* never the same as before */
    rig_up_config(&rig, config);
}

Test(engine_secrets, a_secret_for_a_registry_is_split_at_its_first_colon) {
    up_with_auth((struct gf_registry_auth){.secret_key = GF_STR("REGISTRY")});
    put("REGISTRY", "robot:pass:word", NULL);
    (void)launch_one();
    cr_expect_str_eq(seen.registry, "robot pass:word");
    cr_expect_str_eq(seen.masked, "robot:pass:word\npass:word\n");
    cr_expect(seen.disable_logs);
}

Test(engine_secrets, references_for_a_registry_are_filled_in) {
    up_with_auth((struct gf_registry_auth){.user = GF_STR("robot-pipeline_secret{{NAME}}"),
                                           .password = GF_STR("global_secret{{PASSWORD}}")});
    put("NAME", "seven", NULL);
    put("PASSWORD", "hush-hush", "default");
    (void)launch_one();
    cr_expect_str_eq(seen.registry, "robot-seven hush-hush");
    cr_expect_str_eq(seen.masked, "seven\nhush-hush\nhush-hush\n");
}

Test(engine_secrets, a_literal_password_for_a_registry_is_masked_and_needs_no_vault) {
    up_with_auth((struct gf_registry_auth){.user = GF_STR("me"), .password = GF_STR("literally")});
    start(NULL);
    (void)launch_one();
    cr_expect_str_eq(seen.registry, "me literally");
    cr_expect_str_eq(seen.masked, "literally\n");
}

Test(engine_secrets, what_a_registry_cannot_be_told_fails_the_launch) {
    static const char no_pair[] = "credentials for the registry: pipeline secret 'REGISTRY' is not "
                                  "of the form USER:PASSWORD";
    static const char line_end[] = "credentials for the registry: the password has a control "
                                   "character in it, such as the end of a line";
    up_with_auth((struct gf_registry_auth){.secret_key = GF_STR("REGISTRY")});
    put("REGISTRY", "no pair", NULL);
    cr_expect_str_eq(refusal(), no_pair);
    put("REGISTRY", "robot:password\n", NULL);
    cr_expect_str_eq(refusal(), line_end);
    put("REGISTRY", ":password", NULL);
    cr_expect_str_eq(refusal(), "credentials for the registry: the user is empty");
    put("REGISTRY", "robot:", NULL);
    cr_expect_str_eq(refusal(), "credentials for the registry: the password is empty");
}

Test(engine_secrets, a_user_for_a_registry_with_a_colon_fails_the_launch) {
    up(NULL);
    put("NAMED", "a:b", NULL);
    up_with_auth((struct gf_registry_auth){.user = GF_STR("pipeline_secret{{NAMED}}"),
                                           .password = GF_STR("p")});
    cr_expect_str_eq(refusal(), "credentials for the registry: the user has a ':' in it");
}

Test(engine_secrets, a_secret_for_a_registry_that_is_missing_is_named) {
    up_with_auth((struct gf_registry_auth){.secret_key = GF_STR("REGISTRY")});
    const char *message = refusal();
    cr_expect_not_null(strstr(message, "credentials for the registry: pipeline secret 'REGISTRY'"),
                       "%s", message);
}

/* ---- What is left behind ---- */

Test(engine_secrets, nothing_is_left_of_a_launch) {
    struct gf_secret_environment environment;
    const struct gf_variable variable = {GF_STR("A"), GF_STR("{{text}}"),
                                         GF_VARIABLE_SOURCE_PIPELINE_CONFIG};
    const struct gf_registry_auth auth = {.user = GF_STR("robot"), .password = GF_STR("p455word")};
    const struct gf_secret_environment_sources sources = {.variables = &variable,
                                                          .variable_count = 1,
                                                          .token = GF_STR("a token"),
                                                          .registry_auth = &auth};
    struct gf_secret_environment_texts texts = {0};
    struct gf_error err = {0};
    gf_secret_environment_init(&environment);
    cr_assert_eq(gf_secret_environment_make(&environment, &sources, &rig.arena, &texts, &err),
                 GF_OK, "%s", err.message);
    cr_expect_str_eq(texts.strings[0], "A={{text}}");
    cr_assert_eq(texts.masked_count, 2);
    const char *text = texts.masked[0].ptr;
    const char *password = texts.registry_password.ptr;
    cr_expect_eq(memcmp(text, "a token", 7), 0);
    cr_expect_eq(memcmp(password, "p455word", 8), 0);
    gf_secret_environment_clear(&environment);
    for (size_t i = 0; i < 7; i++) {
        cr_expect_eq(text[i] | password[i], 0);
    }
    gf_secret_environment_fini(&environment);
}
