/* What extensions say they did. Reports are rows of the store alone; the batch has each once. */
#include "engine/core/config.h"
#include "engine/core/copy_extensions.h"
#include "engine/core/core_internal.h"
#include "engine/core/core_keys.h"

#include <inttypes.h>

/* ---- Checks ---- */

static enum gf_code check_texts(const struct gf_report *row, struct gf_error *err) {
    enum gf_code rc = gf_text_check(row->report_id, GF_REPORT_ID_CHARS_MAX, "report_id", err);
    if (rc == GF_OK && row->report_id.len == 0) {
        rc = gf_fail_field(err, "report_id", "is required");
    }
    if (rc == GF_OK) {
        rc = gf_text_check(row->title, GF_REPORT_TITLE_CHARS_MAX, "title", err);
    }
    if (rc == GF_OK && row->title.len == 0) {
        rc = gf_fail_field(err, "title", "is required");
    }
    if (rc == GF_OK && row->body.len > GF_REPORT_BODY_BYTES_MAX) {
        rc = gf_fail_field(err, "body", "text has %zu bytes, expected up to %d", row->body.len,
                           GF_REPORT_BODY_BYTES_MAX);
    }
    return rc == GF_OK ? gf_text_check(row->body, GF_REPORT_BODY_BYTES_MAX, "body", err) : rc;
}

static bool begins_with(struct gf_str text, struct gf_str prefix) {
    return text.len > prefix.len && gf_str_eq_nocase((struct gf_str){text.ptr, prefix.len}, prefix);
}

/* It is shown to people, who may follow it. */
static enum gf_code check_url(struct gf_str url, struct gf_error *err) {
    bool good = url.len <= GF_REPORT_URL_BYTES_MAX &&
                (begins_with(url, GF_STR("https://")) || begins_with(url, GF_STR("http://")));
    for (size_t i = 0; good && i < url.len; i++) {
        good = url.ptr[i] > ' ' && url.ptr[i] <= '~';
    }
    if (url.len > 0 && !good) {
        return gf_fail_field(err, "url",
                             "expected an absolute URL of http or https, up to %d characters of "
                             "ASCII",
                             GF_REPORT_URL_BYTES_MAX);
    }
    return GF_OK;
}

static enum gf_code check(const struct gf_report *row, struct gf_error *err) {
    enum gf_code rc = check_texts(row, err);
    if (rc == GF_OK && row->outcome != GF_REPORT_UNSPECIFIED &&
        !gf_report_outcome_valid(row->outcome)) {
        rc = gf_fail_field(err, "outcome", "expected SUCCESSFUL, FAILED or SKIPPED");
    }
    return rc == GF_OK ? check_url(row->url, err) : rc;
}

/* ---- What it is about ---- */

/* The same for what is not there and for what it may not know of. */
static bool refuse_place(struct gf_core *core, const struct gf_input *input,
                         enum gf_step *out_step) {
    struct gf_error err = {0};
    (void)gf_fail(&err, GF_NOT_FOUND,
                  "there is no such run or pipeline that the extension may report about");
    *out_step = gf_core__refuse(core, input, &err);
    return false;
}

static bool is_own(const struct gf_run *run, struct gf_str extension_id) {
    return run->initiator.kind == GF_INITIATOR_EXTENSION &&
           gf_str_eq(run->initiator.id, extension_id);
}

/* Where the extension may report about a run that is its own, whether that is one. False: return
 * *out_step. */
static bool find_own_run(struct gf_core *core, const struct gf_input *input,
                         const struct gf_report *row, struct gf_need *out_need,
                         enum gf_step *out_step) {
    const struct core_namespace *ns = gf_core__find_namespace(core, row->namespace_id);
    struct core_pipeline *pipeline = NULL;
    const struct gf_run *run = NULL;
    enum core_found found =
        ns == NULL || row->run_id == 0
            ? CORE_ABSENT
            : gf_core__find_pipeline(core, ns, row->pipeline_id, &pipeline, out_need);
    if (found == CORE_FOUND) {
        found = gf_core__find_run(core, pipeline, row->run_id, &run, out_need);
    }
    if (found == CORE_NEED) {
        *out_step = GF_STEP_NEED;
        return false;
    }
    return (found == CORE_FOUND && is_own(run, row->extension_id)) ||
           refuse_place(core, input, out_step);
}

