#include "engine/core/config.h"
#include "engine/core/config_codec.h"
#include "engine/core/testing/fixture.h"

#include <criterion/criterion.h>

static struct gf_arena arena;
static struct gf_strbuf bytes;

static void setup(void) {
    gf_arena_init(&arena, (size_t)1 << 30);
    gf_strbuf_init(&bytes, GF_CONFIG_BYTES_MAX);
}

static void teardown(void) {
    gf_strbuf_fini(&bytes);
    gf_arena_fini(&arena);
}

TestSuite(config_codec, .init = setup, .fini = teardown);

static struct gf_config *full_config(void) {
    static const struct gf_variable variables[] = {
        {GF_STR("EMPTY"), GF_STR(""), GF_VARIABLE_SOURCE_PIPELINE_CONFIG},
        {GF_STR("WHO"), GF_STR("world"), GF_VARIABLE_SOURCE_PIPELINE_CONFIG}};
    static const struct gf_label labels[] = {{GF_STR("team"), GF_STR("")},
                                             {GF_STR("tier"), GF_STR("gold")}};
    static const struct gf_str arguments[] = {GF_STR("sh"), GF_STR(""), GF_STR("-c")};
    struct gf_config *config =
        gf_fixture_config(&arena, "one; two < one:any; tri < one:failure two");
    static const struct gf_task_pool pools[] = {{GF_STR("database"), 2}, {GF_STR("gpu"), 100000}};
    static const int32_t exit_codes[] = {1, 75, 255};
    struct gf_task *task = &config->tasks[1];
    config->queue_policy = GF_QUEUE_POLICY_CANCEL_OLDEST;
    config->queue_limit = 30;
    config->priority = -1000;
    config->timeout_ms = GF_RUN_TIMEOUT_MS_MAX;
    config->task_parallelism = 4;
    config->pools = pools;
    config->pool_count = 2;
    task->pool = GF_STR("gpu");
    task->stop_timeout_ms = 2500;
    task->retry = (struct gf_retry_policy){.max_attempts = 5,
                                           .initial_backoff_ms = 10,
                                           .max_backoff_ms = 20,
                                           .backoff_multiplier = 1.1,
                                           .jitter_percent = 50,
                                           .exit_codes = exit_codes,
                                           .exit_code_count = 3,
                                           .retry_orphaned = true,
                                           .retry_timed_out = true};
    config->description = GF_STR("what it does");
    config->parallelism = 7;
    config->disable_logs = true;
    config->variables = variables;
    config->variable_count = 2;
    config->labels = labels;
    config->label_count = 2;
    task->pull = GF_PULL_NEVER;
    task->labels = labels;
    task->label_count = 1;
    task->description = GF_STR("second");
    task->entrypoint = arguments;
    task->entrypoint_count = 1;
    task->command = arguments;
    task->command_count = 3;
    task->variables = variables;
    task->variable_count = 2;
    task->user = GF_STR("nobody");
    task->working_directory = GF_STR("/tmp");
    task->timeout_ms = 90000;
    task->resources = (struct gf_resources){250, GF_RESOURCE_BYTES_MAX, 64, 1};
    task->network = GF_NETWORK_NONE;
    task->inject_token = true;
    task->keep_failed = true;
    task->disable_logs = true;
    task->open_stdin = true;
    task->terminal = true;
    task->registry_auth =
        (struct gf_registry_auth){.user = GF_STR("robot"), .password = GF_STR("p:w")};
    config->tasks[2].pull = GF_PULL_ALWAYS;
    config->tasks[2].registry_auth.secret_key = GF_STR("REGISTRY");
    cr_assert_eq(gf_config_check(config, &arena, NULL), GF_OK);
    return config;
}

static void expect_same_variables(const struct gf_variable *a, size_t a_count,
                                  const struct gf_variable *b, size_t b_count) {
    cr_assert_eq(a_count, b_count);
    for (size_t i = 0; i < a_count; i++) {
        cr_expect(gf_str_eq(a[i].key, b[i].key));
        cr_expect(gf_str_eq(a[i].value, b[i].value));
        cr_expect_eq(a[i].source, b[i].source);
    }
}

static void expect_same_labels(const struct gf_label *a, size_t a_count, const struct gf_label *b,
                               size_t b_count) {
    cr_assert_eq(a_count, b_count);
    for (size_t i = 0; i < a_count; i++) {
        cr_expect(gf_str_eq(a[i].key, b[i].key));
        cr_expect(gf_str_eq(a[i].value, b[i].value));
    }
}

