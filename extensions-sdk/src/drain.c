/*
 * DESIGN. There are two reasons to finish what was begun: gofer asks for it (Drain, because a
 * successor is ready), or the program is to end (Shutdown, a signal, gofer_extension_stop). Both
 * ask the program once, then wait until gofer has acknowledged all that is in the outbox. After a
 * Drain the answer is a Drained, and the program waits for what comes; where it is to end, the
 * stream is closed, and its end or the deadline ends the program.
 *
 * Once the program has nothing left to begin, starts are refused here: whoever has a checkpoint
 * leaves the rest to the successor.
 */
#include "base/clock.h"
#include "extensions-sdk/src/internal.h"

enum {
    DRAINED_FIELD = GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_DRAINED,
    CLOSE_MS = 1000,          /* for gofer to end the stream */
    SHUTDOWN_MARGIN_MS = 500, /* before gofer stops the container */
};

void gf_sdk_end_now(struct gofer_extension *extension, int exit_code) {
    extension->ended = true;
    extension->exit_code = exit_code;
}

/* Asks the program to finish. */
static void begin(struct gofer_extension *extension, const char *reason, int64_t deadline_ns) {
    if (extension->drain != GF_SDK_WORKING) {
        return;
    }
    extension->drain = GF_SDK_DRAINING;
    atomic_store(&extension->drained_asked, false);
    const bool finished =
        extension->definition.drain == NULL || !extension->is_configured ||
        extension->definition.drain(extension, reason, deadline_ns, extension->definition.ctx);
    if (finished) {
        atomic_store(&extension->program_drained, true);
    }
}

void gf_sdk_drain_take(struct gofer_extension *extension,
                       const Gofer__Extension__V1__Drain *message) {
    gf_sdk_say(extension, GOFER_INFO, "gofer asks to finish what was begun: %s", message->reason);
    extension->drain_wanted = true;
    begin(extension, message->reason, gf_sdk_time_ns(message->deadline_time));
}

void gf_sdk_drain_end(struct gofer_extension *extension, int64_t ms, int exit_code,
                      const char *reason) {
    const int64_t by = gf_deadline_after_ms(gf_mono_ns(), ms);
    if (!extension->ending) {
        extension->ending = true;
        extension->end_mono_ns = by;
        extension->exit_code = exit_code;
    } else if (by < extension->end_mono_ns) {
        extension->end_mono_ns = by;
    }
    begin(extension, reason, gf_wall_ns() + ms * GF_NS_PER_MS);
}

void gf_sdk_shutdown_take(struct gofer_extension *extension,
                          const Gofer__Extension__V1__Shutdown *message) {
    int64_t ms = GOFER_STOP_MS_MAX;
    const int64_t deadline_ns = gf_sdk_time_ns(message->deadline_time);
    if (deadline_ns != 0) {
        const int64_t left_ms = (deadline_ns - gf_wall_ns()) / GF_NS_PER_MS - SHUTDOWN_MARGIN_MS;
        ms = left_ms < 0 ? 0 : left_ms < ms ? left_ms : ms;
    }
    gf_sdk_say(extension, GOFER_INFO, "gofer asks to end: %s", message->reason);
    gf_sdk_drain_end(extension, ms, GOFER_EXIT_OK, message->reason);
}

void gofer_extension_drained(struct gofer_extension *extension) {
    atomic_store(&extension->drained_asked, true);
    gf_sdk_wake_main(extension);
}

void gf_sdk_drain_undo(struct gofer_extension *extension) {
    if (extension->ending || extension->drain == GF_SDK_WORKING) {
        return;
    }
    extension->drain = GF_SDK_WORKING;
    extension->drain_wanted = false;
    atomic_store(&extension->program_drained, false);
    if (extension->definition.resume != NULL && extension->is_configured) {
        extension->definition.resume(extension, extension->definition.ctx);
    }
}

static void say_drained(struct gofer_extension *extension) {
    const Gofer__Extension__V1__Drained drained = GOFER__EXTENSION__V1__DRAINED__INIT;
    gf_sdk_outbox_say(extension->outbox, gf_sdk_outbox_connection(extension->outbox), DRAINED_FIELD,
                      &drained.base);
    extension->drain = GF_SDK_DRAINED;
}

/* Closes the stream, or ends at once where there is none. */
static void close_stream(struct gofer_extension *extension) {
    if (extension->phase == GF_SDK_APART || extension->phase == GF_SDK_CONNECTING) {
        gf_sdk_end_now(extension, extension->exit_code);
    } else if (extension->phase != GF_SDK_CLOSING) {
        extension->phase = GF_SDK_CLOSING;
        extension->phase_mono_ns = gf_deadline_after_ms(gf_mono_ns(), CLOSE_MS);
        atomic_store(&extension->is_ready, false);
        gf_sdk_outbox_close(extension->outbox);
    }
}

void gf_sdk_drain_advance(struct gofer_extension *extension) {
    size_t sent = 0;
    if (extension->drain == GF_SDK_WORKING || extension->ended) {
        return;
    }
    if (atomic_load(&extension->drained_asked)) {
        atomic_store(&extension->program_drained, true);
    }
    const bool late = extension->ending && gf_mono_ns() >= extension->end_mono_ns;
    const bool empty = atomic_load(&extension->program_drained) &&
                       gf_sdk_outbox_count(extension->outbox, &sent) == 0;
    if (extension->drain_wanted && extension->drain == GF_SDK_DRAINING && empty &&
        extension->phase == GF_SDK_READY) {
        say_drained(extension);
    }
    if (extension->ending && (empty || late)) {
        close_stream(extension);
    }
}
