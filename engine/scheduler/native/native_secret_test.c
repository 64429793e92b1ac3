/* Secrets of tasks: what comes into the log, and where else somebody might look for them. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/proc.h"
#include "engine/scheduler/native/native.h"
#include "engine/scheduler/native/testing/memory_scan.h"
#include "engine/scheduler/native/testing/native_suite.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(native_secret, .init = native_suite_open, .fini = native_suite_close, .timeout = 120);

static const struct gf_attempt ATTEMPT = {.run_key = 1, .task_index = 2, .attempt = 1};

/* Something that every encoding changes. */
#define VALUE "Tr0ub4dor&3/+\"quoted\" h\xc3\xa4ufig"
#define VARIABLE "SECRET=" VALUE

/* Of launches to come; the value is borrowed until then. */
static void give_secret(const char *variable, struct gf_str value) {
    static struct gf_str masked;
    masked = value;
    host.variable = variable;
    host.masked = &masked;
    host.masked_count = value.ptr == NULL ? 0 : 1;
}

static void launch_as(const char *user, const char *script) {
    const struct gf_str command[] = {GF_STR("sh"), GF_STR("-c"), gf_str_from(script)};
    const struct gf_task task = {
        .task_id = GF_STR("keeper"),
        .image = GF_STR(NATIVE_HOST_IMAGE),
        .command = command,
        .command_count = GF_ARRAY_COUNT(command),
        .user = gf_str_from(user),
    };
    give_secret(VARIABLE, GF_STR(VALUE));
    native_host_launch_task(&host, ATTEMPT, &task);
}

/* Runs a script that has the secret in $SECRET to its end, which is 0; gives its output. */
static char *run(const char *script) {
    launch_as("", script);
    const struct native_event end = native_host_wait(&host, ATTEMPT, NATIVE_EXITED);
    cr_assert(eq(str, end.text, ""));
    cr_assert(eq(i32, end.exit.exit_code, 0));
    return native_host_read_output(&host, ATTEMPT);
}

static void expect_output(const char *script, const char *expected) {
    GF_CLEANUP(gf_free_p) char *output = run(script);
    cr_assert(eq(str, output, (char *)expected));
}

/* ---- the log ---- */

Test(native_secret, whole_value_is_masked) {
    expect_output("echo \"it is $SECRET, they say\"; env | grep SECRET",
                  "it is ***, they say\nSECRET=***\n");
}

Test(native_secret, what_is_no_secret_is_not_masked) {
    expect_output("echo Tr0ub4dor; echo quoted; echo '***'", "Tr0ub4dor\nquoted\n***\n");
}

/* The characters beside the value decide how it is aligned. */
Test(native_secret, base64_is_masked_at_every_alignment) {
    static const char *const scripts[] = {
        "printf %s \"$SECRET\" | busybox base64 -w 0",
        "printf %s \"x$SECRET\" | busybox base64 -w 0",
        "printf %s \"xy$SECRET\" | busybox base64 -w 0",
        "printf %s \"user:$SECRET\" | busybox base64 -w 0 | tr +/ -_",
    };
    struct gf_attempt attempt = ATTEMPT;
    for (size_t i = 0; i < GF_ARRAY_COUNT(scripts); i++) {
        const struct gf_str command[] = {GF_STR("sh"), GF_STR("-c"), gf_str_from(scripts[i])};
        const struct gf_task task = {.task_id = GF_STR("keeper"),
                                     .image = GF_STR(NATIVE_HOST_IMAGE),
                                     .command = command,
                                     .command_count = GF_ARRAY_COUNT(command)};
        attempt.run_key = (int64_t)i + 1;
        give_secret(VARIABLE, GF_STR(VALUE));
        native_host_launch_task(&host, attempt, &task);
        (void)native_host_wait(&host, attempt, NATIVE_EXITED);
        GF_CLEANUP(gf_free_p) char *output = native_host_read_output(&host, attempt);
        cr_assert(strstr(output, "***") != NULL, "%s", output);
        /* What the value alone does not determine: up to two characters on each side, beside what
         * encodes the others. */
        cr_assert(lt(sz, strlen(output), (size_t)16), "%s", output);
    }
}

