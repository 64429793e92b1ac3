/* Services as tags, and their RPCs as operations. */
#include "tools/protoc-gen-gofer-openapi/comment.h"
#include "tools/protoc-gen-gofer-openapi/generate.h"

#include <string.h>

enum {
    CLAUSES_BYTES_MAX = 64 * 1024,
};

/* An RPC, and what is told of it in more than one place. */
struct operation {
    struct gen_schema *schema;
    const gen_service_proto *service;
    const gen_method_proto *method;
    const char *text;
    const char *summary;
    enum gen_shape shape;
};

/* HTTP statuses of errors (https://connectrpc.com/docs/protocol#error-codes). */
static const struct {
    const char *code;
    int status;
} statuses[] = {
    {"CANCELLED", 499},
    {"UNKNOWN", 500},
    {"INVALID_ARGUMENT", 400},
    {"DEADLINE_EXCEEDED", 504},
    {"NOT_FOUND", 404},
    {"ALREADY_EXISTS", 409},
    {"PERMISSION_DENIED", 403},
    {"RESOURCE_EXHAUSTED", 429},
    {"FAILED_PRECONDITION", 400},
    {"ABORTED", 409},
    {"OUT_OF_RANGE", 400},
    {"UNIMPLEMENTED", 501},
    {"INTERNAL", 500},
    {"UNAVAILABLE", 503},
    {"DATA_LOSS", 500},
    {"UNAUTHENTICATED", 401},
};

static struct operation read_operation(struct gen_schema *schema, const gen_file_proto *file,
                                       size_t service, size_t method) {
    struct operation operation = {
        .schema = schema,
        .service = file->service[service],
        .method = file->service[service]->method[method],
    };
    const struct gen_path root = {.count = 0};
    struct gen_path path = gen_path_child(&root, GEN_FILE_SERVICE, service);
    path = gen_path_child(&path, GEN_SERVICE_METHOD, method);
    operation.text = oas_comment_text(schema->arena, gen_schema_comment(file, &path));
    operation.summary = oas_comment_summary(schema->arena, operation.text);
    operation.shape = gen_shape_of(operation.method);
    return operation;
}

static bool is_unavailable(const struct operation *operation) {
    return oas_comment_is_unavailable(operation->text);
}

static bool is_grpc_only(const struct operation *operation) {
    return !is_unavailable(operation) && operation->shape != GEN_UNARY &&
           operation->shape != GEN_SERVER_STREAM;
}

/* Whether it may be called by GET. */
static bool reads_only(const gen_method_proto *method) {
    return method->options != NULL && method->options->has_idempotency_level &&
           method->options->idempotency_level ==
               GOOGLE__PROTOBUF__METHOD_OPTIONS__IDEMPOTENCY_LEVEL__NO_SIDE_EFFECTS;
}

/* ---- Responses ---- */

static void write_content(struct oas_json *json, const char *media_type, const char *schema) {
    oas_open_object(json, "content");
    oas_open_object(json, media_type);
    oas_open_object(json, "schema");
    oas_ref(json, "schemas", schema);
    oas_close_object(json);
    oas_close_object(json);
    oas_close_object(json);
}

/* The clauses of one status. */
struct clauses {
    int status;
    struct gf_strbuf text;
};

static void add_clause(const char *code, const char *clause, void *ctx) {
    struct clauses *clauses = ctx;
    for (size_t i = 0; i < GF_ARRAY_COUNT(statuses); i++) {
        if (statuses[i].status == clauses->status && strcmp(statuses[i].code, code) == 0) {
            gf_strbuf_printf(&clauses->text, "%s%s", clauses->text.len > 0 ? "; " : "", clause);
        }
    }
}

static void write_errors(struct oas_json *json, const struct operation *operation) {
    static const int documented[] = {400, 401, 403, 404, 409, 429, 499, 500, 501, 503, 504};
    for (size_t i = 0; i < GF_ARRAY_COUNT(documented); i++) {
        struct clauses clauses = {.status = documented[i]};
        gf_strbuf_init(&clauses.text, CLAUSES_BYTES_MAX);
        oas_comment_each_error(operation->text, operation->schema->arena, add_clause, &clauses);
        if (clauses.text.len > 0) {
            oas_open_object(json, gf_arena_printf(operation->schema->arena, "%d", clauses.status));
            oas_text(json, "description", clauses.text.ptr);
            write_content(json, "application/json", "connect.Error");
            oas_close_object(json);
        }
        gf_strbuf_fini(&clauses.text);
    }
}

static void write_response_ref(struct oas_json *json, const char *status, const char *name) {
    oas_open_object(json, status);
    oas_ref(json, "responses", name);
    oas_close_object(json);
}

static void write_responses(struct oas_json *json, const struct operation *operation, bool is_get) {
    struct gen_schema *schema = operation->schema;
    const struct gen_type *response = gen_schema_find(schema, operation->method->output_type);
    const char *text =
        oas_comment_text(schema->arena, gen_schema_comment(response->file, &response->path));
    oas_open_object(json, "responses");
    oas_open_object(json, "200");
    oas_text(json, "description", text);
    if (operation->shape == GEN_UNARY) {
        write_content(json, "application/json", response->full_name);
        oas_close_object(json);
        write_errors(json, operation);
    } else {
        oas_open_object(json, "content");
        oas_open_object(json, "application/connect+json");
        oas_text(json, "x-gofer-message",
                 gf_arena_printf(schema->arena, "#/components/schemas/%s", response->full_name));
        oas_close_object(json);
        oas_close_object(json);
        oas_close_object(json);
    }
    if (is_get) {
        write_response_ref(json, "414", "TooLong");
        write_response_ref(json, "431", "TooLong");
    }
    write_response_ref(json, "default", "Error");
    oas_close_object(json);
}

