/*
 * Design: the dialog outlives its owner where the hub or the timer still know it, so it has
 * references: one of the owner, one of the hub until it has told the end, one of the timer until
 * it is stopped on its own thread. The mutex is held for moments and across no call of others.
 *
 * It is the extension's turn until it has asked, and again from the answer on. A question counts
 * from when the person has it: what it was asked after it went away is not answered.
 */
#include "api/extension/dialog.h"

#include "api/codec/wire/wire.h"
#include "api/extension/dialog_references.h"
#include "base/alloc.h"
#include "base/list.h"
#include "engine/core/limits.h"

#include <stdatomic.h>
#include <string.h>

typedef Gofer__Extension__V1__DialogStep step_message;

#define STEP(name) GOFER__EXTENSION__V1__DIALOG_STEP__STEP_##name

/* A step that was not taken yet: bytes of the wire. */
struct kept_step {
    struct gf_list_link link;
    size_t size;
    uint8_t bytes[];
};

struct gf_dialog {
    struct gf_extension_dialog base; /* the hub's */
    struct gf_extension_hub *hub;
    struct gf_reactor *reactor;
    void (*changed)(void *ctx);
    void *ctx;
    int64_t extension_ms, person_ms;
    atomic_int references;
    _Atomic int64_t deadline; /* mono; GF_NEVER = it is over */
    struct gf_timer timer;    /* of the reactor's thread */

    struct gf_mutex mutex; /* of all below */
    struct gf_cond idle;
    int running; /* calls of `changed` */
    bool left;   /* the owner has gone */
    struct gf_list steps;
    size_t waiting_count;
    size_t waiting_bytes;
    int64_t step_count;
    bool asked;                        /* a question was not answered yet */
    bool shown;                        /* and the person has it */
    bool secret;                       /* and may not see its default answer */
    char *default_answer;              /* of that one; on the heap */
    struct gf_dialog_references named; /* secrets, by the person */
    bool over;                         /* no step is kept any more */
    struct gf_error error; /* why it is over; GF_OK with settings, which are the last step */
};

/* ---- References ---- */

static void wipe_step(struct kept_step *step) {
    explicit_bzero(step->bytes, step->size);
    free(step);
}

static void wipe_text(char *text) {
    if (text != NULL) {
        explicit_bzero(text, strlen(text));
        free(text);
    }
}

static struct kept_step *pop(struct gf_dialog *self) {
    struct gf_list_link *first = gf_list_first(&self->steps);
    if (first == NULL) {
        return NULL;
    }
    struct kept_step *step = GF_CONTAINER_OF(first, struct kept_step, link);
    gf_list_remove(first);
    self->waiting_count--;
    self->waiting_bytes -= step->size;
    return step;
}

static void unref(struct gf_dialog *self) {
    if (atomic_fetch_sub(&self->references, 1) > 1) {
        return;
    }
    for (struct kept_step *step = pop(self); step != NULL; step = pop(self)) {
        wipe_step(step);
    }
    wipe_text(self->default_answer);
    gf_dialog_references_fini(&self->named);
    gf_cond_fini(&self->idle);
    gf_mutex_fini(&self->mutex);
    free(self);
}

/* ---- Telling the owner ---- */

static void tell(struct gf_dialog *self) {
    gf_mutex_lock(&self->mutex);
    const bool call = !self->left;
    self->running += call;
    gf_mutex_unlock(&self->mutex);
    if (!call) {
        return;
    }
    self->changed(self->ctx);
    gf_mutex_lock(&self->mutex);
    self->running--;
    if (self->running == 0) {
        gf_cond_broadcast(&self->idle);
    }
    gf_mutex_unlock(&self->mutex);
}

/* Keeps the first reason. The mutex is held. */
static void end(struct gf_dialog *self, const struct gf_error *error) {
    if (!self->over) {
        self->over = true;
        self->error = *error;
        atomic_store(&self->deadline, GF_NEVER);
    }
}

/* ---- Times. Thread: the reactor's. ---- */

static int64_t silence_ends(int64_t ms) {
    return gf_mono_ns() + ms * GF_NS_PER_MS;
}

static void on_time(struct gf_timer *timer, void *ctx);

static void arm(void *ctx) {
    struct gf_dialog *self = ctx;
    const int64_t deadline = atomic_load(&self->deadline);
    if (deadline == GF_NEVER) {
        gf_timer_stop(&self->timer);
    } else {
        gf_timer_start(self->reactor, &self->timer, deadline, on_time, self);
    }
}

static void arm_and_unref(void *ctx) {
    arm(ctx);
    unref(ctx);
}

/* Moves the timer to the new deadline. Where the reactor has stopped nothing waits any more. */
static void rearm(struct gf_dialog *self) {
    atomic_fetch_add(&self->references, 1);
    if (!gf_reactor_post(self->reactor, arm_and_unref, self)) {
        unref(self);
    }
}

