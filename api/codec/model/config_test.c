#include "api/codec/model/config.h"
#include "api/codec/model/message.h"
#include "api/codec/model/unsupported.h"
#include "engine/core/config_codec.h"
#include "engine/core/limits.h"

#include <criterion/criterion.h>

static struct gf_arena arena;
static Gofer__V1__PipelineSpec *spec;

/* A spec with two tasks, whose second one depends on the first. */
static void setup(void) {
    gf_model_codec_init();
    gf_arena_init(&arena, (size_t)1 << 30);
    spec = GF_MESSAGE_NEW(&arena, Gofer__V1__PipelineSpec, gofer__v1__pipeline_spec);
    spec->id = "hello";
    spec->n_tasks = 2;
    spec->tasks = GF_ARENA_ARRAY(&arena, 2, Gofer__V1__TaskSpec *);
    for (size_t i = 0; i < 2; i++) {
        spec->tasks[i] = GF_MESSAGE_NEW(&arena, Gofer__V1__TaskSpec, gofer__v1__task_spec);
        spec->tasks[i]->id = i == 0 ? "greet" : "after";
        spec->tasks[i]->image = "busybox:latest";
    }
    Gofer__V1__TaskSpec__DependsOnEntry *parent = GF_MESSAGE_NEW(
        &arena, Gofer__V1__TaskSpec__DependsOnEntry, gofer__v1__task_spec__depends_on_entry);
    parent->key = "greet";
    parent->value = "Success";
    spec->tasks[1]->n_depends_on = 1;
    spec->tasks[1]->depends_on = GF_ARENA_ARRAY(&arena, 1, Gofer__V1__TaskSpec__DependsOnEntry *);
    spec->tasks[1]->depends_on[0] = parent;
}

static void teardown(void) {
    gf_arena_fini(&arena);
}

TestSuite(config, .init = setup, .fini = teardown);

static struct gf_config read_spec(void) {
    struct gf_config config = {0};
    struct gf_error err = {0};
    cr_assert_eq(gf_config_from_spec(spec, &arena, &config, &err), GF_OK, "%s: %s", err.field,
                 err.message);
    return config;
}

static void expect_refused(enum gf_code code, const char *field, const char *message) {
    struct gf_config config = {0};
    struct gf_error err = {0};
    cr_expect_eq(gf_config_from_spec(spec, &arena, &config, &err), code, "%s", field);
    cr_expect_str_eq(err.field, field);
    cr_expect_str_eq(err.message, message);
    cr_expect_null(config.tasks);
}

static void add_variable(Gofer__V1__TaskSpec *task, char *key, char *value) {
    Gofer__V1__TaskSpec__VariablesEntry *entry = GF_MESSAGE_NEW(
        &arena, Gofer__V1__TaskSpec__VariablesEntry, gofer__v1__task_spec__variables_entry);
    entry->key = key;
    entry->value = value;
    Gofer__V1__TaskSpec__VariablesEntry **entries =
        GF_ARENA_ARRAY(&arena, task->n_variables + 1, Gofer__V1__TaskSpec__VariablesEntry *);
    for (size_t i = 0; i < task->n_variables; i++) {
        entries[i] = task->variables[i];
    }
    entries[task->n_variables++] = entry;
    task->variables = entries;
}

static Google__Protobuf__Duration *duration(int64_t seconds, int32_t nanos) {
    Google__Protobuf__Duration *message =
        GF_MESSAGE_NEW(&arena, Google__Protobuf__Duration, google__protobuf__duration);
    message->seconds = seconds;
    message->nanos = nanos;
    return message;
}

/* ---- Round trips ---- */

static Gofer__V1__TaskPool *pool(char *id, int32_t parallelism) {
    Gofer__V1__TaskPool *message =
        GF_MESSAGE_NEW(&arena, Gofer__V1__TaskPool, gofer__v1__task_pool);
    message->id = id;
    message->parallelism = parallelism;
    return message;
}

static Gofer__V1__RetryPolicy *retry(int32_t max_attempts) {
    Gofer__V1__RetryPolicy *message =
        GF_MESSAGE_NEW(&arena, Gofer__V1__RetryPolicy, gofer__v1__retry_policy);
    message->max_attempts = max_attempts;
    return message;
}

