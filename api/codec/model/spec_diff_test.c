#include "api/codec/model/config.h"
#include "api/codec/model/message.h"
#include "api/codec/model/spec_diff.h"

#include <string.h>

#include <criterion/criterion.h>

static struct gf_arena arena;
static Gofer__V1__PipelineSpec *before;
static Gofer__V1__PipelineSpec *after;
static Gofer__V1__ConfigChange **changes;
static size_t change_count;

/* Two equal specs of the tasks one, two and tri. */
static Gofer__V1__PipelineSpec *make_spec(void) {
    static char *ids[] = {"one", "two", "tri"};
    Gofer__V1__PipelineSpec *spec =
        GF_MESSAGE_NEW(&arena, Gofer__V1__PipelineSpec, gofer__v1__pipeline_spec);
    spec->id = "pipe";
    spec->n_tasks = 3;
    spec->tasks = GF_ARENA_ARRAY(&arena, 3, Gofer__V1__TaskSpec *);
    for (size_t i = 0; i < 3; i++) {
        spec->tasks[i] = GF_MESSAGE_NEW(&arena, Gofer__V1__TaskSpec, gofer__v1__task_spec);
        spec->tasks[i]->id = ids[i];
        spec->tasks[i]->image = "busybox:1";
    }
    return spec;
}

static void setup(void) {
    gf_arena_init(&arena, (size_t)1 << 30);
    before = make_spec();
    after = make_spec();
}

static void teardown(void) {
    gf_arena_fini(&arena);
}

TestSuite(spec_diff, .init = setup, .fini = teardown);

static void diff(size_t expected_count) {
    struct gf_error err = {0};
    cr_assert_eq(gf_spec_diff(before, after, &arena, &changes, &change_count, &err), GF_OK, "%s",
                 err.message);
    cr_assert_eq(change_count, expected_count, "%zu changes", change_count);
}

static void expect_change(size_t index, const char *field, const char *was, const char *is) {
    cr_expect_str_eq(changes[index]->field, field);
    cr_expect_str_eq(changes[index]->before, was);
    cr_expect_str_eq(changes[index]->after, is);
    const int kind = was[0] == '\0'  ? GOFER__V1__CONFIG_CHANGE_KIND__CONFIG_CHANGE_KIND_ADDED
                     : is[0] == '\0' ? GOFER__V1__CONFIG_CHANGE_KIND__CONFIG_CHANGE_KIND_REMOVED
                                     : GOFER__V1__CONFIG_CHANGE_KIND__CONFIG_CHANGE_KIND_CHANGED;
    cr_expect_eq((int)changes[index]->kind, kind, "%s", field);
}

static Google__Protobuf__Duration *seconds(int64_t count) {
    return gf_message_duration(count * 1000000000, &arena);
}

static Gofer__V1__TaskSpec__VariablesEntry **variables(char *key, char *value) {
    Gofer__V1__TaskSpec__VariablesEntry **entries =
        GF_ARENA_ARRAY(&arena, 1, Gofer__V1__TaskSpec__VariablesEntry *);
    entries[0] = GF_MESSAGE_NEW(&arena, Gofer__V1__TaskSpec__VariablesEntry,
                                gofer__v1__task_spec__variables_entry);
    entries[0]->key = key;
    entries[0]->value = value;
    return entries;
}

static Gofer__V1__TaskPool **pool(char *id, int32_t parallelism) {
    Gofer__V1__TaskPool **pools = GF_ARENA_ARRAY(&arena, 1, Gofer__V1__TaskPool *);
    pools[0] = GF_MESSAGE_NEW(&arena, Gofer__V1__TaskPool, gofer__v1__task_pool);
    pools[0]->id = id;
    pools[0]->parallelism = parallelism;
    return pools;
}

static Gofer__V1__RetryPolicy *retry(int32_t max_attempts) {
    Gofer__V1__RetryPolicy *policy =
        GF_MESSAGE_NEW(&arena, Gofer__V1__RetryPolicy, gofer__v1__retry_policy);
    policy->max_attempts = max_attempts;
    return policy;
}

Test(spec_diff, equal_specs_have_no_changes) {
    diff(0);
}

Test(spec_diff, the_order_of_tasks_is_no_change) {
    Gofer__V1__TaskSpec *first = after->tasks[0];
    after->tasks[0] = after->tasks[2];
    after->tasks[2] = first;
    diff(0);
}

Test(spec_diff, scalars_are_ordered_by_path) {
    before->priority = 3;
    before->description = "what it\n\"does\"";
    after->parallelism = 2;
    after->priority = -1;
    after->timeout = seconds(90);
    diff(4);
    expect_change(0, "description", "\"what it\\n\\\"does\\\"\"", "");
    expect_change(1, "parallelism", "", "2");
    expect_change(2, "priority", "3", "-1");
    expect_change(3, "timeout", "", "\"90s\"");
}