Test(native_secret, other_encodings_are_masked) {
    expect_output("printf %s \"$SECRET\" | busybox xxd -p | tr -d '\\n'; echo; "
                  "printf %s \"$SECRET\" | busybox xxd -p | tr -d '\\n' | tr a-f A-F; echo; "
                  "echo 'Tr0ub4dor%263%2F%2B%22quoted%22%20h%C3%A4ufig'; "
                  "echo 'Tr0ub4dor%263%2f%2b%22quoted%22+h%c3%a4ufig'; "
                  "echo '\"Tr0ub4dor\\u00263/+\\\"quoted\\\" h\\u00e4ufig\"'; "
                  "echo '\"Tr0ub4dor&3\\/+\\\"quoted\\\" h\xc3\xa4ufig\"'",
                  "***\n***\n***\n***\n\"***\"\n\"***\"\n");
}

Test(native_secret, value_in_several_writes_is_masked) {
    expect_output("printf 'Tr0ub'; printf '4dor&3/+\"quo'; printf 'ted\" h\xc3'; printf "
                  "'\xa4ufig'; echo .",
                  "***.\n");
}

Test(native_secret, value_with_short_pauses_in_it_is_masked) {
    expect_output("printf 'Tr0ub4dor&3'; sleep 0.03; printf '/+\"quoted\" '; sleep 0.03; "
                  "printf 'h\xc3\xa4ufig'; echo .",
                  "***.\n");
}

Test(native_secret, long_pauses_show_no_more_than_a_few_characters) {
    expect_output("printf 'Tr'; sleep 0.3; printf '0u'; sleep 0.3; printf 'b4dor&3'; sleep 0.3; "
                  "printf '/+\"quoted\" h\xc3\xa4ufig'; echo .",
                  "Tr0u***.\n");
}

Test(native_secret, streams_do_not_mix) {
    GF_CLEANUP(gf_free_p)
    char *output = run("for i in 1 2 3; do printf 'Tr0ub4dor&3'; printf 'Tr0ub4dor&3' >&2; "
                       "sleep 0.01; printf '/+\"quoted\" h\xc3\xa4ufig\\n'; "
                       "printf '/+\"quoted\" h\xc3\xa4ufig\\n' >&2; done");
    GF_CLEANUP(gf_free_p)
    char *errors = native_host_read_stream(&host, ATTEMPT, GF_LOG_STREAM_STDERR);
    cr_assert(eq(str, output, "***\n***\n***\n"));
    cr_assert(eq(str, errors, "***\n***\n***\n"));
}

/* Frames and reads of the pipe end everywhere in it. */
Test(native_secret, value_is_masked_at_every_place_of_a_large_output) {
    GF_CLEANUP(gf_free_p)
    char *output = run("line=\"$SECRET.123\"; i=0; while [ $i -lt 6 ]; do line=\"$line$line\"; "
                       "i=$((i+1)); done; yes \"$line\" | head -n 2000");
    size_t masks = 0;
    size_t others = 0;
    for (const char *at = output; *at != '\0'; at++) {
        masks += *at == '*' ? 1 : 0;
        others += strchr("*.123\n", *at) == NULL ? 1 : 0;
    }
    cr_assert(eq(sz, others, (size_t)0));
    cr_assert(eq(sz, masks, (size_t)3 * 64 * 2000));
}

