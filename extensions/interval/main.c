/* The interval extension: starts runs again and again, so long after one another. */
#include "base/version.h"
#include "extensions/interval/job.h"
#include "extensions/timetable/text.h"

extern const char gf_interval_documentation_start[];
extern const char gf_interval_documentation_end[];

struct interval {
    struct gf_starter starter;
    int64_t min_ns;
};

/* Where a dialog is: it has asked for a duration, and, for a subscription, then for the overlap. */
struct dialog {
    char *every; /* NULL: not answered yet */
};

static const struct gofer_parameter config_parameters[] = {
    {
        .name = "min_interval",
        .type = GOFER_DURATION,
        .default_value = "1m",
        .help = "The shortest interval that a subscription may have; `1s` at least.",
    },
};

static const struct gofer_parameter subscription_parameters[] = {
    {
        .name = "every",
        .type = GOFER_DURATION,
        .required = true,
        .help = "How long after one another runs are started, as `5m` or `1h30m`.",
    },
    {
        .name = "jitter",
        .type = GOFER_DURATION,
        .help = "Spreads starts: each subscription starts later by a part of this time, always by "
                "the same. Default: a tenth of the interval, but no more than a minute.",
    },
    {
        .name = "overlap",
        .type = GOFER_CHOICE,
        .default_value = "allow",
        .choices = gf_overlap_choices,
        .help = "What happens if a run before has not ended: `allow` starts one beside it, "
                "`queue` lets it wait, `newest` too, but of those that wait only the newest stays.",
    },
};

static enum gf_code add_job(struct interval *interval, struct gofer_extension *extension,
                            struct gofer_subscription *subscription, struct gf_error *err) {
    const struct gofer_settings *settings = gofer_subscription_settings(subscription);
    const struct gf_interval_settings read = {
        .every_ns = gofer_settings_duration_ns(settings, "every", -1),
        .jitter_ns = gofer_settings_duration_ns(settings, "jitter", -1),
        .overlap = gofer_settings_get(settings, "overlap"),
        .min_ns = interval->min_ns,
        .create_time_ns = gofer_subscription_create_time_ns(subscription),
        .names =
            {
                gofer_subscription_namespace_id(subscription),
                gofer_subscription_pipeline_id(subscription),
                gofer_subscription_id(subscription),
            },
    };
    struct gf_interval_job *job = NULL;
    const enum gf_code rc = gf_interval_job_create(&read, &job, err);
    if (rc != GF_OK) {
        return rc;
    }
    job->starter.subscription = subscription;
    gofer_subscription_set_data(subscription, job);
    const bool added = gf_starter_add(&interval->starter, extension, &job->starter);
    gf_assert(added); /* there is always another multiple */
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
    struct interval *interval = ctx;
    struct gf_interval_job *job = gofer_subscription_data(subscription);
    (void)why;
    if (job != NULL) {
        gofer_subscription_set_data(subscription, NULL);
        gf_starter_remove(&interval->starter, extension, &job->starter);
        free(job);
    }
}

/* Another shortest interval: what does not fit any more fails, and what fits again works. */
static void configure(struct gofer_extension *extension, const struct gofer_settings *settings,
                      void *ctx) {
    struct interval *interval = ctx;
    interval->min_ns =
        gofer_settings_duration_ns(settings, "min_interval", GF_INTERVAL_MIN_NS_DEFAULT);
    if (interval->min_ns < GF_INTERVAL_MIN_NS_MIN) {
        interval->min_ns = GF_INTERVAL_MIN_NS_MIN;
        gofer_extension_set_health(extension, GOFER_HEALTH_DEGRADED,
                                   "min_interval is less than 1s; 1s is used");
    } else {
        gofer_extension_set_health(extension, GOFER_HEALTH_OK, NULL);
    }
    struct gofer_subscription *subscription = NULL;
    while ((subscription = gofer_extension_next_subscription(extension, subscription)) != NULL) {
        struct gf_error err = {0};
        unsubscribe(extension, subscription, GOFER_END_CHANGED, ctx);
        if (add_job(interval, extension, subscription, &err) == GF_OK) {
            (void)gofer_subscription_answer(subscription, GOFER_ACCEPTED, NULL);
        } else {
            (void)gofer_subscription_answer(subscription, GOFER_FAILED, err.message);
        }
    }
}

static void tick(struct gofer_extension *extension, void *ctx) {
    struct interval *interval = ctx;
    gf_starter_tick(&interval->starter, extension);
}

static void debug(struct gofer_extension *extension, struct gofer_text *text, void *ctx) {
    const struct interval *interval = ctx;
    char time[GF_TIME_BYTES_MAX];
    char every[GF_DURATION_BYTES_MAX];
    gofer_text_printf(text, "min_interval: %s\n", gf_duration_format(interval->min_ns, every));
    struct gofer_subscription *subscription = NULL;
    while ((subscription = gofer_extension_next_subscription(extension, subscription)) != NULL) {
        const struct gf_interval_job *job = gofer_subscription_data(subscription);
        if (job != NULL) {
            gofer_text_printf(text, "%s/%s/%s: every %s, next %s\n",
                              gofer_subscription_namespace_id(subscription),
                              gofer_subscription_pipeline_id(subscription),
                              gofer_subscription_id(subscription),
                              gf_duration_format(job->every_ns, every),
                              gf_time_format(job->starter.job.time_ns, time));
        }
    }
}

