/*
 * Design: a dialog is a list of questions, and an answer that is not right asks the same one again.
 * What is asked is what people think about; jitter and catching up have defaults that nobody
 * regrets, and are in the documentation.
 */
#include "base/alloc.h"
#include "extensions/cron/extension.h"
#include "extensions/cron/job.h"
#include "extensions/cron/schedule.h"

enum {
    PREVIEW_COUNT = 5,
};

enum step {
    STEP_EXPRESSION,
    STEP_TIME_ZONE,
    STEP_OVERLAP,
};

struct dialog {
    enum step step;
    struct gf_cron_expression expression;
    char *expression_text;
    char *zone_name;
};

static const char *default_zone(const struct gf_cron *cron) {
    return cron->default_zone == NULL ? "UTC" : cron->default_zone;
}

static void ask(struct gofer_dialog *dialog, const struct gf_cron *cron, enum step step,
                const char *error) {
    struct gofer_question question = {.size = sizeof(question), .error = error};
    switch (step) {
    case STEP_EXPRESSION:
        question.parameter = "expression";
        question.text = "When shall it start? `minute hour day-of-month month day-of-week [year]`, "
                        "as `0 1 * * mon-fri` for 01:00 from Monday to Friday, or `@hourly`, "
                        "`@daily`, `@weekly`, `@monthly`, `@yearly`.";
        break;
    case STEP_TIME_ZONE:
        question.parameter = "time_zone";
        question.text = gofer_dialog_kind(dialog) == GOFER_DIALOG_INSTALLER
                            ? "Which time zone do subscriptions have that name none?"
                            : "In which time zone is that meant?";
        question.default_answer = default_zone(cron);
        break;
    case STEP_OVERLAP:
        question.parameter = "overlap";
        question.text =
            "What shall happen if a run before has not ended? `allow` starts one beside "
            "it, `queue` lets it wait, `newest` too, but of those that wait only the "
            "newest stays.";
        question.choices = gf_overlap_choices;
        question.default_answer = gf_overlap_choices[GF_OVERLAP_ALLOW];
        break;
    }
    (void)gofer_dialog_ask(dialog, &question);
}

/* Shows when it will start. False if it never will. */
static bool show_next_times(struct gofer_dialog *dialog, const struct dialog *state,
                            const struct gf_zone *zone) {
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf text;
    gf_strbuf_init(&text, GF_START_TEXT_BYTES_MAX);
    int64_t time_s = gofer_now_ns() / GF_NS_PER_SEC;
    for (int i = 0; i < PREVIEW_COUNT; i++) {
        char local[GF_CRON_LOCAL_TIME_BYTES_MAX];
        if (!gf_cron_next_after(&state->expression, zone, time_s, &time_s)) {
            break;
        }
        gf_strbuf_printf(&text, "\n    %s", gf_cron_format_local(zone, time_s, local));
    }
    if (text.len == 0) {
        return false;
    }
    (void)gofer_dialog_say(dialog, "It will start at\n%s", text.ptr);
    return true;
}

void gf_cron_dialog_started(struct gofer_extension *extension, struct gofer_dialog *dialog,
                            void *ctx) {
    struct dialog *state = GF_NEW(struct dialog);
    (void)extension;
    state->step =
        gofer_dialog_kind(dialog) == GOFER_DIALOG_INSTALLER ? STEP_TIME_ZONE : STEP_EXPRESSION;
    gofer_dialog_set_data(dialog, state);
    ask(dialog, ctx, state->step, NULL);
}

static void go_on(struct gofer_dialog *dialog, const struct gf_cron *cron, struct dialog *state,
                  enum step step) {
    state->step = step;
    ask(dialog, cron, step, NULL);
}

static void answer_expression(struct gofer_dialog *dialog, const struct gf_cron *cron,
                              struct dialog *state, const char *answer) {
    struct gf_error err = {0};
    if (gf_cron_read_expression(answer, &state->expression, &err) != GF_OK) {
        ask(dialog, cron, STEP_EXPRESSION, err.message);
        return;
    }
    free(state->expression_text);
    state->expression_text = gf_strdup(answer);
    go_on(dialog, cron, state, STEP_TIME_ZONE);
}

static void answer_zone(struct gofer_dialog *dialog, const struct gf_cron *cron,
                        struct dialog *state, const char *answer) {
    const char *name = answer[0] == '\0' ? default_zone(cron) : answer;
    GF_CLEANUP(gf_zone_destroy_p) struct gf_zone *zone = NULL;
    struct gf_error err = {0};
    if (gf_cron_read_zone(name, &zone, &err) != GF_OK) {
        ask(dialog, cron, STEP_TIME_ZONE, err.message);
        return;
    }
    if (gofer_dialog_kind(dialog) == GOFER_DIALOG_INSTALLER) {
        const struct gofer_pair setting = {"time_zone", name};
        (void)gofer_dialog_finish(dialog, &setting, 1);
        return;
    }
    if (!show_next_times(dialog, state, zone)) {
        state->step = STEP_EXPRESSION;
        ask(dialog, cron, STEP_EXPRESSION, "this is never due again from now on");
        return;
    }
    free(state->zone_name);
    state->zone_name = gf_strdup(name);
    go_on(dialog, cron, state, STEP_OVERLAP);
}

static void answer_overlap(struct gofer_dialog *dialog, const struct gf_cron *cron,
                           const struct dialog *state, const char *answer) {
    enum gf_overlap overlap = GF_OVERLAP_ALLOW;
    if (!gf_overlap_parse(answer, &overlap)) {
        ask(dialog, cron, STEP_OVERLAP, "expected allow, queue or newest");
        return;
    }
    const struct gofer_pair settings[] = {
        {"expression", state->expression_text},
        {"time_zone", state->zone_name},
        {"overlap", gf_overlap_choices[overlap]},
    };
    (void)gofer_dialog_finish(dialog, settings, GF_ARRAY_COUNT(settings));
}

void gf_cron_dialog_answered(struct gofer_extension *extension, struct gofer_dialog *dialog,
                             const char *answer, void *ctx) {
    struct dialog *state = gofer_dialog_data(dialog);
    (void)extension;
    switch (state->step) {
    case STEP_EXPRESSION:
        answer_expression(dialog, ctx, state, answer);
        break;
    case STEP_TIME_ZONE:
        answer_zone(dialog, ctx, state, answer);
        break;
    case STEP_OVERLAP:
        answer_overlap(dialog, ctx, state, answer);
        break;
    }
}

void gf_cron_dialog_ended(struct gofer_extension *extension, struct gofer_dialog *dialog,
                          void *ctx) {
    struct dialog *state = gofer_dialog_data(dialog);
    (void)extension;
    (void)ctx;
    gofer_dialog_set_data(dialog, NULL);
    if (state != NULL) {
        free(state->expression_text);
        free(state->zone_name);
        free(state);
    }
}
