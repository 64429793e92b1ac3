#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/extension.h"
#include "gofer/v1/extension.gofer.h"

static const struct gf_argument arguments[] = {
    {.name = "EXTENSION", .complete = "extension", .help = "the extension"},
    {.name = "DEAD-LETTER", .complete = "dead-letter", .help = "the dead letter"},
};

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    gf_print_dead_letter(cli, ((const Gofer__V1__GetDeadLetterResponse *)message)->dead_letter);
}

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    (void)cli;
    return ((const Gofer__V1__GetDeadLetterResponse *)message)->dead_letter->dead_letter_id;
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show, .name = name};
    Gofer__V1__GetDeadLetterRequest request = GOFER__V1__GET_DEAD_LETTER_REQUEST__INIT;
    request.extension_id = gf_request_text(parsed->arguments[0]);
    request.dead_letter_id = gf_request_text(parsed->arguments[1]);
    return gf_cli_answer(
        cli, &gofer_v1_extension_service.methods[GOFER_V1_EXTENSION_SERVICE_GET_DEAD_LETTER],
        &request.base, &answer);
}

const struct gf_command gf_cmd_extension_dead_letter_get = {
    .noun = "extension",
    .verb = "dead-letter get",
    .summary = "show a dead letter, what was in it and why it was given up",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .run = run,
};