static void wait_for_output(const char *expected) {
    (void)native_host_wait(&host, ATTEMPT, NATIVE_STARTED);
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), NATIVE_HOST_WAIT_MS);
    for (bool seen = false; !seen;) {
        GF_CLEANUP(gf_free_p) char *output = native_host_read_output(&host, ATTEMPT);
        seen = strcmp(output, expected) == 0;
        cr_assert(seen || gf_mono_ns() < deadline, "%s", output);
        (void)poll(NULL, 0, seen ? 0 : 5);
    }
}

Test(native_secret, last_words_of_a_program_that_waits_can_be_read) {
    launch_as("", "printf 'give me your Tr'; sleep 1000");
    wait_for_output("give me your Tr");
    host.scheduler.ops->stop(host.scheduler.self, ATTEMPT, true);
    (void)native_host_wait(&host, ATTEMPT, NATIVE_EXITED);
    wait_for_output("give me your Tr");
}

/* More than that is held back; but the end of the program, however it comes, lets go of it. */
static void expect_at_the_end(const char *script, bool stop) {
    launch_as("", script);
    if (stop) {
        wait_for_output("it was ");
        host.scheduler.ops->stop(host.scheduler.self, ATTEMPT, true);
    }
    (void)native_host_wait(&host, ATTEMPT, NATIVE_EXITED);
    GF_CLEANUP(gf_free_p) char *output = native_host_read_output(&host, ATTEMPT);
    cr_assert(eq(str, output, "it was Tr0ub4dor&"));
}

Test(native_secret, exit_lets_go_of_what_is_held_back) {
    expect_at_the_end("printf 'it was Tr0ub4dor&'", false);
}

Test(native_secret, signal_lets_go_of_what_is_held_back) {
    expect_at_the_end("printf 'it was Tr0ub4dor&'; kill -9 $$", false);
}

Test(native_secret, stop_lets_go_of_what_is_held_back) {
    expect_at_the_end("printf 'it was Tr0ub4dor&'; sleep 1000", true);
}

Test(native_secret, timeout_lets_go_of_what_is_held_back) {
    const struct gf_str command[] = {GF_STR("sh"), GF_STR("-c"),
                                     GF_STR("printf 'it was Tr0ub4dor&'; sleep 1000")};
    const struct gf_task task = {.task_id = GF_STR("keeper"),
                                 .image = GF_STR(NATIVE_HOST_IMAGE),
                                 .command = command,
                                 .command_count = GF_ARRAY_COUNT(command),
                                 .stop_timeout_ms = 50,
                                 .timeout_ms = 400};
    give_secret(VARIABLE, GF_STR(VALUE));
    native_host_launch_task(&host, ATTEMPT, &task);
    const struct native_event end = native_host_wait(&host, ATTEMPT, NATIVE_EXITED);
    cr_assert(end.exit.timed_out);
    GF_CLEANUP(gf_free_p) char *output = native_host_read_output(&host, ATTEMPT);
    cr_assert(eq(str, output, "it was Tr0ub4dor&"));
}

Test(native_secret, lack_of_memory_lets_go_of_what_is_held_back) {
    const struct gf_str command[] = {GF_STR("sh"), GF_STR("-c"),
                                     GF_STR("printf 'it was Tr0ub4dor&'; "
                                            "exec dd if=/dev/zero of=/dev/null bs=200M 2>&-")};
    const struct gf_task task = {.task_id = GF_STR("keeper"),
                                 .image = GF_STR(NATIVE_HOST_IMAGE),
                                 .command = command,
                                 .command_count = GF_ARRAY_COUNT(command),
                                 .resources = {.memory_bytes = 32 << 20}};
    give_secret(VARIABLE, GF_STR(VALUE));
    native_host_launch_task(&host, ATTEMPT, &task);
    const struct native_event end = native_host_wait(&host, ATTEMPT, NATIVE_EXITED);
    cr_assert(end.exit.out_of_memory);
    GF_CLEANUP(gf_free_p) char *output = native_host_read_output(&host, ATTEMPT);
    cr_assert(eq(str, output, "it was Tr0ub4dor&"));
}

