#include "cli/new_token.h"

#include "cli/call.h"
#include "cli/contexts_edit.h"
#include "cli/ui/message.h"
#include "cli/ui/token.h"

#include <string.h>

/* A field of the response by its name. */
static void *field_of(ProtobufCMessage *message, const char *name) {
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
    gf_assert(field != NULL);
    return (char *)message + field->offset;
}

/* The token is kept; the answer does not show its text. */
static enum gf_exit_code print_saved(struct gf_cli *cli, const ProtobufCMessage *response,
                                     const Gofer__V1__Token *token, const char *context) {
    switch (cli->output) {
    case GF_OUTPUT_TABLE:
        fprintf(cli->out, "token %s created, and kept in context %s\n", token->token_id, context);
        break;
    case GF_OUTPUT_NAME:
        fprintf(cli->out, "%s\n", token->token_id);
        break;
    case GF_OUTPUT_JSON:
    case GF_OUTPUT_JSONL:
        return gf_print_message(cli, response);
    }
    return GF_EXIT_OK;
}

/* Keeps the text in the context. Where that fails after all, the text is printed: it is the only
 * one that there is. */
static enum gf_exit_code save(struct gf_cli *cli, ProtobufCMessage *response,
                              struct gf_contexts_edit *edit, const char *context) {
    const Gofer__V1__Token *token = *(Gofer__V1__Token **)field_of(response, "token");
    char **text = field_of(response, "token_text");
    struct gf_error err = {0};
    if (gf_save_as_context(cli, context, *text, token->token_id, edit, &err) != GF_OK) {
        enum gf_exit_code code = gf_cli_fail(cli, &err);
        gf_cli_note(cli, "the token could not be kept, and is printed instead");
        (void)gf_print_new_token(cli, response, token, *text);
        return code;
    }
    explicit_bzero(*text, strlen(*text));
    enum gf_exit_code code = print_saved(cli, response, token, context);
    if (edit->contexts.current == NULL || strcmp(edit->contexts.current, context) != 0) {
        gf_cli_hint(cli, "gofer context use %s", context);
    }
    return code;
}

enum gf_exit_code gf_make_token(struct gf_cli *cli, const struct gf_rpc_method *method,
                                const ProtobufCMessage *request) {
    GF_CLEANUP(gf_contexts_edit_close) struct gf_contexts_edit edit = {.lock = -1};
    const char *context = gf_parsed_text(cli->parsed, "save-as-context");
    struct gf_error err = {0};
    if (context == NULL && cli->output == GF_OUTPUT_NAME) {
        (void)gf_fail(&err, GF_INVALID_ARGUMENT,
                      "-o name would lose the token's text, which nobody can have again: it goes "
                      "with --save-as-context");
        return gf_cli_fail_usage(cli, &err);
    }
    if (context != NULL) {
        enum gf_code rc = gf_save_as_context_open(cli, context, &edit, &err);
        if (rc != GF_OK) {
            return rc == GF_INVALID_ARGUMENT && edit.lock == -1 ? gf_cli_fail_usage(cli, &err)
                                                                : gf_cli_fail(cli, &err);
        }
    }
    ProtobufCMessage *response = NULL;
    enum gf_exit_code code = gf_cli_call(cli, method, request, &response, NULL);
    if (code != GF_EXIT_OK) {
        return code;
    }
    const Gofer__V1__Token *token = *(Gofer__V1__Token **)field_of(response, "token");
    char *text = *(char **)field_of(response, "token_text");
    if (text[0] == '\0') {
        gf_cli_note(cli, "this request id made token %s before; its text cannot be had again",
                    token->token_id);
        if (cli->output == GF_OUTPUT_TABLE) {
            return GF_EXIT_FAILED;
        }
        return print_saved(cli, response, token, "");
    }
    return context != NULL ? save(cli, response, &edit, context)
                           : gf_print_new_token(cli, response, token, text);
}
