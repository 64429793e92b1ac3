#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/logs.h"
#include "cli/ui/message.h"

static const struct gf_argument arguments[] = {
    {.name = "PIPELINE", .complete = "pipeline", .help = "the pipeline"},
    {.name = "RUN", .complete = "run", .help = "the number of the run"},
    {.name = "TASK", .complete = "task", .help = "the task"},
};

static const struct gf_option options[] = {
    {.name = "follow",
     .letter = 'f',
     .kind = GF_OPTION_FLAG,
     .help = "go on until the end of the attempt"},
    {.name = "attempt",
     .kind = GF_OPTION_COUNT,
     .value_name = "N",
     .help = "the log of this attempt (default: the latest one)",
     .min = 1,
     .max = INT32_MAX},
    {.name = "tail",
     .kind = GF_OPTION_COUNT,
     .value_name = "BYTES",
     .help = "begin about this far before the end of what is written now"},
};

struct printer {
    struct gf_cli *cli;
    struct gf_rpc_stream *stream;
};

static void keep_stream(void *ctx, struct gf_rpc_stream *stream) {
    ((struct printer *)ctx)->stream = stream;
}

/* What the program wrote, byte for byte: its standard error goes to ours. */
static void print_content(struct gf_cli *cli, const Gofer__V1__LogChunk *chunk) {
    FILE *to = chunk->stream == GOFER__V1__LOG_STREAM__LOG_STREAM_STDOUT ? cli->out : cli->err;
    if (chunk->content.len > 0) {
        (void)fwrite(chunk->content.data, 1, chunk->content.len, to);
        (void)fflush(to);
    }
}

static void print_chunk(void *ctx, const Gofer__V1__LogChunk *chunk) {
    struct printer *printer = ctx;
    struct gf_cli *cli = printer->cli;
    if (cli->output == GF_OUTPUT_JSON || cli->output == GF_OUTPUT_JSONL) {
        (void)gf_print_message_line(cli, &chunk->base);
        (void)fflush(cli->out);
    } else {
        print_content(cli, chunk);
    }
    /* Nobody reads on, as behind `| head`: the task may still write for hours. */
    if (ferror(cli->out) != 0 && printer->stream != NULL) {
        gf_rpc_stream_cancel(printer->stream);
    }
}

static void note_end(struct gf_cli *cli, const struct gf_log_end *end) {
    if (end->kind == GOFER__V1__LOG_END_KIND__LOG_END_KIND_TRUNCATED) {
        gf_cli_note(cli, "some output is missing from this log: %s", end->description);
    } else if (end->kind == GOFER__V1__LOG_END_KIND__LOG_END_KIND_NEVER_STARTED) {
        gf_cli_note(cli, "the task never ran, so there is no log");
    } else if (end->kind == GOFER__V1__LOG_END_KIND__LOG_END_KIND_REMOVED) {
        gf_cli_note(cli, "the log was removed");
    }
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    enum gf_exit_code code = GF_EXIT_OK;
    struct printer printer = {.cli = cli};
    struct gf_log_request request = {
        .namespace_id = cli->namespace_id,
        .pipeline_id = parsed->arguments[0],
        .task_id = parsed->arguments[2],
        .attempt = (int32_t)gf_parsed_number(parsed, "attempt", 0),
        .tail_bytes = gf_parsed_number(parsed, "tail", 0),
        .follow = gf_parsed_flag(parsed, "follow"),
        .chunk = print_chunk,
        .stream_opened = keep_stream,
        .ctx = &printer,
    };
    if (!gf_cli_number_argument(cli, parsed, 1, &request.run_id, &code)) {
        return code;
    }
    request.client = gf_cli_connect(cli, &code);
    if (request.client == NULL) {
        return code;
    }
    struct gf_log_end end = {0};
    struct gf_error err = {0};
    if (gf_log_read(&request, &end, &err) != GF_OK) {
        /* Of output that could not be written, main tells. */
        return ferror(cli->out) != 0 ? GF_EXIT_OK : gf_cli_fail(cli, &err);
    }
    note_end(cli, &end);
    return GF_EXIT_OK;
}

const struct gf_command gf_cmd_task_logs = {
    .noun = "task",
    .verb = "logs",
    .summary = "print the output of a task",
    .description =
        "Standard output goes to standard output, standard error to standard error, byte for "
        "byte. With -o json or jsonl: one object for each piece, with its time and stream.",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer task logs hello 1 greet\ngofer task logs hello 1 greet --follow\n"
                "gofer task logs hello 1 greet --attempt 1",
    .run = run,
};
