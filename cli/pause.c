#include "cli/pause.h"

#include "cli/call.h"
#include "gofer/v1/system.gofer.h"
#include "google/protobuf/field_mask.pb-c.h"

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    const Gofer__V1__UpdateSystemPreferencesResponse *response =
        (const Gofer__V1__UpdateSystemPreferencesResponse *)message;
    bool paused = response->preferences->run_starts_paused;
    fprintf(cli->out, "starts of runs %s%s\n", response->changed ? "" : "were ",
            paused              ? response->changed ? "paused" : "paused already"
            : response->changed ? "resumed"
                                : "not paused");
}

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    (void)cli;
    const Gofer__V1__UpdateSystemPreferencesResponse *response =
        (const Gofer__V1__UpdateSystemPreferencesResponse *)message;
    return response->preferences->run_starts_paused ? "paused" : "resumed";
}

enum gf_exit_code gf_pause_run_starts(struct gf_cli *cli, bool paused, const char *reason) {
    static const struct gf_answer answer = {.show = show, .name = name};
    Gofer__V1__SystemPreferences preferences = GOFER__V1__SYSTEM_PREFERENCES__INIT;
    preferences.run_starts_paused = paused;
    preferences.run_starts_paused_reason = gf_request_text(reason);
    /* The reason goes with the pause: a new one has its own, or none. */
    char *paths[] = {gf_request_text("run_starts_paused"),
                     gf_request_text("run_starts_paused_reason")};
    Google__Protobuf__FieldMask mask = GOOGLE__PROTOBUF__FIELD_MASK__INIT;
    mask.paths = paths;
    mask.n_paths = GF_ARRAY_COUNT(paths);
    Gofer__V1__UpdateSystemPreferencesRequest request =
        GOFER__V1__UPDATE_SYSTEM_PREFERENCES_REQUEST__INIT;
    request.preferences = &preferences;
    request.update_mask = &mask;
    return gf_cli_answer(
        cli, &gofer_v1_system_service.methods[GOFER_V1_SYSTEM_SERVICE_UPDATE_SYSTEM_PREFERENCES],
        &request.base, &answer);
}
