/*
 * DESIGN. The main thread watches the run. The first time that a task is seen to have started, a
 * thread is started that reads its log to the end and prints it line by line; the lines of several
 * tasks come as they come, never mixed within a line. After the run has ended the threads end by
 * themselves, because their logs do.
 */
#include "cli/follow.h"

#include "base/alloc.h"
#include "base/str.h"
#include "base/sync.h"
#include "base/vec.h"
#include "cli/call.h"
#include "cli/logs.h"
#include "cli/ui/message.h"
#include "gofer/v1/task_execution.pb-c.h"

#include <string.h>

enum {
    LINE_BYTES_MAX = 64 << 10, /* longer ones are printed in pieces */
};

struct follow;

struct task_log {
    struct follow *follow;
    pthread_t thread;
    char *task_id;
    struct gf_rpc_stream *stream; /* guarded by follow->mutex */
    struct gf_strbuf line;
};

struct follow {
    struct gf_cli *cli;
    const struct gf_watch_options *options;
    struct gf_client *client;
    struct gf_mutex mutex; /* guards what the log threads print, and their streams */
    bool abandoned;        /* guarded: no further stream is to be opened */
    GF_VEC(struct task_log *) logs;
    GF_VEC(char *) states; /* "task state" lines that were printed, to print each change once */
};

static void print_line(struct task_log *log) {
    struct gf_cli *cli = log->follow->cli;
    /* Programs read the answer from standard output: the lines must not stand before it there. */
    FILE *out = cli->output == GF_OUTPUT_TABLE ? cli->out : cli->err;
    GF_MUTEX_GUARD(&log->follow->mutex);
    fprintf(out, "%s | %" GF_STR_FMT "\n", log->task_id, GF_STR_ARG(gf_strbuf_view(&log->line)));
    (void)fflush(out);
    gf_strbuf_reset(&log->line);
}

static void on_chunk(void *ctx, const Gofer__V1__LogChunk *chunk) {
    struct task_log *log = ctx;
    struct gf_str rest = {(const char *)chunk->content.data, chunk->content.len};
    while (rest.len > 0) {
        struct gf_str line;
        bool complete = gf_str_cut(rest, '\n', &line, &rest);
        /* A piece that does not fit ends the line early, so that no line is without limit. */
        while (log->line.len + line.len > LINE_BYTES_MAX) {
            struct gf_str part = {line.ptr, LINE_BYTES_MAX - log->line.len};
            gf_strbuf_append(&log->line, part);
            print_line(log);
            line.ptr += part.len;
            line.len -= part.len;
        }
        gf_strbuf_append(&log->line, line);
        if (complete) {
            print_line(log);
        }
    }
}

static void on_stream(void *ctx, struct gf_rpc_stream *stream) {
    struct task_log *log = ctx;
    GF_MUTEX_GUARD(&log->follow->mutex);
    log->stream = stream;
    if (stream != NULL && log->follow->abandoned) {
        gf_rpc_stream_cancel(stream);
    }
}

static bool goes_on(void *ctx) {
    struct follow *follow = ((struct task_log *)ctx)->follow;
    GF_MUTEX_GUARD(&follow->mutex);
    return !follow->abandoned;
}

static void *read_log(void *ctx) {
    struct task_log *log = ctx;
    struct follow *follow = log->follow;
    struct gf_log_request request = {
        .client = follow->client,
        .namespace_id = follow->cli->namespace_id,
        .pipeline_id = follow->options->pipeline_id,
        .run_id = follow->options->run_id,
        .task_id = log->task_id,
        .follow = true,
        .chunk = on_chunk,
        .was_there = true,
        .goes_on = goes_on,
        .stream_opened = on_stream,
        .ctx = log,
    };
    Gofer__V1__LogEndKind end = GOFER__V1__LOG_END_KIND__LOG_END_KIND_UNSPECIFIED;
    struct gf_error err = {0};
    enum gf_code rc = gf_log_read(&request, &end, &err);
    if (log->line.len > 0) {
        print_line(log);
    }
    GF_MUTEX_GUARD(&follow->mutex);
    if (rc != GF_OK && !follow->abandoned) {
        gf_cli_note(follow->cli, "log of %s: %s", log->task_id, err.message);
    } else if (end == GOFER__V1__LOG_END_KIND__LOG_END_KIND_TRUNCATED) {
        gf_cli_note(follow->cli, "log of %s: some output is missing", log->task_id);
    }
    return NULL;
}

