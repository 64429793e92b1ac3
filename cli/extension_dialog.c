/*
 * DESIGN. Both dialogs are the same conversation with other messages around it: a stream of steps,
 * each of which is shown, asked and answered, or the end. One struct of functions tells them apart.
 *
 * Questions go to standard error and answers come from standard input: at a terminal by a person,
 * what is secret without an echo; else line by line, so that a dialog can be written down.
 */
#include "base/alloc.h"
#include "cli/call.h"
#include "cli/extension_settings.h"
#include "cli/secret_input.h"
#include "cli/ui/extension.h"
#include "cli/ui/message.h"
#include "gofer/v1/extension.gofer.h"

#include <stdlib.h>
#include <string.h>

enum {
    MESSAGE_ARENA_BYTES_MAX = 16 << 20,
};

/* One step, whichever of the dialogs it is of. One of the three is set. */
struct step {
    const char *text;
    const Gofer__V1__DialogQuestion *question;
    const Gofer__V1__ExtensionSettings *settings;
};

struct dialog {
    struct gf_cli *cli;
    struct gf_rpc_stream *stream;
    /* Receives a step; false at the end of the stream. */
    enum gf_code (*receive)(struct dialog *dialog, struct gf_arena *arena, struct step *out_step,
                            bool *out_more, struct gf_error *err);
    enum gf_code (*reply)(struct dialog *dialog, Gofer__V1__DialogReply *reply,
                          struct gf_error *err);
};

/* ---- Asking ---- */

static void show_question(struct gf_cli *cli, const Gofer__V1__DialogQuestion *question) {
    if (question->error_description[0] != '\0') {
        gf_print_text(cli, cli->err, question->error_description);
    }
    gf_print_text(cli, cli->err, question->text);
    for (size_t i = 0; i < question->n_choices; i++) {
        fprintf(cli->err, "  %zu) %s\n", i + 1, gf_show_line(cli, question->choices[i]));
    }
}

/* The name of what is asked for, with the answer that an empty line gives. */
static const char *prompt_of(struct gf_cli *cli, const Gofer__V1__DialogQuestion *question) {
    const char *name = question->parameter_name[0] == '\0'
                           ? "answer"
                           : gf_show_line(cli, question->parameter_name);
    return question->default_answer[0] == '\0' || question->secret
               ? name
               : gf_show_text(cli, "%s [%s]", name, gf_show_line(cli, question->default_answer));
}

/* A line of standard input without its end; nothing typed is the empty answer. */
static enum gf_code read_line(struct gf_cli *cli, bool secret, char **out_answer,
                              struct gf_error *err) {
    char *line = NULL;
    size_t size = 0;
    const ssize_t length = getline(&line, &size, cli->in);
    if (length < 0) {
        free(line);
        return gf_fail(err, GF_CANCELLED, "the dialog was broken off: there was no answer");
    }
    size_t len = (size_t)length;
    if (len > 0 && line[len - 1] == '\n') {
        line[--len] = '\0';
    }
    *out_answer = gf_arena_strdup(cli->arena, line);
    if (secret) {
        explicit_bzero(line, size);
    }
    free(line);
    return GF_OK;
}

static enum gf_code read_hidden(struct gf_cli *cli, const char *prompt, char **out_answer,
                                struct gf_error *err) {
    GF_CLEANUP(gf_secret_value_fini) struct gf_secret_value value;
    const struct gf_cli_secret_input input = {.prompt = prompt};
    gf_secret_value_init(&value);
    enum gf_code rc = gf_read_secret(cli, &input, &value, err);
    if (rc == GF_INVALID_ARGUMENT && value.size == 0) {
        *out_answer = gf_arena_strdup(cli->arena, "");
        return GF_OK;
    }
    if (rc == GF_OK) {
        const struct gf_str text = {value.bytes, value.size};
        *out_answer = (char *)(uintptr_t)gf_arena_str(cli->arena, text).ptr;
    }
    return rc;
}

/* "2" is the second choice, unless "2" is one of them itself. */
static char *choose(const Gofer__V1__DialogQuestion *question, char *answer) {
    int64_t number = 0;
    for (size_t i = 0; i < question->n_choices; i++) {
        if (strcmp(question->choices[i], answer) == 0) {
            return answer;
        }
    }
    if (gf_parse_i64(gf_str_from(answer), &number) && number >= 1 &&
        (uint64_t)number <= question->n_choices) {
        return question->choices[number - 1];
    }
    return answer;
}

