/*
 * What is due, and when: jobs with times of their own, ordered by the next one.
 *
 * A job has a rule that tells its times, and a share: it is due so long after each of them. Up to
 * `handled_ns` its times are handled: started, or given up. What it has missed since then, because
 * nothing ran or because nobody could be told, is judged when it is added and whenever it is found
 * to be late:
 *
 *  - what is late by up to GF_TIMETABLE_LATE_NS is not missed. It is simply late;
 *  - of what is older, up to catch_up_ns, the newest catch_up_count times are made up for;
 *  - the rest is given up.
 *
 * So that whoever comes back after a long time does not start everything at once, what is made up
 * for waits for the share once more.
 *
 * All times are nanoseconds since 1970 by a clock that may be set at any time. If it is set back,
 * times come that were handled already, and come again; whoever starts something at a time must
 * name what it starts by the time, so that it is not started twice.
 *
 * Thread: one at a time.
 */
#ifndef GOFER_EXTENSIONS_TIMETABLE_TIMETABLE_H_
#define GOFER_EXTENSIONS_TIMETABLE_TIMETABLE_H_

#include "base/clock.h"
#include "base/heap.h"

#include <stdbool.h>
#include <stdint.h>

/* What is late by up to a minute is started all the same: restarts and updates take less. */
#define GF_TIMETABLE_LATE_NS GF_NS_PER_MIN

/* No more missed times of one job than these are made up for. */
enum {
    GF_TIMETABLE_CATCH_UP_MAX = 100,
};

/* How the times of a job are found. */
struct gf_timetable_rule {
    /* The first time after another; false: there is none any more. */
    bool (*next_after)(const void *ctx, int64_t after_ns, int64_t *out_ns);
    /* The last time that is later than `from_ns` and not later than `until_ns`; false: none. */
    bool (*last_until)(const void *ctx, int64_t from_ns, int64_t until_ns, int64_t *out_ns);
};

/* A job. Memory of the caller; the first block is the caller's too, and set before it is added. */
struct gf_timetable_job {
    const struct gf_timetable_rule *rule;
    const void *rule_ctx;
    int64_t share_ns;    /* it is due so long after each of its times; not negative */
    int64_t catch_up_ns; /* missed times that are not older are made up for; not negative */
    int catch_up_count;  /* the newest so many; 1 to GF_TIMETABLE_CATCH_UP_MAX */
    int64_t handled_ns;  /* all times up to this one are handled */

    /* Of the timetable; to read only. */
    struct gf_heap_node node;
    int64_t time_ns;    /* its next time */
    int64_t planned_ns; /* times up to here were looked at when it was last planned */
};

/* Zeroed memory is an empty timetable. */
struct gf_timetable {
    struct gf_heap heap;
    int64_t seen_ns; /* the latest `now` */
};

/* Frees what the timetable has; jobs are the caller's. */
void gf_timetable_fini(struct gf_timetable *table);

/*
 * Adds a job that is in no timetable. What is handled in the future was so by a clock that was
 * wrong, and is not. False if it has no time to come: then it is not added.
 */
bool gf_timetable_add(struct gf_timetable *table, struct gf_timetable_job *job, int64_t now_ns);

/* Removes a job. Does nothing for one that is not in it. */
void gf_timetable_remove(struct gf_timetable *table, struct gf_timetable_job *job);

/* When the next job is due; INT64_MAX: none ever is. */
int64_t gf_timetable_next_due(const struct gf_timetable *table);

/*
 * The job that is due and was so first, with its time in `time_ns`; NULL if none is. It stays as it
 * is until gf_timetable_done.
 */
struct gf_timetable_job *gf_timetable_due(struct gf_timetable *table, int64_t now_ns);

/*
 * The time of a due job is handled. False if it has no more times: it is removed. The job must be
 * in the timetable.
 */
bool gf_timetable_done(struct gf_timetable *table, struct gf_timetable_job *job, int64_t now_ns);

/*
 * The part of a range that belongs to a name: 0 to range_ns - 1, always the same for the same name,
 * and spread evenly over names. 0 for a range of 0.
 */
int64_t gf_timetable_share(const char *const *names, int name_count, int64_t range_ns);

#endif /* GOFER_EXTENSIONS_TIMETABLE_TIMETABLE_H_ */
