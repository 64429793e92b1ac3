/*
 * DESIGN. Programs get one line for each change, with its fields separated by tabs; people get what
 * a diff looks like, because values may be whole tasks, which no column holds.
 */
#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/message.h"
#include "clients/c/pipeline_file.h"
#include "gofer/v1/pipeline_config.gofer.h"

static const char *const headers[] = {"CHANGE", "FIELD", "BEFORE", "AFTER"};

static const struct gf_argument arguments[] = {
    {.name = "PIPELINE", .complete = "pipeline", .help = "the pipeline"},
    {.name = "BASE",
     .complete = "config",
     .help = "the older version (default: the live one)",
     .optional = true},
    {.name = "TARGET",
     .complete = "config",
     .help = "the version to compare it with (default: the newest one)",
     .optional = true},
};

static const struct gf_option options[] = {
    {.name = "file",
     .kind = GF_OPTION_TEXT,
     .value_name = "FILE",
     .complete = "file",
     .help = "compare BASE with this pipeline file instead; - is standard input"},
};

static void add_row(struct gf_cli *cli, struct gf_table *table, const ProtobufCMessage *item) {
    const Gofer__V1__ConfigChange *change = (const Gofer__V1__ConfigChange *)item;
    gf_table_cell(table,
                  gf_show_enum(cli, &gofer__v1__config_change_kind__descriptor, (int)change->kind));
    gf_table_cell(table, change->field);
    gf_table_cell(table, change->before);
    gf_table_cell(table, change->after);
}

static const char *name(struct gf_cli *cli, const ProtobufCMessage *item) {
    return gf_show_line(cli, ((const Gofer__V1__ConfigChange *)item)->field);
}

static const struct gf_listing listing = {
    .items = "changes",
    .headers = headers,
    .column_count = GF_ARRAY_COUNT(headers),
    .add_row = add_row,
    .name = name,
    .empty = "no differences",
};

static void print_value(struct gf_cli *cli, char sign, const char *colour, const char *value) {
    if (value[0] != '\0') {
        fprintf(cli->out, "%s  %c %s%s\n", cli->colour ? colour : "", sign,
                gf_show_line(cli, value), cli->colour ? "\033[0m" : "");
    }
}

static void print_change(struct gf_cli *cli, const Gofer__V1__ConfigChange *change) {
    fprintf(cli->out, "%s\n", gf_show_line(cli, change->field));
    print_value(cli, '-', "\033[31m", change->before);
    print_value(cli, '+', "\033[32m", change->after);
}

/* On a terminal, for people. */
static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    const Gofer__V1__DiffPipelineConfigsResponse *response =
        (const Gofer__V1__DiffPipelineConfigsResponse *)message;
    for (size_t i = 0; i < response->n_changes; i++) {
        print_change(cli, response->changes[i]);
    }
    if (response->n_changes == 0) {
        gf_cli_note(cli, "no differences");
    }
}

static enum gf_exit_code diff(struct gf_cli *cli,
                              const Gofer__V1__DiffPipelineConfigsRequest *request,
                              const struct gf_pipeline_file *file) {
    ProtobufCMessage *response = NULL;
    struct gf_error err = {0};
    enum gf_exit_code code =
        gf_cli_call(cli,
                    &gofer_v1_pipeline_config_service
                         .methods[GOFER_V1_PIPELINE_CONFIG_SERVICE_DIFF_PIPELINE_CONFIGS],
                    &request->base, &response, &err);
    if (code != GF_EXIT_OK) {
        bool in_file = file->path != NULL && gf_pipeline_file_locate(file, &err);
        code = gf_cli_fail(cli, &err);
        return in_file ? GF_EXIT_FAILED : code;
    }
    if (cli->output == GF_OUTPUT_TABLE && cli->out_is_terminal) {
        show(cli, response);
        return GF_EXIT_OK;
    }
    return gf_cli_print_list(cli, response, &listing);
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    Gofer__V1__DiffPipelineConfigsRequest request = GOFER__V1__DIFF_PIPELINE_CONFIGS_REQUEST__INIT;
    request.namespace_id = gf_request_text(cli->namespace_id);
    request.pipeline_id = gf_request_text(parsed->arguments[0]);
    request.target_case = GOFER__V1__DIFF_PIPELINE_CONFIGS_REQUEST__TARGET_TARGET_VERSION;
    struct gf_pipeline_file file = {0};
    struct gf_error err = {0};
    enum gf_exit_code code = GF_EXIT_OK;
    if (!gf_cli_number_argument(cli, parsed, 1, &request.base_version, &code) ||
        !gf_cli_number_argument(cli, parsed, 2, &request.target_version, &code)) {
        return code;
    }
    const char *path = gf_parsed_text(parsed, "file");
    if (path != NULL && parsed->arguments[2] != NULL) {
        (void)gf_fail(&err, GF_INVALID_ARGUMENT, "TARGET and --file do not go together");
        return gf_cli_fail_usage(cli, &err);
    }
    if (path != NULL) {
        if (gf_pipeline_file_load(path, cli->arena, &file, &err) != GF_OK) {
            return gf_cli_fail(cli, &err);
        }
        request.target_case = GOFER__V1__DIFF_PIPELINE_CONFIGS_REQUEST__TARGET_TARGET_SPEC;
        request.target_spec = file.spec;
    }
    return diff(cli, &request, &file);
}

const struct gf_command gf_cmd_config_diff = {
    .noun = "config",
    .verb = "diff",
    .summary = "show what differs between two versions of a pipeline",
    .description =
        "Without versions: between the live version and the newest one. Each change names its "
        "field, with tasks by their ids, and the values before and after as JSON.",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer config diff hello\ngofer config diff hello 1 3\ngofer config diff hello "
                "--file hello.json",
    .run = run,
};