static enum gf_code ask(struct dialog *dialog, const Gofer__V1__DialogQuestion *question,
                        struct gf_error *err) {
    struct gf_cli *cli = dialog->cli;
    const char *prompt = prompt_of(cli, question);
    char *answer = NULL;
    enum gf_code rc = GF_OK;
    show_question(cli, question);
    if (question->secret && cli->in_is_terminal) {
        rc = read_hidden(cli, prompt, &answer, err);
    } else {
        fprintf(cli->err, "%s: ", prompt);
        (void)fflush(cli->err);
        rc = read_line(cli, question->secret, &answer, err);
        if (!cli->in_is_terminal) {
            fprintf(cli->err, "\n");
        }
    }
    if (rc != GF_OK) {
        return rc;
    }
    Gofer__V1__DialogReply reply = GOFER__V1__DIALOG_REPLY__INIT;
    reply.text = choose(question, answer);
    return dialog->reply(dialog, &reply, err);
}

/* ---- The conversation ---- */

static void keep_settings(struct gf_cli *cli, const Gofer__V1__ExtensionSettings *settings,
                          struct gf_setting_list *out) {
    out->items = GF_ARENA_ARRAY(cli->arena, settings->n_settings + 1, struct gf_pair);
    out->count = settings->n_settings;
    for (size_t i = 0; i < settings->n_settings; i++) {
        out->items[i].key = gf_arena_strdup(cli->arena, settings->settings[i]->key);
        out->items[i].value = gf_arena_strdup(cli->arena, settings->settings[i]->value);
    }
}

static enum gf_code talk(struct dialog *dialog, struct gf_setting_list *out_settings,
                         struct gf_error *err) {
    struct gf_arena arena;
    bool more = true;
    bool done = false;
    gf_arena_init(&arena, MESSAGE_ARENA_BYTES_MAX);
    enum gf_code rc = GF_OK;
    while (rc == GF_OK && more && !done) {
        struct step step = {0};
        rc = dialog->receive(dialog, &arena, &step, &more, err);
        if (rc == GF_OK && step.text != NULL) {
            gf_print_text(dialog->cli, dialog->cli->err, step.text);
        } else if (rc == GF_OK && step.question != NULL) {
            rc = ask(dialog, step.question, err);
        } else if (rc == GF_OK && step.settings != NULL) {
            keep_settings(dialog->cli, step.settings, out_settings);
            done = true;
        }
        gf_arena_reset(&arena);
    }
    gf_arena_fini(&arena);
    if (rc == GF_OK && !done) {
        rc = gf_fail(err, GF_UNAVAILABLE, "the dialog ended without settings");
    }
    return rc;
}

/* `opened` is what opening the stream and sending its start gave. Destroys the stream. */
static enum gf_exit_code run_dialog(struct dialog *dialog, enum gf_code opened,
                                    struct gf_setting_list *out_settings, struct gf_error *err) {
    const enum gf_code rc = opened == GF_OK ? talk(dialog, out_settings, err) : opened;
    gf_rpc_stream_destroy(dialog->stream);
    return rc == GF_OK ? GF_EXIT_OK : gf_cli_fail_call(dialog->cli, err);
}

/* ---- The installer ---- */

static enum gf_code receive_installer(struct dialog *dialog, struct gf_arena *arena,
                                      struct step *out_step, bool *out_more, struct gf_error *err) {
    Gofer__V1__RunExtensionInstallerResponse *response = NULL;
    const enum gf_code rc = gofer_v1_extension_service_run_extension_installer_stream_recv(
        dialog->stream, -1, arena, &response, err);
    *out_more = response != NULL;
    if (rc != GF_OK || response == NULL) {
        return rc;
    }
    switch ((int)response->message_case) {
    case GOFER__V1__RUN_EXTENSION_INSTALLER_RESPONSE__MESSAGE_TEXT:
        out_step->text = response->text;
        break;
    case GOFER__V1__RUN_EXTENSION_INSTALLER_RESPONSE__MESSAGE_QUESTION:
        out_step->question = response->question;
        break;
    case GOFER__V1__RUN_EXTENSION_INSTALLER_RESPONSE__MESSAGE_SETTINGS:
        out_step->settings = response->settings;
        break;
    default:
        break;
    }
    return GF_OK;
}

static enum gf_code reply_installer(struct dialog *dialog, Gofer__V1__DialogReply *reply,
                                    struct gf_error *err) {
    Gofer__V1__RunExtensionInstallerRequest request =
        GOFER__V1__RUN_EXTENSION_INSTALLER_REQUEST__INIT;
    request.message_case = GOFER__V1__RUN_EXTENSION_INSTALLER_REQUEST__MESSAGE_REPLY;
    request.reply = reply;
    return gofer_v1_extension_service_run_extension_installer_stream_send(dialog->stream, &request,
                                                                          err);
}

