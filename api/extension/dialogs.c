/*
 * Dialogs: hooks of a connection for those who lead a person through one (dialog.h). A step is told
 * on the rpc thread, while the connection may end on another one: `running` says that a callback is
 * under way, and who finds the dialog closing when that is over tells the end.
 */
#include "api/extension/hub_internal.h"

#include <stdio.h>

enum {
    STEP_TEXT_BYTES_MAX = 64 << 10,
    STEP_CHOICES_MAX = 100,
};

typedef Gofer__Extension__V1__DialogStep step_message;

/* (m) */
static struct gf_extension_dialog *find(struct gf_hub_connection *self, const char *dialog_id) {
    GF_LIST_FOREACH(link, &self->dialogs) {
        struct gf_extension_dialog *dialog =
            GF_CONTAINER_OF(link, struct gf_extension_dialog, link);
        if (strcmp(dialog->dialog_id, dialog_id) == 0) {
            return dialog;
        }
    }
    return NULL;
}

static bool has_dialog(const struct gf_hub_connection *connection,
                       Gofer__Extension__V1__DialogKind kind) {
    return kind == GOFER__EXTENSION__V1__DIALOG_KIND__DIALOG_KIND_INSTALLER
               ? connection->declared->has_installer
               : connection->declared->has_configurator;
}

enum gf_code gf_extension_hub_open_dialog(struct gf_extension_hub *hub,
                                          struct gf_extension_dialog *dialog,
                                          struct gf_error *err) {
    struct gf_arena arena;
    gf_arena_init(&arena, 1 << 16);
    Gofer__Extension__V1__DialogStart start = GOFER__EXTENSION__V1__DIALOG_START__INIT;
    start.kind = dialog->kind;
    start.namespace_id = gf_arena_printf(&arena, "%" GF_STR_FMT, GF_STR_ARG(dialog->namespace_id));
    start.pipeline_id = gf_arena_printf(&arena, "%" GF_STR_FMT, GF_STR_ARG(dialog->pipeline_id));
    Gofer__Extension__V1__ConnectResponse message = GOFER__EXTENSION__V1__CONNECT_RESPONSE__INIT;
    message.message_case = GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_DIALOG_START;
    message.dialog_start = &start;
    enum gf_code rc = GF_OK;
    gf_mutex_lock(&hub->mutex);
    const struct gf_hub_extension *extension = gf_hub__find(hub, dialog->extension_key);
    struct gf_hub_connection *connection = extension == NULL ? NULL : extension->active;
    if (connection == NULL || hub->stopping) {
        rc = gf_fail_reason(err, GF_UNAVAILABLE, "NOT_CONNECTED", "the extension is not connected");
    } else if (!has_dialog(connection, dialog->kind)) {
        rc = gf_fail_reason(err, GF_FAILED_PRECONDITION, "NO_DIALOG",
                            "extension '%s' has no such dialog", extension->extension_id);
    } else if (connection->dialog_count >= GF_EXTENSION_DIALOGS_MAX) {
        rc = gf_fail(err, GF_RESOURCE_EXHAUSTED, "extension '%s' leads %d dialogs already",
                     extension->extension_id, GF_EXTENSION_DIALOGS_MAX);
    } else {
        (void)snprintf(dialog->dialog_id, sizeof(dialog->dialog_id), "dialog-%lld",
                       (long long)++connection->next_dialog);
        start.dialog_id = dialog->dialog_id;
        dialog->connection = connection;
        dialog->running = 0;
        dialog->closing = false;
        dialog->link = (struct gf_list_link){0};
        gf_list_push_back(&connection->dialogs, &dialog->link);
        connection->dialog_count++;
        gf_connection__queue(connection, &message);
    }
    gf_mutex_unlock(&hub->mutex);
    gf_arena_fini(&arena);
    return rc;
}

void gf_extension_hub_answer_dialog(struct gf_extension_hub *hub,
                                    struct gf_extension_dialog *dialog, struct gf_str text) {
    struct gf_arena arena;
    gf_arena_init(&arena, 1 << 20);
    Gofer__Extension__V1__DialogAnswer answer = GOFER__EXTENSION__V1__DIALOG_ANSWER__INIT;
    answer.dialog_id = dialog->dialog_id;
    answer.text = gf_arena_printf(&arena, "%" GF_STR_FMT, GF_STR_ARG(text));
    Gofer__Extension__V1__ConnectResponse message = GOFER__EXTENSION__V1__CONNECT_RESPONSE__INIT;
    message.message_case = GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_DIALOG_ANSWER;
    message.dialog_answer = &answer;
    gf_mutex_lock(&hub->mutex);
    if (!dialog->closing) {
        gf_connection__queue(dialog->connection, &message);
    }
    gf_mutex_unlock(&hub->mutex);
    gf_arena_wipe(&arena); /* an answer may be a secret */
    gf_arena_fini(&arena);
}

