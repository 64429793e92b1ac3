/* Starting a run: what people and extensions ask for. */
#include "engine/core/config.h"
#include "engine/core/copy.h"
#include "engine/core/core_checks.h"
#include "engine/core/core_internal.h"

#include <inttypes.h>

enum gf_code gf_core__check_live(const struct core_pipeline *pipeline, struct gf_error *err) {
    if (pipeline->row.live_version == 0) {
        return gf_fail_reason(err, GF_FAILED_PRECONDITION, "NOTHING_LIVE",
                              "pipeline '%" GF_STR_FMT "' has no live version: deploy one first",
                              GF_STR_ARG(pipeline->row.pipeline_id));
    }
    return GF_OK;
}

/* ---- The same request again ---- */

static enum gf_run_ordering_policy ordering_policy(const struct gf_input *input) {
    if (input->u.start_run.ordering_key.len == 0) {
        return GF_RUN_ORDERING_UNSPECIFIED;
    }
    return input->u.start_run.ordering_policy == GF_RUN_ORDERING_NEWEST ? GF_RUN_ORDERING_NEWEST
                                                                        : GF_RUN_ORDERING_STRICT;
}

static bool same_variables(const struct gf_input *input, const struct gf_run *run) {
    bool same = input->u.start_run.variable_count == run->variable_count;
    for (size_t i = 0; same && i < run->variable_count; i++) {
        same = gf_str_eq(input->u.start_run.variables[i].key, run->variables[i].key) &&
               gf_str_eq(input->u.start_run.variables[i].value, run->variables[i].value);
    }
    return same;
}

static bool same_labels(const struct gf_input *input, const struct gf_run *run) {
    bool same = input->u.start_run.label_count == run->label_count;
    for (size_t i = 0; same && i < run->label_count; i++) {
        same = gf_str_eq(input->u.start_run.labels[i].key, run->labels[i].key) &&
               gf_str_eq(input->u.start_run.labels[i].value, run->labels[i].value);
    }
    return same;
}

static bool same_document(const struct gf_run_document *document, const struct gf_run *run) {
    if (document == NULL || !run->has_input) {
        return document == NULL && !run->has_input;
    }
    return gf_str_eq(document->digest, run->input.digest) &&
           gf_str_eq(document->media_type, run->input.media_type);
}

/* Whether the run was started by a command that says the same. */
static bool is_same_start(const struct gf_input *input, const struct gf_run *run) {
    return run->retried_run_id == 0 && same_variables(input, run) && same_labels(input, run) &&
           same_document(input->u.start_run.document, run) &&
           gf_str_eq(input->u.start_run.initiator.reason, run->initiator.reason) &&
           gf_str_eq(input->u.start_run.ordering_key, run->ordering_key) &&
           ordering_policy(input) == run->ordering_policy &&
           input->u.start_run.has_priority == run->has_priority &&
           (!run->has_priority || input->u.start_run.priority == run->priority);
}

bool gf_core__answer_run_request(struct gf_core *core, const struct gf_input *input,
                                 const struct core_pipeline *pipeline, struct gf_str request_id,
                                 bool (*is_same)(const struct gf_input *input,
                                                 const struct gf_run *run),
                                 struct gf_need *out_need, enum gf_step *out_step) {
    const struct gf_run *run = NULL;
    struct gf_error err = {0};
    *out_step = GF_STEP_DONE;
    if (request_id.len == 0) {
        return false;
    }
    gf_assert(request_id.len <= GF_REQUEST_ID_BYTES_MAX);
    switch (gf_core__find_request(core, pipeline, request_id, &run, out_need)) {
    case CORE_NEED:
        *out_step = GF_STEP_NEED;
        return true;
    case CORE_ABSENT:
        return false;
    case CORE_FOUND:
        break;
    }
    if (!is_same(input, run)) {
        (void)gf_fail_reason(&err, GF_FAILED_PRECONDITION, "REQUEST_ID_REUSED",
                             "request id '%" GF_STR_FMT "' was used to start run %" PRId64
                             " in another way",
                             GF_STR_ARG(request_id), run->run_id);
        (void)gf_core__refuse(core, input, &err);
        return true;
    }
    struct gf_reply *reply = gf_core__reply(core, input);
    reply->run = run;
    reply->pipeline = &pipeline->row;
    reply->unchanged = true;
    return true;
}

