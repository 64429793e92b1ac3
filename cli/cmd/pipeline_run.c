#include "api/codec/json/text.h"
#include "base/str.h"
#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/read.h"
#include "cli/stay.h"
#include "gofer/v1/run.gofer.h"

enum {
    PRIORITY_MAX = 1000, /* and as far below 0 */
};

static const struct gf_argument arguments[] = {
    {.name = "PIPELINE", .complete = "pipeline", .help = "the pipeline to run"},
};

static const struct gf_option options[] = {
    {.name = "variable",
     .letter = 'v',
     .kind = GF_OPTION_LIST,
     .value_name = "KEY=VALUE",
     .help = "an environment variable of every task; may be given many times"},
    {.name = "label",
     .letter = 'l',
     .kind = GF_OPTION_LIST,
     .value_name = "KEY=VALUE",
     .help = "a label of the run; may be given many times"},
    {.name = "reason",
     .kind = GF_OPTION_TEXT,
     .value_name = "TEXT",
     .help = "why, shown with the run"},
    {.name = "input",
     .kind = GF_OPTION_TEXT,
     .value_name = "FILE",
     .complete = "file",
     .help = "a document for the tasks, up to 256 KiB; - is standard input. They find its path in "
             "GOFER_INPUT"},
    {.name = "input-json",
     .kind = GF_OPTION_TEXT,
     .value_name = "JSON",
     .help = "the same, given here as JSON"},
    {.name = "input-type",
     .kind = GF_OPTION_TEXT,
     .value_name = "TYPE",
     .help = "the media type of --input (default: application/json for JSON, else "
             "application/octet-stream)"},
    {.name = "priority",
     .kind = GF_OPTION_NUMBER,
     .value_name = "N",
     .help = "in the queues, -1000 to 1000, higher first (default: the pipeline's)",
     .min = -PRIORITY_MAX,
     .max = PRIORITY_MAX},
    {.name = "ordering-key",
     .kind = GF_OPTION_TEXT,
     .value_name = "KEY",
     .help = "runs of the pipeline with the same key run one after another"},
    {.name = "ordering",
     .kind = GF_OPTION_TEXT,
     .value_name = "POLICY",
     .choices = "strict|newest",
     .help = "with --ordering-key: every run in its turn (default), or of those that wait the "
             "newest alone"},
    {.name = "request-id",
     .kind = GF_OPTION_TEXT,
     .value_name = "ID",
     .help = "starts one run only, however often the command is given"},
    GF_STAY_OPTIONS,
};

static enum gf_code read_variables(struct gf_cli *cli, Gofer__V1__StartRunRequest *request,
                                   struct gf_error *err) {
    struct gf_pair *pairs = NULL;
    size_t count = 0;
    enum gf_code rc = gf_read_pairs(cli, "variable", "-v", &pairs, &count, err);
    if (rc != GF_OK) {
        return rc;
    }
    request->variables =
        GF_ARENA_ARRAY(cli->arena, count + 1, Gofer__V1__StartRunRequest__VariablesEntry *);
    for (size_t i = 0; i < count; i++) {
        Gofer__V1__StartRunRequest__VariablesEntry *entry =
            GF_ARENA_NEW(cli->arena, Gofer__V1__StartRunRequest__VariablesEntry);
        gofer__v1__start_run_request__variables_entry__init(entry);
        entry->key = pairs[i].key;
        entry->value = pairs[i].value;
        request->variables[request->n_variables++] = entry;
    }
    return GF_OK;
}

static enum gf_code read_labels(struct gf_cli *cli, Gofer__V1__StartRunRequest *request,
                                struct gf_error *err) {
    struct gf_pair *pairs = NULL;
    size_t count = 0;
    enum gf_code rc = gf_read_pairs(cli, "label", "--label", &pairs, &count, err);
    if (rc != GF_OK) {
        return rc;
    }
    request->labels =
        GF_ARENA_ARRAY(cli->arena, count + 1, Gofer__V1__StartRunRequest__LabelsEntry *);
    for (size_t i = 0; i < count; i++) {
        Gofer__V1__StartRunRequest__LabelsEntry *entry =
            GF_ARENA_NEW(cli->arena, Gofer__V1__StartRunRequest__LabelsEntry);
        gofer__v1__start_run_request__labels_entry__init(entry);
        entry->key = pairs[i].key;
        entry->value = pairs[i].value;
        request->labels[request->n_labels++] = entry;
    }
    return GF_OK;
}

