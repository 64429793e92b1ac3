#include "tools/protoc-gen-gofer-openapi/generate.h"

#include "base/version.h"

static const char *const description =
    "gofer runs pipelines of containers. Every call of its API can be made over HTTP, by the "
    "[Connect protocol](https://connectrpc.com/docs/protocol): a POST of JSON to "
    "`/SERVICE/CALL`.\n"
    "\n"
    "**Token.** `Authorization: Bearer TOKEN`. In development mode none is needed.\n"
    "\n"
    "**Requests** are proto3 JSON. A field may be left out where it is not required; `null` means "
    "the same. Names are in camelCase; those of the .proto files (`page_token`), which the "
    "comments use, are taken too. Names that a message does not have are refused. 64-bit integers "
    "are strings in answers, and may be strings or numbers in requests. In answers a field that is "
    "zero, false or empty is left out. New fields and new values of enums may come with every "
    "version: do not fail because of one that you do not know.\n"
    "\n"
    "**Errors** have the HTTP status of their code and a body `{\"code\": ..., \"message\": ..., "
    "\"details\": [...]}`. Besides those that a call names, every call may answer "
    "`unauthenticated` (401), `permission_denied` (403), `invalid_argument` (400: a malformed "
    "message or identifier), `resource_exhausted` (429: a limit of size, rate or load), "
    "`unavailable` (503: starting or stopping), `deadline_exceeded` (504), `canceled` (499), "
    "`unimplemented` (501: a feature that this server does not have) and `internal` (500).\n"
    "\n"
    "**Headers.** `Connect-Timeout-Ms` is how long the call may take; `X-Request-Id` is a name for "
    "it that the log has, and comes back in the answer.\n"
    "\n"
    "**Streams.** Calls that answer with a stream (`x-gofer-shape: server_stream`) take and give "
    "`application/connect+json`: a sequence of envelopes, each one byte of flags, four bytes of "
    "length (the highest first) and that many bytes of JSON. That is binary, and no JSON text: "
    "such bodies have no schema here; `x-gofer-message` names that of the JSON in the envelopes. "
    "The request is one envelope with flags 0. The status of the answer is 200 whatever happens; "
    "its last envelope has flags 2 and holds `{}`, or `{\"error\": ...}`.\n"
    "\n"
    "**gRPC only.** Calls whose requests come as a stream cannot be made over HTTP/1.1; "
    "`x-gofer-grpc-only` of their tag lists them. gRPC-Web and binary messages "
    "(`application/proto`) are served at the same paths.\n"
    "\n"
    "**Not in this version.** What this version refuses with `unimplemented` has no path and no "
    "schema here: `x-gofer-unavailable` of their tag lists such calls; such fields and values are "
    "left out.";

/* What is there besides calls. */
static const char *const health_paths =
    "\"/healthz\":{\"get\":{\"tags\":[\"Health\"],\"operationId\":\"healthz\","
    "\"summary\":\"Whether the process lives\",\"security\":[],\"responses\":{"
    "\"200\":{\"$ref\":\"#/components/responses/Ok\"}}}},"
    "\"/readyz\":{\"get\":{\"tags\":[\"Health\"],\"operationId\":\"readyz\","
    "\"summary\":\"Whether the service can serve\",\"security\":[],\"responses\":{"
    "\"200\":{\"$ref\":\"#/components/responses/Ok\"},"
    "\"503\":{\"description\":\"It cannot now: it starts, stops or cannot write.\","
    "\"content\":{\"text/plain\":{\"schema\":{\"type\":\"string\"}}}}}}},"
    "\"/metrics\":{\"get\":{\"tags\":[\"Health\"],\"operationId\":\"metrics\","
    "\"summary\":\"Figures for Prometheus\","
    "\"description\":\"The text of SystemService.GetMetrics, for a token that may call it.\","
    "\"responses\":{\"200\":{\"description\":\"The figures in the text format of Prometheus.\","
    "\"content\":{\"text/plain\":{\"schema\":{\"type\":\"string\"}}}},"
    "\"default\":{\"$ref\":\"#/components/responses/Error\"}}}}";

static const char *const health_tag =
    "{\"name\":\"Health\",\"description\":\"For who watches the service from outside.\"}";