Test(native_secret, value_too_short_to_mask_runs_unmasked) {
    const struct gf_str command[] = {GF_STR("sh"), GF_STR("-c"), GF_STR("echo $PIN")};
    const struct gf_task task = {.task_id = GF_STR("keeper"),
                                 .image = GF_STR(NATIVE_HOST_IMAGE),
                                 .command = command,
                                 .command_count = GF_ARRAY_COUNT(command)};
    give_secret("PIN=1234", GF_STR("1234"));
    native_host_launch_task(&host, ATTEMPT, &task);
    (void)native_host_wait(&host, ATTEMPT, NATIVE_EXITED);
    GF_CLEANUP(gf_free_p) char *output = native_host_read_output(&host, ATTEMPT);
    cr_assert(eq(str, output, "1234\n"));
}

/* ---- errors ---- */

static void expect_no_value_in(const char *text) {
    cr_assert(strstr(text, "Tr0ub") == NULL, "%s", text);
}

Test(native_secret, command_that_is_not_found_tells_nothing) {
    const struct gf_str command[] = {GF_STR("frobnicate")};
    const struct gf_task task = {.task_id = GF_STR("keeper"),
                                 .image = GF_STR(NATIVE_HOST_IMAGE),
                                 .command = command,
                                 .command_count = 1};
    give_secret(VARIABLE, GF_STR(VALUE));
    native_host_launch_task(&host, ATTEMPT, &task);
    const struct native_event end = native_host_wait(&host, ATTEMPT, NATIVE_EXITED);
    cr_assert(eq(str, end.text, "command 'frobnicate' not found in the image"));
}

static const char *failed_launch(const char *variable, struct gf_str masked) {
    const struct gf_task task = {.task_id = GF_STR("keeper"), .image = GF_STR(NATIVE_HOST_IMAGE)};
    give_secret(variable, masked);
    native_host_launch_task(&host, ATTEMPT, &task);
    const struct native_event end = native_host_wait(&host, ATTEMPT, NATIVE_LAUNCH_FAILED);
    cr_assert(eq(sz, native_host_count_dirs(&host), (size_t)0));
    return end.text;
}

Test(native_secret, environment_that_is_too_large_tells_nothing) {
    enum {
        SIZE = 5 << 20
    };
    GF_CLEANUP(gf_free_p) char *variable = gf_malloc(SIZE + 1);
    memset(variable, 'y', SIZE);
    variable[SIZE] = '\0';
    memcpy(variable, VARIABLE, sizeof(VARIABLE) - 1);
    const char *text = failed_launch(variable, GF_STR(VALUE));
    cr_assert(eq(str, (char *)text, "command and environment are larger than 4194304 bytes"));
}

/* The kernel takes 128 KiB of one variable. */
Test(native_secret, variable_that_the_kernel_refuses_tells_nothing) {
    enum {
        SIZE = 200 << 10
    };
    GF_CLEANUP(gf_free_p) char *variable = gf_malloc(SIZE + 1);
    memset(variable, 'y', SIZE);
    variable[SIZE] = '\0';
    memcpy(variable, VARIABLE, sizeof(VARIABLE) - 1);
    const struct gf_task task = {.task_id = GF_STR("keeper"), .image = GF_STR(NATIVE_HOST_IMAGE)};
    give_secret(variable, GF_STR(VALUE));
    native_host_launch_task(&host, ATTEMPT, &task);
    const struct native_event end = native_host_wait(&host, ATTEMPT, NATIVE_EXITED);
    cr_assert(eq(i32, end.exit.exit_code, 126));
    cr_assert(strstr(end.text, "cannot be executed: Argument list too long") != NULL, "%s",
              end.text);
    expect_no_value_in(end.text);
}

