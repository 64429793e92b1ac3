#include "extensions/timetable/starter.h"

#include "base/clock.h"
#include "base/macros.h"

#include <inttypes.h>
#include <stdio.h>

const char *const gf_overlap_choices[] = {
    [GF_OVERLAP_ALLOW] = "allow",
    [GF_OVERLAP_QUEUE] = "queue",
    [GF_OVERLAP_NEWEST] = "newest",
    NULL,
};

bool gf_overlap_parse(const char *choice, enum gf_overlap *out) {
    if (choice == NULL || choice[0] == '\0') {
        *out = GF_OVERLAP_ALLOW;
        return true;
    }
    for (int i = 0; gf_overlap_choices[i] != NULL; i++) {
        if (gf_str_eq(gf_str_from(choice), gf_str_from(gf_overlap_choices[i]))) {
            *out = (enum gf_overlap)i;
            return true;
        }
    }
    return false;
}

const char *gf_start_printf(struct gf_start *start, const char *format, ...) {
    char *text = start->text + start->text_used;
    const size_t room = sizeof(start->text) - start->text_used;
    va_list args;
    va_start(args, format);
    const int length = vsnprintf(text, room, format, args);
    va_end(args);
    if (length < 0 || (size_t)length >= room) {
        return "";
    }
    start->text_used += (size_t)length + 1;
    return text;
}

void gf_start_add(struct gf_start *start, const char *name, const char *value) {
    gf_assert(start->variable_count < GF_START_VARIABLES_MAX);
    start->variables[start->variable_count++] = (struct gofer_pair){name, value};
}

void gf_starter_fini(struct gf_starter *starter) {
    gf_timetable_fini(&starter->table);
}

char *gf_starter_checkpoint(int64_t handled_ns, uint64_t fingerprint,
                            char out[GF_TIME_BYTES_MAX + 20]) {
    char time[GF_TIME_BYTES_MAX];
    (void)snprintf(out, GF_TIME_BYTES_MAX + 20, "%s %016" PRIx64, gf_time_format(handled_ns, time),
                   fingerprint);
    return out;
}

int64_t gf_starter_handled(const char *checkpoint, uint64_t fingerprint, int64_t create_time_ns,
                           int64_t now_ns) {
    struct gf_str time;
    struct gf_str rest;
    int64_t handled_ns = 0;
    char same[GF_TIME_BYTES_MAX + 20];
    if (checkpoint[0] == '\0') {
        return create_time_ns;
    }
    if (!gf_str_cut(gf_str_from(checkpoint), ' ', &time, &rest) ||
        gf_time_parse(time, &handled_ns, NULL) != GF_OK) {
        return now_ns;
    }
    (void)gf_starter_checkpoint(handled_ns, fingerprint, same);
    const bool is_same = gf_str_eq(gf_str_from(checkpoint), gf_str_from(same));
    return is_same && handled_ns >= 0 ? handled_ns : now_ns;
}

/* The extension wakes when the first job is due; while nobody listens, `ready` brings it back. */
static void wake_at_first(const struct gf_starter *starter, struct gofer_extension *extension) {
    gofer_extension_wake_at(extension, gofer_extension_is_ready(extension)
                                           ? gf_timetable_next_due(&starter->table)
                                           : GOFER_NEVER);
}

bool gf_starter_add(struct gf_starter *starter, struct gofer_extension *extension,
                    struct gf_starter_job *job) {
    const int64_t now_ns = gofer_now_ns();
    const char *checkpoint = gofer_subscription_checkpoint(job->subscription);
    job->job.handled_ns = gf_starter_handled(
        checkpoint, job->fingerprint, gofer_subscription_create_time_ns(job->subscription), now_ns);
    if (!gf_timetable_add(&starter->table, &job->job, now_ns)) {
        return false;
    }
    if (checkpoint[0] != '\0' && job->job.handled_ns == now_ns) {
        /* Else a restart before the first run would take the change for one of its own time. */
        char text[GF_TIME_BYTES_MAX + 20];
        (void)gofer_extension_set_checkpoint(extension, job->subscription,
                                             gf_starter_checkpoint(now_ns, job->fingerprint, text));
    }
    wake_at_first(starter, extension);
    return true;
}

void gf_starter_remove(struct gf_starter *starter, struct gofer_extension *extension,
                       struct gf_starter_job *job) {
    gf_timetable_remove(&starter->table, &job->job);
    wake_at_first(starter, extension);
}

static enum gofer_result start_run(const struct gf_starter *starter,
                                   struct gofer_extension *extension, struct gf_starter_job *job) {
    const int64_t time_ns = job->job.time_ns;
    char key[GF_TIME_BYTES_MAX];
    char checkpoint[GF_TIME_BYTES_MAX + 20];
    char ordering_key[GF_ORDERING_KEY_BYTES_MAX];
    struct gf_start start = {.reason = ""};
    starter->describe(job, &start);
    (void)snprintf(ordering_key, sizeof(ordering_key), "%s/%s", gofer_extension_id(extension),
                   gofer_subscription_id(job->subscription));
    const struct gofer_run_start run = {
        .size = sizeof(run),
        .idempotency_key = gf_time_format(time_ns, key),
        .variables = start.variables,
        .variable_count = start.variable_count,
        .reason = start.reason,
        .event_time_ns = time_ns,
        .ordering_key = job->overlap == GF_OVERLAP_ALLOW ? NULL : ordering_key,
        .ordering_newest = job->overlap == GF_OVERLAP_NEWEST,
        .checkpoint = gf_starter_checkpoint(time_ns, job->fingerprint, checkpoint),
    };
    return gofer_extension_start_run(extension, job->subscription, &run);
}

void gf_starter_tick(struct gf_starter *starter, struct gofer_extension *extension) {
    struct gf_timetable_job *due = NULL;
    while (gofer_extension_is_ready(extension) &&
           (due = gf_timetable_due(&starter->table, gofer_now_ns())) != NULL) {
        struct gf_starter_job *job = GF_CONTAINER_OF(due, struct gf_starter_job, job);
        const enum gofer_result result = start_run(starter, extension, job);
        if (result == GOFER_FULL || result == GOFER_DRAINED) {
            gofer_extension_wake_at(extension, GOFER_NEVER);
            return; /* `room` or `resume` goes on */
        }
        if (!gf_timetable_done(&starter->table, due, gofer_now_ns())) {
            gofer_subscription_log(job->subscription, GOFER_INFO, "that was its last time");
        }
    }
    wake_at_first(starter, extension);
}