static const char *const error_schema =
    "{\"type\":\"object\",\"description\":\"Why a call was refused or has failed.\","
    "\"properties\":{"
    "\"code\":{\"type\":\"string\",\"description\":\"The canonical code, in lower case.\","
    "\"enum\":[\"canceled\",\"unknown\",\"invalid_argument\",\"deadline_exceeded\",\"not_found\","
    "\"already_exists\",\"permission_denied\",\"resource_exhausted\",\"failed_precondition\","
    "\"aborted\",\"out_of_range\",\"unimplemented\",\"internal\",\"unavailable\",\"data_loss\","
    "\"unauthenticated\"]},"
    "\"message\":{\"type\":\"string\",\"description\":\"What happened, for people.\"},"
    "\"details\":{\"type\":\"array\",\"description\":\"For programs: messages of google.rpc, such "
    "as ErrorInfo with a reason that does not change, or BadRequest with the fields at fault.\","
    "\"items\":{\"type\":\"object\",\"properties\":{"
    "\"type\":{\"type\":\"string\",\"description\":\"Full name of the message, as "
    "`google.rpc.ErrorInfo`.\"},"
    "\"value\":{\"type\":\"string\",\"contentEncoding\":\"base64\",\"description\":\"The message "
    "as protobuf, in base64 without padding.\"},"
    "\"debug\":{\"description\":\"The same as JSON, for people.\"}},"
    "\"required\":[\"type\",\"value\"]}}},"
    "\"required\":[\"code\"]}";

static const char *const responses =
    "{\"Error\":{\"description\":\"The call was refused, or has failed.\",\"content\":{"
    "\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/connect.Error\"}}}},"
    "\"TooLong\":{\"description\":\"The request does not fit into a URL: use POST.\"},"
    "\"Ok\":{\"description\":\"It does.\",\"content\":{\"text/plain\":{\"schema\":{"
    "\"type\":\"string\"}}}}}";

static const char *const parameters =
    "{\"encoding\":{\"name\":\"encoding\",\"in\":\"query\",\"required\":true,"
    "\"description\":\"How the request is written.\","
    "\"schema\":{\"type\":\"string\",\"enum\":[\"json\"]}},"
    "\"connect\":{\"name\":\"connect\",\"in\":\"query\",\"required\":true,"
    "\"description\":\"The version of the protocol.\","
    "\"schema\":{\"type\":\"string\",\"enum\":[\"v1\"]}}}";

static const char *const security_schemes =
    "{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\","
    "\"description\":\"A token of TokenService.CreateToken.\"}}";

static void write_info(struct oas_json *json) {
    oas_text(json, "openapi", "3.1.0");
    oas_text(json, "jsonSchemaDialect", "https://json-schema.org/draft/2020-12/schema");
    oas_open_object(json, "info");
    oas_text(json, "title", "gofer");
    oas_text(json, "version", GF_VERSION);
    oas_text(json, "summary", "An automation engine");
    oas_text(json, "description", description);
    oas_close_object(json);
    oas_raw(json, "servers", "[{\"url\":\"/\",\"description\":\"This server\"}]");
    oas_raw(json, "security", "[{\"bearer\":[]}]");
}

static void write_document(struct oas_json *json, struct gen_schema *schema) {
    const gen_request_proto *request = schema->request;
    oas_open_object(json, NULL);
    write_info(json);
    oas_open_array(json, "tags");
    for (size_t i = 0; i < request->n_file_to_generate; i++) {
        oas_write_tags(json, schema, gen_schema_file(schema, request->file_to_generate[i]));
    }
    oas_raw(json, NULL, health_tag);
    oas_close_array(json);
    oas_open_object(json, "paths");
    for (size_t i = 0; i < request->n_file_to_generate; i++) {
        oas_write_paths(json, schema, gen_schema_file(schema, request->file_to_generate[i]));
    }
    if (json->needs_comma) {
        gf_strbuf_append_char(&json->out, ',');
    }
    gf_strbuf_append_cstr(&json->out, health_paths);
    oas_close_object(json);
    oas_open_object(json, "components");
    oas_raw(json, "securitySchemes", security_schemes);
    oas_raw(json, "parameters", parameters);
    oas_raw(json, "responses", responses);
    oas_open_object(json, "schemas");
    oas_raw(json, "connect.Error", error_schema);
    oas_write_schemas(json, schema);
    oas_close_object(json);
    oas_close_object(json);
    oas_close_object(json);
    gf_strbuf_append_char(&json->out, '\n');
}

gen_response_proto *oas_generate(const gen_request_proto *request, struct gf_arena *arena) {
    gen_response_proto *response = gen_response_new(arena);
    struct gen_schema schema;
    gen_schema_init(&schema, request, arena);
    struct oas_json json;
    oas_json_init(&json);
    write_document(&json, &schema);
    gf_assert(!json.out.overflowed);
    response->file = GF_ARENA_ARRAY(arena, 1, gen_response_file_proto *);
    response->file[response->n_file++] = gen_response_file_new(
        arena, gf_arena_strdup(arena, "openapi.json"), gf_arena_strdup(arena, json.out.ptr));
    oas_json_fini(&json);
    gen_schema_fini(&schema);
    return response;
}
