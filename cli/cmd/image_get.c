#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/message.h"
#include "gofer/v1/image.gofer.h"

static const struct gf_argument arguments[] = {
    {.name = "IMAGE", .complete = "image", .help = "a name, as busybox:latest, or a digest"},
};

/* "Label:  one two"; nothing when there are none. */
static void print_words(FILE *out, const char *label, char *const *words, size_t count) {
    if (count == 0) {
        return;
    }
    fprintf(out, "%s", label);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "%s%s", i == 0 ? "" : " ", words[i]);
    }
    (void)fputc('\n', out);
}

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    const Gofer__V1__GetImageResponse *response = (const Gofer__V1__GetImageResponse *)message;
    const Gofer__V1__Image *image = response->image;
    FILE *out = cli->out;
    print_words(out, "Names:       ", image->names, image->n_names);
    fprintf(out, "Digest:      %s\n", image->digest);
    fprintf(out, "Platform:    %s/%s\n", image->os, image->architecture);
    fprintf(out, "Size:        %.1f MiB in %d layers\n", (double)image->size_bytes / (1 << 20),
            (int)image->layer_count);
    fprintf(out, "Built:       %s\n", gf_show_time(cli, image->build_time));
    fprintf(out, "Imported:    %s\n", gf_show_time(cli, image->import_time));
    fprintf(out, "Last used:   %s\n", gf_show_time(cli, image->last_use_time));
    fprintf(out, "Used by:     %d containers\n", (int)image->container_count);
    const Gofer__V1__ImageDefaults *defaults = response->defaults;
    if (defaults == NULL) {
        return;
    }
    print_words(out, "Entrypoint:  ", defaults->entrypoint, defaults->n_entrypoint);
    print_words(out, "Command:     ", defaults->command, defaults->n_command);
    if (defaults->user[0] != '\0') {
        fprintf(out, "User:        %s\n", defaults->user);
    }
    if (defaults->working_directory[0] != '\0') {
        fprintf(out, "Directory:   %s\n", defaults->working_directory);
    }
    for (size_t i = 0; i < defaults->n_environment; i++) {
        fprintf(out, "%s%s\n", i == 0 ? "Environment: " : "             ",
                defaults->environment[i]);
    }
}

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    (void)cli;
    const Gofer__V1__Image *image = ((const Gofer__V1__GetImageResponse *)message)->image;
    return image->n_names > 0 ? image->names[0] : image->digest;
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show, .name = name};
    Gofer__V1__GetImageRequest request = GOFER__V1__GET_IMAGE_REQUEST__INIT;
    request.reference = gf_request_text(parsed->arguments[0]);
    return gf_cli_answer(cli, &gofer_v1_image_service.methods[GOFER_V1_IMAGE_SERVICE_GET_IMAGE],
                         &request.base, &answer);
}

const struct gf_command gf_cmd_image_get = {
    .noun = "image",
    .verb = "get",
    .summary = "show an image and what a container of it runs",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .run = run,
};