static void expect_same_retry(const struct gf_retry_policy *a, const struct gf_retry_policy *b) {
    cr_expect_eq(a->max_attempts, b->max_attempts);
    cr_expect_eq(a->initial_backoff_ms, b->initial_backoff_ms);
    cr_expect_eq(a->max_backoff_ms, b->max_backoff_ms);
    cr_expect_eq(memcmp(&a->backoff_multiplier, &b->backoff_multiplier, sizeof(double)), 0);
    cr_expect_eq(a->jitter_percent, b->jitter_percent);
    cr_expect_eq(a->retry_orphaned, b->retry_orphaned);
    cr_expect_eq(a->retry_timed_out, b->retry_timed_out);
    cr_assert_eq(a->exit_code_count, b->exit_code_count);
    for (size_t i = 0; i < a->exit_code_count; i++) {
        cr_expect_eq(a->exit_codes[i], b->exit_codes[i]);
    }
}

static void expect_same_rules(const struct gf_config *a, const struct gf_config *b) {
    cr_expect_eq(a->parallelism, b->parallelism);
    cr_expect_eq(a->queue_policy, b->queue_policy);
    cr_expect_eq(a->queue_limit, b->queue_limit);
    cr_expect_eq(a->priority, b->priority);
    cr_expect_eq(a->timeout_ms, b->timeout_ms);
    cr_expect_eq(a->task_parallelism, b->task_parallelism);
    cr_assert_eq(a->pool_count, b->pool_count);
    for (size_t i = 0; i < a->pool_count; i++) {
        cr_expect(gf_str_eq(a->pools[i].pool_id, b->pools[i].pool_id));
        cr_expect_eq(a->pools[i].parallelism, b->pools[i].parallelism);
    }
}

static void expect_same_task(const struct gf_task *a, const struct gf_task *b) {
    cr_expect(gf_str_eq(a->task_id, b->task_id));
    cr_expect(gf_str_eq(a->description, b->description));
    cr_expect(gf_str_eq(a->image, b->image));
    cr_expect(gf_str_eq(a->user, b->user));
    cr_expect(gf_str_eq(a->working_directory, b->working_directory));
    cr_expect_eq(a->timeout_ms, b->timeout_ms);
    cr_expect_eq(a->stop_timeout_ms, b->stop_timeout_ms);
    expect_same_retry(&a->retry, &b->retry);
    cr_expect(gf_str_eq(a->pool, b->pool));
    cr_expect_eq(a->pool_index, b->pool_index);
    cr_expect_eq(memcmp(&a->resources, &b->resources, sizeof(a->resources)), 0);
    cr_expect_eq(a->network, b->network);
    cr_expect_eq(a->inject_token, b->inject_token);
    cr_expect_eq(a->keep_failed, b->keep_failed);
    cr_expect_eq(a->disable_logs, b->disable_logs);
    cr_expect_eq(a->open_stdin, b->open_stdin);
    cr_expect_eq(a->terminal, b->terminal);
    cr_expect(gf_str_eq(a->registry_auth.secret_key, b->registry_auth.secret_key));
    cr_expect(gf_str_eq(a->registry_auth.user, b->registry_auth.user));
    cr_expect(gf_str_eq(a->registry_auth.password, b->registry_auth.password));
    cr_assert_eq(a->entrypoint_count, b->entrypoint_count);
    cr_assert_eq(a->command_count, b->command_count);
    for (size_t i = 0; i < a->command_count; i++) {
        cr_expect(gf_str_eq(a->command[i], b->command[i]));
    }
    expect_same_variables(a->variables, a->variable_count, b->variables, b->variable_count);
    expect_same_labels(a->labels, a->label_count, b->labels, b->label_count);
    cr_expect_eq(a->pull, b->pull);
    cr_assert_eq(a->parent_count, b->parent_count);
    for (size_t i = 0; i < a->parent_count; i++) {
        cr_expect(gf_str_eq(a->parents[i].task_id, b->parents[i].task_id));
        cr_expect_eq(a->parents[i].index, b->parents[i].index);
        cr_expect_eq(a->parents[i].rule, b->parents[i].rule);
    }
    cr_assert_eq(a->child_count, b->child_count);
    for (size_t i = 0; i < a->child_count; i++) {
        cr_expect_eq(a->children[i], b->children[i]);
    }
}

