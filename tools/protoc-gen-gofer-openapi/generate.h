/*
 * From a request of protoc to openapi.json: the API of the files as an OpenAPI 3.1 document, as it
 * is served over HTTP by the Connect protocol with JSON.
 *
 *   - A unary call is a POST of JSON; one without side effects (idempotency_level) also a GET.
 *   - A server stream is a POST of application/connect+json. What goes over it is no JSON text but
 *     envelopes around JSON texts, which no schema of OpenAPI can state: the media types have none,
 *     x-gofer-message names that of the messages, and x-gofer-shape tells those operations from the
 *     others.
 *   - Calls with a stream of requests are gRPC's alone; x-gofer-grpc-only of their tag lists them.
 *   - Calls, fields and words of enums that are not in this version (their comments say so) are
 * left out: the server refuses them. x-gofer-unavailable of their tag lists the calls.
 *   - Schemas are those of what api/codec/json writes and reads. Where it reads more than it
 *     writes, they tell the form that it writes, but for int64, which clients send as numbers.
 *
 * Thread: any.
 */
#ifndef GOFER_TOOLS_PROTOC_GEN_GOFER_OPENAPI_GENERATE_H_
#define GOFER_TOOLS_PROTOC_GEN_GOFER_OPENAPI_GENERATE_H_

#include "base/arena.h"
#include "tools/protoc-gen-gofer-c/plugin.h"
#include "tools/protoc-gen-gofer-c/schema.h"
#include "tools/protoc-gen-gofer-openapi/json.h"

/* Answers a request with one file. The response lives in arena, as must the request. */
gen_response_proto *oas_generate(const gen_request_proto *request, struct gf_arena *arena);

/* ---- between the files of the generator ---- */

/* Writes the paths of a file's services, and marks the messages that they use. */
void oas_write_paths(struct oas_json *json, struct gen_schema *schema, const gen_file_proto *file);

/* Writes a tag for each service of a file. */
void oas_write_tags(struct oas_json *json, struct gen_schema *schema, const gen_file_proto *file);

/* Marks a message and all that it holds as used. */
void oas_use(struct gen_schema *schema, struct gen_type *type);

/* Writes the schemas of all types that are used. */
void oas_write_schemas(struct oas_json *json, const struct gen_schema *schema);

#endif /* GOFER_TOOLS_PROTOC_GEN_GOFER_OPENAPI_GENERATE_H_ */
