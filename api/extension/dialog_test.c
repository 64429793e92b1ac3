/* Dialogs over a hub that is played here: what is said, by whom, and until when. */
#include "api/extension/dialog.h"
#include "base/alloc.h"
#include "base/sync.h"
#include "engine/core/limits.h"

#include <stdatomic.h>
#include <string.h>

#include <criterion/criterion.h>

typedef Gofer__Extension__V1__DialogStep step_message;

#define STEP(name) GOFER__EXTENSION__V1__DIALOG_STEP__STEP_##name

enum {
    WAIT_MS = 20 * 1000,
    SOON_MS = 20,
};

/* ---- The hub ---- */

static struct {
    struct gf_mutex mutex;
    struct gf_extension_dialog *dialog; /* NULL: it is over */
    enum gf_code open_code;
    char answers[4][128];
    int answer_count;
    bool cancelled;
    bool closed;
} hub;

enum gf_code gf_extension_hub_open_dialog(GF_UNUSED struct gf_extension_hub *unused,
                                          struct gf_extension_dialog *dialog,
                                          struct gf_error *err) {
    if (hub.open_code != GF_OK) {
        return gf_fail(err, hub.open_code, "no");
    }
    hub.dialog = dialog;
    return GF_OK;
}

void gf_extension_hub_answer_dialog(GF_UNUSED struct gf_extension_hub *unused,
                                    GF_UNUSED struct gf_extension_dialog *dialog,
                                    struct gf_str text) {
    GF_MUTEX_GUARD(&hub.mutex);
    cr_assert_lt(hub.answer_count, 4);
    (void)snprintf(hub.answers[hub.answer_count++], sizeof(hub.answers[0]), "%" GF_STR_FMT,
                   GF_STR_ARG(text));
}

/* Tells the end once; not from within a step, as the real one. */
static void tell_end(const struct gf_error *error) {
    gf_mutex_lock(&hub.mutex);
    struct gf_extension_dialog *dialog = hub.dialog;
    hub.dialog = NULL;
    gf_mutex_unlock(&hub.mutex);
    if (dialog != NULL) {
        dialog->ended(dialog, error);
    }
}

static _Thread_local bool in_step;

void gf_extension_hub_close_dialog(GF_UNUSED struct gf_extension_hub *unused,
                                   GF_UNUSED struct gf_extension_dialog *dialog, bool cancel) {
    const struct gf_error none = {0};
    gf_mutex_lock(&hub.mutex);
    const bool first = !hub.closed && hub.dialog != NULL;
    hub.closed = hub.closed || first;
    hub.cancelled = hub.cancelled || (first && cancel);
    gf_mutex_unlock(&hub.mutex);
    if (first && !in_step) {
        tell_end(&none);
    }
}

static void say(const step_message *step) {
    const struct gf_error none = {0};
    struct gf_extension_dialog *dialog = hub.dialog;
    cr_assert_not_null(dialog);
    in_step = true;
    dialog->step(dialog, step);
    in_step = false;
    if (hub.closed) {
        tell_end(&none);
    }
}

static void say_text(const char *text) {
    step_message step = GOFER__EXTENSION__V1__DIALOG_STEP__INIT;
    step.step_case = STEP(TEXT);
    step.text = (char *)(uintptr_t)text;
    say(&step);
}

static void ask(const char *text, const char *default_answer) {
    Gofer__V1__DialogQuestion question = GOFER__V1__DIALOG_QUESTION__INIT;
    step_message step = GOFER__EXTENSION__V1__DIALOG_STEP__INIT;
    question.text = (char *)(uintptr_t)text;
    question.default_answer = (char *)(uintptr_t)default_answer;
    step.step_case = STEP(QUESTION);
    step.question = &question;
    say(&step);
}

static void give_up(const char *why) {
    step_message step = GOFER__EXTENSION__V1__DIALOG_STEP__INIT;
    step.step_case = STEP(FAILURE);
    step.failure = (char *)(uintptr_t)why;
    say(&step);
}