Test(config_codec, content_comes_back) {
    struct gf_config *config = full_config();
    gf_config_encode(config, &bytes);
    cr_assert_not(bytes.overflowed);
    struct gf_config out = {.version = 3, .pipeline_key = 4, .pipeline_id = GF_STR("mine")};
    struct gf_error err = {0};
    cr_assert_eq(gf_config_decode(gf_strbuf_view(&bytes), &arena, &out, &err), GF_OK, "%s",
                 err.message);
    cr_expect_eq(out.version, 3);
    cr_expect_eq(out.pipeline_key, 4);
    cr_expect(gf_str_eq(out.pipeline_id, GF_STR("mine")));
    cr_expect(gf_str_eq(out.name, config->name));
    cr_expect(gf_str_eq(out.description, config->description));
    cr_expect_eq(out.parallelism, 7);
    cr_expect(out.disable_logs);
    expect_same_rules(&out, config);
    cr_expect_eq(out.tasks[1].pool_index, 1);
    cr_expect_eq(out.tasks[0].pool_index, -1);
    expect_same_variables(out.variables, out.variable_count, config->variables, 2);
    expect_same_labels(out.labels, out.label_count, config->labels, 2);
    cr_assert_eq(out.task_count, 3);
    for (size_t i = 0; i < out.task_count; i++) {
        expect_same_task(&config->tasks[i], &out.tasks[i]);
    }
}

Test(config_codec, equal_content_has_equal_bytes_whatever_its_identity) {
    struct gf_config *config = full_config();
    gf_config_encode(config, &bytes);
    config->pipeline_id = GF_STR("other");
    config->version = 9;
    config->state = GF_CONFIG_STATE_LIVE;
    struct gf_strbuf again;
    gf_strbuf_init(&again, GF_CONFIG_BYTES_MAX);
    gf_config_encode(config, &again);
    cr_expect(gf_str_eq(gf_strbuf_view(&bytes), gf_strbuf_view(&again)));
    config->tasks[0].image = GF_STR("busybox:1");
    gf_strbuf_reset(&again);
    gf_config_encode(config, &again);
    cr_expect_not(gf_str_eq(gf_strbuf_view(&bytes), gf_strbuf_view(&again)));
    gf_strbuf_fini(&again);
}

/* The bytes of a small config, written out: what is stored must stay readable. */
Test(config_codec, format_is_fixed) {
    struct gf_config *config = gf_fixture_checked(&arena, "one; two < one:any");
    config->name = GF_STR("n");
    config->parallelism = 100;
    config->tasks[0].image = GF_STR("i");
    config->tasks[1].image = GF_STR("j");
    gf_config_encode(config, &bytes);
    const char expected[] = "\x01"
                            "\x01\x01n"
                            "\x03\x02\xc8\x01"
                            "\x04\x08"
                            "\x01\x03one"
                            "\x03\x01i"
                            "\x04\x12"
                            "\x01\x03two"
                            "\x03\x01j"
                            "\x07\x08"
                            "\x01\x03one"
                            "\x02\x01\x02";
    cr_expect_eq(bytes.len, sizeof(expected) - 1);
    cr_expect_arr_eq(bytes.ptr, expected, sizeof(expected) - 1);
}

/* The rules of runs and tasks likewise. */
Test(config_codec, format_of_rules_is_fixed) {
    static const struct gf_task_pool pools[] = {{GF_STR("gpu"), 1}};
    static const int32_t exit_codes[] = {1, 64};
    struct gf_config *config = gf_fixture_config(&arena, "one");
    struct gf_task *task = &config->tasks[0];
    config->name = GF_STR("");
    config->queue_policy = GF_QUEUE_POLICY_REJECT;
    config->queue_limit = 3;
    config->priority = -2;
    config->timeout_ms = 4;
    config->task_parallelism = 5;
    config->pools = pools;
    config->pool_count = 1;
    task->image = GF_STR("i");
    task->stop_timeout_ms = 6;
    task->pool = GF_STR("gpu");
    task->retry = (struct gf_retry_policy){.max_attempts = 2,
                                           .initial_backoff_ms = 1,
                                           .max_backoff_ms = 2,
                                           .backoff_multiplier = 2,
                                           .jitter_percent = 3,
                                           .exit_codes = exit_codes,
                                           .exit_code_count = 2,
                                           .retry_orphaned = true,
                                           .retry_timed_out = true};
    gf_config_encode(config, &bytes);
    const char expected[] = "\x01"
                            "\x04\x37"
                            "\x01\x03one"
                            "\x03\x01i"
                            "\x12\x01\x0c"
                            "\x13\x25"
                            "\x01\x01\x04"
                            "\x02\x01\x02"
                            "\x03\x01\x04"
                            "\x04\x0a\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"
                            "\x05\x01\x06"
                            "\x06\x01\x02"
                            "\x06\x02\x80\x01"
                            "\x07\x01\x02"
                            "\x08\x01\x02"
                            "\x14\x03gpu"
                            "\x07\x01\x04"
                            "\x08\x01\x06"
                            "\x09\x01\x03"
                            "\x0a\x01\x08"
                            "\x0b\x01\x0a"
                            "\x0c\x08"
                            "\x01\x03gpu"
                            "\x02\x01\x02";
    cr_expect_eq(bytes.len, sizeof(expected) - 1, "%zu", bytes.len);
    cr_expect_arr_eq(bytes.ptr, expected, sizeof(expected) - 1);
}

