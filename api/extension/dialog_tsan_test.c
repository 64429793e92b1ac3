/* Dialogs that are closed from all sides at once: by the person, by the extension, by the time. */
#include "api/extension/dialog.h"
#include "base/sync.h"

#include <stdatomic.h>

enum {
    DIALOGS = 300,
    STEPS = 20,
};

/* ---- The hub: a dialog ends once, and not while a step is under way, as the real one's do ---- */

static struct {
    struct gf_mutex mutex;
    struct gf_cond over;
    struct gf_extension_dialog *dialog;
    bool closing;
    int running;
} hub;

static void tell_end(void) {
    const struct gf_error none = {0};
    gf_mutex_lock(&hub.mutex);
    struct gf_extension_dialog *dialog = hub.closing && hub.running == 0 ? hub.dialog : NULL;
    hub.dialog = dialog != NULL ? NULL : hub.dialog;
    gf_mutex_unlock(&hub.mutex);
    if (dialog != NULL) {
        dialog->ended(dialog, &none);
        gf_mutex_lock(&hub.mutex);
        gf_cond_broadcast(&hub.over);
        gf_mutex_unlock(&hub.mutex);
    }
}

enum gf_code gf_extension_hub_open_dialog(GF_UNUSED struct gf_extension_hub *unused,
                                          struct gf_extension_dialog *dialog,
                                          GF_UNUSED struct gf_error *err) {
    GF_MUTEX_GUARD(&hub.mutex);
    hub.dialog = dialog;
    hub.closing = false;
    return GF_OK;
}

void gf_extension_hub_answer_dialog(GF_UNUSED struct gf_extension_hub *unused,
                                    GF_UNUSED struct gf_extension_dialog *dialog,
                                    GF_UNUSED struct gf_str text) {
}

void gf_extension_hub_close_dialog(GF_UNUSED struct gf_extension_hub *unused,
                                   struct gf_extension_dialog *dialog, GF_UNUSED bool cancel) {
    gf_mutex_lock(&hub.mutex);
    hub.closing = hub.closing || hub.dialog == dialog;
    gf_mutex_unlock(&hub.mutex);
    tell_end();
}

static void say(int number) {
    Gofer__V1__DialogQuestion question = GOFER__V1__DIALOG_QUESTION__INIT;
    Gofer__Extension__V1__DialogStep step = GOFER__EXTENSION__V1__DIALOG_STEP__INIT;
    question.text = (char *)(uintptr_t) "which?";
    step.step_case = number % 3 == 2 ? GOFER__EXTENSION__V1__DIALOG_STEP__STEP_QUESTION
                                     : GOFER__EXTENSION__V1__DIALOG_STEP__STEP_TEXT;
    if (number % 3 == 2) {
        step.question = &question;
    } else {
        step.text = (char *)(uintptr_t) "hello";
    }
    gf_mutex_lock(&hub.mutex);
    struct gf_extension_dialog *dialog = hub.closing ? NULL : hub.dialog;
    hub.running += dialog != NULL;
    gf_mutex_unlock(&hub.mutex);
    if (dialog == NULL) {
        return;
    }
    dialog->step(dialog, &step);
    gf_mutex_lock(&hub.mutex);
    hub.running--;
    gf_mutex_unlock(&hub.mutex);
    tell_end();
}

static void *extension(GF_UNUSED void *ctx) {
    for (int i = 0; i < STEPS; i++) {
        say(i);
    }
    return NULL;
}

/* ---- The person ---- */

static atomic_int changes;

static void on_changed(GF_UNUSED void *ctx) {
    atomic_fetch_add(&changes, 1);
}

static void lead(struct gf_reactor *reactor, int number) {
    const struct gf_dialog_options options = {
        .reactor = reactor,
        .changed = on_changed,
        .extension_ms = number % 4 == 0 ? 1 : 10000,
        .person_ms = number % 4 == 1 ? 1 : 10000,
    };
    struct gf_dialog *dialog = NULL;
    struct gf_arena arena;
    pthread_t thread;
    gf_assert(gf_dialog_open(&options, &dialog, NULL) == GF_OK);
    gf_arena_init(&arena, 1 << 20);
    gf_thread_start(&thread, "extension", extension, NULL);
    for (int i = 0; i < number % 50; i++) {
        const Gofer__Extension__V1__DialogStep *step = NULL;
        if (gf_dialog_take(dialog, &arena, &step, NULL) != GF_OK) {
            break;
        }
        gf_ignore(gf_dialog_answer(dialog, GF_STR("that"), NULL));
    }
    gf_dialog_destroy(dialog);
    gf_thread_join(thread);
    gf_mutex_lock(&hub.mutex);
    while (hub.dialog != NULL) { /* the time was faster, and is about to tell the hub */
        gf_cond_wait(&hub.over, &hub.mutex);
    }
    gf_mutex_unlock(&hub.mutex);
    gf_arena_fini(&arena);
}

int main(void) {
    struct gf_reactor *reactor = NULL;
    gf_mutex_init(&hub.mutex, GF_RANK_TEST_INNER);
    gf_cond_init(&hub.over);
    gf_assert(gf_reactor_create("test", &reactor, NULL) == GF_OK);
    for (int i = 0; i < DIALOGS; i++) {
        lead(reactor, i);
    }
    gf_reactor_stop(reactor);
    gf_reactor_destroy(reactor);
    gf_cond_fini(&hub.over);
    gf_mutex_fini(&hub.mutex);
    return 0;
}
