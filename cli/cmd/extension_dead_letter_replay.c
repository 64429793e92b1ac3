#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "gofer/v1/extension.gofer.h"

static const struct gf_argument arguments[] = {
    {.name = "EXTENSION", .complete = "extension", .help = "the extension"},
    {.name = "DEAD-LETTER",
     .complete = "dead-letter",
     .help = "the dead letter (without it: --all)",
     .optional = true},
};

static const struct gf_option options[] = {
    {.name = "all", .kind = GF_OPTION_FLAG, .help = "all of the extension"},
};

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    (void)message;
    return cli->parsed->arguments[0];
}

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    const int64_t count = ((const Gofer__V1__ReplayDeadLettersResponse *)message)->replayed_count;
    fprintf(cli->out, "%lld dead letter%s delivered again\n", (long long)count,
            count == 1 ? "" : "s");
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show, .name = name};
    Gofer__V1__ReplayDeadLettersRequest request = GOFER__V1__REPLAY_DEAD_LETTERS_REQUEST__INIT;
    struct gf_error err = {0};
    if (gf_parsed_flag(parsed, "all") == (parsed->arguments[1] != NULL)) {
        (void)gf_fail(&err, GF_INVALID_ARGUMENT, "a dead letter or --all is needed");
        return gf_cli_fail_usage(cli, &err);
    }
    char *ids[] = {gf_request_text(parsed->arguments[1])};
    request.extension_id = gf_request_text(parsed->arguments[0]);
    request.dead_letter_ids = ids;
    request.n_dead_letter_ids = parsed->arguments[1] == NULL ? 0 : 1;
    return gf_cli_answer(
        cli, &gofer_v1_extension_service.methods[GOFER_V1_EXTENSION_SERVICE_REPLAY_DEAD_LETTERS],
        &request.base, &answer);
}

const struct gf_command gf_cmd_extension_dead_letter_replay = {
    .noun = "extension",
    .verb = "dead-letter replay",
    .summary = "deliver dead letters again; what had its effect already has it only once",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer extension dead-letter replay github --all",
    .run = run,
};
