/*
 * A subscription of the cron extension: its settings, checked, as a job of the timetable.
 *
 * Thread: callbacks of the extension.
 */
#ifndef GOFER_EXTENSIONS_CRON_JOB_H_
#define GOFER_EXTENSIONS_CRON_JOB_H_

#include "base/error.h"
#include "extensions/cron/expression.h"
#include "extensions/cron/zone.h"
#include "extensions/timetable/starter.h"

enum {
    GF_CRON_LOCAL_TIME_BYTES_MAX = 40,
};

#define GF_CRON_JITTER_NS_MAX GF_NS_PER_DAY
#define GF_CRON_CATCH_UP_NS_MAX (31 * GF_NS_PER_DAY)

/* Settings as they come. Text is borrowed; NULL or empty: the default. */
struct gf_cron_settings {
    const char *expression;
    const char *time_zone;
    const char *overlap;       /* see gf_overlap_choices */
    const char *catch_up_mode; /* "last" or "all" */
    int64_t jitter_ns;
    int64_t catch_up_ns;
    const char *names[3]; /* namespace, pipeline, subscription: what the jitter's share is of */
};

struct gf_cron_job {
    struct gf_starter_job starter; /* without its subscription */
    struct gf_cron_expression expression;
    struct gf_zone *zone;
    char *expression_text;
    char *zone_name;
};

/*
 * Makes a job of settings. Owned by the caller: gf_cron_job_destroy. Code: GF_INVALID_ARGUMENT; the
 * field of the error is the parameter that is wrong, the message is for its author.
 */
enum gf_code gf_cron_job_create(const struct gf_cron_settings *settings, struct gf_cron_job **out,
                                struct gf_error *err) GF_MUST_USE;
void gf_cron_job_destroy(struct gf_cron_job *job);
void gf_cron_job_destroy_p(struct gf_cron_job **job);

/* Reads and checks an expression and a zone alone. Owned by the caller: *out_zone. */
enum gf_code gf_cron_read_expression(const char *text, struct gf_cron_expression *out,
                                     struct gf_error *err) GF_MUST_USE;
enum gf_code gf_cron_read_zone(const char *name, struct gf_zone **out_zone,
                               struct gf_error *err) GF_MUST_USE;

/* RFC 3339 in a zone: "2026-03-29T03:00:00+02:00". Gives `out`. */
char *gf_cron_format_local(const struct gf_zone *zone, int64_t time_s,
                           char out[GF_CRON_LOCAL_TIME_BYTES_MAX]);

/* Reason and variables of a start of a job, which is in a struct gf_cron_job. */
void gf_cron_describe(const struct gf_starter_job *job, struct gf_start *start);

#endif /* GOFER_EXTENSIONS_CRON_JOB_H_ */