/* Fills in the pipeline of the report, which must be there, with the run and the subscription if
 * it names them. False: return *out_step. */
static bool resolve(struct gf_core *core, const struct gf_input *input, struct gf_report *row,
                    struct gf_need *out_need, enum gf_step *out_step) {
    const struct gf_subscription_name name = {row->namespace_id, row->pipeline_id,
                                              row->subscription_id};
    struct core_pipeline *pipeline = NULL;
    const struct gf_run *run = NULL;
    struct gf_error err = {0};
    row->pipeline_key = 0;
    if (row->subscription_id.len > 0 &&
        gf_core__find_subscription(core, row->extension_key, &name) == NULL) {
        (void)gf_fail(&err, GF_NOT_FOUND, "subscription '%" GF_STR_FMT "' not found",
                      GF_STR_ARG(row->subscription_id));
        *out_step = gf_core__refuse(core, input, &err);
        return false;
    }
    if (row->run_id == 0 && row->pipeline_id.len == 0) {
        return true;
    }
    if (input->u.report.own_only && row->subscription_id.len == 0 &&
        !find_own_run(core, input, row, out_need, out_step)) {
        return false;
    }
    if (row->run_id == 0) {
        if (!gf_core__resolve_pipeline(core, input, row->namespace_id, row->pipeline_id, &pipeline,
                                       out_need, out_step)) {
            return false;
        }
    } else {
        struct core_run *active = NULL;
        if (!gf_core__resolve_run(core, input, row->namespace_id, row->pipeline_id, row->run_id,
                                  &pipeline, &run, &active, out_need, out_step)) {
            return false;
        }
    }
    row->pipeline_key = pipeline->row.pipeline_key;
    return true;
}

/* ---- The row ---- */

/* The batch has one row for each report, which is the last one. */
static void put(struct gf_core *core, const struct gf_report *row) {
    struct core_long_key key;
    gf_core__long_key(&key, row->extension_key, row->report_id);
    const struct core_report *known =
        gf_map_get(&core->intake.reports, gf_core__long_key_view(&key));
    if (known != NULL) {
        core->batch.reports.items[known->place] = *row;
        return;
    }
    struct core_report *report = GF_ARENA_NEW(&core->batch_arena, struct core_report);
    report->place = core->batch.reports.count;
    gf_vec_push(&core->batch.reports, *row);
    (void)gf_map_put(&core->intake.reports, gf_core__long_key_view(&key), report);
}

enum gf_step gf_core__put_report(struct gf_core *core, const struct gf_input *input,
                                 struct gf_need *out_need) {
    struct gf_report row = *input->u.report.row;
    enum gf_step result = GF_STEP_DONE;
    struct gf_error err = {0};
    const struct core_extension *extension =
        gf_core__resolve_extension_key(core, input, row.extension_key);
    if (extension == NULL) {
        return GF_STEP_DONE;
    }
    if (check(&row, &err) != GF_OK) {
        return gf_core__refuse(core, input, &err);
    }
    row.extension_id = extension->row.extension_id;
    if (!resolve(core, input, &row, out_need, &result)) {
        return result;
    }
    row.create_time = core->now;
    struct gf_report copy = {0};
    gf_report_copy(&row, &core->batch_arena, &copy);
    put(core, &copy);
    (void)gf_core__reply(core, input);
    return GF_STEP_DONE;
}

void gf_core__batch_drop_reports(struct gf_core *core, int64_t extension_key) {
    struct gf_report_vec *rows = &core->batch.reports;
    const size_t count = rows->count;
    if (count == 0) {
        return;
    }
    gf_map_fini(&core->intake.reports);
    gf_vec_clear(rows);
    for (size_t i = 0; i < count; i++) {
        const struct gf_report row = rows->items[i];
        if (row.extension_key != extension_key) {
            put(core, &row);
        }
    }
}
