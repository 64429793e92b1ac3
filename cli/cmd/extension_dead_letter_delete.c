#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "gofer/v1/extension.gofer.h"

static const struct gf_argument arguments[] = {
    {.name = "EXTENSION", .complete = "extension", .help = "the extension"},
    {.name = "DEAD-LETTER", .complete = "dead-letter", .help = "the dead letter"},
};

static const struct gf_option options[] = {GF_OPTION_YES};

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    (void)message;
    return cli->parsed->arguments[0];
}

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    const int64_t count = ((const Gofer__V1__DeleteDeadLettersResponse *)message)->deleted_count;
    fprintf(cli->out, "%lld dead letter%s deleted\n", (long long)count, count == 1 ? "" : "s");
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show, .name = name};
    Gofer__V1__DeleteDeadLettersRequest request = GOFER__V1__DELETE_DEAD_LETTERS_REQUEST__INIT;
    enum gf_exit_code code = GF_EXIT_OK;
    if (!gf_cli_confirm(cli, "delete the dead letter for good?", &code)) {
        return code;
    }
    char *ids[] = {gf_request_text(parsed->arguments[1])};
    request.extension_id = gf_request_text(parsed->arguments[0]);
    request.dead_letter_ids = ids;
    request.n_dead_letter_ids = parsed->arguments[1] == NULL ? 0 : 1;
    return gf_cli_answer(
        cli, &gofer_v1_extension_service.methods[GOFER_V1_EXTENSION_SERVICE_DELETE_DEAD_LETTERS],
        &request.base, &answer);
}

const struct gf_command gf_cmd_extension_dead_letter_delete = {
    .noun = "extension",
    .verb = "dead-letter delete",
    .summary = "remove a dead letter for good",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .run = run,
};
