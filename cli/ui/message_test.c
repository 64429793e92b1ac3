#include "base/clock.h"
#include "base/time.h"
#include "cli/testing/fixture.h"
#include "cli/ui/message.h"
#include "gofer/v1/run.pb-c.h"

#include <criterion/criterion.h>

static struct gf_cli_fixture fixture;

static void setup(void) {
    gf_fixture_init(&fixture, NULL, NULL);
}

static void teardown(void) {
    gf_fixture_fini(&fixture);
}

TestSuite(message, .init = setup, .fini = teardown);

static Google__Protobuf__Timestamp timestamp(int64_t seconds, int32_t nanos) {
    Google__Protobuf__Timestamp time = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    time.seconds = seconds;
    time.nanos = nanos;
    return time;
}

Test(message, times_off_a_terminal_are_rfc_3339) {
    Google__Protobuf__Timestamp time = timestamp(1700000000, 0);
    cr_expect_str_eq(gf_show_time(&fixture.cli, &time), "2023-11-14T22:13:20Z");
    cr_expect_str_eq(gf_show_time(&fixture.cli, NULL), "-");
}

Test(message, times_on_a_terminal_are_ages) {
    fixture.cli.out_is_terminal = true;
    Google__Protobuf__Timestamp time = timestamp(gf_wall_ns() / GF_NS_PER_SEC - 7200, 0);
    cr_expect_str_eq(gf_show_time(&fixture.cli, &time), "2 hours ago");
}

Test(message, durations) {
    Google__Protobuf__Timestamp start = timestamp(100, 500000000);
    Google__Protobuf__Timestamp end = timestamp(163, 500000000);
    cr_expect_str_eq(gf_show_duration(&fixture.cli, &start, &end), "1m3s");
    cr_expect_str_eq(gf_show_duration(&fixture.cli, NULL, &end), "-");
    cr_expect_str_eq(gf_show_duration(&fixture.cli, &end, &start), "0s", "clocks may go back");
}

Test(message, offsets_from_another_time) {
    Google__Protobuf__Timestamp base = timestamp(100, 0);
    Google__Protobuf__Timestamp later = timestamp(101, 200000000);
    cr_expect_str_eq(gf_show_offset(&fixture.cli, &base, &later), "+1.2s");
    cr_expect_str_eq(gf_show_offset(&fixture.cli, &base, &base), "+0s");
    cr_expect_str_eq(gf_show_offset(&fixture.cli, NULL, &later), "-");
    cr_expect_str_eq(gf_show_offset(&fixture.cli, &base, NULL), "-");
}

Test(message, spans_of_time) {
    Google__Protobuf__Duration duration = GOOGLE__PROTOBUF__DURATION__INIT;
    duration.seconds = 30 * 86400;
    cr_expect_str_eq(gf_show_span(&fixture.cli, &duration), "30d");
    cr_expect_str_eq(gf_show_span(&fixture.cli, NULL), "-");
}

Test(message, deadlines_on_a_terminal_are_what_is_left) {
    Google__Protobuf__Timestamp time = timestamp(gf_wall_ns() / GF_NS_PER_SEC + 7230, 0);
    fixture.cli.out_is_terminal = true;
    cr_expect_str_eq(gf_show_deadline(&fixture.cli, &time), "in 2h");
    cr_expect_str_eq(gf_show_deadline(&fixture.cli, NULL), "-");
    time.seconds -= 7230 + 90;
    cr_expect_str_eq(gf_show_deadline(&fixture.cli, &time), "1 minute ago");
    fixture.cli.out_is_terminal = false;
    time.seconds = 1700000000;
    cr_expect_str_eq(gf_show_deadline(&fixture.cli, &time), "2023-11-14T22:13:20Z");
}

Test(message, sizes_are_for_people_on_a_terminal_only) {
    cr_expect_str_eq(gf_show_bytes(&fixture.cli, 1536), "1536");
    fixture.cli.out_is_terminal = true;
    cr_expect_str_eq(gf_show_bytes(&fixture.cli, 1023), "1023 B");
    cr_expect_str_eq(gf_show_bytes(&fixture.cli, 1536), "1.5 KiB");
    cr_expect_str_eq(gf_show_bytes(&fixture.cli, INT64_C(3) << 30), "3.0 GiB");
    cr_expect_str_eq(gf_show_bytes(&fixture.cli, INT64_C(2048) << 40), "2048.0 TiB");
}

Test(message, enums_lose_their_prefix) {
    const ProtobufCEnumDescriptor *descriptor = &gofer__v1__run_state__descriptor;
    cr_expect_str_eq(gf_show_enum(&fixture.cli, descriptor, 0), "-");
    cr_expect_str_eq(
        gf_show_enum(&fixture.cli, descriptor, GOFER__V1__RUN_STATE__RUN_STATE_RUNNING), "RUNNING");
    cr_expect_str_eq(gf_show_enum(&fixture.cli, descriptor, 4711), "4711");
}

Test(message, json_is_indented_or_in_one_line) {
    Gofer__V1__Run run = GOFER__V1__RUN__INIT;
    char pipeline_id[] = "hello";
    run.pipeline_id = pipeline_id;
    run.run_id = 7;
    fixture.cli.output = GF_OUTPUT_JSON;
    cr_expect_eq(gf_print_message(&fixture.cli, &run.base), GF_EXIT_OK);
    cr_expect_eq(gf_print_message_line(&fixture.cli, &run.base), GF_EXIT_OK);
    fixture.cli.output = GF_OUTPUT_JSONL;
    cr_expect_eq(gf_print_message(&fixture.cli, &run.base), GF_EXIT_OK);
    gf_fixture_flush(&fixture);
    cr_expect_str_eq(fixture.out, "{\n  \"pipelineId\": \"hello\",\n  \"runId\": \"7\"\n}\n"
                                  "{\"pipelineId\":\"hello\",\"runId\":\"7\"}\n"
                                  "{\"pipelineId\":\"hello\",\"runId\":\"7\"}\n");
}

Test(message, states_have_colours) {
    cr_expect_eq(gf_state_colour("SUCCESSFUL"), GF_CELL_GREEN);
    cr_expect_eq(gf_state_colour("FAILED"), GF_CELL_RED);
    cr_expect_eq(gf_state_colour("anything"), GF_CELL_PLAIN);
}
