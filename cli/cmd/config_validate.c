#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/message.h"
#include "clients/c/pipeline_file.h"
#include "gofer/v1/pipeline_config.gofer.h"

static const struct gf_argument arguments[] = {
    {.name = "FILE", .complete = "file", .help = "the pipeline file, JSON; - is standard input"},
};

/* The problem as an error, so that it gets its place in the file. */
static void show_problem(struct gf_cli *cli, const struct gf_pipeline_file *file,
                         const Gofer__V1__ConfigProblem *problem) {
    struct gf_error error = {0};
    if (problem->field[0] != '\0') {
        (void)gf_fail_field(&error, problem->field, "%s", problem->description);
    } else {
        (void)gf_fail(&error, GF_INVALID_ARGUMENT, "%s", problem->description);
    }
    bool placed = gf_pipeline_file_locate(file, &error);
    const char *severity =
        gf_show_enum(cli, &gofer__v1__config_problem_severity__descriptor, (int)problem->severity);
    fprintf(cli->out, "%s %s%s%s\n", severity, placed ? "" : file->path, placed ? "" : ": ",
            gf_show_line(cli, error.message));
}

static void show(struct gf_cli *cli, const struct gf_pipeline_file *file,
                 const Gofer__V1__ValidatePipelineConfigResponse *response) {
    for (size_t i = 0; i < response->n_problems; i++) {
        show_problem(cli, file, response->problems[i]);
    }
    if (response->valid) {
        fprintf(cli->out, "%s is valid%s\n", file->path,
                response->unchanged ? " and says the same as the newest version" : "");
    }
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    struct gf_pipeline_file file = {0};
    struct gf_error err = {0};
    if (gf_pipeline_file_load(parsed->arguments[0], cli->arena, &file, &err) != GF_OK) {
        return gf_cli_fail(cli, &err);
    }
    Gofer__V1__ValidatePipelineConfigRequest request =
        GOFER__V1__VALIDATE_PIPELINE_CONFIG_REQUEST__INIT;
    request.namespace_id = gf_request_text(cli->namespace_id);
    request.spec = file.spec;
    ProtobufCMessage *message = NULL;
    enum gf_exit_code code =
        gf_cli_call(cli,
                    &gofer_v1_pipeline_config_service
                         .methods[GOFER_V1_PIPELINE_CONFIG_SERVICE_VALIDATE_PIPELINE_CONFIG],
                    &request.base, &message, NULL);
    if (code != GF_EXIT_OK) {
        return code;
    }
    const Gofer__V1__ValidatePipelineConfigResponse *response =
        (Gofer__V1__ValidatePipelineConfigResponse *)message;
    switch (cli->output) {
    case GF_OUTPUT_TABLE:
        show(cli, &file, response);
        break;
    case GF_OUTPUT_NAME:
        fprintf(cli->out, "%s\n", response->content_hash);
        break;
    case GF_OUTPUT_JSON:
    case GF_OUTPUT_JSONL:
        code = gf_print_message(cli, message);
        break;
    }
    return code == GF_EXIT_OK && !response->valid ? GF_EXIT_FAILED : code;
}

const struct gf_command gf_cmd_config_validate = {
    .noun = "config",
    .verb = "validate",
    .summary = "check a pipeline file and register nothing",
    .description = "Makes every check of gofer up, the server's included, and exits with 1 where "
                   "the file could not be registered. With -o name: the hash of what it says.",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .examples = "gofer config validate hello.json",
    .run = run,
};
