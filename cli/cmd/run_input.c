#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/message.h"
#include "gofer/v1/run.gofer.h"

static const struct gf_argument arguments[] = {
    {.name = "PIPELINE", .complete = "pipeline", .help = "the pipeline"},
    {.name = "RUN", .complete = "run", .help = "the number of the run"},
};

static enum gf_exit_code print_document(struct gf_cli *cli, const Gofer__V1__RunInput *input) {
    if (input->source_case == GOFER__V1__RUN_INPUT__SOURCE_OBJECT_KEY) {
        struct gf_error err = {0};
        (void)gf_fail(&err, GF_FAILED_PRECONDITION, "the input is the object '%s' of the pipeline",
                      input->object_key);
        return gf_cli_fail(cli, &err);
    }
    if (input->content.len > 0) {
        (void)fwrite(input->content.data, 1, input->content.len, cli->out);
    }
    return GF_EXIT_OK;
}

static enum gf_exit_code print_input(struct gf_cli *cli, const Gofer__V1__RunInput *input) {
    switch (cli->output) {
    case GF_OUTPUT_NAME:
        fprintf(cli->out, "%s\n", input->digest);
        return GF_EXIT_OK;
    case GF_OUTPUT_JSON:
    case GF_OUTPUT_JSONL:
        return gf_print_message(cli, &input->base);
    case GF_OUTPUT_TABLE:
        break;
    }
    return print_document(cli, input);
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    Gofer__V1__GetRunRequest request = GOFER__V1__GET_RUN_REQUEST__INIT;
    request.namespace_id = gf_request_text(cli->namespace_id);
    request.pipeline_id = gf_request_text(parsed->arguments[0]);
    enum gf_exit_code code = GF_EXIT_OK;
    if (!gf_cli_number_argument(cli, parsed, 1, &request.run_id, &code)) {
        return code;
    }
    ProtobufCMessage *message = NULL;
    code = gf_cli_call(cli, &gofer_v1_run_service.methods[GOFER_V1_RUN_SERVICE_GET_RUN],
                       &request.base, &message, NULL);
    if (code != GF_EXIT_OK) {
        return code;
    }
    const Gofer__V1__Run *got = ((Gofer__V1__GetRunResponse *)message)->run;
    if (got->input == NULL) {
        struct gf_error err = {0};
        (void)gf_fail(&err, GF_NOT_FOUND, "input: run %s/%lld has none", got->pipeline_id,
                      (long long)got->run_id);
        return gf_cli_fail(cli, &err);
    }
    return print_input(cli, got->input);
}

const struct gf_command gf_cmd_run_input = {
    .noun = "run",
    .verb = "input",
    .summary = "print the input document of a run",
    .description = "Byte for byte as it was given. With -o json: its media type, size and digest, "
                   "too, and the document in base64; with -o name: its digest.",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .examples = "gofer run input deploy 7 > input.json",
    .run = run,
};
