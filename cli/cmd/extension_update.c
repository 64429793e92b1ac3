#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/extension_settings.h"
#include "cli/extension_watch.h"
#include "cli/read.h"
#include "cli/registry_login.h"
#include "gofer/v1/extension.gofer.h"

#include <string.h>

static const struct gf_argument arguments[] = {
    {.name = "EXTENSION", .complete = "extension", .help = "the extension to update"},
    {.name = "IMAGE",
     .complete = "image",
     .help = "the new image (default: the same name, looked up again)",
     .optional = true},
};

static const struct gf_option options[] = {
    GF_OPTION_SETTING,
    {.name = "no-settings", .kind = GF_OPTION_FLAG, .help = "take all settings away"},
    {.name = "role",
     .kind = GF_OPTION_LIST,
     .value_name = "ROLE",
     .complete = "role",
     .help = "what it may do from now on, in place of all that it had; may be given many times"},
    {.name = "no-roles", .kind = GF_OPTION_FLAG, .help = "take all roles away"},
    {.name = "update-policy",
     .kind = GF_OPTION_TEXT,
     .value_name = "POLICY",
     .choices = "never|minor|patch",
     .help = "which newer images gofer takes by itself"},
    {.name = "network",
     .kind = GF_OPTION_TEXT,
     .value_name = "NETWORK",
     .help = "the network of its container, as of a task"},
    GF_OPTIONS_REGISTRY_LOGIN,
    GF_OPTIONS_WAIT_UPDATE,
};

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    (void)cli;
    return ((const Gofer__V1__UpdateExtensionResponse *)message)->extension->extension_id;
}

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    const bool changed = ((const Gofer__V1__UpdateExtensionResponse *)message)->changed;
    fprintf(cli->out, "extension %s %s\n", name(cli, message),
            changed ? "is being updated" : "is as asked for already");
    if (changed && !gf_parsed_flag(cli->parsed, "wait")) {
        gf_cli_hint(cli, "gofer extension watch %s", name(cli, message));
    }
}

/* Roles and policy hold at once: nothing starts anew for them alone. */
static bool starts_successor(const struct gf_parsed *parsed) {
    static const char *const names[] = {"setting", "no-settings", "network", "registry-user"};
    bool starts = parsed->arguments[1] != NULL;
    for (size_t i = 0; i < GF_ARRAY_COUNT(names); i++) {
        starts = starts || gf_parsed_has(parsed, names[i]);
    }
    return starts || !(gf_parsed_has(parsed, "role") || gf_parsed_has(parsed, "no-roles") ||
                       gf_parsed_has(parsed, "update-policy"));
}

static enum gf_exit_code wait_for_it(struct gf_cli *cli, const ProtobufCMessage *message) {
    const Gofer__V1__UpdateExtensionResponse *response =
        (const Gofer__V1__UpdateExtensionResponse *)message;
    return response->changed && starts_successor(cli->parsed)
               ? gf_wait_for_update(cli, response->extension)
               : GF_EXIT_OK;
}

/* -s replaces all settings, so that what is not given any more is gone. */
static enum gf_code read_options(struct gf_cli *cli, Gofer__V1__UpdateExtensionRequest *request,
                                 Gofer__V1__ExtensionSettings *settings,
                                 Gofer__V1__ExtensionRoles *roles, struct gf_error *err) {
    const struct gf_parsed *parsed = cli->parsed;
    struct gf_setting_list given = {0};
    const char *policy = gf_parsed_text(parsed, "update-policy");
    const enum gf_code rc = gf_read_settings(cli, NULL, &given, err);
    if (rc != GF_OK) {
        return rc;
    }
    if ((given.count > 0 && gf_parsed_flag(parsed, "no-settings")) ||
        (gf_parsed_has(parsed, "role") && gf_parsed_flag(parsed, "no-roles"))) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "none and some do not go together");
    }
    if (given.count > 0 || gf_parsed_flag(parsed, "no-settings")) {
        settings->settings =
            gf_settings_entries(cli, &gofer__v1__extension_settings__settings_entry__descriptor,
                                &given, &settings->n_settings);
        request->settings = settings;
    }
    if (gf_parsed_has(parsed, "role") || gf_parsed_flag(parsed, "no-roles")) {
        roles->role_ids = (char **)(uintptr_t)gf_parsed_list(parsed, "role", &roles->n_role_ids);
        request->roles = roles;
    }
    if (policy != NULL) {
        request->update_policy = (Gofer__V1__ExtensionUpdatePolicy)gf_read_enum(
            &gofer__v1__extension_update_policy__descriptor, policy);
    }
    return GF_OK;
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show, .name = name, .after = wait_for_it};
    Gofer__V1__UpdateExtensionRequest request = GOFER__V1__UPDATE_EXTENSION_REQUEST__INIT;
    Gofer__V1__ExtensionSettings settings = GOFER__V1__EXTENSION_SETTINGS__INIT;
    Gofer__V1__ExtensionRoles roles = GOFER__V1__EXTENSION_ROLES__INIT;
    struct gf_error err = {0};
    GF_CLEANUP(gf_registry_login_fini) struct gf_registry_login login = {0};
    if (read_options(cli, &request, &settings, &roles, &err) != GF_OK) {
        return gf_cli_fail_usage(cli, &err);
    }
    const enum gf_exit_code code =
        gf_read_registry_login(cli, false, &login, &request.registry_auth);
    if (code != GF_EXIT_OK) {
        return code;
    }
    request.extension_id = gf_request_text(parsed->arguments[0]);
    request.image = gf_request_text(parsed->arguments[1]);
    request.network = gf_request_text(gf_parsed_text(parsed, "network"));
    return gf_cli_answer(
        cli, &gofer_v1_extension_service.methods[GOFER_V1_EXTENSION_SERVICE_UPDATE_EXTENSION],
        &request.base, &answer);
}

const struct gf_command gf_cmd_extension_update = {
    .noun = "extension",
    .verb = "update",
    .summary = "give an extension another image, other settings or other rights",
    .description =
        "Its successor is started beside it and takes over when it is ready; no event is lost or "
        "doubled. If it does not become ready the old one stays. -s and --role are in place of all "
        "that it had; without them those stay.",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer extension update cron gofer-extension-cron:0.2.0 --wait --timeout 1m\n"
                "gofer extension update cron --update-policy patch",
    .run = run,
};