/* Takes it off its connection. Whoever finds that it is not running tells why. (m) */
static void close_dialog(struct gf_extension_dialog *dialog, const struct gf_error *why) {
    struct gf_hub_connection *connection = dialog->connection;
    dialog->closing = true;
    dialog->why = *why;
    gf_list_remove(&dialog->link);
    connection->dialog_count--;
}

void gf_extension_hub_close_dialog(struct gf_extension_hub *hub, struct gf_extension_dialog *dialog,
                                   bool cancel) {
    const struct gf_error none = {0};
    gf_mutex_lock(&hub->mutex);
    if (dialog->closing) {
        gf_mutex_unlock(&hub->mutex);
        return;
    }
    if (cancel) {
        Gofer__Extension__V1__DialogCancel over = GOFER__EXTENSION__V1__DIALOG_CANCEL__INIT;
        over.dialog_id = dialog->dialog_id;
        Gofer__Extension__V1__ConnectResponse message =
            GOFER__EXTENSION__V1__CONNECT_RESPONSE__INIT;
        message.message_case = GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_DIALOG_CANCEL;
        message.dialog_cancel = &over;
        gf_connection__queue(dialog->connection, &message);
    }
    close_dialog(dialog, &none);
    const bool tell = dialog->running == 0;
    gf_mutex_unlock(&hub->mutex);
    if (tell) {
        dialog->ended(dialog, &none);
    }
}

static const char *wrong_with(const step_message *step) {
    switch ((int)step->step_case) {
    case GOFER__EXTENSION__V1__DIALOG_STEP__STEP_TEXT:
        return strlen(step->text) > STEP_TEXT_BYTES_MAX ? "the text has more than 64 KiB" : NULL;
    case GOFER__EXTENSION__V1__DIALOG_STEP__STEP_FAILURE:
        return strlen(step->failure) > STEP_TEXT_BYTES_MAX ? "the text has more than 64 KiB" : NULL;
    case GOFER__EXTENSION__V1__DIALOG_STEP__STEP_QUESTION:
        return strlen(step->question->text) > STEP_TEXT_BYTES_MAX ||
                       step->question->n_choices > STEP_CHOICES_MAX
                   ? "the question has more than 64 KiB, or more than 100 choices"
                   : NULL;
    case GOFER__EXTENSION__V1__DIALOG_STEP__STEP_SETTINGS:
        return NULL;
    default:
        return "there is no step";
    }
}

void gf_dialogs__take(struct gf_hub_connection *self, const step_message *step) {
    struct gf_extension_hub *hub = self->hub;
    const char *wrong = wrong_with(step);
    gf_mutex_lock(&hub->mutex);
    if (wrong != NULL) {
        gf_connection__fail(self, GF_INVALID_ARGUMENT, "", "dialog_step: %s", wrong);
        gf_mutex_unlock(&hub->mutex);
        gf_connection__kick(self);
        return;
    }
    /* One that is over already, because the person has gone, is nothing to complain about. */
    struct gf_extension_dialog *dialog = find(self, step->dialog_id);
    if (dialog == NULL) {
        gf_mutex_unlock(&hub->mutex);
        return;
    }
    dialog->running++;
    gf_mutex_unlock(&hub->mutex);
    dialog->step(dialog, step);
    gf_mutex_lock(&hub->mutex);
    const bool tell = --dialog->running == 0 && dialog->closing;
    const struct gf_error closed_why = dialog->why;
    gf_mutex_unlock(&hub->mutex);
    if (tell) {
        dialog->ended(dialog, &closed_why);
    }
}

void gf_dialogs__end(struct gf_hub_connection *self, const struct gf_error *error) {
    struct gf_error why = {0};
    (void)gf_fail_reason(&why, GF_UNAVAILABLE, "NOT_CONNECTED", "the extension went away%s%s",
                         error->code == GF_OK ? "" : ": ", error->message);
    for (;;) {
        gf_mutex_lock(&self->hub->mutex);
        struct gf_list_link *first = gf_list_first(&self->dialogs);
        struct gf_extension_dialog *dialog =
            first == NULL ? NULL : GF_CONTAINER_OF(first, struct gf_extension_dialog, link);
        bool tell = false;
        if (dialog != NULL) {
            close_dialog(dialog, &why);
            tell = dialog->running == 0;
        }
        gf_mutex_unlock(&self->hub->mutex);
        if (dialog == NULL) {
            return;
        }
        if (tell) {
            dialog->ended(dialog, &why);
        }
    }
}
