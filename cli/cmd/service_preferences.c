#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/message.h"
#include "gofer/v1/system.gofer.h"

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    const Gofer__V1__SystemPreferences *preferences =
        ((const Gofer__V1__GetSystemPreferencesResponse *)message)->preferences;
    FILE *out = cli->out;
    fprintf(out, "Run starts: %s\n", preferences->run_starts_paused ? "paused" : "allowed");
    if (preferences->run_starts_paused_reason[0] != '\0') {
        fprintf(out, "Reason:     %s\n", gf_show_line(cli, preferences->run_starts_paused_reason));
    }
    fprintf(out, "Attaching:  %s\n", preferences->attach_disabled ? "disabled" : "allowed");
    fprintf(out, "Changed:    %s\n", gf_show_time(cli, preferences->update_time));
}

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    (void)cli;
    const Gofer__V1__GetSystemPreferencesResponse *response =
        (const Gofer__V1__GetSystemPreferencesResponse *)message;
    return response->preferences->run_starts_paused ? "paused" : "resumed";
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show, .name = name};
    (void)parsed;
    Gofer__V1__GetSystemPreferencesRequest request =
        GOFER__V1__GET_SYSTEM_PREFERENCES_REQUEST__INIT;
    return gf_cli_answer(
        cli, &gofer_v1_system_service.methods[GOFER_V1_SYSTEM_SERVICE_GET_SYSTEM_PREFERENCES],
        &request.base, &answer);
}

const struct gf_command gf_cmd_service_preferences = {
    .noun = "service",
    .verb = "preferences",
    .summary = "show the switches of the server",
    .description = "gofer service pause and resume turn the one of run starts.",
    .run = run,
};
