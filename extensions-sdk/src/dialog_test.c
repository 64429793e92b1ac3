/* Dialogs of the library with a scripted gofer, and with it the way through installer mode. */
#include "base/sync.h"
#include "extensions-sdk/conformance/play.h"

#include <gofer/extension.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

enum {
    WAIT_MS = 30 * 1000,
};

#define REQUEST(name) GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_##name
#define RESPONSE(name) GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_##name
#define STEP(name) GOFER__EXTENSION__V1__DIALOG_STEP__STEP_##name

static struct gf_play *play;
static struct gf_arena arena;
static char folder[] = "/tmp/gofer-dialog-XXXXXX";
static pthread_t thread;
static atomic_int configured;
static atomic_int ended;
static int exit_code;

/* ---- The extension ---- */

static void configure(struct gofer_extension *extension, const struct gofer_settings *settings,
                      void *ctx) {
    (void)extension;
    (void)settings;
    (void)ctx;
    atomic_fetch_add(&configured, 1);
}

static void dialog_started(struct gofer_extension *extension, struct gofer_dialog *dialog,
                           void *ctx) {
    static const char *const choices[] = {"daily", "weekly", NULL};
    const struct gofer_question question = {
        .size = sizeof(question), .text = "How often?", .parameter = "often", .choices = choices};
    (void)extension;
    (void)ctx;
    (void)gofer_dialog_say(dialog, "Hello %s", gofer_dialog_pipeline_id(dialog));
    (void)gofer_dialog_ask(dialog, &question);
}

static void dialog_answered(struct gofer_extension *extension, struct gofer_dialog *dialog,
                            const char *answer, void *ctx) {
    const struct gofer_pair settings[] = {{"often", answer}};
    (void)extension;
    (void)ctx;
    if (strcmp(answer, "never") == 0) {
        (void)gofer_dialog_fail(dialog, "never is no answer");
        return;
    }
    (void)gofer_dialog_finish(dialog, settings, 1);
    gf_assert(gofer_dialog_say(dialog, "more") == GOFER_GONE);
}

static void dialog_ended(struct gofer_extension *extension, struct gofer_dialog *dialog,
                         void *ctx) {
    (void)extension;
    (void)dialog;
    (void)ctx;
    atomic_fetch_add(&ended, 1);
}

static void *run(void *ctx) {
    const struct gofer_extension_definition definition = {
        .size = sizeof(definition),
        .version = "1.0.0",
        .has_configurator = true,
        .configure = configure,
        .dialog_started = dialog_started,
        .dialog_answered = dialog_answered,
        .dialog_ended = dialog_ended,
    };
    char name[] = "extension";
    char *argv[] = {name, NULL};
    (void)ctx;
    exit_code = gofer_extension_run(&definition, 1, argv);
    return NULL;
}

/* ---- Gofer ---- */

static gf_play_response make(int message_case) {
    gf_play_response response = GOFER__EXTENSION__V1__CONNECT_RESPONSE__INIT;
    response.message_case = (Gofer__Extension__V1__ConnectResponse__MessageCase)message_case;
    return response;
}

static void begin(int mode) {
    gf_play_response response = make(RESPONSE(WELCOME));
    Gofer__Extension__V1__Welcome welcome = GOFER__EXTENSION__V1__WELCOME__INIT;
    Gofer__Extension__V1__SubscriptionsComplete complete =
        GOFER__EXTENSION__V1__SUBSCRIPTIONS_COMPLETE__INIT;
    gf_arena_init(&arena, 64 << 20);
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(gf_play_create(folder, "extension", &play, NULL), GF_OK);
    (void)setenv("GOFER_EXTENSION_ID", "extension", 1);
    (void)setenv("GOFER_HOST", gf_play_address(play), 1);
    (void)setenv("GOFER_TOKEN", gf_play_token(play), 1);
    gf_thread_start(&thread, "extension", run, NULL);
    cr_assert(gf_play_accept(play, WAIT_MS));
    welcome.protocol_major_version = 1;
    welcome.mode = (Gofer__Extension__V1__ConnectionMode)mode;
    welcome.window = 10;
    response.welcome = &welcome;
    (void)gf_play_say(play, &response);
    response = make(RESPONSE(SUBSCRIPTIONS_COMPLETE));
    response.subscriptions_complete = &complete;
    (void)gf_play_say(play, &response);
}