static void fill_rules(void) {
    static int32_t exit_codes[] = {137, 1};
    Gofer__V1__TaskSpec *task = spec->tasks[0];
    spec->queue_policy = "Cancel_Oldest";
    spec->queue_limit = 5;
    spec->priority = -7;
    spec->timeout = duration(3600, 0);
    spec->task_parallelism = 2;
    spec->n_task_pools = 2;
    spec->task_pools = GF_ARENA_ARRAY(&arena, 2, Gofer__V1__TaskPool *);
    spec->task_pools[0] = pool("network", 3);
    spec->task_pools[1] = pool("disk", 1);
    task->pool = "network";
    task->stop_timeout = duration(0, 250000000);
    task->retry = retry(4);
    task->retry->initial_backoff = duration(0, 1000000);
    task->retry->max_backoff = duration(60, 0);
    task->retry->backoff_multiplier = 1.5;
    task->retry->jitter_percent = 20;
    task->retry->n_exit_codes = 2;
    task->retry->exit_codes = exit_codes;
    task->retry->retry_orphaned = true;
    task->retry->retry_timed_out = true;
}

static void set_auth(Gofer__V1__TaskSpec *task, char *secret_key, char *user, char *password) {
    task->registry_auth = GF_MESSAGE_NEW(&arena, Gofer__V1__RegistryAuth, gofer__v1__registry_auth);
    task->registry_auth->secret_key = secret_key;
    task->registry_auth->user = user;
    task->registry_auth->password = password;
}

static void fill_everything(void) {
    static char *words[] = {"sh", "-c", "echo $WHO"};
    Gofer__V1__TaskSpec *task = spec->tasks[0];
    spec->name = "Hello";
    spec->description = "greets";
    spec->parallelism = 3;
    spec->n_variables = 1;
    spec->variables = GF_ARENA_ARRAY(&arena, 1, Gofer__V1__PipelineSpec__VariablesEntry *);
    spec->variables[0] = GF_MESSAGE_NEW(&arena, Gofer__V1__PipelineSpec__VariablesEntry,
                                        gofer__v1__pipeline_spec__variables_entry);
    spec->variables[0]->key = "A";
    spec->variables[0]->value = "1";
    spec->n_labels = 1;
    spec->labels = GF_ARENA_ARRAY(&arena, 1, Gofer__V1__PipelineSpec__LabelsEntry *);
    spec->labels[0] = GF_MESSAGE_NEW(&arena, Gofer__V1__PipelineSpec__LabelsEntry,
                                     gofer__v1__pipeline_spec__labels_entry);
    spec->labels[0]->key = "team";
    spec->labels[0]->value = "blue";
    task->description = "first";
    task->n_command = GF_ARRAY_COUNT(words);
    task->command = words;
    task->n_entrypoint = 1;
    task->entrypoint = words;
    task->pull = "NEVER";
    task->network = "None";
    spec->tasks[1]->network = "Host";
    task->user = "nobody";
    task->working_directory = "/tmp";
    task->timeout = duration(90, 500000000);
    task->resources = GF_MESSAGE_NEW(&arena, Gofer__V1__TaskResources, gofer__v1__task_resources);
    task->resources->cpu_millis = 500;
    task->resources->memory_bytes = 1 << 20;
    task->resources->pid_count = 7;
    fill_rules();
    add_variable(task, "WHO", "world");
    add_variable(task, "EMPTY", "");
    task->inject_token = true;
    task->keep_failed = true;
    task->disable_logs = true;
    task->open_stdin = true;
    task->terminal = true;
    task->resources->disk_bytes = INT64_C(1) << 40;
    set_auth(task, "", "robot", "global_secret{{ PASSWORD }}");
    spec->tasks[1]->pull = "Always";
    set_auth(spec->tasks[1], "REGISTRY", "", "");
    spec->disable_logs = true;
}