Test(spec_diff, tasks_are_matched_by_id) {
    after->tasks[1]->image = "busybox:2";
    after->tasks[0]->id = "new";
    after->tasks[2]->inject_token = true;
    diff(4);
    expect_change(0, "tasks[new]", "", "{\"id\":\"new\",\"image\":\"busybox:1\"}");
    expect_change(1, "tasks[one]", "{\"id\":\"one\",\"image\":\"busybox:1\"}", "");
    expect_change(2, "tasks[tri].inject_token", "", "true");
    expect_change(3, "tasks[two].image", "\"busybox:1\"", "\"busybox:2\"");
}

Test(spec_diff, pools_are_matched_by_id) {
    before->n_task_pools = 1;
    before->task_pools = pool("gpu", 1);
    after->n_task_pools = 1;
    after->task_pools = pool("gpu", 2);
    diff(1);
    expect_change(0, "task_pools[gpu].parallelism", "1", "2");
    after->task_pools = pool("disk", 1);
    diff(2);
    expect_change(0, "task_pools[disk]", "", "{\"id\":\"disk\",\"parallelism\":1}");
    expect_change(1, "task_pools[gpu]", "{\"id\":\"gpu\",\"parallelism\":1}", "");
}

Test(spec_diff, maps_are_matched_by_key) {
    before->tasks[0]->n_variables = 1;
    before->tasks[0]->variables = variables("WHO", "world");
    after->tasks[0]->n_variables = 1;
    after->tasks[0]->variables = variables("WHO", "");
    after->tasks[1]->n_variables = 1;
    after->tasks[1]->variables = variables("EMPTY", "");
    before->tasks[2]->n_variables = 1;
    before->tasks[2]->variables = variables("SAME", "x");
    after->tasks[2]->n_variables = 1;
    after->tasks[2]->variables = variables("SAME", "x");
    diff(2);
    expect_change(0, "tasks[one].variables[\"WHO\"]", "\"world\"", "\"\"");
    expect_change(1, "tasks[two].variables[\"EMPTY\"]", "", "\"\"");
}

Test(spec_diff, lists_are_values) {
    static char *words[] = {"sh", "-c", "true"};
    static int32_t codes[] = {1, 2};
    before->tasks[0]->n_command = 2;
    before->tasks[0]->command = words;
    after->tasks[0]->n_command = 3;
    after->tasks[0]->command = words;
    before->tasks[0]->retry = retry(2);
    after->tasks[0]->retry = retry(2);
    after->tasks[0]->retry->n_exit_codes = 2;
    after->tasks[0]->retry->exit_codes = codes;
    diff(2);
    expect_change(0, "tasks[one].command", "[\"sh\",\"-c\"]", "[\"sh\",\"-c\",\"true\"]");
    expect_change(1, "tasks[one].retry.exit_codes", "", "[1,2]");
}

Test(spec_diff, messages_are_compared_by_field_where_both_have_them) {
    after->tasks[0]->retry = retry(2);
    after->tasks[0]->retry->max_backoff = seconds(2);
    before->tasks[1]->retry = retry(2);
    after->tasks[1]->retry = retry(5);
    after->tasks[1]->retry->backoff_multiplier = 1.5;
    after->tasks[1]->retry->retry_orphaned = true;
    before->tasks[2]->timeout = seconds(1);
    after->tasks[2]->timeout = seconds(2);
    diff(5);
    expect_change(0, "tasks[one].retry", "", "{\"max_attempts\":2,\"max_backoff\":\"2s\"}");
    expect_change(1, "tasks[tri].timeout", "\"1s\"", "\"2s\"");
    expect_change(2, "tasks[two].retry.backoff_multiplier", "", "1.5");
    expect_change(3, "tasks[two].retry.max_attempts", "2", "5");
    expect_change(4, "tasks[two].retry.retry_orphaned", "", "true");
}

Test(spec_diff, too_many_bytes_are_refused) {
    char *text = gf_arena_alloc(&arena, GF_SPEC_DIFF_BYTES_MAX / 2);
    memset(text, 'x', GF_SPEC_DIFF_BYTES_MAX / 2 - 1);
    before->description = text;
    after->name = text;
    struct gf_error err = {0};
    cr_expect_eq(gf_spec_diff(before, after, &arena, &changes, &change_count, &err),
                 GF_RESOURCE_EXHAUSTED);
    cr_expect_null(changes);
}
