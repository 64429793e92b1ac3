/*
 * A subscription of the interval extension, as a job of the timetable.
 *
 * Its times are the multiples of the interval after its creation. They hang on nothing that a
 * restart could change: neither on when the extension was started nor on when it last did
 * something.
 *
 * Thread: callbacks of the extension.
 */
#ifndef GOFER_EXTENSIONS_INTERVAL_JOB_H_
#define GOFER_EXTENSIONS_INTERVAL_JOB_H_

#include "base/error.h"
#include "extensions/timetable/starter.h"

/* What an administrator may set as the shortest interval, what it is else, and the longest one. */
#define GF_INTERVAL_MIN_NS_MIN GF_NS_PER_SEC
#define GF_INTERVAL_MIN_NS_DEFAULT GF_NS_PER_MIN
#define GF_INTERVAL_NS_MAX (366 * GF_NS_PER_DAY)

/* Without a jitter of its own, a subscription has a tenth of its interval, but no more than this.
 */
#define GF_INTERVAL_JITTER_NS_DEFAULT_MAX GF_NS_PER_MIN

/* Settings as they come. Text is borrowed; durations are negative where there is none. */
struct gf_interval_settings {
    int64_t every_ns;
    int64_t jitter_ns;
    const char *overlap; /* see gf_overlap_choices */
    int64_t min_ns;      /* the shortest interval that is allowed */
    int64_t create_time_ns;
    const char *names[3]; /* namespace, pipeline, subscription: what the jitter's share is of */
};

struct gf_interval_job {
    struct gf_starter_job starter; /* without its subscription */
    int64_t every_ns;
    int64_t origin_ns; /* its times are multiples of the interval after it */
};

/*
 * Makes a job of settings. Owned by the caller: free(). Code: GF_INVALID_ARGUMENT; the field of the
 * error is the parameter that is wrong, the message is for its author.
 */
enum gf_code gf_interval_job_create(const struct gf_interval_settings *settings,
                                    struct gf_interval_job **out, struct gf_error *err) GF_MUST_USE;

/* Checks an interval alone. */
enum gf_code gf_interval_check(int64_t every_ns, int64_t min_ns, struct gf_error *err) GF_MUST_USE;

/* Reason and variables of a start of a job, which is in a struct gf_interval_job. */
void gf_interval_describe(const struct gf_starter_job *job, struct gf_start *start);

#endif /* GOFER_EXTENSIONS_INTERVAL_JOB_H_ */
