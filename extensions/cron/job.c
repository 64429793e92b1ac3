#include "extensions/cron/job.h"

#include "base/alloc.h"
#include "base/calendar.h"
#include "base/clock.h"
#include "base/siphash.h"
#include "base/time.h"
#include "extensions/cron/schedule.h"

#include <stdio.h>

static bool next_after(const void *ctx, int64_t after_ns, int64_t *out_ns) {
    const struct gf_cron_job *job = ctx;
    int64_t time_s = 0;
    if (!gf_cron_next_after(&job->expression, job->zone, gf_floor_div(after_ns, GF_NS_PER_SEC),
                            &time_s)) {
        return false;
    }
    *out_ns = time_s * GF_NS_PER_SEC;
    return true;
}

static bool last_until(const void *ctx, int64_t from_ns, int64_t until_ns, int64_t *out_ns) {
    const struct gf_cron_job *job = ctx;
    int64_t time_s = 0;
    if (!gf_cron_last_until(&job->expression, job->zone, gf_floor_div(from_ns, GF_NS_PER_SEC),
                            gf_floor_div(until_ns, GF_NS_PER_SEC), &time_s)) {
        return false;
    }
    *out_ns = time_s * GF_NS_PER_SEC;
    return true;
}

static const struct gf_timetable_rule rule = {next_after, last_until};

static bool is_empty(const char *text) {
    return text == NULL || text[0] == '\0';
}

enum gf_code gf_cron_read_expression(const char *text, struct gf_cron_expression *out,
                                     struct gf_error *err) {
    if (is_empty(text)) {
        return gf_fail_field(err, "expression", "an expression is missing, as '0 1 * * *'");
    }
    const enum gf_code rc = gf_cron_parse(gf_str_from(text), out, err);
    if (rc != GF_OK) {
        (void)gf_wrap(err, "'%.*s'", 100, text);
        (void)gf_wrap_field(err, "expression");
    }
    return rc;
}

enum gf_code gf_cron_read_zone(const char *name, struct gf_zone **out_zone, struct gf_error *err) {
    const char *used = is_empty(name) ? "UTC" : name;
    struct gf_zone *zone = gf_zone_create(used, strlen(used));
    if (zone == NULL) {
        return gf_fail_field(err, "time_zone",
                             "there is no time zone '%.*s', expected a name of the time zone "
                             "database as 'Europe/Berlin' or 'UTC'",
                             GF_ZONE_NAME_BYTES_MAX, used);
    }
    *out_zone = zone;
    return GF_OK;
}

/* What is checked by gofer too, unless its settings were declared otherwise once. */
static enum gf_code check_others(const struct gf_cron_settings *settings,
                                 enum gf_overlap *out_overlap, struct gf_error *err) {
    if (settings->jitter_ns < 0 || settings->jitter_ns > GF_CRON_JITTER_NS_MAX) {
        return gf_fail_field(err, "jitter", "a jitter is a length of time of up to 24h");
    }
    if (settings->catch_up_ns < 0 || settings->catch_up_ns > GF_CRON_CATCH_UP_NS_MAX) {
        return gf_fail_field(err, "catch_up", "a window to catch up is up to 31d long");
    }
    if (!gf_overlap_parse(settings->overlap, out_overlap)) {
        return gf_fail_field(err, "overlap", "'%.64s' is none of allow, queue and newest",
                             settings->overlap);
    }
    return GF_OK;
}

/* Of what tells the times of a job; the same in every version of this program. */
static uint64_t fingerprint_of(const struct gf_cron_job *job) {
    static const uint64_t key[2] = {0x676f6665722d6372, 0x6f6e2d74696d6573};
    const uint64_t parts[] = {
        gf_siphash(key, job->expression_text, strlen(job->expression_text)),
        gf_siphash(key, job->zone_name, strlen(job->zone_name)),
    };
    return gf_siphash(key, parts, sizeof(parts));
}