Test(native_secret, value_that_is_too_large_to_mask_is_not_run) {
    enum {
        SIZE = 65 << 10
    };
    GF_CLEANUP(gf_free_p) char *value = gf_malloc(SIZE + 1);
    memset(value, 'y', SIZE);
    memcpy(value, VALUE, sizeof(VALUE) - 1);
    const char *text = failed_launch(VARIABLE, (struct gf_str){value, SIZE});
    cr_assert(strstr(text, "a value to mask has 66560 bytes") != NULL, "%s", text);
    expect_no_value_in(text);
}

/* ---- from inside of the container ---- */

/* Nothing of what it looks at is printed, as that would be masked. */
static const char LOOK_AROUND[] =
    "found() { echo \"found in $1\"; }; "
    "grep -qa Tr0ub4 /proc/1/environ 2>/dev/null && found environ; "
    "for region in $(sed 's/ .*//' /proc/1/maps 2>/dev/null); do found maps; done; "
    "dd if=/proc/1/mem of=/dev/null bs=4096 count=1 skip=1 2>/dev/null && found mem; "
    "for fd in 0 1 2 3 4 5 6 7 8; do readlink /proc/1/fd/$fd >/dev/null 2>&1 && found fd/$fd; "
    "(: < /proc/1/fd/$fd) 2>/dev/null && found fd/$fd; done; "
    "[ -n \"$(ls /proc/1/map_files 2>/dev/null)\" ] && found map_files; "
    "grep -qa Tr0ub4 /proc/1/cmdline && found cmdline; "
    "for f in /proc/self/fd/*; do case $(readlink $f) in *gofer*|*memfd*) found $f ;; esac; done; "
    "for p in /proc/[0-9]*; do if [ $p != /proc/$$ ]; then "
    "(unset SECRET; exec grep -qa Tr0ub4 $p/environ) 2>/dev/null && found $p; fi; done; "
    "grep -qr gofer-spec /proc/[0-9]*/maps 2>/dev/null && found spec; "
    "cat /proc/1/comm";

Test(native_secret, root_of_the_container_finds_it_in_no_other_process) {
    launch_as("", LOOK_AROUND);
    cr_assert(eq(i32, native_host_wait(&host, ATTEMPT, NATIVE_EXITED).exit.exit_code, 0));
    GF_CLEANUP(gf_free_p) char *output = native_host_read_output(&host, ATTEMPT);
    cr_assert(eq(str, output, "gofer-init\n"));
}

Test(native_secret, user_of_the_container_finds_it_in_no_other_process) {
    launch_as("1234:1234", LOOK_AROUND);
    cr_assert(eq(i32, native_host_wait(&host, ATTEMPT, NATIVE_EXITED).exit.exit_code, 0));
    GF_CLEANUP(gf_free_p) char *output = native_host_read_output(&host, ATTEMPT);
    cr_assert(eq(str, output, "gofer-init\n"));
}

/* ---- from the host ---- */

/* "purple-monkey-dishwasher" */
static const char HIDDEN[] = {0x2a, 0x2f, 0x28, 0x2a, 0x36, 0x3f, 0x77, 0x37,
                              0x35, 0x34, 0x31, 0x3f, 0x23, 0x77, 0x3e, 0x33,
                              0x29, 0x32, 0x2d, 0x3b, 0x29, 0x32, 0x3f, 0x28};
static const struct gf_str HIDDEN_VALUE = {HIDDEN, sizeof(HIDDEN)};

/* Launches with a value that is nowhere in this program's memory before and behind it. */
static void launch_hidden(const char *script) {
    char variable[8 + sizeof(HIDDEN)] = "SECRET=";
    const struct gf_str command[] = {GF_STR("sh"), GF_STR("-c"), gf_str_from(script)};
    const struct gf_task task = {.task_id = GF_STR("keeper"),
                                 .image = GF_STR(NATIVE_HOST_IMAGE),
                                 .command = command,
                                 .command_count = GF_ARRAY_COUNT(command)};
    memory_reveal(HIDDEN_VALUE, variable + 7);
    give_secret(variable, (struct gf_str){variable + 7, sizeof(HIDDEN)});
    native_host_launch_task(&host, ATTEMPT, &task);
    explicit_bzero(variable, sizeof(variable));
    give_secret(NULL, (struct gf_str){NULL, 0});
}

