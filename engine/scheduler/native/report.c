/*
 * DESIGN
 * What the engine is told about an attempt is kept until the engine forgets it: somebody may ask
 * again, and by then the shim and its directory may not be able to tell any more.
 *
 * All of it runs on the reactor's thread.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "engine/scheduler/native/kept.h"
#include "engine/scheduler/native/native_internal.h"

#include <stdlib.h>

/* Text of a shim on its way into the store: a command's name may be any bytes. */
static struct gf_str clean_text(const char *text) {
    const struct gf_str view = gf_str_from(text == NULL ? "" : text);
    return gf_utf8_valid(view) ? view : GF_STR("(not valid UTF-8)");
}

static void keep_text(char **place, const char *text) {
    free(*place);
    *place = gf_strdup(text);
}

/* ---- telling, once or again ---- */

void gf_native__tell_start(const struct gf_native_attempt *attempt) {
    const struct gf_native *native = attempt->native;
    const struct gf_scheduler_events *events = native->options.events;
    const struct gf_start start = {
        .start_time = attempt->start_time,
        .pull_start_time = attempt->pull_start_time,
        .pull_end_time = attempt->pull_end_time,
        .image_digest = clean_text(attempt->image_digest),
        .node = gf_str_from(native->node),
        .container_id = gf_str_from(attempt->name),
        .missing_protections = attempt->missing_protections,
    };
    if (native->reporting) {
        events->started(events->ctx, attempt->id, &start);
    }
}

static void tell_exit(const struct gf_native_attempt *attempt) {
    const struct gf_native *native = attempt->native;
    const struct gf_scheduler_events *events = native->options.events;
    const struct gf_shim_exit *exit = &attempt->exit;
    const struct gf_exit value = {
        .exit_code = (int32_t)exit->exit_code,
        .exit_signal = (int32_t)exit->exit_signal,
        .timed_out = exit->timed_out,
        .out_of_memory = exit->out_of_memory,
        .stopped = exit->stopped,
        .failure = clean_text(attempt->failure),
        .start_time = exit->start_time,
        .end_time = exit->end_time,
        .cpu_time_ns = exit->cpu_time_ns,
        .peak_memory_bytes = exit->peak_memory_bytes,
        .log_bytes = exit->log_bytes,
        .log_truncated = exit->log_truncated,
        .root_expire_time = exit->root_expire_time,
        .peak_pid_count = exit->peak_pid_count,
        .disk_bytes = exit->disk_bytes,
        .container_id = gf_str_from(attempt->name),
        .missing_protections = (uint32_t)exit->missing_protections,
    };
    events->exited(events->ctx, attempt->id, &value, clean_text(attempt->image_digest),
                   gf_str_from(native->node));
}

void gf_native__tell_end(const struct gf_native_attempt *attempt) {
    const struct gf_scheduler_events *events = attempt->native->options.events;
    gf_assert(attempt->ended);
    if (!attempt->native->reporting || attempt->unknown) {
        return;
    }
    if (attempt->lost != NULL) {
        events->lost(events->ctx, attempt->id, gf_str_from(attempt->lost));
    } else {
        tell_exit(attempt);
    }
}

/* ---- what has come to be known ---- */

/* The command has begun, or has ended already: how long that took, once. */
static void count_launch(struct gf_native_attempt *attempt) {
    if (attempt->launch_mono_ns != 0) {
        gf_histogram_add(&attempt->native->launch, gf_mono_ns() - attempt->launch_mono_ns);
        attempt->launch_mono_ns = 0;
    }
}

void gf_native__report_started(struct gf_native_attempt *attempt,
                               const struct gf_shim_started *started) {
    if (attempt->ended) {
        return;
    }
    attempt->started = true;
    if (attempt->kept != NULL) {
        gf_kept_started(attempt);
        return;
    }
    count_launch(attempt);
    attempt->start_time = started->start_time;
    attempt->missing_protections = (uint32_t)started->missing_protections;
    keep_text(&attempt->image_digest, started->image_digest);
    gf_native__tell_start(attempt);
}

void gf_native__report_exited(struct gf_native_attempt *attempt, const struct gf_shim_exit *exit) {
    if (attempt->ended) {
        return;
    }
    keep_text(&attempt->image_digest, exit->image_digest);
    keep_text(&attempt->failure, exit->failure);
    attempt->exit = *exit;
    attempt->exit.image_digest = attempt->image_digest;
    attempt->exit.failure = attempt->failure;
    attempt->ended = true;
    if (attempt->kept != NULL) {
        gf_kept_ended(attempt, attempt->failure);
        return;
    }
    if (attempt->exit.start_time != 0) {
        count_launch(attempt);
    }
    gf_counter_add(&attempt->native->exits, 1);
    gf_kept_add(attempt, &attempt->exit);
    gf_native__tell_end(attempt);
}

void gf_native__report_lost(struct gf_native_attempt *attempt, const char *sentence) {
    if (attempt->ended) {
        return;
    }
    attempt->lost = sentence;
    attempt->ended = true;
    if (attempt->kept != NULL) {
        gf_kept_ended(attempt, sentence);
        return;
    }
    gf_counter_add(&attempt->native->lost, 1);
    gf_kept_lost(attempt);
    gf_native__tell_end(attempt);
}

/* ---- attempts of which nothing remains ---- */

void gf_native__launch_failed(struct gf_native_attempt *attempt, enum gf_launch_failure failure,
                              struct gf_str message) {
    struct gf_native *native = attempt->native;
    const struct gf_scheduler_events *events = native->options.events;
    gf_counter_add(&native->launch_failures, 1);
    if (native->reporting) {
        events->launch_failed(events->ctx, attempt->id, failure, message);
    }
    gf_native__drop(attempt);
}

void gf_native__never_started(struct gf_native_attempt *attempt) {
    struct gf_native *native = attempt->native;
    gf_counter_add(&native->never_started, 1);
    const struct gf_scheduler_events *events = native->options.events;
    const struct gf_attempt id = attempt->id;
    /* Dropped first: the engine launches it again under the same number. */
    gf_native__drop(attempt);
    if (native->reporting) {
        events->never_started(events->ctx, id);
    }
}
