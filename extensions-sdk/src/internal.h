/*
 * What the parts of the library have in common: the running extension, and who calls whom.
 *
 * The thread of gofer_extension_run ("main") owns everything here that says nothing else: it takes
 * what the link has received, calls back, and puts answers into the outbox. Two threads of the link
 * do nothing but receive and send. Functions of the public header that are for any thread touch the
 * outbox, the deliveries and the health, each of which has a mutex.
 */
#ifndef GOFER_EXTENSIONS_SDK_SRC_INTERNAL_H_
#define GOFER_EXTENSIONS_SDK_SRC_INTERNAL_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/map.h"
#include "base/sync.h"
#include "extensions-sdk/src/environment.h"
#include "extensions-sdk/src/link.h"
#include "extensions-sdk/src/message.h"
#include "extensions-sdk/src/outbox.h"
#include "extensions-sdk/src/settings.h"
#include "gofer/extension/v1/extension.gofer.h"

#include <gofer/extension.h>
#include <stdatomic.h>

enum {
    GF_SDK_PROTOCOL_MAJOR = 1,
    GF_SDK_DIALOGS_MAX = 100,
    GF_SDK_METRICS_MAX = 100,
    GF_SDK_DEBUG_BYTES_MAX = 1024 * 1024,
    GF_SDK_DESCRIPTION_BYTES_MAX = 4096,
};

/* Where a connection is. */
enum gf_sdk_phase {
    GF_SDK_APART,      /* there is none; the next one is made at `connect_mono_ns` */
    GF_SDK_CONNECTING, /* the registration is on its way */
    GF_SDK_SYNCING,    /* let in; subscriptions come */
    GF_SDK_READY,
    GF_SDK_CLOSING, /* the program ends: no more is sent, the end of the stream is awaited */
};

/* Where the program is on its way out. */
enum gf_sdk_drain {
    GF_SDK_WORKING,
    GF_SDK_DRAINING, /* what was begun is being finished */
    GF_SDK_DRAINED,  /* gofer has been told so */
};

struct gf_sdk_deliveries; /* deliveries.h */
struct gf_sdk_health;     /* health.h */

struct gofer_extension {
    struct gofer_extension_definition definition;
    struct gf_sdk_environment environment;
    struct gf_sdk_outbox *outbox;
    struct gf_sdk_link *link;
    struct gf_sdk_deliveries *deliveries;
    struct gf_sdk_health *health;

    int event_fd; /* wakes main */
    int signal_fd;
    int timer_fd; /* the time of `wake` */
    atomic_bool wake_asked;
    atomic_bool stop_asked;
    atomic_bool fail_asked;
    atomic_bool drained_asked;
    atomic_bool is_ready;

    enum gf_sdk_phase phase;
    int64_t connect_mono_ns; /* APART: of the next attempt */
    int64_t phase_mono_ns;   /* when the phase gives up; GF_NEVER */
    int64_t ready_mono_ns;   /* since when it is ready */
    uint32_t failures;       /* attempts in a row that came to nothing */
    bool made_progress;      /* on this connection gofer has taken something */
    bool is_installer;
    bool is_configured; /* `configure` was called */

    struct gofer_settings *settings;
    struct gf_mutex state_mutex; /* of checkpoints and answers, which any thread may give */
    char *checkpoint;
    atomic_int checkpoints_pending; /* that are not acknowledged */
    char *gofer_version;
    struct gf_map subscriptions; /* by "namespace/pipeline/subscription" */
    struct gf_list subscription_list;
    struct gf_map dialogs; /* by id */

    enum gf_sdk_drain drain;
    atomic_bool program_drained; /* the program begins no more: starts are refused */
    bool drain_wanted;           /* by gofer: the answer is a Drained */
    bool ending;                 /* the program is to end */
    int64_t end_mono_ns;         /* ... by then at the latest */
    bool ended;
    int exit_code;
};

/* ---- session.c: what gofer says ---- */

/* Begins a connection. */
void gf_sdk_session_connect(struct gofer_extension *extension);