/* ---- Starting ---- */

bool gf_core__find_version(struct gf_core *core, const struct gf_input *input,
                           struct core_pipeline *pipeline, int64_t version,
                           struct core_config **out, struct gf_need *out_need,
                           enum gf_step *out_step) {
    struct gf_error err = {0};
    switch (gf_core__find_config(core, pipeline, version, out, out_need)) {
    case CORE_FOUND:
        return true;
    case CORE_NEED:
        *out_step = GF_STEP_NEED;
        return false;
    case CORE_ABSENT:
        break;
    }
    if (version == pipeline->row.live_version) {
        (void)gf_fail(&err, GF_DATA_LOSS,
                      "version %" PRId64 " of pipeline '%" GF_STR_FMT "' is live and not stored",
                      version, GF_STR_ARG(pipeline->row.pipeline_id));
    } else {
        (void)gf_fail_reason(&err, GF_FAILED_PRECONDITION, "CONFIG_DELETED",
                             "version %" PRId64 " of pipeline '%" GF_STR_FMT
                             "', which the run used, was deleted",
                             version, GF_STR_ARG(pipeline->row.pipeline_id));
    }
    *out_step = gf_core__refuse(core, input, &err);
    return false;
}

/* What was given as variables of the run says so in its row. */
static const struct gf_variable *with_source(struct gf_core *core, const struct gf_input *input) {
    const size_t count = input->u.start_run.variable_count;
    struct gf_variable *variables =
        gf_variables_copy(input->u.start_run.variables, count, &core->batch_arena);
    for (size_t i = 0; i < count; i++) {
        if (variables[i].source == GF_VARIABLE_SOURCE_UNSPECIFIED) {
            variables[i].source = GF_VARIABLE_SOURCE_RUN_OPTIONS;
        }
    }
    return variables;
}

enum gf_step gf_core__start_run(struct gf_core *core, const struct gf_input *input,
                                struct gf_need *out_need) {
    enum gf_step result = GF_STEP_DONE;
    struct core_pipeline *pipeline = NULL;
    struct core_config *config = NULL;
    struct gf_error err = {0};
    if (gf_core__check_start_run(input, &err) != GF_OK) {
        return gf_core__refuse(core, input, &err);
    }
    if (!gf_core__resolve_pipeline(core, input, input->u.start_run.namespace_id,
                                   input->u.start_run.pipeline_id, &pipeline, out_need, &result) ||
        gf_core__answer_run_request(core, input, pipeline, input->u.start_run.request_id,
                                    is_same_start, out_need, &result)) {
        return result;
    }
    if (gf_core__check_live(pipeline, &err) != GF_OK) {
        return gf_core__refuse(core, input, &err);
    }
    if (!gf_core__find_version(core, input, pipeline, pipeline->row.live_version, &config, out_need,
                               &result)) {
        return result;
    }
    struct core_new_run new_run = {
        .pipeline = pipeline,
        .config = config,
        .variable_count = input->u.start_run.variable_count,
        .labels = input->u.start_run.labels,
        .label_count = input->u.start_run.label_count,
        .initiator = input->u.start_run.initiator,
        .request_id = input->u.start_run.request_id,
        .document = input->u.start_run.document,
        .priority =
            input->u.start_run.has_priority ? input->u.start_run.priority : config->row.priority,
        .has_priority = input->u.start_run.has_priority,
        .ordering_key = input->u.start_run.ordering_key,
        .ordering_policy = ordering_policy(input),
    };
    if (gf_core__check_new_run(core, &new_run, &err) != GF_OK) {
        return gf_core__refuse(core, input, &err);
    }
    new_run.variables = with_source(core, input);
    const struct core_run *run = gf_core__create_run(core, &new_run);
    struct gf_reply *reply = gf_core__reply(core, input);
    reply->run = &run->row;
    reply->pipeline = &pipeline->row;
    return GF_STEP_DONE;
}
