#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/extension.h"
#include "cli/ui/message.h"
#include "gofer/v1/extension.gofer.h"

static const struct gf_argument arguments[] = {
    {.name = "EXTENSION", .complete = "extension", .help = "the extension to ask"},
};

static const char *show_labels(struct gf_cli *cli, const Gofer__V1__ExtensionMetric *metric) {
    const char *text = "";
    for (size_t i = 0; i < metric->n_labels; i++) {
        text = gf_show_text(cli, "%s%s%s=%s", text, i == 0 ? "" : ",", metric->labels[i]->key,
                            metric->labels[i]->value);
    }
    return gf_show_line(cli, text);
}

static void print_metrics(struct gf_cli *cli,
                          const Gofer__V1__GetExtensionDebugInfoResponse *response) {
    static const char *const headers[] = {"METRIC", "LABELS", "VALUE", "HELP"};
    struct gf_table table;
    gf_table_init(&table, headers, GF_ARRAY_COUNT(headers));
    for (size_t i = 0; i < response->n_metrics; i++) {
        const Gofer__V1__ExtensionMetric *metric = response->metrics[i];
        gf_table_cell(&table, gf_show_line(cli, metric->name));
        gf_table_cell(&table, show_labels(cli, metric));
        gf_table_cell(&table, gf_show_text(cli, "%.15g", metric->value));
        gf_table_cell(&table, gf_show_line(cli, metric->help));
    }
    gf_table_print(&table, cli);
    gf_table_fini(&table);
}

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    const Gofer__V1__GetExtensionDebugInfoResponse *response =
        (const Gofer__V1__GetExtensionDebugInfoResponse *)message;
    gf_print_text(cli, cli->out, response->info);
    if (response->n_metrics > 0) {
        print_metrics(cli, response);
    }
}

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    (void)message;
    return cli->parsed->arguments[0];
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show, .name = name};
    Gofer__V1__GetExtensionDebugInfoRequest request =
        GOFER__V1__GET_EXTENSION_DEBUG_INFO_REQUEST__INIT;
    request.extension_id = gf_request_text(parsed->arguments[0]);
    return gf_cli_answer(
        cli,
        &gofer_v1_extension_service.methods[GOFER_V1_EXTENSION_SERVICE_GET_EXTENSION_DEBUG_INFO],
        &request.base, &answer);
}

const struct gf_command gf_cmd_extension_debug = {
    .noun = "extension",
    .verb = "debug",
    .summary = "ask an extension how it looks inside, and show figures about it",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .run = run,
};
