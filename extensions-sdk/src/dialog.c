/* Dialogs with people: each lives on one connection. */
#include "base/alloc.h"
#include "extensions-sdk/src/internal.h"

#include <stdarg.h>
#include <string.h>

enum {
    STEP_FIELD = GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_DIALOG_STEP,
    TEXT_BYTES_MAX = 64 * 1024,
    SETTINGS_BYTES_MAX = 4 << 20,
    CHOICES_MAX = 1000,
};

struct gofer_dialog {
    struct gofer_extension *extension;
    char *id;
    enum gofer_dialog_kind kind;
    char *namespace_id;
    char *pipeline_id;
    void *data;
    bool over; /* `dialog_ended` follows, when the callback that runs has returned */
};

enum gofer_dialog_kind gofer_dialog_kind(const struct gofer_dialog *dialog) {
    return dialog->kind;
}

const char *gofer_dialog_namespace_id(const struct gofer_dialog *dialog) {
    return dialog->namespace_id;
}

const char *gofer_dialog_pipeline_id(const struct gofer_dialog *dialog) {
    return dialog->pipeline_id;
}

void gofer_dialog_set_data(struct gofer_dialog *dialog, void *data) {
    dialog->data = data;
}

void *gofer_dialog_data(const struct gofer_dialog *dialog) {
    return dialog->data;
}

static void send_step(struct gofer_dialog *dialog, Gofer__Extension__V1__DialogStep *step) {
    struct gf_sdk_outbox *outbox = dialog->extension->outbox;
    step->dialog_id = dialog->id;
    gf_sdk_outbox_say(outbox, gf_sdk_outbox_connection(outbox), STEP_FIELD, &step->base);
}

static void say_failure(struct gofer_dialog *dialog, const char *text) {
    Gofer__Extension__V1__DialogStep step = GOFER__EXTENSION__V1__DIALOG_STEP__INIT;
    step.step_case = GOFER__EXTENSION__V1__DIALOG_STEP__STEP_FAILURE;
    step.failure = gf_sdk_text(text);
    send_step(dialog, &step);
    dialog->over = true;
}

/* ---- What gofer says ---- */

/* After a callback: a dialog that it ended is told so and freed. */
static void settle(struct gofer_dialog *dialog) {
    struct gofer_extension *extension = dialog->extension;
    if (!dialog->over) {
        return;
    }
    if (extension->definition.dialog_ended != NULL) {
        extension->definition.dialog_ended(extension, dialog, extension->definition.ctx);
    }
    (void)gf_map_remove(&extension->dialogs, gf_str_from(dialog->id));
    free(dialog->id);
    free(dialog->namespace_id);
    free(dialog->pipeline_id);
    free(dialog);
}

void gf_sdk_dialogs_start(struct gofer_extension *extension,
                          const Gofer__Extension__V1__DialogStart *message) {
    if (gf_map_get(&extension->dialogs, gf_str_from(message->dialog_id)) != NULL) {
        return;
    }
    struct gofer_dialog *dialog = GF_NEW(struct gofer_dialog);
    *dialog = (struct gofer_dialog){
        .extension = extension,
        .id = gf_strdup(message->dialog_id),
        .kind = (enum gofer_dialog_kind)message->kind,
        .namespace_id = gf_strdup(message->namespace_id),
        .pipeline_id = gf_strdup(message->pipeline_id),
    };
    const bool is_full = gf_map_count(&extension->dialogs) >= GF_SDK_DIALOGS_MAX;
    (void)gf_map_put(&extension->dialogs, gf_str_from(dialog->id), dialog);
    if (extension->definition.dialog_started == NULL) {
        say_failure(dialog, "this extension has no such dialog");
    } else if (is_full) {
        say_failure(dialog, "this extension is busy with others: try again later");
    } else {
        extension->definition.dialog_started(extension, dialog, extension->definition.ctx);
    }
    settle(dialog);
}

void gf_sdk_dialogs_answer(struct gofer_extension *extension,
                           const Gofer__Extension__V1__DialogAnswer *message) {
    struct gofer_dialog *dialog = gf_map_get(&extension->dialogs, gf_str_from(message->dialog_id));
    if (dialog == NULL) {
        return;
    }
    if (extension->definition.dialog_answered != NULL) {
        extension->definition.dialog_answered(extension, dialog, message->text,
                                              extension->definition.ctx);
    }
    settle(dialog);
}

void gf_sdk_dialogs_cancel(struct gofer_extension *extension, const char *dialog_id) {
    struct gofer_dialog *dialog = gf_map_get(&extension->dialogs, gf_str_from(dialog_id));
    if (dialog != NULL) {
        dialog->over = true;
        settle(dialog);
    }
}

void gf_sdk_dialogs_end(struct gofer_extension *extension) {
    size_t position = 0;
    void *dialog = NULL;
    while (gf_map_next(&extension->dialogs, &position, NULL, &dialog)) {
        ((struct gofer_dialog *)dialog)->over = true;
        settle(dialog);
    }
    gf_map_fini(&extension->dialogs);
}

/* ---- What the program says ---- */

static enum gofer_result invalid(struct gofer_dialog *dialog, const char *what) {
    gf_sdk_say(dialog->extension, GOFER_ERROR, "a step of a dialog: %s", what);
    return GOFER_INVALID;
}