static size_t count_in_file(pid_t pid, const char *name) {
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("/proc/%d/%s", (int)pid, name);
    char value[sizeof(HIDDEN) + 1] = {0};
    struct gf_strbuf bytes;
    struct gf_error error;
    gf_strbuf_init(&bytes, 1 << 20);
    cr_assert(gf_file_read(AT_FDCWD, path, &bytes, &error) == GF_OK, "%s", error.message);
    memory_reveal(HIDDEN_VALUE, value);
    const size_t found = memmem(bytes.ptr, bytes.len, value, sizeof(HIDDEN)) == NULL ? 0 : 1;
    explicit_bzero(value, sizeof(value));
    gf_strbuf_fini(&bytes);
    return found;
}

Test(native_secret, host_finds_it_in_the_masks_of_the_shim_alone) {
    /* Last comes what would stay in a buffer as a whole. */
    launch_hidden("printf %s \"$SECRET\" | busybox base64; echo \"$SECRET\"; exec sleep 1000");
    wait_for_output("***\n***\n");
    const struct gf_shim_start start = native_host_read_start(dir, ATTEMPT);
    const pid_t shim = (pid_t)start.shim_pid;
    const pid_t init = (pid_t)start.container_pid;
    cr_assert(eq(sz, memory_scan(getpid(), HIDDEN_VALUE, NULL), (size_t)0));
    cr_assert(eq(sz, memory_scan(shim, HIDDEN_VALUE, "/memfd:gofer-masks"), (size_t)0));
    cr_assert(gt(sz, memory_scan(shim, HIDDEN_VALUE, NULL), (size_t)0), "the search is blind");
    cr_assert(eq(sz, memory_scan(init, HIDDEN_VALUE, NULL), (size_t)0));
    cr_assert(eq(sz, count_in_file(shim, "environ") + count_in_file(shim, "cmdline"), (size_t)0));
    cr_assert(eq(sz, count_in_file(init, "environ") + count_in_file(init, "cmdline"), (size_t)0));
    host.scheduler.ops->stop(host.scheduler.self, ATTEMPT, true);
    (void)native_host_wait(&host, ATTEMPT, NATIVE_EXITED);
}

Test(native_secret, shim_and_process_1_hold_no_file_of_it) {
    launch_hidden("printf ready; exec sleep 1000");
    wait_for_output("ready");
    const struct gf_shim_start start = native_host_read_start(dir, ATTEMPT);
    GF_CLEANUP(gf_free_p)
    char *command =
        gf_asprintf("ls -l /proc/%d/fd /proc/%d/fd", (int)start.shim_pid, (int)start.container_pid);
    const char *const argv[] = {"/bin/sh", "-c", command, NULL};
    const struct gf_proc_spec spec = {.program = "/bin/sh", .argv = argv};
    struct gf_proc_exit end;
    struct gf_error error;
    struct gf_strbuf out;
    gf_strbuf_init(&out, 1 << 20);
    cr_assert(gf_proc_run(&spec, GF_NEVER, &out, &end, &error) == GF_OK, "%s", error.message);
    cr_assert(strstr(out.ptr, "/dev/null") != NULL, "%s", out.ptr);
    cr_assert(strstr(out.ptr, "memfd:gofer-spec") == NULL, "%s", out.ptr);
    cr_assert(strstr(out.ptr, "memfd:gofer-masks") == NULL, "%s", out.ptr);
    gf_strbuf_fini(&out);
    host.scheduler.ops->stop(host.scheduler.self, ATTEMPT, true);
    (void)native_host_wait(&host, ATTEMPT, NATIVE_EXITED);
}
