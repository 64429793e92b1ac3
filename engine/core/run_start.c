/* Starting a run: what people and extensions ask for. */
#include "engine/core/config.h"
#include "engine/core/copy.h"
#include "engine/core/core_internal.h"

#include <inttypes.h>

/* ---- Checks ---- */

static enum gf_code check_initiator(const struct gf_initiator *initiator, struct gf_error *err) {
    enum gf_code rc = gf_text_check(initiator->id, GF_INITIATOR_ID_BYTES_MAX, "initiator.id", err);
    if (rc == GF_OK) {
        rc = gf_text_check(initiator->reason, GF_REASON_CHARS_MAX, "reason", err);
    }
    return rc;
}

static enum gf_code check_variables(const struct gf_input *input, struct gf_error *err) {
    const struct gf_variable *variables = input->u.start_run.variables;
    const size_t count = input->u.start_run.variable_count;
    const enum gf_code rc = gf_variables_check(variables, count, "variables", err);
    size_t bytes = 0;
    for (size_t i = 0; rc == GF_OK && i < count; i++) {
        bytes += variables[i].key.len + variables[i].value.len;
    }
    if (bytes > GF_RUN_VARIABLES_BYTES_MAX) {
        return gf_fail_field(err, "variables", "variables have %zu bytes, expected up to %d", bytes,
                             GF_RUN_VARIABLES_BYTES_MAX);
    }
    return rc;
}

static enum gf_code check_document(const struct gf_run_document *document, struct gf_error *err) {
    if (document == NULL) {
        return GF_OK;
    }
    if (document->content.len > GF_RUN_INPUT_BYTES_MAX) {
        return gf_fail_field(err, "input.content", "input has %zu bytes, expected up to %d",
                             document->content.len, GF_RUN_INPUT_BYTES_MAX);
    }
    return gf_text_check(document->media_type, GF_MEDIA_TYPE_BYTES_MAX, "input.media_type", err);
}

static bool has_control_character(struct gf_str text) {
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 0x7f) {
            return true;
        }
    }
    return false;
}

static enum gf_code check_ordering(const struct gf_input *input, struct gf_error *err) {
    const struct gf_str key = input->u.start_run.ordering_key;
    if (key.len == 0 && input->u.start_run.ordering_policy != GF_RUN_ORDERING_UNSPECIFIED) {
        return gf_fail_field(err, "ordering_policy", "an ordering policy needs an ordering key");
    }
    if (has_control_character(key)) {
        return gf_fail_field(err, "ordering_key", "ordering key has a control character");
    }
    return gf_text_check(key, GF_ORDERING_KEY_CHARS_MAX, "ordering_key", err);
}

static enum gf_code check_priority(const struct gf_input *input, struct gf_error *err) {
    const int32_t priority = input->u.start_run.priority;
    if (input->u.start_run.has_priority &&
        (priority < -GF_PRIORITY_MAX || priority > GF_PRIORITY_MAX)) {
        return gf_fail_field(err, "priority", "priority is %" PRId32 ", expected %d to %d",
                             priority, -GF_PRIORITY_MAX, GF_PRIORITY_MAX);
    }
    return GF_OK;
}

static enum gf_code check_start(const struct gf_input *input, struct gf_error *err) {
    enum gf_code rc = check_variables(input, err);
    if (rc == GF_OK) {
        rc = gf_labels_check(input->u.start_run.labels, input->u.start_run.label_count, "labels",
                             err);
    }
    if (rc == GF_OK) {
        rc = check_initiator(&input->u.start_run.initiator, err);
    }
    if (rc == GF_OK) {
        rc = check_document(input->u.start_run.document, err);
    }
    if (rc == GF_OK) {
        rc = check_priority(input, err);
    }
    return rc == GF_OK ? check_ordering(input, err) : rc;
}

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
           (!input->u.start_run.has_priority || input->u.start_run.priority == run->priority);
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
    if (request_id.len > GF_REQUEST_ID_BYTES_MAX) {
        (void)gf_fail_field(&err, "request_id", "request id has %zu bytes, expected up to %d",
                            request_id.len, GF_REQUEST_ID_BYTES_MAX);
        (void)gf_core__refuse(core, input, &err);
        return true;
    }
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
    if (!gf_core__resolve_pipeline(core, input, input->u.start_run.namespace_id,
                                   input->u.start_run.pipeline_id, &pipeline, out_need, &result) ||
        gf_core__answer_run_request(core, input, pipeline, input->u.start_run.request_id,
                                    is_same_start, out_need, &result)) {
        return result;
    }
    if (gf_core__check_live(pipeline, &err) != GF_OK || check_start(input, &err) != GF_OK) {
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