/* Takes one message of gofer's. Borrowed: message. */
void gf_sdk_session_take(struct gofer_extension *extension,
                         const Gofer__Extension__V1__ConnectResponse *message);

/* The connection is over; decides whether and when there is another one. */
void gf_sdk_session_ended(struct gofer_extension *extension, const struct gf_error *why);

/* ---- drain.c: the way out ---- */

void gf_sdk_drain_take(struct gofer_extension *extension,
                       const Gofer__Extension__V1__Drain *message);
void gf_sdk_shutdown_take(struct gofer_extension *extension,
                          const Gofer__Extension__V1__Shutdown *message);

/* The program is to end within ms at most, with this code. */
void gf_sdk_drain_end(struct gofer_extension *extension, int64_t ms, int exit_code,
                      const char *reason);

/* Goes on with what was waited for: acknowledgements, the program, the time. */
void gf_sdk_drain_advance(struct gofer_extension *extension);

/* A connection was made anew: what was drained works again. */
void gf_sdk_drain_undo(struct gofer_extension *extension);

/* Ends the program now. */
void gf_sdk_end_now(struct gofer_extension *extension, int exit_code);

/* ---- subscription.c ---- */

void gf_sdk_subscriptions_begin(struct gofer_extension *extension);
void gf_sdk_subscriptions_take(struct gofer_extension *extension,
                               const Gofer__Extension__V1__Subscribe *message);
void gf_sdk_subscriptions_remove(struct gofer_extension *extension,
                                 const Gofer__Extension__V1__Unsubscribe *message);
/* All have come: forgets the others. */
void gf_sdk_subscriptions_complete(struct gofer_extension *extension);
void gf_sdk_subscriptions_fini(struct gofer_extension *extension);

/* Where a subscription, or the extension (NULL), has got to, as the program says. Thread: any. */
void gf_sdk_note_checkpoint(struct gofer_extension *extension,
                            struct gofer_subscription *subscription, const char *checkpoint);
/* How many of its checkpoints are not acknowledged. Thread: any. */
atomic_int *gf_sdk_subscription_pending(struct gofer_subscription *subscription);
bool gf_sdk_subscription_is_over(const struct gofer_subscription *subscription);
struct gofer_extension *
gf_sdk_subscription_extension(const struct gofer_subscription *subscription);
/* Fills a reference with borrowed text. */
void gf_sdk_subscription_reference(const struct gofer_subscription *subscription,
                                   Gofer__V1__SubscriptionReference *out);

/* ---- starts.c ---- */

/* Tells the program what became of what it had asked for. */
void gf_sdk_starts_acked(struct gofer_extension *extension,
                         const Gofer__Extension__V1__RequestAck *ack);

/* A subscription is over: what it wanted and gofer never heard of is not wanted any more. */
void gf_sdk_starts_drop(struct gofer_extension *extension, struct gofer_subscription *subscription);

/* ---- dialog.c ---- */

void gf_sdk_dialogs_start(struct gofer_extension *extension,
                          const Gofer__Extension__V1__DialogStart *message);
void gf_sdk_dialogs_answer(struct gofer_extension *extension,
                           const Gofer__Extension__V1__DialogAnswer *message);
void gf_sdk_dialogs_cancel(struct gofer_extension *extension, const char *dialog_id);
/* Ends all: their connection is gone. */
void gf_sdk_dialogs_end(struct gofer_extension *extension);

/* ---- log.c ---- */

/* A line of the library's own, for standard error and for gofer. */
void gf_sdk_say(struct gofer_extension *extension, enum gofer_log_level level, const char *format,
                ...) GF_PRINTF(3, 4);

/* ---- debug.c ---- */

void gf_sdk_debug_take(struct gofer_extension *extension,
                       const Gofer__Extension__V1__DebugRequest *message);

/* ---- loop.c ---- */

/* Wakes main. Thread: any. */
void gf_sdk_wake_main(struct gofer_extension *extension);

/* Runs until `ended`. */
void gf_sdk_loop(struct gofer_extension *extension);

#endif /* GOFER_EXTENSIONS_SDK_SRC_INTERNAL_H_ */