Test(config, a_spec_comes_back_in_its_canonical_form) {
    fill_everything();
    struct gf_config config = read_spec();
    config.version = 4;
    config.state = GF_CONFIG_STATE_LIVE;
    config.namespace_id = GF_STR("default");
    config.register_time = 1500000000;
    config.register_user = GF_STR("somebody");
    const Gofer__V1__PipelineConfig *message = gf_config_to_message(&config, true, &arena);
    cr_expect_str_eq(message->namespace_id, "default");
    cr_expect_str_eq(message->pipeline_id, "hello");
    cr_expect_eq(message->version, 4);
    cr_expect_eq((int)message->state, GOFER__V1__PIPELINE_CONFIG_STATE__PIPELINE_CONFIG_STATE_LIVE);
    cr_expect_eq(message->register_time->seconds, 1);
    cr_expect_eq(message->register_time->nanos, 500000000);
    cr_expect_null(message->deprecate_time);
    cr_expect_str_eq(message->register_user, "somebody");
    cr_expect_eq(strlen(message->content_hash), 64);
    cr_expect_eq(message->spec->parallelism, 3);
    cr_expect_str_eq(message->spec->variables[0]->key, "A");
    cr_expect_str_eq(message->spec->labels[0]->value, "blue");
    const Gofer__V1__TaskSpec *task = message->spec->tasks[0];
    cr_expect_str_eq(task->pull, "never");
    cr_expect_str_eq(task->network, "none");
    cr_expect_str_eq(message->spec->tasks[1]->network, "host");
    cr_expect(task->inject_token);
    cr_expect_not(message->spec->tasks[1]->inject_token);
    cr_expect(task->keep_failed && task->disable_logs && task->open_stdin && task->terminal);
    const Gofer__V1__TaskSpec *other = message->spec->tasks[1];
    cr_expect_not(other->keep_failed || other->disable_logs || other->open_stdin ||
                  other->terminal);
    cr_expect_str_eq(other->pull, "always");
    cr_expect_str_eq(other->registry_auth->secret_key, "REGISTRY");
    cr_expect_str_eq(task->registry_auth->user, "robot");
    cr_expect_eq(task->resources->disk_bytes, INT64_C(1) << 40);
    cr_expect(message->spec->disable_logs);
    cr_expect_eq(task->timeout->seconds, 90);
    cr_expect_eq(task->timeout->nanos, 500000000);
    cr_expect_eq(task->resources->pid_count, 7);
    cr_assert_eq(task->n_variables, 2);
    cr_expect_str_eq(task->variables[0]->key, "EMPTY");
    cr_expect_str_eq(task->variables[1]->value, "world");
    cr_expect_str_eq(task->command[2], "echo $WHO");
    cr_expect_str_eq(message->spec->tasks[1]->depends_on[0]->value, "success");
}

Test(config, rules_of_runs_and_tasks_come_back) {
    fill_rules();
    const struct gf_config config = read_spec();
    cr_expect_eq(config.queue_policy, GF_QUEUE_POLICY_CANCEL_OLDEST);
    cr_expect_eq(config.timeout_ms, 3600 * 1000);
    cr_expect_eq(config.tasks[0].pool_index, 1);
    cr_expect_eq(config.tasks[1].pool_index, -1);
    cr_expect_eq(config.tasks[0].retry.initial_backoff_ms, 1);
    const Gofer__V1__PipelineSpec *shown = gf_config_to_message(&config, true, &arena)->spec;
    cr_expect_str_eq(shown->queue_policy, "cancel_oldest");
    cr_expect_eq(shown->queue_limit, 5);
    cr_expect_eq(shown->priority, -7);
    cr_expect_eq(shown->timeout->seconds, 3600);
    cr_expect_eq(shown->task_parallelism, 2);
    cr_assert_eq(shown->n_task_pools, 2);
    cr_expect_str_eq(shown->task_pools[0]->id, "disk");
    cr_expect_eq(shown->task_pools[1]->parallelism, 3);
    const Gofer__V1__TaskSpec *task = shown->tasks[0];
    cr_expect_str_eq(task->pool, "network");
    cr_expect_eq(task->stop_timeout->nanos, 250000000);
    cr_expect_eq(task->retry->max_attempts, 4);
    cr_expect_eq(task->retry->initial_backoff->nanos, 1000000);
    cr_expect_eq(task->retry->max_backoff->seconds, 60);
    cr_expect_float_eq(task->retry->backoff_multiplier, 1.5, 0);
    cr_expect_eq(task->retry->jitter_percent, 20);
    cr_assert_eq(task->retry->n_exit_codes, 2);
    cr_expect_eq(task->retry->exit_codes[0], 1);
    cr_expect_eq(task->retry->exit_codes[1], 137);
    cr_expect(task->retry->retry_orphaned);
    cr_expect(task->retry->retry_timed_out);
    cr_expect_null(shown->tasks[1]->retry);
}

