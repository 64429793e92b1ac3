#include "engine/scheduler/native/protocol.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static struct gf_error error;
static struct gf_strbuf bytes;

static void set_up(void) {
    gf_strbuf_init(&bytes, GF_SHIM_MESSAGE_BYTES_MAX);
}

static void tear_down(void) {
    gf_strbuf_fini(&bytes);
}

TestSuite(protocol, .init = set_up, .fini = tear_down);

static struct gf_shim_message pass(const struct gf_shim_message *message) {
    struct gf_shim_message decoded;
    cr_assert(gf_shim_message_encode(message, &bytes, &error) == GF_OK, "%s", error.message);
    cr_assert(gf_shim_message_decode(gf_strbuf_view(&bytes), &decoded, &error) == GF_OK, "%s",
              error.message);
    cr_assert(decoded.kind == message->kind);
    return decoded;
}

static const struct gf_shim_exit EXIT = {
    .image_digest = "sha256:1",
    .failure = "",
    .exit_code = 137,
    .exit_signal = 9,
    .timed_out = true,
    .out_of_memory = true,
    .stopped = true,
    .start_time = 1,
    .end_time = 2,
    .cpu_time_ns = 3,
    .peak_memory_bytes = 4,
    .log_bytes = 5,
    .log_truncated = true,
    .peak_pid_count = 6,
    .disk_bytes = 7,
    .missing_protections = UINT32_MAX,
};

static void expect_exit(const struct gf_shim_exit *exit) {
    cr_assert(eq(str, (char *)exit->image_digest, "sha256:1"));
    cr_assert(eq(str, (char *)exit->failure, ""));
    cr_assert(eq(i64, exit->exit_code, 137));
    cr_assert(eq(i64, exit->exit_signal, 9));
    cr_assert(exit->timed_out && exit->out_of_memory && exit->stopped && exit->log_truncated);
    cr_assert(eq(i64, exit->start_time, 1));
    cr_assert(eq(i64, exit->end_time, 2));
    cr_assert(eq(i64, exit->cpu_time_ns, 3));
    cr_assert(eq(i64, exit->peak_memory_bytes, 4));
    cr_assert(eq(i64, exit->log_bytes, 5));
    cr_assert(eq(i64, exit->peak_pid_count, 6));
    cr_assert(eq(i64, exit->disk_bytes, 7));
    cr_assert(eq(i64, exit->missing_protections, UINT32_MAX));
}

Test(protocol, started_passes) {
    const struct gf_shim_message message = {
        .kind = GF_SHIM_MESSAGE_STARTED,
        .u.started = {.image_digest = "sha256:2",
                      .start_time = 42,
                      .container_pid = 7,
                      .missing_protections = 5},
    };
    const struct gf_shim_message decoded = pass(&message);
    cr_assert(eq(str, (char *)decoded.u.started.image_digest, "sha256:2"));
    cr_assert(eq(i64, decoded.u.started.start_time, 42));
    cr_assert(eq(i64, decoded.u.started.container_pid, 7));
    cr_assert(eq(i64, decoded.u.started.missing_protections, 5));
}

Test(protocol, exited_passes) {
    const struct gf_shim_message message = {.kind = GF_SHIM_MESSAGE_EXITED, .u.exited = EXIT};
    const struct gf_shim_message decoded = pass(&message);
    expect_exit(&decoded.u.exited);
}

Test(protocol, requests_pass) {
    const struct gf_shim_message stop = {.kind = GF_SHIM_MESSAGE_STOP,
                                         .u.stop = {.grace_ms = 500, .own_grace = true}};
    const struct gf_shim_message decoded = pass(&stop);
    cr_assert(eq(i64, decoded.u.stop.grace_ms, 500));
    cr_assert(decoded.u.stop.own_grace);
    gf_strbuf_reset(&bytes);
    const struct gf_shim_message signal = {.kind = GF_SHIM_MESSAGE_SIGNAL, .u.signal.number = 10};
    cr_assert(eq(i64, pass(&signal).u.signal.number, 10));
    gf_strbuf_reset(&bytes);
    const struct gf_shim_message ping = {.kind = GF_SHIM_MESSAGE_PING};
    (void)pass(&ping);
}

Test(protocol, messages_of_later_versions_are_unknown_not_wrong) {
    struct gf_shim_message decoded;
    cr_assert(gf_shim_message_decode(GF_STR("freeze=1\0rows=3\0"), &decoded, &error) == GF_OK);
    cr_assert(decoded.kind == GF_SHIM_MESSAGE_UNKNOWN);
    cr_assert(gf_shim_message_decode(GF_STR("ping=1\0new=3\0"), &decoded, &error) == GF_OK);
    cr_assert(decoded.kind == GF_SHIM_MESSAGE_PING);
}

Test(protocol, malformed_messages_are_refused) {
    struct gf_shim_message decoded;
    const struct gf_str wrong[] = {
        GF_STR(""),
        GF_STR("ping"),
        GF_STR("stop=1\0grace_ms=-1\0"),
        GF_STR("signal=1\0"),
        GF_STR("signal=1\0number=65\0"),
        GF_STR("exited=1\0exit_code=256\0"),
        GF_STR("exited=1\0exit_code=1\0exit_code=2\0"),
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(wrong); i++) {
        cr_assert(gf_shim_message_decode(wrong[i], &decoded, &error) == GF_INVALID_ARGUMENT, "%zu",
                  i);
    }
}

