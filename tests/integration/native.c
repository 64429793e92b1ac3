#include "tests/integration/native.h"

#include "base/clock.h"
#include "base/proc.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

bool native_ready;

/* ---- The server and its image ---- */

static void run_program(const char *const *argv) {
    const struct gf_proc_spec spec = {.program = argv[0],
                                      .argv = argv,
                                      .envp = (const char *const[]){"PATH=/usr/bin:/bin", NULL}};
    struct gf_proc proc;
    struct gf_proc_exit status;
    cr_assert_eq(gf_proc_spawn(&spec, &proc, &error), GF_OK, "%s", error.message);
    cr_assert_eq(gf_proc_wait(&proc, GF_NEVER, &status, &error), GF_OK);
    cr_assert_eq(status.status, 0, "%s", argv[0]);
}

enum gf_code native_import(const char *path, char *name, Gofer__V1__ImportImageResponse **out) {
    enum {
        CHUNK_BYTES = 256 << 10
    };
    struct gf_rpc_stream *stream = NULL;
    Gofer__V1__ImportImageRequest request = GOFER__V1__IMPORT_IMAGE_REQUEST__INIT;
    Gofer__V1__ImportImageStart start = GOFER__V1__IMPORT_IMAGE_START__INIT;
    char *chunk = gf_arena_alloc(&arena, CHUNK_BYTES);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    cr_assert_geq(fd, 0);
    cr_assert_eq(
        gofer_v1_image_service_import_image_stream_open(harness.channel, NULL, &stream, &error),
        GF_OK);
    start.name = name;
    request.part_case = GOFER__V1__IMPORT_IMAGE_REQUEST__PART_START;
    request.start = &start;
    enum gf_code rc = gofer_v1_image_service_import_image_stream_send(stream, &request, &error);
    request.part_case = GOFER__V1__IMPORT_IMAGE_REQUEST__PART_CHUNK;
    request.chunk.data = (uint8_t *)chunk;
    for (;;) {
        const ssize_t size = read(fd, chunk, CHUNK_BYTES);
        if (size <= 0 || rc != GF_OK) {
            break;
        }
        request.chunk.len = (size_t)size;
        rc = gofer_v1_image_service_import_image_stream_send(stream, &request, &error);
    }
    (void)close(fd);
    gf_rpc_stream_close_send(stream);
    rc = gofer_v1_image_service_import_image_stream_recv(stream, TIMEOUT_MS, &arena, out, &error);
    gf_rpc_stream_destroy(stream);
    return rc;
}

static void setup_with(void (*setup)(void)) {
    char layout[128];
    char tar[128];
    Gofer__V1__ImportImageResponse *response = NULL;
    if (geteuid() != 0) {
        return;
    }
    native_ready = true;
    setup();
    (void)snprintf(layout, sizeof(layout), "%s/layout", harness.dir);
    (void)snprintf(tar, sizeof(tar), "%s/image.tar", harness.dir);
    run_program(
        (const char *const[]){"/usr/bin/python3", "tools/make_busybox_image", layout, NULL});
    run_program((const char *const[]){"/usr/bin/tar", "-cf", tar, "-C", layout, ".", NULL});
    cr_assert_eq(native_import(tar, "", &response), GF_OK, "%s", error.message);
    cr_assert_eq(response->n_images, 1);
    cr_assert_eq(response->new_count, 1);
}

void native_setup(void) {
    setup_with(client_setup_native);
}

void native_setup_auth(void) {
    setup_with(client_setup_auth_native);
}

void native_teardown(void) {
    if (native_ready) {
        client_teardown();
    }
}

/* ---- Pipelines ---- */

void up_spec(Gofer__V1__PipelineSpec *spec, char *script) {
    char **command = GF_ARENA_ARRAY(&arena, 3, char *);
    command[0] = "sh";
    command[1] = "-c";
    command[2] = script;
    for (size_t i = 0; i < spec->n_tasks; i++) {
        spec->tasks[i]->command = command;
        spec->tasks[i]->n_command = 3;
    }
    up_made(spec);
}

void up_script_with(char *script, int32_t parallelism) {
    Gofer__V1__PipelineSpec *spec = make_spec("shell", "one");
    spec->parallelism = parallelism;
    up_spec(spec, script);
}

void up_script(char *script) {
    up_script_with(script, 0);
}

struct gf_rpc_stream *follow_attempt(int32_t attempt, char *resume_token, bool no_wait,
                                     int64_t tail_bytes) {
    Gofer__V1__FollowTaskExecutionLogsRequest request =
        GOFER__V1__FOLLOW_TASK_EXECUTION_LOGS_REQUEST__INIT;
    struct gf_rpc_stream *stream = NULL;
    request.pipeline_id = "shell";
    request.run_id = 1;
    request.task_id = "one";
    request.attempt = attempt;
    request.resume_token = resume_token;
    request.no_wait = no_wait;
    request.tail_bytes = tail_bytes;
    cr_assert_eq(gofer_v1_task_execution_service_follow_task_execution_logs_stream_open(
                     harness.channel, NULL, &request, &stream, &error),
                 GF_OK);
    return stream;
}

struct gf_rpc_stream *follow_log(char *resume_token, bool no_wait, int64_t tail_bytes) {
    return follow_attempt(0, resume_token, no_wait, tail_bytes);
}

void log_init(struct followed_log *log) {
    *log = (struct followed_log){0};
    for (int i = 0; i < 4; i++) {
        gf_strbuf_init(&log->text[i], 64 << 20);
    }
}

void log_fini(struct followed_log *log) {
    for (int i = 0; i < 4; i++) {
        gf_strbuf_fini(&log->text[i]);
    }
}

bool log_take(struct gf_rpc_stream *stream, struct followed_log *log) {
    Gofer__V1__FollowTaskExecutionLogsResponse *message = NULL;
    cr_assert_eq(gofer_v1_task_execution_service_follow_task_execution_logs_stream_recv(
                     stream, TIMEOUT_MS, &arena, &message, &error),
                 GF_OK, "%s", error.message);
    if (message == NULL) {
        return false;
    }
    cr_assert_null(log->end);
    cr_expect(log->message_count > 0 || message->n_chunks == 0);
    log->message_count++;
    for (size_t i = 0; i < message->n_chunks; i++) {
        const Gofer__V1__LogChunk *chunk = message->chunks[i];
        gf_strbuf_append_bytes(&log->text[chunk->stream], chunk->content.data, chunk->content.len);
    }
    log->resume_token = message->resume_token;
    log->end = message->end;
    return true;
}

void log_take_all(struct gf_rpc_stream *stream, struct followed_log *log) {
    while (log_take(stream, log)) {
    }
    gf_rpc_stream_destroy(stream);
    cr_assert_not_null(log->end);
}

const char *log_stdout(struct followed_log *log) {
    return gf_strbuf_view(&log->text[GOFER__V1__LOG_STREAM__LOG_STREAM_STDOUT]).ptr;
}
