#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/extension.h"
#include "gofer/v1/extension.gofer.h"

static const struct gf_argument arguments[] = {
    {.name = "EXTENSION", .complete = "extension", .help = "the extension to show"},
};

static const struct gf_option options[] = {
    {.name = "documentation",
     .kind = GF_OPTION_FLAG,
     .help = "print what it says about itself, in Markdown, and nothing else"},
};

static const Gofer__V1__Extension *extension_of(const ProtobufCMessage *message) {
    return ((const Gofer__V1__GetExtensionResponse *)message)->extension;
}

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    const Gofer__V1__Extension *extension = extension_of(message);
    if (gf_parsed_flag(cli->parsed, "documentation")) {
        gf_print_text(cli, cli->out, extension->documentation);
        return;
    }
    gf_print_extension(cli, extension);
    if (extension->documentation[0] != '\0') {
        gf_cli_hint(cli, "gofer extension get %s --documentation", extension->extension_id);
    }
}

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    (void)cli;
    return extension_of(message)->extension_id;
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show, .name = name};
    Gofer__V1__GetExtensionRequest request = GOFER__V1__GET_EXTENSION_REQUEST__INIT;
    request.extension_id = gf_request_text(parsed->arguments[0]);
    return gf_cli_answer(
        cli, &gofer_v1_extension_service.methods[GOFER_V1_EXTENSION_SERVICE_GET_EXTENSION],
        &request.base, &answer);
}

const struct gf_command gf_cmd_extension_get = {
    .noun = "extension",
    .verb = "get",
    .summary = "show an extension, how it is, and the settings that it takes",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer extension get cron\ngofer extension get cron --documentation",
    .run = run,
};