Test(protocol, records_pass_and_are_sealed) {
    struct gf_shim_exit exit;
    struct gf_shim_start start = {.boot_id = "boot",
                                  .image_digest = "d",
                                  .shim_pid = 1,
                                  .shim_start_ticks = 2,
                                  .container_pid = 3,
                                  .container_start_ticks = 4};
    cr_assert(gf_shim_exit_encode(&EXIT, &bytes, &error) == GF_OK);
    cr_assert(gf_shim_exit_decode(gf_strbuf_view(&bytes), &exit, &error) == GF_OK);
    expect_exit(&exit);
    cr_assert(gf_shim_exit_decode((struct gf_str){bytes.ptr, bytes.len - 1}, &exit, &error) ==
              GF_INVALID_ARGUMENT);
    gf_strbuf_reset(&bytes);
    cr_assert(gf_shim_start_encode(&start, &bytes, &error) == GF_OK);
    start = (struct gf_shim_start){0};
    cr_assert(gf_shim_start_decode(gf_strbuf_view(&bytes), &start, &error) == GF_OK);
    cr_assert(eq(str, (char *)start.boot_id, "boot"));
    cr_assert(eq(i64, start.shim_pid, 1));
    cr_assert(eq(i64, start.container_start_ticks, 4));
    cr_assert(gf_shim_exit_decode(gf_strbuf_view(&bytes), &exit, &error) == GF_INVALID_ARGUMENT);
}

/* ---- sessions ---- */

Test(protocol, session_requests_pass) {
    const struct gf_shim_message attach = {.kind = GF_SHIM_MESSAGE_ATTACH,
                                           .u.size = {.columns = 80, .rows = 25}};
    struct gf_shim_message decoded = pass(&attach);
    cr_assert(eq(i64, decoded.u.size.columns, 80));
    cr_assert(eq(i64, decoded.u.size.rows, 25));
    const enum gf_shim_message_kind empty[] = {GF_SHIM_MESSAGE_EXEC, GF_SHIM_MESSAGE_CLOSE_INPUT};
    for (size_t i = 0; i < GF_ARRAY_COUNT(empty); i++) {
        gf_strbuf_reset(&bytes);
        (void)pass(&(struct gf_shim_message){.kind = empty[i]});
    }
    gf_strbuf_reset(&bytes);
    const struct gf_shim_message failed = {
        .kind = GF_SHIM_MESSAGE_SESSION_FAILED,
        .u.session_failed = {.code = GF_NOT_FOUND, .message = "no such user"}};
    decoded = pass(&failed);
    cr_assert(eq(i64, decoded.u.session_failed.code, GF_NOT_FOUND));
    cr_assert(eq(str, (char *)decoded.u.session_failed.message, "no such user"));
}

Test(protocol, session_ends_pass) {
    const struct gf_shim_message started = {
        .kind = GF_SHIM_MESSAGE_SESSION_STARTED,
        .u.session_started = {.terminal = true, .accepts_input = true, .window = 65536}};
    struct gf_shim_message decoded = pass(&started);
    cr_assert(decoded.u.session_started.terminal && decoded.u.session_started.accepts_input);
    cr_assert(eq(i64, decoded.u.session_started.window, 65536));
    gf_strbuf_reset(&bytes);
    const struct gf_shim_message exited = {
        .kind = GF_SHIM_MESSAGE_SESSION_EXITED,
        .u.session_exited = {.exit_code = 137, .exit_signal = 9, .out_of_memory = true}};
    decoded = pass(&exited);
    cr_assert(eq(i64, decoded.u.session_exited.exit_code, 137));
    cr_assert(eq(i64, decoded.u.session_exited.exit_signal, 9));
    cr_assert(decoded.u.session_exited.out_of_memory);
}

Test(protocol, data_may_be_any_bytes) {
    static const char raw[] = "a\0data=b\0stream=9\0\xff\n";
    const struct gf_shim_message message = {
        .kind = GF_SHIM_MESSAGE_OUTPUT,
        .u.data = {.stream = 2, .bytes = {raw, sizeof(raw)}},
    };
    const struct gf_shim_message decoded = pass(&message);
    cr_assert(eq(i64, decoded.u.data.stream, 2));
    cr_assert(gf_str_eq(decoded.u.data.bytes, message.u.data.bytes));
    gf_strbuf_reset(&bytes);
    const struct gf_shim_message none = {.kind = GF_SHIM_MESSAGE_INPUT};
    cr_assert(eq(sz, pass(&none).u.data.bytes.len, (size_t)0));
}

Test(protocol, data_has_a_limit) {
    static char many[GF_SHIM_DATA_BYTES_MAX + 1];
    struct gf_shim_message message = {.kind = GF_SHIM_MESSAGE_OUTPUT,
                                      .u.data = {.stream = 1, .bytes = {many, sizeof(many) - 1}}};
    struct gf_shim_message decoded;
    gf_strbuf_fini(&bytes);
    gf_strbuf_init(&bytes, GF_SHIM_SESSION_MESSAGE_BYTES_MAX);
    (void)pass(&message);
    gf_strbuf_append_char(&bytes, 'x');
    cr_assert(gf_shim_message_decode(gf_strbuf_view(&bytes), &decoded, &error) ==
              GF_INVALID_ARGUMENT);
    message.u.data.bytes.len++;
    gf_strbuf_reset(&bytes);
    cr_assert(gf_shim_message_encode(&message, &bytes, &error) == GF_INVALID_ARGUMENT);
    cr_assert(gf_shim_message_decode(GF_STR("output=1\0stream=1\0"), &decoded, &error) ==
              GF_INVALID_ARGUMENT);
}
