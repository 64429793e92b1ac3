#include "base/clock.h"
#include "base/str.h"
#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/follow.h"
#include "cli/ui/message.h"
#include "cli/watch.h"
#include "gofer/v1/run.gofer.h"

static const struct gf_argument arguments[] = {
    {.name = "PIPELINE", .complete = "pipeline", .help = "the pipeline to run"},
};

static const struct gf_option options[] = {
    {.name = "variable",
     .letter = 'v',
     .kind = GF_OPTION_LIST,
     .value_name = "KEY=VALUE",
     .help = "an environment variable of every task; may be given many times"},
    {.name = "reason",
     .kind = GF_OPTION_TEXT,
     .value_name = "TEXT",
     .help = "why, shown with the run"},
    {.name = "request-id",
     .kind = GF_OPTION_TEXT,
     .value_name = "ID",
     .help = "starts one run only, however often the command is given"},
    {.name = "wait", .kind = GF_OPTION_FLAG, .help = "wait for the end of the run"},
    {.name = "follow",
     .letter = 'f',
     .kind = GF_OPTION_FLAG,
     .help = "show changes and logs until the end of the run"},
    {.name = "timeout",
     .kind = GF_OPTION_DURATION,
     .value_name = "DURATION",
     .help = "with --wait or --follow: give up waiting after this time"},
};

/* Reads the -v options into the request's map. */
static bool read_variables(struct gf_cli *cli, const struct gf_parsed *parsed,
                           Gofer__V1__StartRunRequest *request, enum gf_exit_code *out_code) {
    size_t count = 0;
    const char *const *texts = gf_parsed_list(parsed, "variable", &count);
    request->variables =
        GF_ARENA_ARRAY(cli->arena, count + 1, Gofer__V1__StartRunRequest__VariablesEntry *);
    for (size_t i = 0; i < count; i++) {
        struct gf_str key;
        struct gf_str value;
        if (!gf_str_cut(gf_str_from(texts[i]), '=', &key, &value) || key.len == 0) {
            struct gf_error err = {0};
            (void)gf_fail(&err, GF_INVALID_ARGUMENT, "-v takes KEY=VALUE, not '%s'", texts[i]);
            *out_code = gf_cli_fail_usage(cli, &err);
            return false;
        }
        Gofer__V1__StartRunRequest__VariablesEntry *entry =
            GF_ARENA_NEW(cli->arena, Gofer__V1__StartRunRequest__VariablesEntry);
        gofer__v1__start_run_request__variables_entry__init(entry);
        entry->key = (char *)(uintptr_t)gf_arena_str(cli->arena, key).ptr;
        entry->value = (char *)(uintptr_t)gf_arena_str(cli->arena, value).ptr;
        /* The last one of a key counts, as everywhere on the command line. */
        size_t at = 0;
        while (at < request->n_variables && strcmp(request->variables[at]->key, entry->key) != 0) {
            at++;
        }
        request->variables[at] = entry;
        request->n_variables += at == request->n_variables ? 1 : 0;
    }
    return true;
}

static void show_started(struct gf_cli *cli, const Gofer__V1__StartRunResponse *response) {
    const char *pipeline_id = response->run->pipeline_id;
    long long run_id = (long long)response->run->run_id;
    switch (cli->output) {
    case GF_OUTPUT_TABLE:
        fprintf(cli->out, "run %s/%lld started\n", pipeline_id, run_id);
        gf_cli_hint(cli, "gofer run get %s %lld", pipeline_id, run_id);
        break;
    case GF_OUTPUT_NAME:
        fprintf(cli->out, "%lld\n", run_id);
        break;
    case GF_OUTPUT_JSON:
    case GF_OUTPUT_JSONL:
        (void)gf_print_message(cli, &response->base);
        break;
    }
}

static enum gf_exit_code show_ended(struct gf_cli *cli, Gofer__V1__Run *run) {
    const char *status = gf_show_enum(cli, &gofer__v1__run_status__descriptor, (int)run->status);
    bool successful = run->status == GOFER__V1__RUN_STATUS__RUN_STATUS_SUCCESSFUL;
    Gofer__V1__GetRunResponse response = GOFER__V1__GET_RUN_RESPONSE__INIT;
    response.run = run;
    switch (cli->output) {
    case GF_OUTPUT_TABLE:
        fprintf(cli->out, "run %s/%lld %s\n", run->pipeline_id, (long long)run->run_id, status);
        if (!successful && run->status_reason != NULL) {
            gf_cli_note(cli, "%s", run->status_reason->description);
        }
        break;
    case GF_OUTPUT_NAME:
        fprintf(cli->out, "%lld\n", (long long)run->run_id);
        break;
    case GF_OUTPUT_JSON:
    case GF_OUTPUT_JSONL:
        (void)gf_print_message(cli, &response.base);
        break;
    }
    return successful ? GF_EXIT_OK : GF_EXIT_RUN_UNSUCCESSFUL;
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    Gofer__V1__StartRunRequest request = GOFER__V1__START_RUN_REQUEST__INIT;
    request.namespace_id = (char *)(uintptr_t)cli->namespace_id;
    request.pipeline_id = (char *)(uintptr_t)parsed->arguments[0];
    const char *reason = gf_parsed_text(parsed, "reason");
    request.reason = reason == NULL ? request.reason : (char *)(uintptr_t)reason;
    const char *request_id = gf_parsed_text(parsed, "request-id");
    request.request_id = request_id == NULL ? request.request_id : (char *)(uintptr_t)request_id;
    bool follow = gf_parsed_flag(parsed, "follow");
    bool stay = follow || gf_parsed_flag(parsed, "wait");
    if (!stay && gf_parsed_has(parsed, "timeout")) {
        struct gf_error err = {0};
        (void)gf_fail(&err, GF_INVALID_ARGUMENT, "--timeout goes with --wait or --follow");
        return gf_cli_fail_usage(cli, &err);
    }
    enum gf_exit_code code = GF_EXIT_OK;
    if (!read_variables(cli, parsed, &request, &code)) {
        return code;
    }
    ProtobufCMessage *message = NULL;
    code = gf_cli_call(cli, &gofer_v1_run_service.methods[GOFER_V1_RUN_SERVICE_START_RUN],
                       &request.base, &message, NULL);
    if (code != GF_EXIT_OK) {
        return code;
    }
    const Gofer__V1__StartRunResponse *response = (Gofer__V1__StartRunResponse *)message;
    if (!stay) {
        show_started(cli, response);
        return GF_EXIT_OK;
    }
    struct gf_watch_options watch = {.pipeline_id = request.pipeline_id,
                                     .run_id = response->run->run_id,
                                     .timeout_ms = gf_parsed_number(parsed, "timeout", 0)};
    Gofer__V1__Run *ended = NULL;
    code = follow ? gf_follow_run(cli, &watch, &ended) : gf_watch_run(cli, &watch, &ended);
    return code == GF_EXIT_OK ? show_ended(cli, ended) : code;
}

const struct gf_command gf_cmd_pipeline_run = {
    .noun = "pipeline",
    .verb = "run",
    .summary = "start a run of a pipeline",
    .description =
        "Returns as soon as the run is recorded; --wait and --follow stay until its end and "
        "exit with 3 when it was not successful. Ctrl-C leaves the run alone.",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer pipeline run hello\ngofer pipeline run hello -v WHO=world --follow",
    .run = run,
};
