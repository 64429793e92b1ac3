/*
 * StartRun. A run with an input document goes to the engine by way of the worker pool, where the
 * document is looked at and hashed; any other goes there at once.
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

#include <inttypes.h>

static const ProtobufCMessage *respond_started(struct gf_command_call *self,
                                               const struct gf_reply *reply) {
    Gofer__V1__StartRunResponse *response =
        GF_MESSAGE_NEW(self->arena, Gofer__V1__StartRunResponse, gofer__v1__start_run_response);
    response->run = gf_run_to_message(reply->run, self->arena);
    return &response->base;
}

/* ---- What is said about the run ---- */

static enum gf_code read_variables(const Gofer__V1__StartRunRequest *request,
                                   struct gf_arena *arena, struct gf_input *input,
                                   struct gf_error *err) {
    const size_t count = request->n_variables;
    struct gf_variable *variables = GF_ARENA_ARRAY(arena, count, struct gf_variable);
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        const enum gf_code rc =
            gf_variable_from_entry(request->variables[i]->key, request->variables[i]->value,
                                   GF_VARIABLE_SOURCE_RUN_OPTIONS, "variables", &variables[i], err);
        if (rc != GF_OK) {
            return rc;
        }
        bytes += variables[i].key.len + variables[i].value.len;
    }
    if (bytes > GF_RUN_VARIABLES_BYTES_MAX) {
        return gf_fail_field(err, "variables", "variables have %zu bytes, expected up to %d", bytes,
                             GF_RUN_VARIABLES_BYTES_MAX);
    }
    gf_variables_sort(variables, count);
    input->u.start_run.variables = variables;
    input->u.start_run.variable_count = count;
    return gf_variables_check(variables, count, "variables", err);
}

static enum gf_code read_priority(const Gofer__V1__RunPriority *priority, struct gf_input *input,
                                  struct gf_error *err) {
    if (priority == NULL) {
        return GF_OK;
    }
    if (priority->value < -GF_PRIORITY_MAX || priority->value > GF_PRIORITY_MAX) {
        return gf_fail_field(err, "priority.value", "value is %" PRId32 ", expected %d to %d",
                             priority->value, -GF_PRIORITY_MAX, GF_PRIORITY_MAX);
    }
    input->u.start_run.has_priority = true;
    input->u.start_run.priority = priority->value;
    return GF_OK;
}

/* U+0000 to U+001F, U+007F, and U+0080 to U+009F, which are C2 80 to C2 9F. */
static bool has_control_characters(struct gf_str text) {
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char byte = (unsigned char)text.ptr[i];
        const unsigned char next = i + 1 < text.len ? (unsigned char)text.ptr[i + 1] : 0;
        if (byte < 0x20 || byte == 0x7f || (byte == 0xc2 && next < 0xa0)) {
            return true;
        }
    }
    return false;
}

static enum gf_code read_ordering(const Gofer__V1__StartRunRequest *request, struct gf_input *input,
                                  struct gf_error *err) {
    const struct gf_str key = gf_str_from(request->ordering_key);
    const int policy = (int)request->ordering_policy;
    if (policy != 0 && !gf_run_ordering_policy_valid(policy)) {
        return gf_fail_field(err, "ordering_policy", "%d is no policy of an ordering key", policy);
    }
    if (key.len == 0 && policy != 0) {
        return gf_fail_field(err, "ordering_policy", "needs an ordering_key beside it");
    }
    if (has_control_characters(key)) {
        return gf_fail_field(err, "ordering_key", "text has a control character");
    }
    input->u.start_run.ordering_key = key;
    input->u.start_run.ordering_policy = (enum gf_run_ordering_policy)policy;
    return gf_text_check(key, GF_ORDERING_KEY_CHARS_MAX, "ordering_key", err);
}