Test(config, the_order_of_pools_and_exit_codes_makes_no_other_config) {
    fill_rules();
    const struct gf_config before = read_spec();
    static int32_t exit_codes[] = {1, 137};
    spec->task_pools[0] = pool("disk", 1);
    spec->task_pools[1] = pool("network", 3);
    spec->tasks[0]->retry->exit_codes = exit_codes;
    cr_expect(gf_str_eq(before.content_hash, read_spec().content_hash));
    spec->task_pools[0]->parallelism = 2;
    cr_expect_not(gf_str_eq(before.content_hash, read_spec().content_hash));
}

/* What comes back, read again, is the same config: the form is a fixed point. */
Test(config, the_canonical_form_is_a_fixed_point) {
    fill_everything();
    const struct gf_config config = read_spec();
    spec = gf_config_to_message(&config, true, &arena)->spec;
    const struct gf_config again = read_spec();
    cr_expect(gf_str_eq(config.content_hash, again.content_hash));
    struct gf_strbuf one;
    struct gf_strbuf two;
    gf_strbuf_init(&one, GF_CONFIG_BYTES_MAX);
    gf_strbuf_init(&two, GF_CONFIG_BYTES_MAX);
    gf_config_encode(&config, &one);
    gf_config_encode(&again, &two);
    cr_expect(gf_str_eq(gf_strbuf_view(&one), gf_strbuf_view(&two)));
    gf_strbuf_fini(&one);
    gf_strbuf_fini(&two);
}

Test(config, the_hash_is_of_the_content) {
    const struct gf_config before = read_spec();
    spec->queue_policy = "queue"; /* the default */
    cr_expect(gf_str_eq(before.content_hash, read_spec().content_hash));
    spec->tasks[0]->pull = "missing"; /* the default */
    cr_expect(gf_str_eq(before.content_hash, read_spec().content_hash));
    spec->tasks[0]->inject_token = true;
    cr_expect_not(gf_str_eq(before.content_hash, read_spec().content_hash));
    spec->tasks[0]->inject_token = false;
    spec->tasks[0]->image = "busybox:1";
    cr_expect_not(gf_str_eq(before.content_hash, read_spec().content_hash));
}

Test(config, conditions_are_read_in_any_case) {
    static const struct {
        char *word;
        enum gf_parent_rule rule;
    } words[] = {{"any", GF_PARENT_ANY},
                 {"ANY", GF_PARENT_ANY},
                 {"sUcCeSs", GF_PARENT_SUCCESS},
                 {"FAILURE", GF_PARENT_FAILURE}};
    for (size_t i = 0; i < GF_ARRAY_COUNT(words); i++) {
        spec->tasks[1]->depends_on[0]->value = words[i].word;
        cr_expect_eq(read_spec().tasks[1].parents[0].rule, words[i].rule);
    }
}

Test(config, tasks_may_be_left_out) {
    const struct gf_config config = read_spec();
    const Gofer__V1__PipelineConfig *message = gf_config_to_message(&config, false, &arena);
    cr_expect_eq(message->spec->n_tasks, 0);
    cr_expect_str_eq(message->spec->id, "hello");
}

/* ---- What is wrong ---- */

Test(config, bad_words_are_named) {
    spec->tasks[1]->depends_on[0]->value = "maybe";
    expect_refused(GF_INVALID_ARGUMENT, "tasks[1].depends_on[\"greet\"]",
                   "'maybe' is no condition, expected any, success or failure");
    spec->tasks[1]->depends_on[0]->value = "any";
    spec->tasks[0]->pull = "often";
    expect_refused(GF_INVALID_ARGUMENT, "tasks[0].pull",
                   "'often' is no policy, expected missing, always or never");
    spec->tasks[0]->pull = "";
    spec->tasks[0]->network = "wlan";
    expect_refused(GF_INVALID_ARGUMENT, "tasks[0].network",
                   "'wlan' is no network, expected none, bridge or host");
    spec->tasks[0]->network = "";
    spec->queue_policy = "drop";
    expect_refused(GF_INVALID_ARGUMENT, "queue_policy",
                   "'drop' is no policy, expected queue, reject or cancel_oldest");
}

