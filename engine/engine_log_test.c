/* What the log says of the engine's work: the request behind it, and what it is about. */
#include "engine/testing/caller.h"
#include "engine/testing/rig.h"

#include <criterion/criterion.h>

static struct rig rig;
static struct gf_strbuf
    lines; /* written by one thread at a time: the sink is called under a lock */

static void collect(void *ctx, struct gf_str line) {
    gf_strbuf_append(ctx, line);
}

static void setup(void) {
    gf_strbuf_init(&lines, 1 << 20);
    rig_init(&rig, (struct gf_core_limits){.runs_running_max = 1});
    rig_up(&rig, "one; two < one");
    gf_log_set_level(GF_LOG_DEBUG);
    gf_log_set_sink(collect, &lines);
}

static void teardown(void) {
    gf_log_set_sink(NULL, NULL);
    rig_fini(&rig);
    gf_strbuf_fini(&lines);
}

TestSuite(engine_log, .init = setup, .fini = teardown, .timeout = 60);

static bool holds(struct gf_str line, const char *text) {
    return memmem(line.ptr, line.len, text, strlen(text)) != NULL;
}

/* How many lines have all of the texts. */
static size_t count_lines(const char *event, const char *first, const char *second) {
    size_t count = 0;
    struct gf_str line;
    struct gf_str rest = gf_strbuf_view(&lines);
    while (gf_str_cut(rest, '\n', &line, &rest)) {
        count += holds(line, event) && holds(line, first) && holds(line, second);
    }
    return count;
}

static char request_at_reply[GF_LOG_REQUEST_BYTES_MAX + 1];
static char request_at_launch[GF_LOG_REQUEST_BYTES_MAX + 1];

static void note_request(char out[GF_LOG_REQUEST_BYTES_MAX + 1]) {
    const struct gf_str request = gf_log_request();
    memcpy(out, request.ptr, request.len);
    out[request.len] = '\0';
}

static void on_done(GF_UNUSED void *ctx, GF_UNUSED const struct gf_reply *reply) {
    note_request(request_at_reply);
}

static void on_launch(GF_UNUSED void *ctx, GF_UNUSED const struct gf_launch *launch) {
    note_request(request_at_launch);
}

static void start_run(const char *request) {
    struct caller caller;
    caller_start_run(&caller, "pipe");
    caller.on_done = on_done;
    GF_LOG_SCOPE(.request = gf_str_from(request));
    cr_assert_eq(caller_call(&caller, rig.engine), GF_OK);
}

Test(engine_log, what_a_command_causes_has_its_request) {
    rig.puppet.on_launch = on_launch;
    start_run("req-1");
    cr_expect_str_eq(request_at_reply, "req-1");
    (void)puppet_wait_launch(&rig.puppet, 1);
    gf_log_set_sink(NULL, NULL); /* the thread has done with it */
    cr_expect_str_eq(request_at_launch, "req-1");
    static const char run[] = "request=req-1 namespace=default pipeline=pipe run=1 ";
    cr_expect_eq(count_lines("event_committed", run, "kind=RUN_QUEUED"), 1, "%s", lines.ptr);
    cr_expect_eq(count_lines("attempt_launched",
                             "request=req-1 namespace=default pipeline=pipe "
                             "run=1 task=one attempt=1 ",
                             "image="),
                 1, "%s", lines.ptr);
}

/* Whoever is answered may free the command before it says a word. */
static void on_done_without_command(void *ctx, const struct gf_reply *reply) {
    struct caller *caller = ctx;
    memset(caller->command.request, '?', sizeof(caller->command.request));
    caller->command.request_size = 0;
    on_done(ctx, reply);
}

Test(engine_log, an_answer_has_its_request_though_the_command_is_gone) {
    const char *const pipelines[] = {"pipe", "missing"}; /* one is refused at once */
    for (size_t i = 0; i < GF_ARRAY_COUNT(pipelines); i++) {
        struct caller caller;
        caller_start_run(&caller, pipelines[i]);
        caller.on_done = on_done_without_command;
        caller.ctx = &caller;
        GF_LOG_SCOPE(.request = GF_STR("req-1"));
        (void)caller_call(&caller, rig.engine);
        cr_expect_str_eq(request_at_reply, "req-1", "%s", pipelines[i]);
        request_at_reply[0] = '\0';
    }
}

Test(engine_log, what_comes_by_itself_has_none) {
    start_run("req-1");
    const struct gf_attempt one = puppet_wait_launch(&rig.puppet, 1).attempt;
    puppet_exit(&rig.puppet, one, 0);
    (void)puppet_wait_launch(&rig.puppet, 2);
    gf_log_set_sink(NULL, NULL);
    cr_expect_eq(count_lines("attempt_launched",
                             "debug attempt_launched namespace=default "
                             "pipeline=pipe run=1 task=two ",
                             ""),
                 1, "%s", lines.ptr);
}

/* Both may be in one batch, or in two. */
Test(engine_log, each_command_has_its_own) {
    struct caller callers[2];
    for (size_t i = 0; i < GF_ARRAY_COUNT(callers); i++) {
        GF_LOG_SCOPE(.request = i == 0 ? GF_STR("req-a") : GF_STR("req-b"));
        caller_start_run(&callers[i], "pipe");
        caller_submit(&callers[i], rig.engine);
    }
    cr_assert_eq(caller_wait(&callers[0]), GF_OK);
    cr_assert_eq(caller_wait(&callers[1]), GF_OK);
    (void)puppet_wait_launch(&rig.puppet, 1);
    gf_log_set_sink(NULL, NULL);
    cr_expect_eq(count_lines("kind=RUN_QUEUED", "request=req-a ", " run=1 "), 1, "%s", lines.ptr);
    cr_expect_eq(count_lines("kind=RUN_QUEUED", "request=req-b ", " run=2 "), 1, "%s", lines.ptr);
}

Test(engine_log, nothing_is_written_at_the_usual_level) {
    gf_log_set_level(GF_LOG_INFO);
    start_run("req-1");
    (void)puppet_wait_launch(&rig.puppet, 1);
    gf_log_set_sink(NULL, NULL);
    cr_expect_str_eq(lines.ptr, "");
}
