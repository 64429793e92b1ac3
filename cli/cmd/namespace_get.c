#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/message.h"
#include "gofer/v1/namespace.gofer.h"

static const struct gf_argument arguments[] = {
    {.name = "NAMESPACE",
     .complete = "namespace",
     .help = "the namespace to show (default: that of -n)",
     .optional = true},
};

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    const Gofer__V1__Namespace *namespace =
        ((const Gofer__V1__GetNamespaceResponse *)message)->namespace_;
    FILE *out = cli->out;
    fprintf(out, "Namespace:   %s\n", namespace->namespace_id);
    fprintf(out, "Name:        %s\n", gf_show_line(cli, namespace->name));
    if (namespace->description[0] != '\0') {
        fprintf(out, "Description: %s\n", gf_show_line(cli, namespace->description));
    }
    if (namespace->run_parallelism > 0) {
        fprintf(out, "Parallelism: %d runs at once\n", namespace->run_parallelism);
    }
    fprintf(out, "Created:     %s\n", gf_show_time(cli, namespace->create_time));
    fprintf(out, "Changed:     %s\n", gf_show_time(cli, namespace->update_time));
}

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    (void)cli;
    return ((const Gofer__V1__GetNamespaceResponse *)message)->namespace_->namespace_id;
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show, .name = name};
    Gofer__V1__GetNamespaceRequest request = GOFER__V1__GET_NAMESPACE_REQUEST__INIT;
    const char *given = parsed->arguments[0];
    request.namespace_id = gf_request_text(given == NULL ? cli->namespace_id : given);
    return gf_cli_answer(
        cli, &gofer_v1_namespace_service.methods[GOFER_V1_NAMESPACE_SERVICE_GET_NAMESPACE],
        &request.base, &answer);
}

const struct gf_command gf_cmd_namespace_get = {
    .noun = "namespace",
    .verb = "get",
    .summary = "show a namespace",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .run = run,
};