enum gf_exit_code gf_run_installer(struct gf_cli *cli, const char *image,
                                   Gofer__V1__RegistryAuth *registry_auth,
                                   struct gf_setting_list *out_settings) {
    struct dialog dialog = {.cli = cli, .receive = receive_installer, .reply = reply_installer};
    Gofer__V1__ExtensionInstallerStart start = GOFER__V1__EXTENSION_INSTALLER_START__INIT;
    Gofer__V1__RunExtensionInstallerRequest request =
        GOFER__V1__RUN_EXTENSION_INSTALLER_REQUEST__INIT;
    enum gf_exit_code code = GF_EXIT_OK;
    struct gf_error err = {0};
    struct gf_client *client = gf_cli_connect(cli, &code);
    if (client == NULL) {
        return code;
    }
    start.image = gf_request_text(image);
    start.registry_auth = registry_auth;
    request.message_case = GOFER__V1__RUN_EXTENSION_INSTALLER_REQUEST__MESSAGE_START;
    request.start = &start;
    enum gf_code rc = gofer_v1_extension_service_run_extension_installer_stream_open(
        gf_client_channel(client), NULL, &dialog.stream, &err);
    if (rc == GF_OK) {
        rc = gofer_v1_extension_service_run_extension_installer_stream_send(dialog.stream, &request,
                                                                            &err);
    }
    return run_dialog(&dialog, rc, out_settings, &err);
}

/* ---- The configurator ---- */

static enum gf_code receive_configurator(struct dialog *dialog, struct gf_arena *arena,
                                         struct step *out_step, bool *out_more,
                                         struct gf_error *err) {
    Gofer__V1__RunSubscriptionConfiguratorResponse *response = NULL;
    const enum gf_code rc = gofer_v1_extension_service_run_subscription_configurator_stream_recv(
        dialog->stream, -1, arena, &response, err);
    *out_more = response != NULL;
    if (rc != GF_OK || response == NULL) {
        return rc;
    }
    switch ((int)response->message_case) {
    case GOFER__V1__RUN_SUBSCRIPTION_CONFIGURATOR_RESPONSE__MESSAGE_TEXT:
        out_step->text = response->text;
        break;
    case GOFER__V1__RUN_SUBSCRIPTION_CONFIGURATOR_RESPONSE__MESSAGE_QUESTION:
        out_step->question = response->question;
        break;
    case GOFER__V1__RUN_SUBSCRIPTION_CONFIGURATOR_RESPONSE__MESSAGE_SETTINGS:
        out_step->settings = response->settings;
        break;
    default:
        break;
    }
    return GF_OK;
}

static enum gf_code reply_configurator(struct dialog *dialog, Gofer__V1__DialogReply *reply,
                                       struct gf_error *err) {
    Gofer__V1__RunSubscriptionConfiguratorRequest request =
        GOFER__V1__RUN_SUBSCRIPTION_CONFIGURATOR_REQUEST__INIT;
    request.message_case = GOFER__V1__RUN_SUBSCRIPTION_CONFIGURATOR_REQUEST__MESSAGE_REPLY;
    request.reply = reply;
    return gofer_v1_extension_service_run_subscription_configurator_stream_send(dialog->stream,
                                                                                &request, err);
}

enum gf_exit_code gf_run_configurator(struct gf_cli *cli, const char *pipeline_id,
                                      const char *extension_id,
                                      struct gf_setting_list *out_settings) {
    struct dialog dialog = {
        .cli = cli, .receive = receive_configurator, .reply = reply_configurator};
    Gofer__V1__SubscriptionConfiguratorStart start =
        GOFER__V1__SUBSCRIPTION_CONFIGURATOR_START__INIT;
    Gofer__V1__RunSubscriptionConfiguratorRequest request =
        GOFER__V1__RUN_SUBSCRIPTION_CONFIGURATOR_REQUEST__INIT;
    enum gf_exit_code code = GF_EXIT_OK;
    struct gf_error err = {0};
    struct gf_client *client = gf_cli_connect(cli, &code);
    if (client == NULL) {
        return code;
    }
    start.namespace_id = gf_request_text(cli->namespace_id);
    start.pipeline_id = gf_request_text(pipeline_id);
    start.extension_id = gf_request_text(extension_id);
    request.message_case = GOFER__V1__RUN_SUBSCRIPTION_CONFIGURATOR_REQUEST__MESSAGE_START;
    request.start = &start;
    enum gf_code rc = gofer_v1_extension_service_run_subscription_configurator_stream_open(
        gf_client_channel(client), NULL, &dialog.stream, &err);
    if (rc == GF_OK) {
        rc = gofer_v1_extension_service_run_subscription_configurator_stream_send(dialog.stream,
                                                                                  &request, &err);
    }
    return run_dialog(&dialog, rc, out_settings, &err);
}