Test(config, bad_durations_are_named) {
    const struct {
        int64_t seconds;
        int32_t nanos;
    } bad[] = {{0, 0}, {-1, 0}, {0, 1}, {1, -1}, {1, 1000000000}, {INT64_MAX, 0}};
    for (size_t i = 0; i < GF_ARRAY_COUNT(bad); i++) {
        spec->tasks[0]->timeout = duration(bad[i].seconds, bad[i].nanos);
        struct gf_config config = {0};
        struct gf_error err = {0};
        cr_expect_eq(gf_config_from_spec(spec, &arena, &config, &err), GF_INVALID_ARGUMENT);
        cr_expect_str_eq(err.field, "tasks[0].timeout");
    }
}

Test(config, items_of_lists_are_named_as_their_writer_counts) {
    static int32_t exit_codes[] = {9, 300, 1};
    fill_rules();
    spec->task_pools[0]->parallelism = 0;
    expect_refused(GF_INVALID_ARGUMENT, "task_pools[0].parallelism",
                   "value is 0, expected 1 to 100000");
    spec->task_pools[0] = pool("disk", 1);
    expect_refused(GF_INVALID_ARGUMENT, "task_pools[1].id", "pool 'disk' is there twice");
    spec->task_pools[0] = pool("network", 1);
    spec->tasks[0]->retry->n_exit_codes = 3;
    spec->tasks[0]->retry->exit_codes = exit_codes;
    expect_refused(GF_INVALID_ARGUMENT, "tasks[0].retry.exit_codes[1]",
                   "value is 300, expected 1 to 255");
    exit_codes[1] = 9;
    expect_refused(GF_INVALID_ARGUMENT, "tasks[0].retry.exit_codes[1]",
                   "exit code 9 is there twice");
}

Test(config, rules_that_are_wrong_are_named) {
    spec->tasks[1]->retry = retry(0);
    expect_refused(GF_INVALID_ARGUMENT, "tasks[1].retry.max_attempts",
                   "value is 0, expected 1 to 100");
    spec->tasks[1]->retry = retry(2);
    spec->tasks[1]->retry->max_backoff = duration(0, 1);
    expect_refused(GF_INVALID_ARGUMENT, "tasks[1].retry.max_backoff",
                   "expected a positive duration in whole milliseconds, got 0 s and 1 ns");
    spec->tasks[1]->retry = NULL;
    spec->tasks[1]->stop_timeout = duration(-1, 0);
    expect_refused(GF_INVALID_ARGUMENT, "tasks[1].stop_timeout",
                   "expected a positive duration in whole milliseconds, got -1 s and 0 ns");
    spec->tasks[1]->stop_timeout = NULL;
    spec->tasks[1]->pool = "fast";
    expect_refused(GF_INVALID_ARGUMENT, "tasks[1].pool", "pool 'fast' is not among task_pools");
    spec->tasks[1]->pool = "";
    spec->priority = 1001;
    expect_refused(GF_INVALID_ARGUMENT, "priority", "value is 1001, expected -1000 to 1000");
    spec->priority = 0;
    spec->timeout = duration(0, 0);
    expect_refused(GF_INVALID_ARGUMENT, "timeout",
                   "expected a positive duration in whole milliseconds, got 0 s and 0 ns");
}

Test(config, what_the_engine_refuses_has_its_path) {
    spec->id = "no";
    expect_refused(GF_INVALID_ARGUMENT, "id", "identifier 'no' has 2 characters, expected 3 to 64");
}

Test(config, a_cycle_is_shown) {
    spec->tasks[0]->n_depends_on = 1;
    spec->tasks[0]->depends_on = GF_ARENA_ARRAY(&arena, 1, Gofer__V1__TaskSpec__DependsOnEntry *);
    spec->tasks[0]->depends_on[0] = GF_MESSAGE_NEW(&arena, Gofer__V1__TaskSpec__DependsOnEntry,
                                                   gofer__v1__task_spec__depends_on_entry);
    spec->tasks[0]->depends_on[0]->key = "after";
    spec->tasks[0]->depends_on[0]->value = "any";
    struct gf_config config = {0};
    struct gf_error err = {0};
    cr_assert_eq(gf_config_from_spec(spec, &arena, &config, &err), GF_INVALID_ARGUMENT);
    cr_expect_not_null(strstr(err.message, "greet -> after -> greet"), "%s", err.message);
}

