#include "cli/extension_leave.h"

#include "cli/call.h"
#include "cli/ui/message.h"
#include "gofer/v1/extension.gofer.h"

bool gf_confirm_leave(struct gf_cli *cli, const char *verb, const char *fate,
                      int64_t *out_subscription_count, enum gf_exit_code *out_code) {
    const char *extension_id = cli->parsed->arguments[0];
    int64_t count = 0;
    const char *rest = "";
    /* Where nobody can be asked, gf_cli_confirm says so before anything is called. */
    if (!gf_parsed_flag(cli->parsed, "yes") && cli->in_is_terminal && cli->err_is_terminal) {
        Gofer__V1__GetExtensionRequest request = GOFER__V1__GET_EXTENSION_REQUEST__INIT;
        ProtobufCMessage *response = NULL;
        request.extension_id = gf_request_text(extension_id);
        *out_code = gf_cli_call(
            cli, &gofer_v1_extension_service.methods[GOFER_V1_EXTENSION_SERVICE_GET_EXTENSION],
            &request.base, &response, NULL);
        if (*out_code != GF_EXIT_OK) {
            return false;
        }
        count = ((Gofer__V1__GetExtensionResponse *)response)->extension->subscription_count;
    }
    if (count > 0) {
        rest = gf_show_text(cli, " Its %lld subscription%s will %s.", (long long)count,
                            count == 1 ? "" : "s", fate);
    }
    *out_subscription_count = count;
    return gf_cli_confirm(cli, gf_show_text(cli, "%s extension '%s'?%s", verb, extension_id, rest),
                          out_code);
}