static void end(void) {
    gf_play_response response = make(RESPONSE(SHUTDOWN));
    Gofer__Extension__V1__Shutdown message = GOFER__EXTENSION__V1__SHUTDOWN__INIT;
    response.shutdown = &message;
    (void)gf_play_say(play, &response);
    gf_thread_join(thread);
    cr_expect_eq(exit_code, GOFER_EXIT_OK);
    gf_play_destroy(play);
    gf_arena_fini(&arena);
    (void)rmdir(folder);
}

static void start_dialog(void) {
    gf_play_response response = make(RESPONSE(DIALOG_START));
    Gofer__Extension__V1__DialogStart message = GOFER__EXTENSION__V1__DIALOG_START__INIT;
    message.dialog_id = (char *)(uintptr_t) "d-1";
    message.kind = GOFER__EXTENSION__V1__DIALOG_KIND__DIALOG_KIND_SUBSCRIPTION;
    message.pipeline_id = (char *)(uintptr_t) "nightly";
    response.dialog_start = &message;
    (void)gf_play_say(play, &response);
}

static void answer(const char *text) {
    gf_play_response response = make(RESPONSE(DIALOG_ANSWER));
    Gofer__Extension__V1__DialogAnswer message = GOFER__EXTENSION__V1__DIALOG_ANSWER__INIT;
    message.dialog_id = (char *)(uintptr_t) "d-1";
    message.text = (char *)(uintptr_t)text;
    response.dialog_answer = &message;
    (void)gf_play_say(play, &response);
}

static const Gofer__Extension__V1__DialogStep *expect_step(int step_case) {
    for (;;) {
        const gf_play_request *request = gf_play_next(play, WAIT_MS, &arena);
        cr_assert_not_null(request);
        if ((int)request->message_case == REQUEST(DIALOG_STEP)) {
            cr_assert_eq((int)request->dialog_step->step_case, step_case);
            cr_expect_str_eq(request->dialog_step->dialog_id, "d-1");
            return request->dialog_step;
        }
    }
}

static const int WORK = GOFER__EXTENSION__V1__CONNECTION_MODE__CONNECTION_MODE_WORK;
static const int INSTALLER = GOFER__EXTENSION__V1__CONNECTION_MODE__CONNECTION_MODE_INSTALLER;

Test(dialog, leads_to_settings) {
    begin(WORK);
    start_dialog();
    cr_expect_str_eq(expect_step(STEP(TEXT))->text, "Hello nightly");
    const Gofer__V1__DialogQuestion *question = expect_step(STEP(QUESTION))->question;
    cr_expect_str_eq(question->parameter_name, "often");
    cr_expect_eq(question->n_choices, 2);
    answer("daily");
    const Gofer__V1__ExtensionSettings *settings = expect_step(STEP(SETTINGS))->settings;
    cr_assert_eq(settings->n_settings, 1);
    cr_expect_str_eq(settings->settings[0]->value, "daily");
    end();
    cr_expect_eq(atomic_load(&ended), 1);
    cr_expect_eq(atomic_load(&configured), 1);
}

Test(dialog, may_come_to_nothing) {
    begin(WORK);
    start_dialog();
    (void)expect_step(STEP(TEXT));
    (void)expect_step(STEP(QUESTION));
    answer("never");
    cr_expect_str_eq(expect_step(STEP(FAILURE))->failure, "never is no answer");
    end();
    cr_expect_eq(atomic_load(&ended), 1);
}

Test(dialog, ends_when_the_person_goes_away_and_with_the_program) {
    gf_play_response response = make(RESPONSE(DIALOG_CANCEL));
    Gofer__Extension__V1__DialogCancel cancel = GOFER__EXTENSION__V1__DIALOG_CANCEL__INIT;
    begin(WORK);
    start_dialog();
    (void)expect_step(STEP(TEXT));
    (void)expect_step(STEP(QUESTION));
    cancel.dialog_id = (char *)(uintptr_t) "d-1";
    response.dialog_cancel = &cancel;
    (void)gf_play_say(play, &response);
    start_dialog(); /* the id is free again */
    (void)expect_step(STEP(TEXT));
    (void)expect_step(STEP(QUESTION));
    end();
    cr_expect_eq(atomic_load(&ended), 2);
}

Test(dialog, an_installer_has_no_settings) {
    begin(INSTALLER);
    start_dialog();
    (void)expect_step(STEP(TEXT));
    (void)expect_step(STEP(QUESTION));
    answer("weekly");
    (void)expect_step(STEP(SETTINGS));
    end();
    cr_expect_eq(atomic_load(&configured), 0);
}