/* Formats text of a step; NULL for what is too long or no UTF-8. The caller frees it. */
static char *format_text(const char *format, va_list args) GF_PRINTF(1, 0);
static char *format_text(const char *format, va_list args) {
    struct gf_strbuf text;
    gf_strbuf_init(&text, TEXT_BYTES_MAX);
    gf_strbuf_vprintf(&text, format, args);
    if (text.overflowed || !gf_utf8_valid(gf_strbuf_view(&text))) {
        gf_strbuf_fini(&text);
        return NULL;
    }
    return gf_strbuf_take(&text);
}

enum gofer_result gofer_dialog_say(struct gofer_dialog *dialog, const char *format, ...) {
    va_list args;
    if (dialog->over) {
        return GOFER_GONE;
    }
    va_start(args, format);
    GF_CLEANUP(gf_free_p) char *text = format_text(format, args);
    va_end(args);
    if (text == NULL) {
        return invalid(dialog, "text is up to 64 KiB of UTF-8");
    }
    Gofer__Extension__V1__DialogStep step = GOFER__EXTENSION__V1__DIALOG_STEP__INIT;
    step.step_case = GOFER__EXTENSION__V1__DIALOG_STEP__STEP_TEXT;
    step.text = text;
    send_step(dialog, &step);
    return GOFER_OK;
}

enum gofer_result gofer_dialog_fail(struct gofer_dialog *dialog, const char *format, ...) {
    va_list args;
    if (dialog->over) {
        return GOFER_GONE;
    }
    va_start(args, format);
    GF_CLEANUP(gf_free_p) char *text = format_text(format, args);
    va_end(args);
    say_failure(dialog, text == NULL ? "the extension does not say why in text of 64 KiB" : text);
    return GOFER_OK;
}

/* The struct as of this version. */
static bool read_question(struct gofer_question *out, const struct gofer_question *from) {
    if (from == NULL || from->size < sizeof(from->size)) {
        return false;
    }
    memset(out, 0, sizeof(*out));
    memcpy(out, from, from->size < sizeof(*out) ? from->size : sizeof(*out));
    return out->text != NULL && out->text[0] != '\0' &&
           gf_sdk_text_fits(out->text, TEXT_BYTES_MAX) &&
           gf_sdk_text_fits(out->parameter, TEXT_BYTES_MAX) &&
           gf_sdk_text_fits(out->default_answer, TEXT_BYTES_MAX) &&
           gf_sdk_text_fits(out->error, TEXT_BYTES_MAX);
}

enum gofer_result gofer_dialog_ask(struct gofer_dialog *dialog,
                                   const struct gofer_question *question) {
    struct gofer_question own;
    if (dialog->over) {
        return GOFER_GONE;
    }
    if (!read_question(&own, question)) {
        return invalid(dialog, "a question has `size` and a text; all of it is UTF-8, up to 64 KiB "
                               "each");
    }
    Gofer__Extension__V1__DialogStep step = GOFER__EXTENSION__V1__DIALOG_STEP__INIT;
    Gofer__V1__DialogQuestion message = GOFER__V1__DIALOG_QUESTION__INIT;
    message.text = gf_sdk_text(own.text);
    message.parameter_name = gf_sdk_text(own.parameter);
    message.default_answer = gf_sdk_text(own.default_answer);
    message.secret = own.secret;
    message.error_description = gf_sdk_text(own.error);
    message.choices = (char **)(uintptr_t)own.choices;
    while (own.choices != NULL && own.choices[message.n_choices] != NULL) {
        if (message.n_choices == CHOICES_MAX ||
            !gf_sdk_text_fits(own.choices[message.n_choices], TEXT_BYTES_MAX)) {
            return invalid(dialog, "there are at most 1000 choices, all of them UTF-8");
        }
        message.n_choices++;
    }
    step.step_case = GOFER__EXTENSION__V1__DIALOG_STEP__STEP_QUESTION;
    step.question = &message;
    send_step(dialog, &step);
    return GOFER_OK;
}

enum gofer_result gofer_dialog_finish(struct gofer_dialog *dialog,
                                      const struct gofer_pair *settings, size_t setting_count) {
    if (dialog->over) {
        return GOFER_GONE;
    }
    if (setting_count > GOFER_PARAMETERS_MAX || !gf_sdk_pairs_valid(settings, setting_count)) {
        return invalid(dialog, "there are at most 100 settings, each with a name and a value");
    }
    struct gf_arena arena;
    gf_arena_init(&arena, SETTINGS_BYTES_MAX);
    Gofer__Extension__V1__DialogStep step = GOFER__EXTENSION__V1__DIALOG_STEP__INIT;
    Gofer__V1__ExtensionSettings message = GOFER__V1__EXTENSION_SETTINGS__INIT;
    message.settings =
        gf_sdk_entries(&arena, &gofer__v1__extension_settings__settings_entry__descriptor, settings,
                       setting_count);
    message.n_settings = setting_count;
    step.step_case = GOFER__EXTENSION__V1__DIALOG_STEP__STEP_SETTINGS;
    step.settings = &message;
    send_step(dialog, &step);
    gf_arena_fini(&arena);
    dialog->over = true;
    return GOFER_OK;
}