static enum gf_code read_start(const Gofer__V1__StartRunRequest *request, struct gf_arena *arena,
                               struct gf_input *input, struct gf_error *err) {
    enum gf_code rc = gf_check_pipeline_ids(request->namespace_id, request->pipeline_id, err);
    if (rc == GF_OK) {
        rc = gf_check_request_id(request->request_id, err);
    }
    if (rc == GF_OK) {
        rc = gf_check_reason(request->reason, err);
    }
    if (rc == GF_OK) {
        rc = read_variables(request, arena, input, err);
    }
    if (rc == GF_OK) {
        GF_LABELS_READ(request, arena, &input->u.start_run.labels, &input->u.start_run.label_count);
        rc = gf_labels_check(input->u.start_run.labels, input->u.start_run.label_count, "labels",
                             err);
    }
    if (rc == GF_OK) {
        rc = read_priority(request->priority, input, err);
    }
    if (rc == GF_OK) {
        rc = read_ordering(request, input, err);
    }
    input->u.start_run.namespace_id = gf_request_namespace(request->namespace_id);
    input->u.start_run.pipeline_id = gf_str_from(request->pipeline_id);
    input->u.start_run.request_id = gf_str_from(request->request_id);
    input->u.start_run.initiator.kind = GF_INITIATOR_HUMAN;
    input->u.start_run.initiator.reason = gf_str_from(request->reason);
    return rc;
}

/* ---- The document ---- */

static bool is_json(struct gf_str content) {
    struct gf_arena scratch;
    const struct gf_json_value *value = NULL;
    gf_arena_init(&scratch, GF_SERVICES_ARENA_BYTES_MAX);
    const bool valid = gf_json_parse(content, &scratch, &value, NULL) == GF_OK;
    gf_arena_fini(&scratch);
    return valid;
}

/* "type/subtype" of the characters of RFC 9110, and perhaps parameters, which are not looked at. */
static enum gf_code check_media_type(const char *text, struct gf_error *err) {
    static const char token[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "!#$%&'*+-.^_`|~";
    const size_t len = strnlen(text, GF_MEDIA_TYPE_BYTES_MAX + 1);
    const size_t type = strspn(text, token);
    const size_t subtype = text[type] == '/' ? strspn(text + type + 1, token) : 0;
    const char *rest = text + type + 1 + subtype;
    bool good = len <= GF_MEDIA_TYPE_BYTES_MAX && type > 0 && subtype > 0 &&
                (rest[0] == '\0' || rest[0] == ';' || rest[0] == ' ');
    for (size_t i = 0; good && i < len; i++) {
        good = text[i] >= ' ' && text[i] <= '~';
    }
    if (!good) {
        return gf_fail_field(err, "input.media_type",
                             "expected a media type such as text/plain, up to %d characters",
                             GF_MEDIA_TYPE_BYTES_MAX);
    }
    return GF_OK;
}

static enum gf_code read_document(const Gofer__V1__RunInput *message, struct gf_arena *arena,
                                  struct gf_run_document *out, struct gf_error *err) {
    if (message->source_case == GOFER__V1__RUN_INPUT__SOURCE_OBJECT_KEY) {
        return gf_fail_unsupported(err, "input.object_key", "object_key");
    }
    if (message->source_case != GOFER__V1__RUN_INPUT__SOURCE_CONTENT) {
        return gf_fail_field(err, "input", "there is no document, expected its content");
    }
    const struct gf_str content = {(const char *)message->content.data, message->content.len};
    if (content.len > GF_RUN_INPUT_BYTES_MAX) {
        return gf_fail_field(err, "input.content", "document has %zu bytes, expected up to %d",
                             content.len, GF_RUN_INPUT_BYTES_MAX);
    }
    struct gf_run_document document = {.content = content};
    if (message->media_type[0] == '\0') {
        document.media_type =
            is_json(content) ? GF_STR("application/json") : GF_STR("application/octet-stream");
    } else {
        const enum gf_code rc = check_media_type(message->media_type, err);
        if (rc != GF_OK) {
            return rc;
        }
        document.media_type = gf_str_from(message->media_type);
    }
    document.digest = gf_digest_text(content, arena);
    *out = document;
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
    if (rc == GF_OK && request->input != NULL) {
        rc = gf_pool_submit(self->services->pool, submit_with_document, self, &error);
        if (rc == GF_OK) {
            return;
        }
    }
    gf_command_call_submit_checked(self, rc, &error);
}