enum gf_code gf_cron_job_create(const struct gf_cron_settings *settings, struct gf_cron_job **out,
                                struct gf_error *err) {
    struct gf_cron_expression expression = {0};
    enum gf_overlap overlap = GF_OVERLAP_ALLOW;
    enum gf_code rc = check_others(settings, &overlap, err);
    if (rc == GF_OK) {
        rc = gf_cron_read_expression(settings->expression, &expression, err);
    }
    GF_CLEANUP(gf_zone_destroy_p) struct gf_zone *zone = NULL;
    if (rc == GF_OK) {
        rc = gf_cron_read_zone(settings->time_zone, &zone, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    const bool all = gf_str_eq(gf_str_from(settings->catch_up_mode), GF_STR("all"));
    struct gf_cron_job *job = gf_calloc(1, sizeof(*job));
    *job = (struct gf_cron_job){
        .starter.job =
            {
                .rule = &rule,
                .rule_ctx = job,
                .share_ns = gf_timetable_share(settings->names, 3, settings->jitter_ns),
                .catch_up_ns = settings->catch_up_ns,
                .catch_up_count = all ? GF_TIMETABLE_CATCH_UP_MAX : 1,
            },
        .starter.overlap = overlap,
        .expression = expression,
        .zone = GF_TAKE(zone),
        .expression_text = gf_strdup(settings->expression),
        .zone_name = gf_strdup(is_empty(settings->time_zone) ? "UTC" : settings->time_zone),
    };
    job->starter.fingerprint = fingerprint_of(job);
    *out = job;
    return GF_OK;
}

void gf_cron_job_destroy(struct gf_cron_job *job) {
    if (job != NULL) {
        gf_zone_destroy(job->zone);
        free(job->expression_text);
        free(job->zone_name);
        free(job);
    }
}

void gf_cron_job_destroy_p(struct gf_cron_job **job) {
    gf_cron_job_destroy(*job);
    *job = NULL;
}

char *gf_cron_format_local(const struct gf_zone *zone, int64_t time_s,
                           char out[GF_CRON_LOCAL_TIME_BYTES_MAX]) {
    const int64_t local_s = gf_zone_local(zone, time_s);
    const int64_t minutes = (local_s - time_s) / 60;
    const int64_t size = minutes < 0 ? -minutes : minutes;
    char text[GF_TIME_BYTES_MAX];
    (void)gf_time_format_seconds(local_s * GF_NS_PER_SEC, text);
    (void)snprintf(out, GF_CRON_LOCAL_TIME_BYTES_MAX, "%.19s%c%02d:%02d", text,
                   minutes < 0 ? '-' : '+', (int)(size / 60), (int)(size % 60));
    return out;
}

void gf_cron_describe(const struct gf_starter_job *starter, struct gf_start *start) {
    const struct gf_cron_job *job = GF_CONTAINER_OF(starter, struct gf_cron_job, starter);
    char text[GF_TIME_BYTES_MAX];
    char local_text[GF_CRON_LOCAL_TIME_BYTES_MAX];
    (void)gf_time_format_seconds(starter->job.time_ns, text);
    (void)gf_cron_format_local(job->zone, starter->job.time_ns / GF_NS_PER_SEC, local_text);
    const char *time = gf_start_printf(start, "%s", text);
    const char *local = gf_start_printf(start, "%s", local_text);
    start->reason = gf_start_printf(start, "'%.300s' in %s is due at %s", job->expression_text,
                                    job->zone_name, local);
    gf_start_add(start, "GOFER_EXTENSION_CRON_SCHEDULED_TIME", time);
    gf_start_add(start, "GOFER_EXTENSION_CRON_LOCAL_TIME", local);
    gf_start_add(start, "GOFER_EXTENSION_CRON_TIME_ZONE", job->zone_name);
    gf_start_add(start, "GOFER_EXTENSION_CRON_EXPRESSION", job->expression_text);
}
