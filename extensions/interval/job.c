#include "extensions/interval/job.h"

#include "base/alloc.h"
#include "base/calendar.h"
#include "base/clock.h"
#include "base/time.h"

/* However long ago it was: the last time that was missed is made up for. */
#define CATCH_UP_NS (INT64_MAX / 4)

/* In the year 2116: so far from the end of time that sums of what is here do not wrap. */
#define CREATE_TIME_NS_MAX (INT64_MAX / 2)

static bool next_after(const void *ctx, int64_t after_ns, int64_t *out_ns) {
    const struct gf_interval_job *job = ctx;
    const int64_t before = gf_floor_div(after_ns - job->origin_ns, job->every_ns);
    *out_ns = job->origin_ns + (before < 0 ? 1 : before + 1) * job->every_ns;
    return true;
}

static bool last_until(const void *ctx, int64_t from_ns, int64_t until_ns, int64_t *out_ns) {
    const struct gf_interval_job *job = ctx;
    const int64_t count = gf_floor_div(until_ns - job->origin_ns, job->every_ns);
    const int64_t time_ns = job->origin_ns + count * job->every_ns;
    if (count < 1 || time_ns <= from_ns) {
        return false;
    }
    *out_ns = time_ns;
    return true;
}

static const struct gf_timetable_rule rule = {next_after, last_until};

enum gf_code gf_interval_check(int64_t every_ns, int64_t min_ns, struct gf_error *err) {
    char text[GF_DURATION_BYTES_MAX];
    char limit[GF_DURATION_BYTES_MAX];
    if (every_ns < 0) {
        return gf_fail_field(err, "every", "an interval is missing, as '5m' or '1h30m'");
    }
    if (every_ns < min_ns) {
        return gf_fail_field(err, "every", "an interval of %s is too short, expected %s at least",
                             gf_duration_format(every_ns, text), gf_duration_format(min_ns, limit));
    }
    if (every_ns > GF_INTERVAL_NS_MAX) {
        return gf_fail_field(err, "every", "an interval of %s is too long, expected %s at most",
                             gf_duration_format(every_ns, text),
                             gf_duration_format(GF_INTERVAL_NS_MAX, limit));
    }
    return GF_OK;
}

static int64_t default_jitter_ns(int64_t every_ns) {
    const int64_t tenth_ns = every_ns / 10;
    return tenth_ns < GF_INTERVAL_JITTER_NS_DEFAULT_MAX ? tenth_ns
                                                        : GF_INTERVAL_JITTER_NS_DEFAULT_MAX;
}

/* Whole seconds, so that the times are easy to read. What is no time at all counts as 1970. */
static int64_t origin_of(int64_t create_time_ns) {
    const bool is_time = create_time_ns > 0 && create_time_ns < CREATE_TIME_NS_MAX;
    return is_time ? create_time_ns / GF_NS_PER_SEC * GF_NS_PER_SEC : 0;
}

enum gf_code gf_interval_job_create(const struct gf_interval_settings *settings,
                                    struct gf_interval_job **out, struct gf_error *err) {
    enum gf_overlap overlap = GF_OVERLAP_ALLOW;
    const enum gf_code rc = gf_interval_check(settings->every_ns, settings->min_ns, err);
    if (rc != GF_OK) {
        return rc;
    }
    if (settings->jitter_ns > settings->every_ns) {
        return gf_fail_field(err, "jitter", "a jitter is not longer than the interval");
    }
    if (!gf_overlap_parse(settings->overlap, &overlap)) {
        return gf_fail_field(err, "overlap", "'%.64s' is none of allow, queue and newest",
                             settings->overlap);
    }
    const int64_t jitter_ns =
        settings->jitter_ns < 0 ? default_jitter_ns(settings->every_ns) : settings->jitter_ns;
    struct gf_interval_job *job = gf_calloc(1, sizeof(*job));
    *job = (struct gf_interval_job){
        .starter.job =
            {
                .rule = &rule,
                .rule_ctx = job,
                .share_ns = gf_timetable_share(settings->names, 3, jitter_ns),
                .catch_up_ns = CATCH_UP_NS,
                .catch_up_count = 1,
            },
        .starter.overlap = overlap,
        .starter.fingerprint = (uint64_t)settings->every_ns,
        .every_ns = settings->every_ns,
        .origin_ns = origin_of(settings->create_time_ns),
    };
    *out = job;
    return GF_OK;
}

void gf_interval_describe(const struct gf_starter_job *starter, struct gf_start *start) {
    const struct gf_interval_job *job = GF_CONTAINER_OF(starter, struct gf_interval_job, starter);
    char time_text[GF_TIME_BYTES_MAX];
    char every_text[GF_DURATION_BYTES_MAX];
    const char *time =
        gf_start_printf(start, "%s", gf_time_format(starter->job.time_ns, time_text));
    const char *every = gf_start_printf(start, "%s", gf_duration_format(job->every_ns, every_text));
    start->reason = gf_start_printf(start, "every %s, due at %s", every, time);
    gf_start_add(start, "GOFER_EXTENSION_INTERVAL_SCHEDULED_TIME", time);
    gf_start_add(start, "GOFER_EXTENSION_INTERVAL_EVERY", every);
}