/* Configs without it have the bytes, and so the hash, that they always had. */
Test(config_codec, format_of_an_injected_token_is_fixed) {
    struct gf_config *config = gf_fixture_checked(&arena, "one");
    config->name = GF_STR("");
    config->tasks[0].image = GF_STR("i");
    config->tasks[0].inject_token = true;
    gf_config_encode(config, &bytes);
    const char expected[] = "\x01"
                            "\x04\x0b"
                            "\x01\x03one"
                            "\x03\x01i"
                            "\x15\x01\x02";
    cr_expect_eq(bytes.len, sizeof(expected) - 1, "%zu", bytes.len);
    cr_expect_arr_eq(bytes.ptr, expected, sizeof(expected) - 1);
}

Test(config_codec, format_of_what_containers_are_given_is_fixed) {
    struct gf_config *config = gf_fixture_checked(&arena, "one");
    struct gf_task *task = &config->tasks[0];
    config->name = GF_STR("");
    config->disable_logs = true;
    task->image = GF_STR("i");
    task->pull = GF_PULL_ALWAYS;
    task->keep_failed = true;
    task->disable_logs = true;
    task->open_stdin = true;
    task->terminal = true;
    task->registry_auth =
        (struct gf_registry_auth){GF_STR("k"), GF_STR("u"), GF_STR("p")}; /* all, for the test */
    gf_config_encode(config, &bytes);
    const char expected[] = "\x01"
                            "\x04\x22"
                            "\x01\x03one"
                            "\x03\x01i"
                            "\x10\x01\x04"
                            "\x16\x01\x02"
                            "\x17\x01\x02"
                            "\x18\x01\x02"
                            "\x19\x01\x02"
                            "\x1a\x09"
                            "\x01\x01k"
                            "\x02\x01u"
                            "\x03\x01p"
                            "\x0d\x01\x02";
    cr_expect_eq(bytes.len, sizeof(expected) - 1, "%zu", bytes.len);
    cr_expect_arr_eq(bytes.ptr, expected, sizeof(expected) - 1);
}

Test(config_codec, what_means_the_default_is_left_out) {
    struct gf_config *config = gf_fixture_checked(&arena, "one");
    struct gf_strbuf again;
    gf_strbuf_init(&again, GF_CONFIG_BYTES_MAX);
    gf_config_encode(config, &bytes);
    config->queue_policy = GF_QUEUE_POLICY_QUEUE;
    config->tasks[0].retry.backoff_multiplier = -0.0;
    gf_config_encode(config, &again);
    cr_expect(gf_str_eq(gf_strbuf_view(&bytes), gf_strbuf_view(&again)));
    gf_strbuf_fini(&again);
}

static enum gf_code decode(const char *data, size_t size, struct gf_error *err) {
    struct gf_config out = {0};
    return gf_config_decode((struct gf_str){data, size}, &arena, &out, err);
}

#define EXPECT_DAMAGED(literal)                                                                    \
    do {                                                                                           \
        struct gf_error err = {0};                                                                 \
        cr_expect_eq(decode("" literal, sizeof(literal) - 1, &err), GF_DATA_LOSS);                 \
        cr_expect_gt(strlen(err.message), 0);                                                      \
    } while (0)

#define TASK "\x04\x08\x01\x03one\x03\x01i"

Test(config_codec, later_fields_are_skipped) {
    struct gf_error err = {0};
    const char known[] = "\x01" TASK "\x0e\x02xx\x96\x01\x00";
    cr_expect_eq(decode(known, sizeof(known) - 1, &err), GF_OK, "%s", err.message);
    const char nested[] = "\x01\x04\x0d\x01\x03one\x03\x01i\x20\x03yyy";
    cr_expect_eq(decode(nested, sizeof(nested) - 1, &err), GF_OK, "%s", err.message);
}

