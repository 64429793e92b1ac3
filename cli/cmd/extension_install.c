#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/extension_settings.h"
#include "cli/extension_watch.h"
#include "cli/read.h"
#include "cli/registry_login.h"
#include "cli/ui/message.h"
#include "gofer/v1/extension.gofer.h"
#include "gofer/v1/image.gofer.h"

#include <string.h>

static const struct gf_argument arguments[] = {
    {.name = "EXTENSION", .help = "what it is to be called: 3 to 64 letters, digits, - and _"},
    {.name = "IMAGE",
     .complete = "image",
     .help = "the image of its container (without one it is run by hand)",
     .optional = true},
};

static const struct gf_option options[] = {
    GF_OPTION_SETTING,
    {.name = "interactive",
     .letter = 'i',
     .kind = GF_OPTION_FLAG,
     .help = "let the extension ask for its settings"},
    {.name = "role",
     .kind = GF_OPTION_LIST,
     .value_name = "ROLE",
     .complete = "role",
     .help = "what it may do, besides what every extension may; may be given many times"},
    {.name = "update-policy",
     .kind = GF_OPTION_TEXT,
     .value_name = "POLICY",
     .choices = "never|minor|patch",
     .help = "which newer images gofer takes by itself (default never)"},
    {.name = "network",
     .kind = GF_OPTION_TEXT,
     .value_name = "NETWORK",
     .help = "the network of its container, as of a task; its way to gofer needs none"},
    GF_OPTIONS_REGISTRY_LOGIN,
    GF_OPTIONS_WAIT_EXTENSION,
    {.name = "request-id",
     .kind = GF_OPTION_TEXT,
     .value_name = "ID",
     .help = "installs it once only, however often the command is given"},
};

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    (void)cli;
    return ((const Gofer__V1__InstallExtensionResponse *)message)->extension->extension_id;
}

/* One of the images that the server has, of the extension that comes with gofer under this name. */
static const char *find_image(struct gf_cli *cli, const char *extension_id) {
    Gofer__V1__ListImagesRequest request = GOFER__V1__LIST_IMAGES_REQUEST__INIT;
    const char *start = gf_show_text(cli, "gofer-extension-%s:", extension_id);
    ProtobufCMessage *message = NULL;
    struct gf_error ignored = {0};
    if (gf_cli_call(cli, &gofer_v1_image_service.methods[GOFER_V1_IMAGE_SERVICE_LIST_IMAGES],
                    &request.base, &message, &ignored) != GF_EXIT_OK) {
        return NULL;
    }
    const Gofer__V1__ListImagesResponse *response = (const Gofer__V1__ListImagesResponse *)message;
    for (size_t i = 0; i < response->n_images; i++) {
        for (size_t j = 0; j < response->images[i]->n_names; j++) {
            if (strncmp(response->images[i]->names[j], start, strlen(start)) == 0) {
                return gf_show_line(cli, response->images[i]->names[j]);
            }
        }
    }
    return NULL;
}

/* Who leaves the image out may have meant the extension that comes with gofer. */
static void hint_image(struct gf_cli *cli, const char *extension_id) {
    const char *image = find_image(cli, extension_id);
    if (image != NULL) {
        gf_cli_hint(cli, "the server has an image of it: gofer extension update %s %s",
                    extension_id, image);
    } else if (strcmp(extension_id, "cron") == 0 || strcmp(extension_id, "interval") == 0) {
        gf_cli_hint(cli,
                    "it comes with gofer, as gofer-extension-%s.tar beside the program: gofer "
                    "image import FILE, then gofer extension update %s IMAGE",
                    extension_id, extension_id);
    }
}

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    const Gofer__V1__Extension *extension =
        ((const Gofer__V1__InstallExtensionResponse *)message)->extension;
    const bool by_hand = extension->image[0] == '\0';
    fprintf(cli->out, "extension %s installed%s\n", extension->extension_id,
            by_hand ? "; it is run by hand" : "");
    (void)fflush(cli->out); /* what is said next goes elsewhere, and comes behind it */
    if (by_hand) {
        gf_cli_hint(cli,
                    "its token, for GOFER_TOKEN where it runs: gofer token create --kind extension "
                    "--extension %s --user %s",
                    extension->extension_id, extension->extension_id);
        hint_image(cli, extension->extension_id);
    }
}

