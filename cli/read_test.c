#include "base/file.h"
#include "base/str.h"
#include "cli/read.h"
#include "cli/testing/fixture.h"
#include "gofer/v1/event.pb-c.h"
#include "gofer/v1/run.pb-c.h"

#include <unistd.h>

#include <criterion/criterion.h>

static const struct gf_option options[] = {
    {.name = "label", .kind = GF_OPTION_LIST, .value_name = "KEY=VALUE"},
    {.name = "state", .kind = GF_OPTION_LIST, .value_name = "STATE", .choices = "queued|running"},
};

static struct gf_error failure;
static struct gf_pair *pairs;
static size_t pair_count;
static int *states;
static size_t state_count;

static enum gf_exit_code read_all(struct gf_cli *cli, const struct gf_parsed *parsed) {
    (void)parsed;
    states = gf_read_enums(cli, "state", &gofer__v1__run_state__descriptor, &state_count);
    return gf_exit_code_of(gf_read_pairs(cli, "label", "--label", &pairs, &pair_count, &failure));
}

static const struct gf_command thing_read = {
    .noun = "thing",
    .verb = "read",
    .summary = "read",
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .run = read_all,
};
static const struct gf_command *const items[] = {&thing_read};
static const struct gf_command_set set = {items, GF_ARRAY_COUNT(items)};

static struct gf_cli_fixture fixture;

static void setup(void) {
    gf_fixture_init(&fixture, &set, NULL);
}

static void teardown(void) {
    gf_fixture_fini(&fixture);
}

TestSuite(read, .init = setup, .fini = teardown);

Test(read, pairs_keep_their_order_and_the_last_value) {
    cr_assert_eq(gf_fixture_run(&fixture, "thing read --label a=1 --label b=x=y --label a= --label "
                                          "c=3"),
                 GF_EXIT_OK);
    cr_assert_eq(pair_count, 3);
    cr_expect_str_eq(pairs[0].key, "a");
    cr_expect_str_eq(pairs[0].value, "");
    cr_expect_str_eq(pairs[1].value, "x=y");
    cr_expect_str_eq(pairs[2].key, "c");
}

Test(read, pairs_need_a_key_and_a_sign) {
    cr_expect_eq(gf_fixture_run(&fixture, "thing read --label team"), GF_EXIT_FAILED);
    cr_expect_str_eq(failure.message, "--label takes KEY=VALUE, not 'team'");
    cr_expect_eq(gf_fixture_run(&fixture, "thing read --label =x"), GF_EXIT_FAILED);
    cr_expect_null(pairs, "outputs stay untouched");
}

Test(read, enums_by_their_words) {
    const ProtobufCEnumDescriptor *kinds = &gofer__v1__event_kind__descriptor;
    cr_expect_eq(gf_read_enum(kinds, "run-completed"),
                 GOFER__V1__EVENT_KIND__EVENT_KIND_RUN_COMPLETED);
    cr_expect_eq(gf_read_enum(kinds, "RUN_COMPLETED"),
                 GOFER__V1__EVENT_KIND__EVENT_KIND_RUN_COMPLETED);
    cr_expect_eq(gf_read_enum(kinds, "sneezed"), 0);
    cr_expect_eq(gf_read_enum(kinds, ""), 0);
    char word[200] = {0};
    memset(word, 'x', sizeof(word) - 1);
    cr_expect_eq(gf_read_enum(kinds, word), 0, "longer than any name");
}

Test(read, several_states) {
    cr_assert_eq(gf_fixture_run(&fixture, "thing read --state running --state queued"), GF_EXIT_OK);
    cr_assert_eq(state_count, 2);
    cr_expect_eq(states[0], GOFER__V1__RUN_STATE__RUN_STATE_RUNNING);
    cr_expect_eq(states[1], GOFER__V1__RUN_STATE__RUN_STATE_QUEUED);
}

Test(read, documents_have_a_limit) {
    char path[64];
    (void)snprintf(path, sizeof(path), "/tmp/cli-read-test-%d", (int)getpid());
    static char bytes[GF_DOCUMENT_BYTES_MAX + 1];
    struct gf_str document = {0};
    struct gf_error err = {0};
    struct gf_str fits = {bytes, GF_DOCUMENT_BYTES_MAX};
    cr_assert_eq(gf_file_replace(AT_FDCWD, path, fits, 0600, GF_FILE_SYNC_NONE, NULL), GF_OK);
    cr_assert_eq(gf_read_document(&fixture.cli, path, &document, &err), GF_OK);
    cr_expect_eq(document.len, GF_DOCUMENT_BYTES_MAX);
    document = (struct gf_str){0};
    struct gf_str larger = {bytes, sizeof(bytes)};
    cr_assert_eq(gf_file_replace(AT_FDCWD, path, larger, 0600, GF_FILE_SYNC_NONE, NULL), GF_OK);
    cr_expect_eq(gf_read_document(&fixture.cli, path, &document, &err), GF_INVALID_ARGUMENT);
    cr_expect_null(document.ptr);
    (void)unlink(path);
    cr_expect_eq(gf_read_document(&fixture.cli, path, &document, &err), GF_NOT_FOUND);
    cr_expect_eq(gf_read_document(&fixture.cli, "/tmp", &document, &err), GF_INVALID_ARGUMENT);
}
