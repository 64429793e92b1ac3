/* What a program gets: its command, environment, user, directory, input and names. */
#include "base/alloc.h"
#include "tests/conformance/scheduler/cases.h"

#include <string.h>

#include <criterion/criterion.h>

static const struct gf_attempt ATTEMPT = {.run_key = 1, .task_index = 2, .attempt = 1};

static void expect_output(struct stage *stage, const struct gf_launch *launch,
                          const char *expected) {
    struct stage_log log;
    stage_launch(stage, launch);
    const struct stage_event end = stage_wait(stage, launch->attempt, STAGE_EXITED);
    cr_assert(stage_read_log(stage, launch->attempt, &log));
    cr_expect_str_eq(log.out.ptr == NULL ? "" : log.out.ptr, expected, "%s: %s", log.err.ptr,
                     end.text);
    stage_log_fini(&log);
}

static void expect_task_output(struct stage *stage, int64_t run_key, const struct gf_task *task,
                               const char *expected) {
    const struct gf_launch launch = stage_make_launch(stage_attempt(run_key), task);
    expect_output(stage, &launch, expected);
}

/* ---- Commands ---- */

static struct gf_task entry_task(const struct stage *stage) {
    return (struct gf_task){.task_id = GF_STR("a-task"),
                            .image = gf_str_from(stage->driver->entry_image),
                            .pull = GF_PULL_NEVER,
                            .pool_index = -1};
}

void conformance_command_of_the_image_runs_where_the_task_has_none(struct stage *stage) {
    const struct gf_task task = entry_task(stage);
    expect_task_output(stage, 1, &task, "entry from image\n");
}

void conformance_command_of_the_task_replaces_that_of_the_image(struct stage *stage) {
    const struct gf_str command[] = {GF_STR("my"), GF_STR("own")};
    struct gf_task task = entry_task(stage);
    task.command = command;
    task.command_count = 2;
    expect_task_output(stage, 1, &task, "entry my own\n");
}

void conformance_entrypoint_of_the_task_replaces_both(struct stage *stage) {
    const struct gf_str entrypoint[] = {GF_STR("echo"), GF_STR("mine")};
    const struct gf_str command[] = {GF_STR("too")};
    struct gf_task task = entry_task(stage);
    task.entrypoint = entrypoint;
    task.entrypoint_count = 2;
    expect_task_output(stage, 1, &task, "mine\n");
    task.command = command;
    task.command_count = 1;
    expect_task_output(stage, 2, &task, "mine too\n");
}

void conformance_arguments_pass_as_they_are(struct stage *stage) {
    static const char *const command[] = {
        "sh",           "-c", "for a in \"$@\"; do echo \"<$a>\"; done", "zero", "", "two  words",
        "$HOME *\n'\"", NULL};
    struct stage_task task;
    stage_make_task(stage, &task, command);
    expect_task_output(stage, 1, &task.task, "<>\n<two  words>\n<$HOME *\n'\">\n");
}

/* ---- Environment ---- */

void conformance_environment_passes_as_it_is(struct stage *stage) {
    static const char *const environment[] = {"A=", "B=two words", "C=$A=\"'\\",
                                              "D=gr\xc3\xbc\xc3\x9f"
                                              "e\n.",
                                              NULL};
    struct stage_task task;
    stage_make_script(stage, &task, "echo \"<$A><$B><$C><$D>\"; env | grep -c ^A=");
    struct gf_launch launch = stage_make_launch(ATTEMPT, &task.task);
    launch.environment = environment;
    launch.environment_count = 4;
    expect_output(stage, &launch,
                  "<><two words><$A=\"'\\><gr\xc3\xbc\xc3\x9f"
                  "e\n.>\n1\n");
}

void conformance_environment_of_the_launch_wins(struct stage *stage) {
    static const char *const environment[] = {"FROM_IMAGE=no", NULL};
    struct stage_task task;
    stage_make_script(stage, &task, "echo $FROM_IMAGE; env | grep -c FROM_IMAGE");
    struct gf_launch launch = stage_make_launch(stage_attempt(1), &task.task);
    expect_output(stage, &launch, "yes\n1\n");
    launch = stage_make_launch(stage_attempt(2), &task.task);
    launch.environment = environment;
    launch.environment_count = 1;
    expect_output(stage, &launch, "no\n1\n");
}

/* ---- Users and directories ---- */

void conformance_user_of_the_task_is_taken(struct stage *stage) {
    static const struct {
        const char *user;
        const char *expected;
    } users[] = {{"", "0 0\n"},           {"root", "0 0\n"},        {"worker", "1000 1000\n"},
                 {"1000", "1000 1000\n"}, {"1234:77", "1234 77\n"}, {"worker:0", "1000 0\n"}};
    for (size_t i = 0; i < GF_ARRAY_COUNT(users); i++) {
        struct stage_task task;
        stage_make_script(stage, &task, "echo $(id -u) $(id -g)");
        task.task.user = gf_str_from(users[i].user);
        expect_task_output(stage, 1 + (int64_t)i, &task.task, users[i].expected);
    }
}