static void ask_duration(struct gofer_dialog *dialog, const char *error) {
    const bool installer = gofer_dialog_kind(dialog) == GOFER_DIALOG_INSTALLER;
    const struct gofer_question question = {
        .size = sizeof(question),
        .parameter = installer ? "min_interval" : "every",
        .text = installer ? "What is the shortest interval that a subscription may have?"
                          : "How long after one another shall runs be started, as `5m` or `1h30m`?",
        .default_answer = installer ? "1m" : NULL,
        .error = error,
    };
    (void)gofer_dialog_ask(dialog, &question);
}

static void ask_overlap(struct gofer_dialog *dialog, const char *error) {
    const struct gofer_question question = {
        .size = sizeof(question),
        .parameter = "overlap",
        .text = "What shall happen if a run before has not ended? `allow` starts one beside it, "
                "`queue` lets it wait, `newest` too, but of those that wait only the newest stays.",
        .choices = gf_overlap_choices,
        .default_answer = gf_overlap_choices[GF_OVERLAP_ALLOW],
        .error = error,
    };
    (void)gofer_dialog_ask(dialog, &question);
}

static void dialog_started(struct gofer_extension *extension, struct gofer_dialog *dialog,
                           void *ctx) {
    (void)extension;
    (void)ctx;
    gofer_dialog_set_data(dialog, GF_NEW(struct dialog));
    ask_duration(dialog, NULL);
}

static void answer_duration(struct gofer_dialog *dialog, struct dialog *state,
                            const struct interval *interval, const char *answer) {
    const bool installer = gofer_dialog_kind(dialog) == GOFER_DIALOG_INSTALLER;
    const char *text = installer && answer[0] == '\0' ? "1m" : answer;
    const int64_t least_ns = installer ? GF_INTERVAL_MIN_NS_MIN : interval->min_ns;
    int64_t duration_ns = 0;
    struct gf_error err = {0};
    if (gf_duration_parse(gf_str_from(text), &duration_ns, &err) != GF_OK ||
        gf_interval_check(duration_ns, least_ns, &err) != GF_OK) {
        ask_duration(dialog, err.message);
    } else if (installer) {
        const struct gofer_pair setting = {"min_interval", text};
        (void)gofer_dialog_finish(dialog, &setting, 1);
    } else {
        state->every = gf_strdup(text);
        ask_overlap(dialog, NULL);
    }
}

static void dialog_answered(struct gofer_extension *extension, struct gofer_dialog *dialog,
                            const char *answer, void *ctx) {
    struct dialog *state = gofer_dialog_data(dialog);
    enum gf_overlap overlap = GF_OVERLAP_ALLOW;
    (void)extension;
    if (state->every == NULL) {
        answer_duration(dialog, state, ctx, answer);
    } else if (!gf_overlap_parse(answer, &overlap)) {
        ask_overlap(dialog, "expected allow, queue or newest");
    } else {
        const struct gofer_pair settings[] = {
            {"every", state->every},
            {"overlap", gf_overlap_choices[overlap]},
        };
        (void)gofer_dialog_finish(dialog, settings, GF_ARRAY_COUNT(settings));
    }
}

static void dialog_ended(struct gofer_extension *extension, struct gofer_dialog *dialog,
                         void *ctx) {
    struct dialog *state = gofer_dialog_data(dialog);
    (void)extension;
    (void)ctx;
    gofer_dialog_set_data(dialog, NULL);
    if (state != NULL) {
        free(state->every);
        free(state);
    }
}

int main(int argc, char **argv) {
    struct interval interval = {
        .starter.describe = gf_interval_describe,
        .min_ns = GF_INTERVAL_MIN_NS_DEFAULT,
    };
    char *documentation =
        gf_text_embedded(gf_interval_documentation_start, gf_interval_documentation_end);
    const struct gofer_extension_definition definition = {
        .size = sizeof(definition),
        .name = "interval",
        .version = GF_VERSION,
        .documentation = documentation,
        .config_parameters = config_parameters,
        .config_parameter_count = GF_ARRAY_COUNT(config_parameters),
        .subscription_parameters = subscription_parameters,
        .subscription_parameter_count = GF_ARRAY_COUNT(subscription_parameters),
        .has_installer = true,
        .has_configurator = true,
        .ctx = &interval,
        .configure = configure,
        .subscribe = subscribe,
        .unsubscribe = unsubscribe,
        .ready = tick,
        .room = tick,
        .wake = tick,
        .debug = debug,
        .dialog_started = dialog_started,
        .dialog_answered = dialog_answered,
        .dialog_ended = dialog_ended,
        .resume = tick,
    };
    const int code = gofer_extension_run(&definition, argc, argv);
    gf_starter_fini(&interval.starter);
    free(documentation);
    return code;
}