static void give_settings_of(const char *value, size_t count) {
    Gofer__V1__ExtensionSettings__SettingsEntry entry =
        GOFER__V1__EXTENSION_SETTINGS__SETTINGS_ENTRY__INIT;
    Gofer__V1__ExtensionSettings__SettingsEntry *entries[GF_SETTINGS_MAX + 1];
    Gofer__V1__ExtensionSettings settings = GOFER__V1__EXTENSION_SETTINGS__INIT;
    step_message step = GOFER__EXTENSION__V1__DIALOG_STEP__INIT;
    entry.key = (char *)(uintptr_t) "zone";
    entry.value = (char *)(uintptr_t)value;
    for (size_t i = 0; i < count; i++) {
        entries[i] = &entry;
    }
    settings.n_settings = count;
    settings.settings = entries;
    step.step_case = STEP(SETTINGS);
    step.settings = &settings;
    say(&step);
}

static void give_settings(size_t count) {
    give_settings_of("UTC", count);
}

/* ---- The owner ---- */

static struct {
    struct gf_reactor *reactor;
    struct gf_arena arena;
    struct gf_dialog *dialog;
    struct gf_error err;
    atomic_int changes;
    struct gf_latch changed;
} it;

static void on_changed(GF_UNUSED void *ctx) {
    atomic_fetch_add(&it.changes, 1);
    gf_latch_open(&it.changed);
}

static enum gf_code open_dialog(int64_t extension_ms, int64_t person_ms) {
    const struct gf_dialog_options options = {
        .reactor = it.reactor,
        .kind = GOFER__EXTENSION__V1__DIALOG_KIND__DIALOG_KIND_INSTALLER,
        .changed = on_changed,
        .extension_ms = extension_ms,
        .person_ms = person_ms,
    };
    return gf_dialog_open(&options, &it.dialog, &it.err);
}

static void setup(void) {
    memset(&hub, 0, sizeof(hub));
    memset(&it, 0, sizeof(it));
    gf_mutex_init(&hub.mutex, GF_RANK_TEST_INNER);
    gf_arena_init(&it.arena, 1 << 24);
    gf_latch_init(&it.changed);
    cr_assert_eq(gf_reactor_create("test", &it.reactor, NULL), GF_OK);
    cr_assert_eq(open_dialog(0, 0), GF_OK);
}

static void teardown(void) {
    gf_dialog_destroy(it.dialog);
    gf_reactor_stop(it.reactor);
    gf_reactor_destroy(it.reactor);
    gf_latch_fini(&it.changed);
    gf_arena_fini(&it.arena);
    gf_mutex_fini(&hub.mutex);
}

TestSuite(dialog, .init = setup, .fini = teardown);

static const step_message *take(void) {
    const step_message *step = NULL;
    cr_assert_eq(gf_dialog_take(it.dialog, &it.arena, &step, &it.err), GF_OK, "%s", it.err.message);
    return step;
}

static void expect_end(enum gf_code code, const char *reason, const char *part) {
    const step_message *step = NULL;
    cr_expect_eq(gf_dialog_take(it.dialog, &it.arena, &step, &it.err), code);
    cr_expect_null(step);
    cr_expect_str_eq(it.err.reason, reason);
    cr_expect_not_null(strstr(it.err.message, part), "%s", it.err.message);
}

static enum gf_code answer(const char *text) {
    return gf_dialog_answer(it.dialog, gf_str_from(text), &it.err);
}

Test(dialog, leads_to_settings) {
    cr_expect_null(take());
    say_text("hello");
    ask("which zone?", "UTC");
    cr_expect_geq(atomic_load(&it.changes), 2);
    cr_expect_str_eq(take()->text, "hello");
    cr_expect_str_eq(take()->question->text, "which zone?");
    cr_expect_null(take());
    cr_assert_eq(answer("Europe/Oslo"), GF_OK);
    cr_expect_str_eq(hub.answers[0], "Europe/Oslo");
    give_settings(1);
    const step_message *step = take();
    cr_assert_eq((int)step->step_case, (int)STEP(SETTINGS));
    cr_expect_str_eq(step->settings->settings[0]->value, "UTC");
    cr_expect_null(take());
    cr_expect(hub.closed);
    cr_expect_not(hub.cancelled, "the extension knows");
}