void conformance_user_that_is_unknown_is_named(struct stage *stage) {
    struct stage_task task;
    stage_make_script(stage, &task, "true");
    task.task.user = GF_STR("nobody-of-that-name");
    const struct gf_launch launch = stage_make_launch(ATTEMPT, &task.task);
    stage_launch(stage, &launch);
    const struct stage_event end = stage_wait_end(stage, ATTEMPT);
    cr_expect(end.kind == STAGE_EXITED || end.kind == STAGE_LAUNCH_FAILED);
    cr_expect_not_null(strstr(end.text, "nobody-of-that-name"), "%s", end.text);
}

void conformance_user_and_directory_of_the_image_are_taken(struct stage *stage) {
    const struct gf_str entrypoint[] = {GF_STR("sh"), GF_STR("-c"), GF_STR("id -u; pwd")};
    struct gf_task task = entry_task(stage);
    task.entrypoint = entrypoint;
    task.entrypoint_count = 3;
    expect_task_output(stage, 1, &task, "1000\n/tmp\n");
    task.user = GF_STR("root");
    task.working_directory = GF_STR("/etc");
    expect_task_output(stage, 2, &task, "0\n/etc\n");
}

/* One that is not there is made. */
void conformance_working_directory_is_entered(struct stage *stage) {
    struct stage_task task;
    stage_make_script(stage, &task, "pwd; touch here && echo made");
    task.task.working_directory = GF_STR("/tmp");
    expect_task_output(stage, 1, &task.task, "/tmp\nmade\n");
    task.task.working_directory = GF_STR("/srv/new/place");
    task.task.user = GF_STR("worker");
    expect_task_output(stage, 2, &task.task, "/srv/new/place\nmade\n");
    task.task.working_directory = GF_STR("");
    task.task.user = GF_STR("");
    expect_task_output(stage, 3, &task.task, "/\nmade\n");
}

/* ---- Input and names ---- */

void conformance_standard_input_is_empty(struct stage *stage) {
    GF_CLEANUP(gf_free_p) char *output = stage_run_script(stage, ATTEMPT, "cat; echo end");
    cr_expect_str_eq(output, "end\n");
}

/* Those that a program sees: in its environment, and the name of its machine, which may be short.
 */
void conformance_names_reach_the_program_whatever_they_are(struct stage *stage) {
    static const char *const ids[] = {
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", "---", "___"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(ids); i++) {
        GF_CLEANUP(gf_free_p) char *variable = gf_asprintf("GOFER_TASK_ID=%s", ids[i]);
        GF_CLEANUP(gf_free_p) char *expected = gf_asprintf("%s\nnamed\n", ids[i]);
        const char *const environment[] = {variable, NULL};
        struct stage_task task;
        stage_make_script(stage, &task,
                          "echo $GOFER_TASK_ID; test -n \"$(hostname)\" && echo named");
        task.task.task_id = gf_str_from(ids[i]);
        struct gf_launch launch = stage_make_launch(stage_attempt((int64_t)i + 1), &task.task);
        launch.environment = environment;
        launch.environment_count = 1;
        expect_output(stage, &launch, expected);
    }
}

/* ---- The document of the run ---- */

void conformance_document_is_there_for_every_user(struct stage *stage) {
    static const char *const users[] = {"root", "worker", "4321:1"};
    const struct gf_str document = GF_STR("{\"a\":\0 1}\n");
    for (size_t i = 0; i < GF_ARRAY_COUNT(users); i++) {
        struct stage_task task;
        stage_make_script(stage, &task, "cat " GF_INPUT_PATH " | tr '\\000' 0");
        task.task.user = gf_str_from(users[i]);
        struct gf_launch launch = stage_make_launch(stage_attempt((int64_t)i + 1), &task.task);
        launch.input = &document;
        expect_output(stage, &launch, "{\"a\":0 1}\n");
    }
}

void conformance_document_cannot_be_changed(struct stage *stage) {
    const struct gf_str document = GF_STR("as it was");
    struct stage_task task;
    stage_make_script(stage, &task,
                      "(echo x > " GF_INPUT_PATH ") 2>&- || echo refused; rm -f " GF_INPUT_PATH
                      " 2>&- || echo kept; cat " GF_INPUT_PATH);
    struct gf_launch launch = stage_make_launch(ATTEMPT, &task.task);
    launch.input = &document;
    expect_output(stage, &launch, "refused\nkept\nas it was");
}

void conformance_launch_without_a_document_has_none(struct stage *stage) {
    GF_CLEANUP(gf_free_p)
    char *output = stage_run_script(stage, ATTEMPT, "test -e " GF_INPUT_PATH " || echo none");
    cr_expect_str_eq(output, "none\n");
}
