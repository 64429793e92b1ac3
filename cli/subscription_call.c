#include "cli/subscription_call.h"

#include "cli/call.h"
#include "cli/ui/message.h"
#include "gofer/v1/subscription.gofer.h"

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    const char *const *arguments = cli->parsed->arguments;
    (void)message;
    return gf_show_text(cli, "%s/%s/%s", arguments[0], arguments[1], arguments[2]);
}

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    fprintf(cli->out, "subscription %s deleted\n", name(cli, message));
}

enum gf_exit_code gf_delete_subscription(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show, .name = name};
    Gofer__V1__DeleteSubscriptionRequest request = GOFER__V1__DELETE_SUBSCRIPTION_REQUEST__INIT;
    enum gf_exit_code code = GF_EXIT_OK;
    if (!gf_cli_confirm(cli, gf_show_text(cli, "delete subscription '%s'?", name(cli, NULL)),
                        &code)) {
        return code;
    }
    request.namespace_id = gf_request_text(cli->namespace_id);
    request.pipeline_id = gf_request_text(parsed->arguments[0]);
    request.extension_id = gf_request_text(parsed->arguments[1]);
    request.subscription_id = gf_request_text(parsed->arguments[2]);
    return gf_cli_answer(
        cli,
        &gofer_v1_subscription_service.methods[GOFER_V1_SUBSCRIPTION_SERVICE_DELETE_SUBSCRIPTION],
        &request.base, &answer);
}
