/*
 * DESIGN. The main thread watches the run. The first time that an attempt of a task is seen, a
 * thread is started that reads its log to the end and prints it line by line; the lines of several
 * tasks come as they come, never mixed within a line. After the run has ended the threads end by
 * themselves, because their logs do.
 */
#include "cli/follow.h"

#include "base/alloc.h"
#include "base/map.h"
#include "base/str.h"
#include "base/sync.h"
#include "base/vec.h"
#include "cli/call.h"
#include "cli/logs.h"
#include "cli/ui/message.h"
#include "cli/ui/timeline.h"
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
    int32_t attempt;
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
    struct gf_map told; /* what was printed, to print each change once */
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
        .attempt = log->attempt,
        .follow = true,
        .chunk = on_chunk,
        .was_there = true,
        .goes_on = goes_on,
        .stream_opened = on_stream,
        .ctx = log,
    };
    struct gf_log_end end = {0};
    struct gf_error err = {0};
    enum gf_code rc = gf_log_read(&request, &end, &err);
    if (log->line.len > 0) {
        print_line(log);
    }
    GF_MUTEX_GUARD(&follow->mutex);
    if (rc != GF_OK && !follow->abandoned) {
        gf_cli_note(follow->cli, "log of %s: %s", log->task_id, err.message);
    } else if (end.kind == GOFER__V1__LOG_END_KIND__LOG_END_KIND_TRUNCATED) {
        gf_cli_note(follow->cli, "log of %s: some output is missing: %s", log->task_id,
                    end.description);
    }
    return NULL;
}

/* The latest attempt whose log is shown; 0 = none is. */
static int32_t followed_attempt(const struct follow *follow, const char *task_id) {
    for (size_t i = follow->logs.count; i > 0; i--) {
        if (strcmp(follow->logs.items[i - 1]->task_id, task_id) == 0) {
            return follow->logs.items[i - 1]->attempt;
        }
    }
    return 0;
}

/* True the first time that this is told. */
static bool is_news(struct follow *follow, const char *text) {
    return gf_map_put(&follow->told, gf_str_from(text), follow) == NULL;
}

static void follow_log(struct follow *follow, const char *task_id, int32_t attempt) {
    if (follow->logs.count == GF_FOLLOW_TASKS_MAX) {
        if (is_news(follow, "logs")) {
            gf_cli_note(follow->cli,
                        "the logs of %s and of those that start later are not shown: gofer task "
                        "logs",
                        task_id);
        }
        return;
    }
    struct task_log *log = GF_NEW(struct task_log);
    log->follow = follow;
    log->task_id = gf_strdup(task_id);
    log->attempt = attempt;
    gf_strbuf_init(&log->line, LINE_BYTES_MAX + 1);
    gf_vec_push(&follow->logs, log);
    gf_thread_start(&log->thread, "log", read_log, log);
}

/* "greet RUNNING", "greet FAILED: exit code 3"; NULL for what is not told. */
static const char *change_of(struct gf_cli *cli, const Gofer__V1__TaskExecution *task) {
    const char *word = gf_show_task_word(cli, task);
    const char *remark = gf_show_task_remark(cli, task);
    if (task->state == GOFER__V1__TASK_EXECUTION_STATE__TASK_EXECUTION_STATE_COMPLETE) {
        return gf_show_text(cli, "%s %s%s%s", task->task_id, word, remark[0] == '\0' ? "" : ": ",
                            remark);
    }
    if (task->state == GOFER__V1__TASK_EXECUTION_STATE__TASK_EXECUTION_STATE_RUNNING) {
        return task->attempt <= 1
                   ? gf_show_text(cli, "%s %s", task->task_id, word)
                   : gf_show_text(cli, "%s %s, attempt %d", task->task_id, word, task->attempt);
    }
    return task->next_attempt_time == NULL ? NULL
                                           : gf_show_text(cli, "%s: %s", task->task_id, remark);
}

/* The change, and the logs of all attempts that there were since the last one. */
static void show_task(struct follow *follow, const Gofer__V1__TaskExecution *task) {
    const char *change = change_of(follow->cli, task);
    if (change == NULL) {
        return;
    }
    const char *news = gf_show_text(follow->cli, "%s %d %s", task->task_id, task->attempt,
                                    gf_show_task_word(follow->cli, task));
    if (is_news(follow, news)) {
        GF_MUTEX_GUARD(&follow->mutex);
        gf_cli_note(follow->cli, "%s", change);
    }
    /* A result that was kept is of another run, and so is its log. */
    for (int32_t attempt = followed_attempt(follow, task->task_id) + 1;
         attempt <= task->attempt && task->kept_run_id == 0; attempt++) {
        follow_log(follow, task->task_id, attempt);
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
    gf_map_fini(&follow->told);
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