Test(dialog, no_answer_is_the_default_one) {
    ask("which zone?", "UTC");
    (void)take();
    cr_assert_eq(answer(""), GF_OK);
    ask("name?", "");
    (void)take();
    cr_assert_eq(answer(""), GF_OK);
    cr_expect_str_eq(hub.answers[0], "UTC");
    cr_expect_str_eq(hub.answers[1], "");
}

/* What comes out is handed in with the rights of the person. */
Test(dialog, settings_refer_to_what_the_person_named) {
    ask("which token?", "");
    (void)take();
    cr_assert_eq(answer("x-global_secret{{ MINE }}"), GF_OK);
    ask("which key?", "pipeline_secret{{SHOWN}}");
    (void)take();
    cr_assert_eq(answer(""), GF_OK);
    give_settings_of("global_secret{{MINE}}:pipeline_secret{{SHOWN}}", 1);
    cr_expect_eq((int)take()->step_case, (int)STEP(SETTINGS));
}

Test(dialog, settings_refer_to_nothing_else) {
    static const char *const bad[] = {
        "global_secret{{OTHER}}",  "pipeline_secret{{MINE}}",
        "global_secret{{HIDDEN}}", "UTC global_secret{{MINE}} global_secret{{OTHER}}",
        "global_secret{{MINE",
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(bad); i++) {
        Gofer__V1__DialogQuestion question = GOFER__V1__DIALOG_QUESTION__INIT;
        step_message step = GOFER__EXTENSION__V1__DIALOG_STEP__INIT;
        ask("which token?", "");
        (void)take();
        cr_assert_eq(answer("global_secret{{MINE}}"), GF_OK);
        question.default_answer = (char *)(uintptr_t) "global_secret{{HIDDEN}}";
        question.secret = true;
        step.step_case = STEP(QUESTION);
        step.question = &question;
        say(&step);
        (void)take();
        cr_assert_eq(answer(""), GF_OK, "nobody saw what it was");
        give_settings_of(bad[i], 1);
        expect_end(GF_FAILED_PRECONDITION, "DIALOG_BROKEN", "no answer named");
        gf_dialog_destroy(it.dialog);
        hub.answer_count = 0;
        hub.closed = hub.cancelled = false;
        cr_assert_eq(open_dialog(0, 0), GF_OK);
    }
}

