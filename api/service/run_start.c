/*
 * StartRun. A run with an input document goes to the engine by way of the worker pool, where the
 * document is looked at and hashed; any other goes there at once. What is checked here is what the
 * engine cannot know; the rest it checks itself (engine/core/core_checks.h).
 */
#include "api/codec/json/text.h"
#include "api/codec/model/config.h"
#include "api/codec/model/digest.h"
#include "api/codec/model/maps.h"
#include "api/codec/model/message.h"
#include "api/codec/model/run.h"
#include "api/codec/model/unsupported.h"
#include "api/service/command_call.h"
#include "api/service/lookup.h"
#include "api/service/run_commands.h"
#include "engine/core/config.h"

static const ProtobufCMessage *respond_started(struct gf_command_call *self,
                                               const struct gf_reply *reply) {
    Gofer__V1__StartRunResponse *response =
        GF_MESSAGE_NEW(self->arena, Gofer__V1__StartRunResponse, gofer__v1__start_run_response);
    response->run = gf_run_to_message(reply->run, self->arena);
    gf_rpc_call_log_context(self->call)->run_id = reply->run->run_id;
    return &response->base;
}

/* ---- What is said about the run ---- */

static enum gf_code read_variables(const Gofer__V1__StartRunRequest *request,
                                   struct gf_arena *arena, struct gf_input *input,
                                   struct gf_error *err) {
    const size_t count = request->n_variables;
    struct gf_variable *variables = GF_ARENA_ARRAY(arena, count, struct gf_variable);
    for (size_t i = 0; i < count; i++) {
        const enum gf_code rc =
            gf_variable_from_entry(request->variables[i]->key, request->variables[i]->value,
                                   GF_VARIABLE_SOURCE_RUN_OPTIONS, "variables", &variables[i], err);
        if (rc != GF_OK) {
            return rc;
        }
    }
    gf_variables_sort(variables, count);
    input->u.start_run.variables = variables;
    input->u.start_run.variable_count = count;
    return GF_OK;
}

static void read_priority(const Gofer__V1__RunPriority *priority, struct gf_input *input) {
    input->u.start_run.has_priority = priority != NULL;
    input->u.start_run.priority = priority != NULL ? priority->value : 0;
}

static enum gf_code read_ordering(const Gofer__V1__StartRunRequest *request, struct gf_input *input,
                                  struct gf_error *err) {
    const int policy = (int)request->ordering_policy;
    if (policy != 0 && !gf_run_ordering_policy_valid(policy)) {
        return gf_fail_field(err, "ordering_policy", "%d is no policy of an ordering key", policy);
    }
    input->u.start_run.ordering_key = gf_str_from(request->ordering_key);
    input->u.start_run.ordering_policy = (enum gf_run_ordering_policy)policy;
    return GF_OK;
}

static enum gf_code read_start(const Gofer__V1__StartRunRequest *request, struct gf_arena *arena,
                               struct gf_input *input, struct gf_error *err) {
    enum gf_code rc = gf_check_pipeline_ids(request->namespace_id, request->pipeline_id, err);
    if (rc == GF_OK) {
        rc = gf_check_request_id(request->request_id, err);
    }
    if (rc == GF_OK) {
        rc = read_variables(request, arena, input, err);
    }
    if (rc == GF_OK) {
        rc = read_ordering(request, input, err);
    }
    read_priority(request->priority, input);
    GF_LABELS_READ(request, arena, &input->u.start_run.labels, &input->u.start_run.label_count);
    input->u.start_run.namespace_id = gf_request_namespace(request->namespace_id);
    input->u.start_run.pipeline_id = gf_str_from(request->pipeline_id);
    input->u.start_run.request_id = gf_str_from(request->request_id);
    return rc;
}

/* ---- The document ---- */

/* One that is too large is not looked at: it is refused whatever it is. */
static bool is_json(struct gf_str content) {
    if (content.len > GF_RUN_INPUT_BYTES_MAX) {
        return false;
    }
    struct gf_arena scratch;
    const struct gf_json_value *value = NULL;
    gf_arena_init(&scratch, GF_SERVICES_ARENA_BYTES_MAX);
    const bool valid = gf_json_parse(content, &scratch, &value, NULL) == GF_OK;
    gf_arena_fini(&scratch);
    return valid;
}

static enum gf_code read_document(const Gofer__V1__RunInput *message, struct gf_arena *arena,
                                  struct gf_run_document *out, struct gf_error *err) {
    if (gf_unsupported_check(&message->base, err) != GF_OK) {
        return gf_wrap_field(err, "input.");
    }
    if (message->source_case != GOFER__V1__RUN_INPUT__SOURCE_CONTENT) {
        return gf_fail_field(err, "input", "there is no document, expected its content");
    }
    const struct gf_str content = {(const char *)message->content.data, message->content.len};
    *out = (struct gf_run_document){
        .content = content,
        .media_type = message->media_type[0] != '\0' ? gf_str_from(message->media_type)
                      : is_json(content)             ? GF_STR("application/json")
                                                     : GF_STR("application/octet-stream"),
        .digest = gf_digest_text(content, arena),
    };
    return GF_OK;
}

/* On a worker. */
static void submit_with_document(void *ctx) {
    struct gf_command_call *self = ctx;
    const Gofer__V1__StartRunRequest *request = (const void *)self->request;
    struct gf_run_document *document = GF_ARENA_NEW(self->arena, struct gf_run_document);
    struct gf_error error = {0};
    const enum gf_code rc = read_document(request->input, self->arena, document, &error);
    self->command.input.u.start_run.document = document;
    gf_command_call_submit_checked(self, rc, &error);
}

void gf_run_start(struct gf_rpc_call *call, const Gofer__V1__StartRunRequest *request, void *ctx) {
    struct gf_command_call *self =
        gf_command_call_create(call, &request->base, ctx, GF_INPUT_START_RUN, respond_started);
    struct gf_error error = {0};
    enum gf_code rc = read_start(request, self->arena, &self->command.input, &error);
    self->command.input.u.start_run.initiator = gf_command_call_initiator(self, request->reason);
    if (rc == GF_OK && request->input != NULL) {
        rc = gf_pool_submit(self->services->pool, submit_with_document, self, &error);
        if (rc == GF_OK) {
            return;
        }
    }
    gf_command_call_submit_checked(self, rc, &error);
}
