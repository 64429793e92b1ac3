/*
 * The cron extension: starts runs at the times of cron expressions.
 *
 * Design: one heap of subscriptions and one timer, whatever their number; expressions are asked for
 * their next time only, so that nothing wakes once a minute to look at all of them.
 */
#include "base/version.h"
#include "extensions/cron/extension.h"
#include "extensions/cron/job.h"
#include "extensions/timetable/text.h"

extern const char gf_cron_documentation_start[];
extern const char gf_cron_documentation_end[];

static const char *const catch_up_modes[] = {"last", "all", NULL};

static const struct gofer_parameter config_parameters[] = {
    {
        .name = "time_zone",
        .type = GOFER_TIME_ZONE,
        .default_value = "UTC",
        .help = "Time zone of subscriptions that name none, as `Europe/Berlin`.",
    },
};

static const struct gofer_parameter subscription_parameters[] = {
    {
        .name = "expression",
        .required = true,
        .help = "When to start: `minute hour day-of-month month day-of-week [year]`, as "
                "`0 1 * * mon-fri`, or `@daily` and its like.",
    },
    {
        .name = "time_zone",
        .type = GOFER_TIME_ZONE,
        .help = "Time zone that the expression is meant in. Default: that of the extension, UTC "
                "unless its administrator says otherwise.",
    },
    {
        .name = "jitter",
        .type = GOFER_DURATION,
        .default_value = "0s",
        .help = "Spreads starts: each subscription starts later by a part of this time, always by "
                "the same. Up to `24h`.",
    },
    {
        .name = "overlap",
        .type = GOFER_CHOICE,
        .default_value = "allow",
        .choices = gf_overlap_choices,
        .help = "What happens if a run before has not ended: `allow` starts one beside it, "
                "`queue` lets it wait, `newest` too, but of those that wait only the newest stays.",
    },
    {
        .name = "catch_up",
        .type = GOFER_DURATION,
        .default_value = "0s",
        .help = "What was missed while gofer or the extension was down is made up for, if it is "
                "not older than this. Up to `31d`.",
    },
    {
        .name = "catch_up_mode",
        .type = GOFER_CHOICE,
        .default_value = "last",
        .choices = catch_up_modes,
        .help = "What of it: the `last` time that was missed, or `all` of them, up to the newest "
                "100.",
    },
};

static struct gf_cron_settings settings_of(const struct gf_cron *cron,
                                           struct gofer_subscription *subscription) {
    const struct gofer_settings *settings = gofer_subscription_settings(subscription);
    const char *zone = gofer_settings_get(settings, "time_zone");
    return (struct gf_cron_settings){
        .expression = gofer_settings_get(settings, "expression"),
        .time_zone = zone == NULL || zone[0] == '\0' ? cron->default_zone : zone,
        .overlap = gofer_settings_get(settings, "overlap"),
        .catch_up_mode = gofer_settings_get(settings, "catch_up_mode"),
        .jitter_ns = gofer_settings_duration_ns(settings, "jitter", 0),
        .catch_up_ns = gofer_settings_duration_ns(settings, "catch_up", 0),
        .names =
            {
                gofer_subscription_namespace_id(subscription),
                gofer_subscription_pipeline_id(subscription),
                gofer_subscription_id(subscription),
            },
    };
}

/* Makes the job of a subscription by its settings, and puts it into the timetable. */
static enum gf_code add_job(struct gf_cron *cron, struct gofer_extension *extension,
                            struct gofer_subscription *subscription, struct gf_error *err) {
    const struct gf_cron_settings settings = settings_of(cron, subscription);
    GF_CLEANUP(gf_cron_job_destroy_p) struct gf_cron_job *job = NULL;
    const enum gf_code rc = gf_cron_job_create(&settings, &job, err);
    if (rc != GF_OK) {
        return rc;
    }
    job->starter.subscription = subscription;
    if (!gf_starter_add(&cron->starter, extension, &job->starter)) {
        return gf_fail_field(err, "expression", "'%.100s' is never due again from now on",
                             job->expression_text);
    }
    gofer_subscription_set_data(subscription, GF_TAKE(job));
    return GF_OK;
}

static enum gofer_outcome subscribe(struct gofer_extension *extension,
                                    struct gofer_subscription *subscription, void *ctx) {
    struct gf_error err = {0};
    if (add_job(ctx, extension, subscription, &err) != GF_OK) {
        return gofer_subscription_refuse(subscription, err.field, "%s", err.message);
    }
    return GOFER_ACCEPTED;
}