/* ---- Operations ---- */

static void begin_operation(struct oas_json *json, const struct operation *operation,
                            const char *method, const char *id_suffix) {
    struct gf_arena *arena = operation->schema->arena;
    oas_open_object(json, method);
    oas_open_array(json, "tags");
    oas_text(json, NULL, operation->service->name);
    oas_close_array(json);
    oas_text(json, "operationId",
             gf_arena_printf(arena, "%s.%s%s", operation->service->name, operation->method->name,
                             id_suffix));
    oas_text(json, "summary", operation->summary);
    oas_text(json, "x-gofer-shape", operation->shape == GEN_UNARY ? "unary" : "server_stream");
    if (oas_comment_says(operation->text, "needs no token")) {
        oas_raw(json, "security", "[]");
    }
}

static void write_post(struct oas_json *json, const struct operation *operation) {
    struct gf_arena *arena = operation->schema->arena;
    const char *request = operation->method->input_type + 1;
    begin_operation(json, operation, "post", "");
    oas_text(json, "description", operation->text);
    oas_open_object(json, "requestBody");
    oas_bool(json, "required", true);
    if (operation->shape == GEN_UNARY) {
        write_content(json, "application/json", request);
    } else {
        oas_open_object(json, "content");
        oas_open_object(json, "application/connect+json");
        oas_text(json, "x-gofer-message",
                 gf_arena_printf(arena, "#/components/schemas/%s", request));
        oas_close_object(json);
        oas_close_object(json);
    }
    oas_close_object(json);
    write_responses(json, operation, false);
    oas_close_object(json);
}

static void write_get(struct oas_json *json, const struct operation *operation) {
    begin_operation(json, operation, "get", ".get");
    oas_text(json, "description",
             gf_arena_printf(operation->schema->arena,
                             "The same as POST, with the request in the query.\n\n%s",
                             operation->text));
    oas_open_array(json, "parameters");
    oas_open_object(json, NULL);
    oas_text(json, "name", "message");
    oas_text(json, "in", "query");
    oas_bool(json, "required", true);
    oas_text(json, "description", "The request.");
    write_content(json, "application/json", operation->method->input_type + 1);
    oas_close_object(json);
    oas_open_object(json, NULL);
    oas_ref(json, "parameters", "encoding");
    oas_close_object(json);
    oas_open_object(json, NULL);
    oas_ref(json, "parameters", "connect");
    oas_close_object(json);
    oas_close_array(json);
    write_responses(json, operation, true);
    oas_close_object(json);
}

void oas_write_paths(struct oas_json *json, struct gen_schema *schema, const gen_file_proto *file) {
    for (size_t s = 0; s < file->n_service; s++) {
        for (size_t m = 0; m < file->service[s]->n_method; m++) {
            const struct operation operation = read_operation(schema, file, s, m);
            if (is_unavailable(&operation) || is_grpc_only(&operation)) {
                continue;
            }
            oas_use(schema, gen_schema_find(schema, operation.method->input_type));
            oas_use(schema, gen_schema_find(schema, operation.method->output_type));
            oas_open_object(json, gf_arena_printf(schema->arena, "/%s.%s/%s", file->package,
                                                  operation.service->name, operation.method->name));
            write_post(json, &operation);
            if (operation.shape == GEN_UNARY && reads_only(operation.method)) {
                write_get(json, &operation);
            }
            oas_close_object(json);
        }
    }
}

/* ---- Tags ---- */

static const char *shape_name(enum gen_shape shape) {
    switch (shape) {
    case GEN_UNARY:
        return "unary";
    case GEN_SERVER_STREAM:
        return "server_stream";
    case GEN_CLIENT_STREAM:
        return "client_stream";
    case GEN_BIDI_STREAM:
        return "bidi_stream";
    }
    return "";
}

/* Writes, as a member, those calls of a service that have no path for this reason, if there are
 * any. */
static void write_listed(struct oas_json *json, struct gen_schema *schema,
                         const gen_file_proto *file, size_t service, const char *name,
                         bool (*is_listed)(const struct operation *operation)) {
    bool any = false;
    for (size_t m = 0; m < file->service[service]->n_method; m++) {
        const struct operation operation = read_operation(schema, file, service, m);
        if (!is_listed(&operation)) {
            continue;
        }
        if (!any) {
            oas_open_array(json, name);
        }
        any = true;
        oas_open_object(json, NULL);
        oas_text(json, "name", operation.method->name);
        oas_text(json, "x-gofer-shape", shape_name(operation.shape));
        oas_text(json, "summary", operation.summary);
        oas_text(json, "description", operation.text);
        oas_close_object(json);
    }
    if (any) {
        oas_close_array(json);
    }
}

void oas_write_tags(struct oas_json *json, struct gen_schema *schema, const gen_file_proto *file) {
    const struct gen_path root = {.count = 0};
    for (size_t s = 0; s < file->n_service; s++) {
        const struct gen_path path = gen_path_child(&root, GEN_FILE_SERVICE, s);
        oas_open_object(json, NULL);
        oas_text(json, "name", file->service[s]->name);
        oas_text(json, "description",
                 oas_comment_text(schema->arena, gen_schema_comment(file, &path)));
        write_listed(json, schema, file, s, "x-gofer-grpc-only", is_grpc_only);
        write_listed(json, schema, file, s, "x-gofer-unavailable", is_unavailable);
        oas_close_object(json);
    }
}
