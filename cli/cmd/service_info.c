#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/message.h"
#include "gofer/v1/system.gofer.h"

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    const Gofer__V1__GetSystemInfoResponse *info =
        (const Gofer__V1__GetSystemInfoResponse *)message;
    FILE *out = cli->out;
    fprintf(out, "Server:    %s\n", cli->host);
    fprintf(out, "Version:   %s\n", info->version);
    if (info->commit[0] != '\0') {
        fprintf(out, "Commit:    %s\n", info->commit);
    }
    fprintf(out, "API:      ");
    for (size_t i = 0; i < info->n_api_packages; i++) {
        fprintf(out, " %s", info->api_packages[i]);
    }
    fprintf(out, "\nScheduler: %s\n", info->scheduler);
    fprintf(out, "Mode:      %s\n", info->development_mode ? "development" : "production");
    fprintf(out, "Started:   %s\n", gf_show_time(cli, info->start_time));
    fprintf(out, "Clock:     %s\n", gf_show_time(cli, info->server_time));
}

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    (void)cli;
    return ((const Gofer__V1__GetSystemInfoResponse *)message)->version;
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show, .name = name};
    (void)parsed;
    Gofer__V1__GetSystemInfoRequest request = GOFER__V1__GET_SYSTEM_INFO_REQUEST__INIT;
    return gf_cli_answer(cli,
                         &gofer_v1_system_service.methods[GOFER_V1_SYSTEM_SERVICE_GET_SYSTEM_INFO],
                         &request.base, &answer);
}

const struct gf_command gf_cmd_service_info = {
    .noun = "service",
    .verb = "info",
    .summary = "show the version and the mode of the server",
    .run = run,
};