static bool is_followed(const struct follow *follow, const char *task_id) {
    for (size_t i = 0; i < follow->logs.count; i++) {
        if (strcmp(follow->logs.items[i]->task_id, task_id) == 0) {
            return true;
        }
    }
    return false;
}

static void follow_log(struct follow *follow, const char *task_id) {
    if (is_followed(follow, task_id)) {
        return;
    }
    if (follow->logs.count == GF_FOLLOW_TASKS_MAX) {
        gf_cli_note(follow->cli, "the log of %s is not shown: gofer task logs", task_id);
        return;
    }
    struct task_log *log = GF_NEW(struct task_log);
    log->follow = follow;
    log->task_id = gf_strdup(task_id);
    gf_strbuf_init(&log->line, LINE_BYTES_MAX + 1);
    gf_vec_push(&follow->logs, log);
    gf_thread_start(&log->thread, "log", read_log, log);
}

/* True the first time that the task is in this state. */
static bool is_news(struct follow *follow, const char *text) {
    for (size_t i = 0; i < follow->states.count; i++) {
        if (strcmp(follow->states.items[i], text) == 0) {
            return false;
        }
    }
    gf_vec_push(&follow->states, gf_strdup(text));
    return true;
}

static void show_task(struct follow *follow, const Gofer__V1__TaskExecution *task) {
    struct gf_cli *cli = follow->cli;
    bool complete = task->state == GOFER__V1__TASK_EXECUTION_STATE__TASK_EXECUTION_STATE_COMPLETE;
    bool running = task->state == GOFER__V1__TASK_EXECUTION_STATE__TASK_EXECUTION_STATE_RUNNING;
    if (complete || running) {
        const char *word = complete
                               ? gf_show_enum(cli, &gofer__v1__task_execution_status__descriptor,
                                              (int)task->status)
                               : "RUNNING";
        const char *text = gf_show_text(cli, "%s %s", task->task_id, word);
        if (is_news(follow, text)) {
            GF_MUTEX_GUARD(&follow->mutex);
            bool ended_well =
                task->status_reason == NULL || task->status_reason->description[0] == '\0' ||
                task->status == GOFER__V1__TASK_EXECUTION_STATUS__TASK_EXECUTION_STATUS_SUCCESSFUL;
            gf_cli_note(cli, "%s%s%s", text, ended_well ? "" : ": ",
                        ended_well ? "" : task->status_reason->description);
        }
    }
    if ((complete || running) && task->attempt > 0) {
        follow_log(follow, task->task_id);
    }
}

static void on_update(void *ctx, const Gofer__V1__WatchRunResponse *update) {
    struct follow *follow = ctx;
    for (size_t i = 0; i < update->n_task_executions; i++) {
        show_task(follow, update->task_executions[i]);
    }
}

/* Logs that are still open belong to a run that is no longer followed. */
static void abandon_logs(struct follow *follow) {
    GF_MUTEX_GUARD(&follow->mutex);
    follow->abandoned = true;
    for (size_t i = 0; i < follow->logs.count; i++) {
        if (follow->logs.items[i]->stream != NULL) {
            gf_rpc_stream_cancel(follow->logs.items[i]->stream);
        }
    }
}

static void join_logs(struct follow *follow) {
    for (size_t i = 0; i < follow->logs.count; i++) {
        struct task_log *log = follow->logs.items[i];
        gf_thread_join(log->thread);
        gf_strbuf_fini(&log->line);
        free(log->task_id);
        free(log);
    }
    gf_vec_fini(&follow->logs);
    for (size_t i = 0; i < follow->states.count; i++) {
        free(follow->states.items[i]);
    }
    gf_vec_fini(&follow->states);
}

enum gf_exit_code gf_follow_run(struct gf_cli *cli, const struct gf_watch_options *options,
                                Gofer__V1__Run **out_run) {
    enum gf_exit_code code = GF_EXIT_OK;
    struct gf_client *client = gf_cli_connect(cli, &code);
    if (client == NULL) {
        return code;
    }
    struct follow follow = {.cli = cli, .options = options, .client = client};
    gf_mutex_init(&follow.mutex, GF_RANK_CLI_OUTPUT);
    struct gf_watch_options watch = *options;
    watch.changed = on_update;
    watch.ctx = &follow;
    code = gf_watch_run(cli, &watch, out_run);
    if (code != GF_EXIT_OK) {
        abandon_logs(&follow);
    }
    join_logs(&follow);
    gf_mutex_fini(&follow.mutex);
    return code;
}
