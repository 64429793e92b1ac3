#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/event.h"
#include "gofer/v1/event.gofer.h"

static const struct gf_argument arguments[] = {
    {.name = "EVENT", .help = "the number of the event"},
};

static const Gofer__V1__Event *event_of(const ProtobufCMessage *message) {
    return ((const Gofer__V1__GetEventResponse *)message)->event;
}

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    gf_print_event_details(cli, event_of(message));
}

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    (void)message;
    return cli->parsed->arguments[0];
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show, .name = name};
    Gofer__V1__GetEventRequest request = GOFER__V1__GET_EVENT_REQUEST__INIT;
    enum gf_exit_code code = GF_EXIT_OK;
    if (!gf_cli_number_argument(cli, parsed, 0, &request.event_id, &code)) {
        return code;
    }
    return gf_cli_answer(cli, &gofer_v1_event_service.methods[GOFER_V1_EVENT_SERVICE_GET_EVENT],
                         &request.base, &answer);
}

const struct gf_command gf_cmd_event_get = {
    .noun = "event",
    .verb = "get",
    .summary = "show one event with all that is known of it",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .run = run,
};