Test(config_codec, garbage_is_data_loss) {
    EXPECT_DAMAGED("");
    EXPECT_DAMAGED("\x02" TASK);                      /* another format */
    EXPECT_DAMAGED("\x01");                           /* no task */
    EXPECT_DAMAGED("\x01\x01");                       /* cut off behind a tag */
    EXPECT_DAMAGED("\x01\x01\x05xx");                 /* longer than what is there */
    EXPECT_DAMAGED("\x01\x01\x00" TASK);              /* empty text */
    EXPECT_DAMAGED("\x01\x03\x01\x00" TASK);          /* a number that is the default */
    EXPECT_DAMAGED("\x01\x03\x02\x82\x00" TASK);      /* a number not in its shortest form */
    EXPECT_DAMAGED("\x01\x03\x02\x02\x02" TASK);      /* bytes behind a number */
    EXPECT_DAMAGED("\x01\x03\x01\x01" TASK);          /* parallelism -1 */
    EXPECT_DAMAGED("\x01\x03\x01\x02\x01\x01n" TASK); /* out of order */
    EXPECT_DAMAGED("\x01\x01\x01n\x01\x01m" TASK);    /* twice */
    EXPECT_DAMAGED("\x01\x00\x01n" TASK);             /* tag 0 */
    EXPECT_DAMAGED("\x01" TASK TASK);                 /* two tasks of one id */
    EXPECT_DAMAGED("\x01" TASK "\x07\x01\x08");       /* queue policy 4 */
    EXPECT_DAMAGED("\x01" TASK "\x09\x05\x80\x80\x80\x80\x20");    /* priority 2^32 */
    EXPECT_DAMAGED("\x01" TASK "\x0c\x05\x01\x03gpu");             /* a pool without size */
    EXPECT_DAMAGED("\x01\x04\x0d\x01\x03one\x03\x01i\x14\x03gpu"); /* a pool that is not there */
    EXPECT_DAMAGED("\x01\x04\x10\x01\x03one\x03\x01i\x13\x06\x01\x01\x04\x07\x01\x04"); /* flag 2 */
    EXPECT_DAMAGED("\x01\x04\x0b\x01\x03one\x03\x01i\x15\x01\x04");      /* a token of 2 */
    EXPECT_DAMAGED("\x01\x04\x0b\x01\x03one\x03\x01i\x10\x01\x06");      /* pull policy 3 */
    EXPECT_DAMAGED("\x01\x04\x0b\x01\x03one\x03\x01i\x19\x01\x04");      /* a terminal of 2 */
    EXPECT_DAMAGED("\x01\x04\x0d\x01\x03one\x03\x01i\x1a\x03\x02\x01u"); /* no password */
    EXPECT_DAMAGED("\x01\x03\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02" TASK); /* 65 bits */
}

/* Where a field ends, what is in front of the cut is a config that lacks the last one. */
Test(config_codec, every_truncation_is_data_loss_or_less) {
    gf_config_encode(full_config(), &bytes);
    for (size_t size = 0; size < bytes.len; size++) {
        struct gf_config out = {0};
        const enum gf_code rc =
            gf_config_decode((struct gf_str){bytes.ptr, size}, &arena, &out, NULL);
        cr_expect(rc == GF_DATA_LOSS || (rc == GF_OK && !out.disable_logs), "%zu bytes of %zu",
                  size, bytes.len);
    }
}

Test(config_codec, output_is_untouched_on_failure) {
    struct gf_config out = {.name = GF_STR("before"), .parallelism = 5};
    const char damaged[] = "\x01\x01\x01n\x03\x01\x02";
    cr_expect_eq(
        gf_config_decode((struct gf_str){damaged, sizeof(damaged) - 1}, &arena, &out, NULL),
        GF_DATA_LOSS);
    cr_expect(gf_str_eq(out.name, GF_STR("before")));
    cr_expect_eq(out.parallelism, 5);
}

Test(config_codec, a_small_arena_is_resource_exhausted) {
    struct gf_arena small;
    gf_config_encode(full_config(), &bytes);
    struct gf_config out = {0};
    for (size_t limit = 0; limit < bytes.len + 100; limit += 50) {
        gf_arena_init(&small, limit);
        cr_expect_eq(gf_config_decode(gf_strbuf_view(&bytes), &small, &out, NULL),
                     GF_RESOURCE_EXHAUSTED);
        gf_arena_fini(&small);
    }
}

Test(config_codec, overflow_is_seen) {
    struct gf_strbuf small;
    gf_strbuf_init(&small, 40);
    gf_config_encode(full_config(), &small);
    cr_expect(small.overflowed);
    gf_strbuf_fini(&small);
}
