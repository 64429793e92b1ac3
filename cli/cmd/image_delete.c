#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/message.h"
#include "gofer/v1/image.gofer.h"

static const struct gf_argument arguments[] = {
    {.name = "IMAGE", .complete = "image", .help = "a name, as busybox:latest, or a digest"},
};

static const struct gf_option options[] = {
    {.name = "force",
     .kind = GF_OPTION_FLAG,
     .help = "also if containers use it: it goes when the last of them ends"},
    GF_OPTION_YES,
};

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    const Gofer__V1__DeleteImageResponse *response =
        (const Gofer__V1__DeleteImageResponse *)message;
    fprintf(cli->out, "image %s deleted%s\n", cli->parsed->arguments[0],
            response->removed ? "" : "; it stays on the disk while it has other names or is used");
}

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    (void)message;
    return cli->parsed->arguments[0];
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show, .name = name};
    Gofer__V1__DeleteImageRequest request = GOFER__V1__DELETE_IMAGE_REQUEST__INIT;
    enum gf_exit_code code = GF_EXIT_OK;
    request.reference = gf_request_text(parsed->arguments[0]);
    request.force = gf_parsed_flag(parsed, "force");
    if (!gf_cli_confirm(cli, gf_show_text(cli, "delete image '%s'?", parsed->arguments[0]),
                        &code)) {
        return code;
    }
    return gf_cli_answer(cli, &gofer_v1_image_service.methods[GOFER_V1_IMAGE_SERVICE_DELETE_IMAGE],
                         &request.base, &answer);
}

const struct gf_command gf_cmd_image_delete = {
    .noun = "image",
    .verb = "delete",
    .summary = "take a name away from an image, or all by its digest",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer image delete app:1 --yes",
    .run = run,
};