static enum gf_exit_code wait_for_it(struct gf_cli *cli, const ProtobufCMessage *message) {
    return gf_wait_for_extension(cli, name(cli, message));
}

/* Settings from the extension itself, then those of the command line over them. */
static enum gf_exit_code collect(struct gf_cli *cli, const char *image,
                                 Gofer__V1__RegistryAuth *registry_auth,
                                 struct gf_setting_list *settings) {
    struct gf_setting_list asked = {0};
    struct gf_error err = {0};
    if (gf_parsed_flag(cli->parsed, "interactive")) {
        if (image == NULL) {
            (void)gf_fail(&err, GF_INVALID_ARGUMENT, "-i goes with an image: who is to ask?");
            return gf_cli_fail_usage(cli, &err);
        }
        const enum gf_exit_code code = gf_run_installer(cli, image, registry_auth, &asked);
        if (code != GF_EXIT_OK) {
            return code;
        }
    }
    if (gf_read_settings(cli, &asked, settings, &err) != GF_OK) {
        return gf_cli_fail_usage(cli, &err);
    }
    return GF_EXIT_OK;
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show, .name = name, .after = wait_for_it};
    Gofer__V1__InstallExtensionRequest request = GOFER__V1__INSTALL_EXTENSION_REQUEST__INIT;
    struct gf_setting_list settings = {0};
    GF_CLEANUP(gf_registry_login_fini) struct gf_registry_login login = {0};
    const bool asks = gf_parsed_flag(parsed, "interactive") && !cli->in_is_terminal;
    enum gf_exit_code code = gf_read_registry_login(cli, asks, &login, &request.registry_auth);
    if (code == GF_EXIT_OK) {
        code = collect(cli, parsed->arguments[1], request.registry_auth, &settings);
    }
    if (code != GF_EXIT_OK) {
        return code;
    }
    const char *policy = gf_parsed_text(parsed, "update-policy");
    request.extension_id = gf_request_text(parsed->arguments[0]);
    request.image = gf_request_text(parsed->arguments[1]);
    request.settings =
        gf_settings_entries(cli, &gofer__v1__install_extension_request__settings_entry__descriptor,
                            &settings, &request.n_settings);
    request.role_ids = (char **)(uintptr_t)gf_parsed_list(parsed, "role", &request.n_role_ids);
    request.update_policy = (Gofer__V1__ExtensionUpdatePolicy)gf_read_enum(
        &gofer__v1__extension_update_policy__descriptor, policy == NULL ? "never" : policy);
    request.network = gf_request_text(gf_parsed_text(parsed, "network"));
    request.request_id = gf_request_text(gf_parsed_text(parsed, "request-id"));
    return gf_cli_answer(
        cli, &gofer_v1_extension_service.methods[GOFER_V1_EXTENSION_SERVICE_INSTALL_EXTENSION],
        &request.base, &answer);
}

const struct gf_command gf_cmd_extension_install = {
    .noun = "extension",
    .verb = "install",
    .summary = "install an extension, in a container or to be run by hand",
    .description =
        "With an image gofer starts its container and keeps it running. Settings may hold "
        "global_secret{{KEY}}, so that no secret stands on a command line. Without an image the "
        "extension is a program of yours, anywhere, that connects with a token of its own.",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples =
        "gofer extension install cron gofer-extension-cron:0.1.0 --wait\n"
        "gofer extension install github registry.example/github:2 -i --update-policy minor\n"
        "gofer extension install bell",
    .run = run,
};