/* ---- What this version does not support ---- */

Test(config, unsupported_fields_of_a_pipeline_are_refused) {
    spec->retention = GF_MESSAGE_NEW(&arena, Gofer__V1__RetentionSpec, gofer__v1__retention_spec);
    expect_refused(GF_UNIMPLEMENTED, "retention", "'retention' is not supported by this version");
}

Test(config, every_network_is_read) {
    static char *const words[] = {"none", "bridge", "host", "BRIDGE"};
    static char *const shown[] = {"none", "bridge", "host", "bridge"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(words); i++) {
        spec->tasks[0]->network = words[i];
        const struct gf_config config = read_spec();
        cr_expect_str_eq(gf_config_to_message(&config, true, &arena)->spec->tasks[0]->network,
                         shown[i]);
    }
}

/* ---- Passwords ---- */

static const char *shown_password(char *password) {
    set_auth(spec->tasks[0], "", "robot", password);
    const struct gf_config config = read_spec();
    cr_expect(gf_str_eq(config.tasks[0].registry_auth.password, gf_str_from(password)));
    return gf_config_to_message(&config, true, &arena)->spec->tasks[0]->registry_auth->password;
}

Test(config, a_literal_password_is_never_shown) {
    cr_expect_str_eq(shown_password("hunter2"), "***");
    cr_expect_str_eq(shown_password("pipeline_secret{{{{KEY}}"), "***");
    cr_expect_str_eq(shown_password("pipeline_secret{{KEY}}x"), "***");
    cr_expect_str_eq(shown_password("x pipeline_secret{{KEY}}"), "***");
    cr_expect_str_eq(shown_password("pipeline_secret{{KEY}}pipeline_secret{{KEY}}"), "***");
    cr_expect_str_eq(shown_password("pipeline_secret{{KEY}}"), "pipeline_secret{{KEY}}");
    cr_expect_str_eq(shown_password("global_secret{{ KEY }}"), "global_secret{{ KEY }}");
}

Test(config, what_is_shown_of_a_password_is_none) {
    set_auth(spec->tasks[1], "", "robot", "***");
    expect_refused(GF_INVALID_ARGUMENT, "tasks[1].registry_auth.password",
                   "'***' is what is shown instead of a password: give the password, or a "
                   "reference to a secret");
}

Test(config, a_password_makes_another_config) {
    set_auth(spec->tasks[0], "", "robot", "one");
    const struct gf_config one = read_spec();
    set_auth(spec->tasks[0], "", "robot", "two");
    const struct gf_config two = read_spec();
    cr_expect_not(gf_str_eq(one.content_hash, two.content_hash));
}

Test(config, credentials_that_are_wrong_are_named) {
    set_auth(spec->tasks[0], "REGISTRY", "robot", "");
    expect_refused(GF_INVALID_ARGUMENT, "tasks[0].registry_auth.user",
                   "expected none: the secret of secret_key holds user and password");
    set_auth(spec->tasks[0], "", "robot", "pipeline_object{{KEY}}");
    expect_refused(GF_UNIMPLEMENTED, "tasks[0].registry_auth.password",
                   "'pipeline_object{{...}}' is not supported by this version");
    set_auth(spec->tasks[0], "", "", "");
    const struct gf_config none = read_spec();
    cr_expect_null(gf_config_to_message(&none, true, &arena)->spec->tasks[0]->registry_auth);
}

Test(config, references_to_objects_are_refused) {
    add_variable(spec->tasks[0], "FILE", "pipeline_secret{{key}} pipeline_object{{data/a.bin}}");
    expect_refused(GF_UNIMPLEMENTED, "tasks[0].variables[\"FILE\"]",
                   "'pipeline_object{{...}}' is not supported by this version");
    spec->tasks[0]->variables[0]->value = "run_object{{a}}";
    expect_refused(GF_UNIMPLEMENTED, "tasks[0].variables[\"FILE\"]",
                   "'run_object{{...}}' is not supported by this version");
}

Test(config, the_table_of_unsupported_fields_names_fields) {
    cr_expect_null(gf_unsupported_first_unknown(), "%s", gf_unsupported_first_unknown());
}