static void on_time(GF_UNUSED struct gf_timer *timer, void *ctx) {
    struct gf_dialog *self = ctx;
    if (atomic_load(&self->deadline) > gf_mono_ns()) {
        arm(self);
        return;
    }
    struct gf_error error = {0};
    gf_mutex_lock(&self->mutex);
    if (self->asked) {
        (void)gf_fail(&error, GF_DEADLINE_EXCEEDED, "nobody answered the question in time");
    } else {
        (void)gf_fail(&error, GF_DEADLINE_EXCEEDED,
                      "the extension said nothing for %lld s, though it was its turn",
                      (long long)(self->extension_ms / 1000));
    }
    end(self, &error);
    gf_mutex_unlock(&self->mutex);
    gf_extension_hub_close_dialog(self->hub, &self->base, /* cancel= */ true);
    tell(self);
}

/* The last job of the timer. */
static void stop_timer(void *ctx) {
    struct gf_dialog *self = ctx;
    gf_timer_stop(&self->timer);
    unref(self);
}

/* ---- What the extension says. Thread: the hub's. ---- */

static const char *broken_by(const struct gf_dialog *self, const step_message *step, size_t size) {
    if (self->asked) {
        return "the extension went on before its question was answered";
    }
    if (self->step_count >= GF_DIALOG_STEPS_MAX) {
        return "the extension does not come to an end";
    }
    if (self->waiting_count >= GF_DIALOG_WAITING_MAX ||
        size > GF_DIALOG_WAITING_BYTES_MAX - self->waiting_bytes) {
        return "the extension says more than is taken";
    }
    if (step->step_case == STEP(SETTINGS) && step->settings->n_settings > GF_SETTINGS_MAX) {
        return "the extension gives too many settings";
    }
    if (step->step_case == STEP(SETTINGS) &&
        !gf_dialog_references_allow(&self->named, step->settings)) {
        return "the extension gives settings that refer to a secret that no answer named";
    }
    return NULL;
}

static void keep(struct gf_dialog *self, const step_message *message, size_t size) {
    struct kept_step *step = gf_malloc(sizeof(*step) + size);
    *step = (struct kept_step){.size = gf_wire_encode(&message->base, step->bytes)};
    gf_list_push_back(&self->steps, &step->link);
    self->waiting_count++;
    self->waiting_bytes += step->size;
    self->step_count++;
}

/* The mutex is held. */
static void take_in(struct gf_dialog *self, const step_message *message) {
    const size_t size = gf_wire_encoded_size(&message->base);
    const char *broken = broken_by(self, message, size);
    struct gf_error error = {0};
    if (broken != NULL) {
        (void)gf_fail_reason(&error, GF_FAILED_PRECONDITION, GF_REASON_DIALOG_BROKEN, "%s", broken);
        end(self, &error);
        return;
    }
    switch ((int)message->step_case) {
    case STEP(FAILURE):
        (void)gf_fail_reason(&error, GF_FAILED_PRECONDITION, GF_REASON_DIALOG_FAILED, "%s",
                             message->failure[0] == '\0' ? "the extension gave up"
                                                         : message->failure);
        end(self, &error);
        return;
    case STEP(SETTINGS):
        keep(self, message, size);
        end(self, &error);
        return;
    case STEP(QUESTION):
        wipe_text(self->default_answer);
        self->default_answer = gf_strdup(message->question->default_answer);
        self->secret = message->question->secret;
        self->asked = true;
        self->shown = false;
        atomic_store(&self->deadline, silence_ends(self->person_ms));
        break;
    default:
        atomic_store(&self->deadline, silence_ends(self->extension_ms));
        break;
    }
    keep(self, message, size);
}

static void on_step(struct gf_extension_dialog *base, const step_message *message) {
    struct gf_dialog *self = GF_CONTAINER_OF(base, struct gf_dialog, base);
    gf_mutex_lock(&self->mutex);
    const bool was_over = self->over;
    if (!was_over) {
        take_in(self, message);
    }
    const bool is_over = self->over;
    const bool knows =
        self->error.code == GF_OK || strcmp(self->error.reason, GF_REASON_DIALOG_FAILED) == 0;
    gf_mutex_unlock(&self->mutex);
    if (was_over) {
        return;
    }
    if (is_over) {
        gf_extension_hub_close_dialog(self->hub, &self->base, /* cancel= */ !knows);
    }
    rearm(self);
    tell(self);
}