Test(dialog, what_was_not_asked_is_not_answered) {
    cr_expect_eq(answer("x"), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(it.err.field, "reply");
    ask("which zone?", "UTC");
    cr_expect_eq(answer("x"), GF_INVALID_ARGUMENT, "the person does not have the question yet");
    (void)take();
    cr_expect_eq(answer("x"), GF_OK);
    cr_expect_eq(answer("x"), GF_INVALID_ARGUMENT, "exactly one");
    cr_expect_eq(hub.answer_count, 1);
}

Test(dialog, an_answer_has_a_limit) {
    char *text = gf_calloc(GF_DIALOG_ANSWER_BYTES_MAX + 2, 1);
    memset(text, 'x', GF_DIALOG_ANSWER_BYTES_MAX + 1);
    ask("which zone?", "");
    (void)take();
    cr_expect_eq(answer(text), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(it.err.field, "reply.text");
    text[GF_DIALOG_ANSWER_BYTES_MAX] = '\0';
    cr_expect_eq(answer(text), GF_OK);
    free(text);
}

Test(dialog, an_extension_may_give_up) {
    say_text("hello");
    give_up("there is no such account");
    cr_expect_str_eq(take()->text, "hello");
    expect_end(GF_FAILED_PRECONDITION, "DIALOG_FAILED", "there is no such account");
    expect_end(GF_FAILED_PRECONDITION, "DIALOG_FAILED", "there is no such account");
    cr_expect_eq(answer("x"), GF_OK, "nobody hears it");
    cr_expect_eq(hub.answer_count, 0);
    cr_expect_not(hub.cancelled);
}

Test(dialog, an_extension_that_goes_away_is_told_of) {
    struct gf_error error = {0};
    (void)gf_fail_reason(&error, GF_UNAVAILABLE, "NOT_CONNECTED", "the extension went away");
    ask("which zone?", "");
    tell_end(&error);
    (void)take();
    expect_end(GF_UNAVAILABLE, "NOT_CONNECTED", "went away");
}

Test(dialog, an_extension_waits_for_its_answer) {
    ask("which zone?", "");
    say_text("are you there?");
    (void)take();
    expect_end(GF_FAILED_PRECONDITION, "DIALOG_BROKEN", "before its question was answered");
    cr_expect(hub.cancelled, "it is told");
}

Test(dialog, what_is_not_taken_has_a_limit) {
    for (int i = 0; i < GF_DIALOG_WAITING_MAX; i++) {
        say_text("again");
    }
    cr_expect_not(hub.closed);
    say_text("again");
    cr_expect(hub.cancelled);
    for (int i = 0; i < GF_DIALOG_WAITING_MAX; i++) {
        cr_expect_not_null(take());
    }
    expect_end(GF_FAILED_PRECONDITION, "DIALOG_BROKEN", "more than is taken");
}

Test(dialog, a_dialog_without_an_end_is_ended) {
    for (int i = 0; i < GF_DIALOG_STEPS_MAX; i++) {
        say_text("again");
        (void)take();
    }
    cr_expect_not(hub.closed);
    say_text("again");
    expect_end(GF_FAILED_PRECONDITION, "DIALOG_BROKEN", "does not come to an end");
}

Test(dialog, settings_have_a_limit) {
    give_settings(GF_SETTINGS_MAX + 1);
    expect_end(GF_FAILED_PRECONDITION, "DIALOG_BROKEN", "too many settings");
}

Test(dialog, a_person_who_leaves_cancels_it) {
    say_text("never taken");
    gf_dialog_destroy(it.dialog);
    it.dialog = NULL;
    const int changes = atomic_load(&it.changes);
    cr_expect(hub.cancelled);
    cr_expect_null(hub.dialog);
    cr_expect_eq(atomic_load(&it.changes), changes, "the owner has gone");
}

Test(dialog, one_that_cannot_be_opened_is_none) {
    struct gf_dialog *before = it.dialog;
    hub.open_code = GF_FAILED_PRECONDITION;
    it.dialog = NULL;
    cr_expect_eq(open_dialog(0, 0), GF_FAILED_PRECONDITION);
    cr_expect_null(it.dialog);
    it.dialog = before;
}

static void open_again(int64_t extension_ms, int64_t person_ms) {
    gf_dialog_destroy(it.dialog);
    memset(hub.answers, 0, sizeof(hub.answers));
    hub.closed = false;
    hub.cancelled = false;
    gf_latch_fini(&it.changed);
    gf_latch_init(&it.changed);
    cr_assert_eq(open_dialog(extension_ms, person_ms), GF_OK);
}

Test(dialog, an_extension_that_says_nothing_is_left) {
    open_again(SOON_MS, WAIT_MS);
    cr_assert(gf_latch_wait_until(&it.changed, gf_mono_ns() + WAIT_MS * GF_NS_PER_MS));
    expect_end(GF_DEADLINE_EXCEEDED, "", "the extension said nothing");
    cr_expect(hub.cancelled);
}

Test(dialog, a_person_who_says_nothing_is_left) {
    open_again(WAIT_MS, SOON_MS);
    ask("which zone?", "");
    while (!atomic_load(&it.changes) || !hub.closed) {
        cr_assert(gf_latch_wait_until(&it.changed, gf_mono_ns() + WAIT_MS * GF_NS_PER_MS));
    }
    (void)take();
    const step_message *step = NULL;
    while (gf_dialog_take(it.dialog, &it.arena, &step, &it.err) == GF_OK) {
        cr_assert_null(step);
    }
    cr_expect_eq(it.err.code, GF_DEADLINE_EXCEEDED);
    cr_expect_not_null(strstr(it.err.message, "nobody answered"), "%s", it.err.message);
    cr_expect(hub.cancelled);
}

/* Its time begins when it is its turn. */
Test(dialog, the_turn_goes_to_and_fro) {
    open_again(WAIT_MS, WAIT_MS);
    for (int i = 0; i < 3; i++) {
        ask("again?", "");
        (void)take();
        cr_assert_eq(answer("yes"), GF_OK);
    }
    cr_expect_str_eq(hub.answers[2], "yes");
    cr_expect_not(hub.closed);
}