static void unsubscribe(struct gofer_extension *extension, struct gofer_subscription *subscription,
                        enum gofer_end why, void *ctx) {
    struct gf_cron *cron = ctx;
    struct gf_cron_job *job = gofer_subscription_data(subscription);
    (void)why;
    if (job != NULL) {
        gofer_subscription_set_data(subscription, NULL);
        gf_starter_remove(&cron->starter, extension, &job->starter);
        gf_cron_job_destroy(job);
    }
}

/* The zone may be another one for those that name none: all are taken out and in again. */
static void add_all_again(struct gf_cron *cron, struct gofer_extension *extension) {
    struct gofer_subscription *subscription = NULL;
    while ((subscription = gofer_extension_next_subscription(extension, subscription)) != NULL) {
        struct gf_error err = {0};
        unsubscribe(extension, subscription, GOFER_END_CHANGED, cron);
        if (add_job(cron, extension, subscription, &err) == GF_OK) {
            (void)gofer_subscription_answer(subscription, GOFER_ACCEPTED, NULL);
        } else {
            (void)gofer_subscription_answer(subscription, GOFER_FAILED, err.message);
        }
    }
}

static void configure(struct gofer_extension *extension, const struct gofer_settings *settings,
                      void *ctx) {
    struct gf_cron *cron = ctx;
    GF_CLEANUP(gf_zone_destroy_p) struct gf_zone *zone = NULL;
    struct gf_error err = {0};
    cron->default_zone = gofer_settings_get(settings, "time_zone");
    if (gf_cron_read_zone(cron->default_zone, &zone, &err) == GF_OK) {
        gofer_extension_set_health(extension, GOFER_HEALTH_OK, NULL);
    } else {
        gofer_extension_set_health(extension, GOFER_HEALTH_FAILED, "%s", err.message);
    }
    add_all_again(cron, extension);
}

static void tick(struct gofer_extension *extension, void *ctx) {
    struct gf_cron *cron = ctx;
    gf_starter_tick(&cron->starter, extension);
}

static void run_outcome(struct gofer_extension *extension, const struct gofer_run_outcome *outcome,
                        void *ctx) {
    (void)extension;
    (void)ctx;
    if (outcome->kind == GOFER_RUN_REFUSED) {
        gofer_subscription_log(outcome->subscription, GOFER_WARNING, "no run of %s: %s",
                               outcome->idempotency_key, outcome->description);
    }
}

static void debug(struct gofer_extension *extension, struct gofer_text *text, void *ctx) {
    const struct gf_cron *cron = ctx;
    char time[GF_TIME_BYTES_MAX];
    gofer_text_printf(text, "time zone: %s\n", cron->default_zone);
    gofer_text_printf(text, "subscriptions with a time to come: %zu\n",
                      cron->starter.table.heap.count);
    struct gofer_subscription *subscription = NULL;
    while ((subscription = gofer_extension_next_subscription(extension, subscription)) != NULL) {
        const struct gf_cron_job *job = gofer_subscription_data(subscription);
        if (job != NULL && gf_heap_contains(&job->starter.job.node)) {
            gofer_text_printf(text, "%s/%s/%s: '%s' in %s, next %s\n",
                              gofer_subscription_namespace_id(subscription),
                              gofer_subscription_pipeline_id(subscription),
                              gofer_subscription_id(subscription), job->expression_text,
                              job->zone_name, gf_time_format(job->starter.job.time_ns, time));
        }
    }
}

int main(int argc, char **argv) {
    struct gf_cron cron = {.starter.describe = gf_cron_describe};
    char *documentation = gf_text_embedded(gf_cron_documentation_start, gf_cron_documentation_end);
    const struct gofer_extension_definition definition = {
        .size = sizeof(definition),
        .name = "cron",
        .version = GF_VERSION,
        .documentation = documentation,
        .config_parameters = config_parameters,
        .config_parameter_count = GF_ARRAY_COUNT(config_parameters),
        .subscription_parameters = subscription_parameters,
        .subscription_parameter_count = GF_ARRAY_COUNT(subscription_parameters),
        .has_installer = true,
        .has_configurator = true,
        .ctx = &cron,
        .configure = configure,
        .subscribe = subscribe,
        .unsubscribe = unsubscribe,
        .ready = tick,
        .run_outcome = run_outcome,
        .room = tick,
        .wake = tick,
        .debug = debug,
        .dialog_started = gf_cron_dialog_started,
        .dialog_answered = gf_cron_dialog_answered,
        .dialog_ended = gf_cron_dialog_ended,
        .resume = tick,
    };
    const int code = gofer_extension_run(&definition, argc, argv);
    gf_starter_fini(&cron.starter);
    free(documentation);
    return code;
}