/* The document that --input-json is; what is wrong with it is said at its place. */
static enum gf_code read_json(struct gf_cli *cli, const char *json, struct gf_str *out_document,
                              struct gf_error *err) {
    struct gf_str document = gf_str_from(json);
    const struct gf_json_value *value = NULL;
    if (document.len > GF_DOCUMENT_BYTES_MAX) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "--input-json is larger than %d bytes",
                       GF_DOCUMENT_BYTES_MAX);
    }
    enum gf_code rc = gf_json_parse(document, cli->arena, &value, err);
    if (rc != GF_OK) {
        return gf_wrap(err, "--input-json");
    }
    *out_document = document;
    return GF_OK;
}

static enum gf_code check_input_options(const struct gf_parsed *parsed, struct gf_error *err) {
    bool has_file = gf_parsed_has(parsed, "input");
    if (has_file && gf_parsed_has(parsed, "input-json")) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "--input and --input-json do not go together");
    }
    if (!has_file && gf_parsed_has(parsed, "input-type")) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "--input-type goes with --input");
    }
    if (gf_parsed_has(parsed, "ordering") && !gf_parsed_has(parsed, "ordering-key")) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "--ordering goes with --ordering-key");
    }
    return GF_OK;
}

static enum gf_code read_input(struct gf_cli *cli, const struct gf_parsed *parsed,
                               Gofer__V1__StartRunRequest *request, struct gf_error *err) {
    const char *path = gf_parsed_text(parsed, "input");
    const char *json = gf_parsed_text(parsed, "input-json");
    if (path == NULL && json == NULL) {
        return GF_OK;
    }
    struct gf_str document = {0};
    enum gf_code rc = path != NULL ? gf_read_document(cli, path, &document, err)
                                   : read_json(cli, json, &document, err);
    if (rc != GF_OK) {
        return rc;
    }
    request->input = GF_ARENA_NEW(cli->arena, Gofer__V1__RunInput);
    gofer__v1__run_input__init(request->input);
    request->input->media_type =
        gf_request_text(json != NULL ? "application/json" : gf_parsed_text(parsed, "input-type"));
    request->input->source_case = GOFER__V1__RUN_INPUT__SOURCE_CONTENT;
    request->input->content.data = (uint8_t *)(uintptr_t)document.ptr;
    request->input->content.len = document.len;
    return GF_OK;
}

static void read_order(struct gf_cli *cli, const struct gf_parsed *parsed,
                       Gofer__V1__StartRunRequest *request) {
    if (gf_parsed_has(parsed, "priority")) {
        request->priority = GF_ARENA_NEW(cli->arena, Gofer__V1__RunPriority);
        gofer__v1__run_priority__init(request->priority);
        request->priority->value = (int32_t)gf_parsed_number(parsed, "priority", 0);
    }
    request->ordering_key = gf_request_text(gf_parsed_text(parsed, "ordering-key"));
    const char *ordering = gf_parsed_text(parsed, "ordering");
    if (ordering != NULL) {
        request->ordering_policy = (Gofer__V1__RunOrderingPolicy)gf_read_enum(
            &gofer__v1__run_ordering_policy__descriptor, ordering);
    }
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    Gofer__V1__StartRunRequest request = GOFER__V1__START_RUN_REQUEST__INIT;
    request.namespace_id = gf_request_text(cli->namespace_id);
    request.pipeline_id = gf_request_text(parsed->arguments[0]);
    request.reason = gf_request_text(gf_parsed_text(parsed, "reason"));
    request.request_id = gf_request_text(gf_parsed_text(parsed, "request-id"));
    enum gf_exit_code code = GF_EXIT_OK;
    struct gf_error err = {0};
    if (!gf_stay_check(cli, &code)) {
        return code;
    }
    if (check_input_options(parsed, &err) != GF_OK ||
        read_variables(cli, &request, &err) != GF_OK || read_labels(cli, &request, &err) != GF_OK) {
        return gf_cli_fail_usage(cli, &err);
    }
    if (read_input(cli, parsed, &request, &err) != GF_OK) {
        /* A document on the command line is part of it; a file is none. */
        return gf_parsed_has(parsed, "input-json") ? gf_cli_fail_usage(cli, &err)
                                                   : gf_cli_fail(cli, &err);
    }
    read_order(cli, parsed, &request);
    ProtobufCMessage *message = NULL;
    code = gf_cli_call(cli, &gofer_v1_run_service.methods[GOFER_V1_RUN_SERVICE_START_RUN],
                       &request.base, &message, NULL);
    if (code != GF_EXIT_OK) {
        return code;
    }
    return gf_stay(cli, message, ((Gofer__V1__StartRunResponse *)message)->run);
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
    .examples = "gofer pipeline run hello\n"
                "gofer pipeline run hello -v WHO=world --follow\n"
                "gofer pipeline run deploy --input-json '{\"version\": \"1.2\"}' --ordering-key "
                "production",
    .run = run,
};
