/*
 * A dialog of a person with an extension: what the extension says is kept until it is taken, and
 * what the person answers is passed on. On top of the hub's dialogs (hub.h); for the calls of the
 * API that lead a person through one.
 *
 * It is over when the extension has given settings or says that it cannot be done, when its
 * connection ends, when one side is silent for too long, when the extension does not keep to the
 * rules, or when the owner closes it; the extension is told where it does not know.
 *
 * Answers may be secrets: whatever is kept here is wiped. Thread: any, all calls; none blocks but
 * destroy, for as long as `changed` takes.
 */
#ifndef GOFER_API_EXTENSION_DIALOG_H_
#define GOFER_API_EXTENSION_DIALOG_H_

#include "api/extension/hub.h"

enum {
    GF_DIALOG_ANSWER_BYTES_MAX = 64 << 10,
    GF_DIALOG_STEPS_MAX = 1000,            /* of one dialog */
    GF_DIALOG_WAITING_MAX = 64,            /* steps that the person has not taken yet */
    GF_DIALOG_WAITING_BYTES_MAX = 4 << 20, /* likewise */
    /* How long one may say nothing when it is its turn: an extension that works on something shows
     * a text now and then. */
    GF_DIALOG_EXTENSION_MS = 60 * 1000,
    GF_DIALOG_PERSON_MS = 15 * 60 * 1000,
};

/* The extension says that it cannot be done; the message is its sentence. */
#define GF_REASON_DIALOG_FAILED "DIALOG_FAILED"
/* The extension does not keep to the rules of dialogs. */
#define GF_REASON_DIALOG_BROKEN "DIALOG_BROKEN"

struct gf_dialog;

/* Borrowed until destroy: hub, reactor, ctx. The ids are borrowed for open alone. */
struct gf_dialog_options {
    struct gf_extension_hub *hub;
    struct gf_reactor *reactor; /* for the times */
    int64_t extension_key;
    Gofer__Extension__V1__DialogKind kind;
    struct gf_str namespace_id, pipeline_id; /* of SUBSCRIPTION; else empty */
    /* There is something to take, or it is over. Must not block, nor call the dialog. */
    void (*changed)(void *ctx);
    void *ctx;
    int64_t extension_ms, person_ms; /* for tests: other times than those above; 0 = those */
};

/* Begins one. Owned by the caller. Codes: those of gf_extension_hub_open_dialog. */
enum gf_code gf_dialog_open(const struct gf_dialog_options *options, struct gf_dialog **out_dialog,
                            struct gf_error *err) GF_MUST_USE;

/* Ends it, as one whose person has gone, where it is not over. `changed` is not called afterwards.
 * Accepts NULL. Thread: not that of `changed`. */
void gf_dialog_destroy(struct gf_dialog *dialog);

/*
 * Takes the next step: a text, a question or settings, in the arena; *out_step NULL where there is
 * none yet. Settings are the last one. An error says that the dialog has ended without, after all
 * steps before were taken:
 *   GF_FAILED_PRECONDITION  reasons DIALOG_FAILED, DIALOG_BROKEN
 *   GF_UNAVAILABLE          the extension has gone away
 *   GF_DEADLINE_EXCEEDED    somebody was silent for too long
 */
enum gf_code gf_dialog_take(struct gf_dialog *dialog, struct gf_arena *arena,
                            const Gofer__Extension__V1__DialogStep **out_step,
                            struct gf_error *err) GF_MUST_USE;

/*
 * Passes on what the person answers to the question that was taken last; an empty text is its
 * default answer. Whether it is one of the choices is the extension's to say. Code:
 * GF_INVALID_ARGUMENT on "reply" (nothing was asked) or "reply.text". Nothing happens where the
 * dialog is over.
 */
enum gf_code gf_dialog_answer(struct gf_dialog *dialog, struct gf_str text,
                              struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_API_EXTENSION_DIALOG_H_ */