static void on_ended(struct gf_extension_dialog *base, const struct gf_error *error) {
    struct gf_dialog *self = GF_CONTAINER_OF(base, struct gf_dialog, base);
    struct gf_error why = *error;
    if (why.code == GF_OK) {
        (void)gf_fail(&why, GF_CANCELLED, "the dialog was closed");
    }
    gf_mutex_lock(&self->mutex);
    end(self, &why);
    gf_mutex_unlock(&self->mutex);
    tell(self);
    /* The timer's reference goes on its own thread; where that has ended, here. */
    if (!gf_reactor_post(self->reactor, stop_timer, self)) {
        stop_timer(self);
    }
    unref(self);
}

/* ---- The owner's ---- */

enum gf_code gf_dialog_open(const struct gf_dialog_options *options, struct gf_dialog **out_dialog,
                            struct gf_error *err) {
    struct gf_dialog *self = GF_NEW(struct gf_dialog);
    self->base = (struct gf_extension_dialog){
        .extension_key = options->extension_key,
        .kind = options->kind,
        .namespace_id = options->namespace_id,
        .pipeline_id = options->pipeline_id,
        .step = on_step,
        .ended = on_ended,
    };
    self->hub = options->hub;
    self->reactor = options->reactor;
    self->changed = options->changed;
    self->ctx = options->ctx;
    self->extension_ms =
        options->extension_ms != 0 ? options->extension_ms : GF_DIALOG_EXTENSION_MS;
    self->person_ms = options->person_ms != 0 ? options->person_ms : GF_DIALOG_PERSON_MS;
    atomic_init(&self->references, 3);
    atomic_init(&self->deadline, silence_ends(self->extension_ms));
    gf_mutex_init(&self->mutex, GF_RANK_SERVICE);
    gf_cond_init(&self->idle);
    gf_list_init(&self->steps);
    const enum gf_code rc = gf_extension_hub_open_dialog(self->hub, &self->base, err);
    if (rc != GF_OK) {
        atomic_store(&self->references, 1);
        unref(self);
        return rc;
    }
    rearm(self);
    *out_dialog = self;
    return GF_OK;
}

void gf_dialog_destroy(struct gf_dialog *self) {
    if (self == NULL) {
        return;
    }
    gf_mutex_lock(&self->mutex);
    self->left = true;
    while (self->running > 0) {
        gf_cond_wait(&self->idle, &self->mutex);
    }
    const bool was_over = self->over;
    gf_mutex_unlock(&self->mutex);
    if (!was_over) {
        gf_extension_hub_close_dialog(self->hub, &self->base, /* cancel= */ true);
    }
    unref(self);
}

enum gf_code gf_dialog_take(struct gf_dialog *self, struct gf_arena *arena,
                            const step_message **out_step, struct gf_error *err) {
    ProtobufCMessage *message = NULL;
    struct gf_error error = {0};
    gf_mutex_lock(&self->mutex);
    struct kept_step *step = pop(self);
    if (step == NULL && self->over) {
        error = self->error;
    }
    gf_mutex_unlock(&self->mutex);
    if (step == NULL) {
        if (error.code != GF_OK && err != NULL) {
            *err = error;
        }
        *out_step = NULL;
        return error.code;
    }
    const enum gf_code rc = gf_wire_decode(&gofer__extension__v1__dialog_step__descriptor,
                                           step->bytes, step->size, arena, &message, err);
    wipe_step(step);
    if (rc != GF_OK) {
        return rc;
    }
    const step_message *taken = (const void *)message;
    if (taken->step_case == STEP(QUESTION)) {
        gf_mutex_lock(&self->mutex);
        self->shown = true;
        gf_mutex_unlock(&self->mutex);
    }
    *out_step = taken;
    return GF_OK;
}

enum gf_code gf_dialog_answer(struct gf_dialog *self, struct gf_str text, struct gf_error *err) {
    if (text.len > GF_DIALOG_ANSWER_BYTES_MAX) {
        return gf_fail_field(err, "reply.text", "there are %zu bytes, expected up to %d", text.len,
                             GF_DIALOG_ANSWER_BYTES_MAX);
    }
    gf_mutex_lock(&self->mutex);
    if (self->over) {
        gf_mutex_unlock(&self->mutex);
        return GF_OK;
    }
    if (!self->asked || !self->shown) {
        gf_mutex_unlock(&self->mutex);
        return gf_fail_field(err, "reply", "nothing was asked");
    }
    char *default_answer = self->default_answer;
    self->default_answer = NULL;
    /* A default that the person could see and took is an answer of theirs. */
    if (text.len > 0 || !self->secret) {
        gf_dialog_references_note(&self->named, text.len > 0 ? text : gf_str_from(default_answer));
    }
    self->asked = false;
    self->shown = false;
    atomic_store(&self->deadline, silence_ends(self->extension_ms));
    gf_mutex_unlock(&self->mutex);
    gf_extension_hub_answer_dialog(self->hub, &self->base,
                                   text.len > 0 ? text : gf_str_from(default_answer));
    wipe_text(default_answer);
    rearm(self);
    return GF_OK;
}
