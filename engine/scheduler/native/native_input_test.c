/* The document of a run, as its containers find it. */
#include "base/alloc.h"
#include "engine/scheduler/native/native.h"
#include "engine/scheduler/native/testing/native_suite.h"

#include <stdlib.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(native_input, .init = native_suite_open, .fini = native_suite_close, .timeout = 120);

static const struct gf_attempt ATTEMPT = {.run_key = 1, .task_index = 2, .attempt = 1};

/* Runs a script as the user, with the document; gives its output, to be freed. */
static char *run(const char *user, struct gf_str document, const char *script) {
    const struct gf_str command[] = {GF_STR("sh"), GF_STR("-c"), gf_str_from(script)};
    const struct gf_task task = {
        .task_id = GF_STR("reader"),
        .image = GF_STR(NATIVE_HOST_IMAGE),
        .command = command,
        .command_count = GF_ARRAY_COUNT(command),
        .user = gf_str_from(user),
    };
    host.input = document;
    native_host_launch_task(&host, ATTEMPT, &task);
    const struct native_event end = native_host_wait(&host, ATTEMPT, NATIVE_EXITED);
    cr_assert(eq(str, end.text, ""));
    cr_assert(eq(i32, end.exit.exit_code, 0));
    return native_host_read_output(&host, ATTEMPT);
}

Test(native_input, nobody_can_change_it) {
    GF_CLEANUP(gf_free_p)
    char *output = run("", GF_STR("x"),
                       "f=/run/gofer/input; (echo y > $f) 2>/dev/null && echo written; "
                       "rm -f $f 2>/dev/null && echo removed; "
                       "(echo y > /run/gofer/other) 2>/dev/null && echo made; "
                       "mount -o remount,rw /run/gofer 2>/dev/null && echo remounted; "
                       "umount /run/gofer 2>/dev/null && echo unmounted; cat $f");
    cr_assert(eq(str, output, "x"));
}

Test(native_input, any_bytes_pass) {
    static char document[256 << 10];
    for (size_t i = 0; i < sizeof(document); i++) {
        document[i] = (char)(i * 7 % 256);
    }
    GF_CLEANUP(gf_free_p)
    char *output = run("", (struct gf_str){document, sizeof(document)},
                       "wc -c < /run/gofer/input; head -c 3 /run/gofer/input | od -An -tu1");
    cr_assert(eq(str, output, "262144\n   0   7  14\n"));
}

Test(native_input, an_empty_one_is_a_file_too) {
    GF_CLEANUP(gf_free_p)
    char *output = run("", GF_STR(""), "test -f /run/gofer/input && wc -c < /run/gofer/input");
    cr_assert(eq(str, output, "0\n"));
}

Test(native_input, no_path_of_the_host_leads_to_it) {
    GF_CLEANUP(gf_free_p)
    char *output = run("", GF_STR("x"),
                       "grep ' /run/gofer ' /proc/self/mountinfo | sed 's/.* - //' | "
                       "cut -d' ' -f1,2; ls /proc/self/fd | wc -l");
    cr_assert(eq(str, output, "tmpfs tmpfs\n4\n")); /* the streams, and that of ls itself */
}

Test(native_input, link_of_the_image_does_not_lead_it_elsewhere) {
    GF_CLEANUP(gf_free_p) char *layer = native_host_layer(dir);
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/run", layer);
    (void)rmdir(path);
    cr_assert(eq(int, symlink("/etc", path), 0));
    GF_CLEANUP(gf_free_p)
    char *output = run("", GF_STR("x"),
                       "cat /run/gofer/input; ls -d /etc/gofer 2>/dev/null || "
                       "echo ' is not in /etc'");
    cr_assert(eq(str, output, "x is not in /etc\n"));
}

Test(native_input, one_that_is_too_large_fails_the_launch) {
    const struct gf_task task = {.task_id = GF_STR("reader"), .image = GF_STR(NATIVE_HOST_IMAGE)};
    GF_CLEANUP(gf_free_p) char *document = gf_calloc(1, (1 << 20) + 1);
    host.input = (struct gf_str){document, (1 << 20) + 1};
    native_host_launch_task(&host, ATTEMPT, &task);
    const struct native_event end = native_host_wait(&host, ATTEMPT, NATIVE_LAUNCH_FAILED);
    cr_assert(eq(str, end.text, "the input is larger than 1048576 bytes"));
}
