/*
 * Writes JSON: commas come by themselves.
 *
 * Thread: one at a time.
 */
#ifndef GOFER_TOOLS_PROTOC_GEN_GOFER_OPENAPI_JSON_H_
#define GOFER_TOOLS_PROTOC_GEN_GOFER_OPENAPI_JSON_H_

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    OAS_OUTPUT_BYTES_MAX = 16 << 20,
};

/* A value in the caller's memory. `out` is what has been written. */
struct oas_json {
    struct gf_strbuf out;
    bool needs_comma;
};

void oas_json_init(struct oas_json *json);
void oas_json_fini(struct oas_json *json);

/* Begins an object or array: as a member of that name, or, with NULL, as an element or at the top.
 */
void oas_open_object(struct oas_json *json, const char *name);
void oas_open_array(struct oas_json *json, const char *name);
void oas_close_object(struct oas_json *json);
void oas_close_array(struct oas_json *json);

/* Values, as members or, with NULL as their name, as elements. */
void oas_text(struct oas_json *json, const char *name, const char *text);
void oas_number(struct oas_json *json, const char *name, int64_t number);
void oas_bool(struct oas_json *json, const char *name, bool value);

/* A member "$ref" that leads to "#/components/PLACE/NAME". */
void oas_ref(struct oas_json *json, const char *place, const char *name);

/* A value that is JSON already. */
void oas_raw(struct oas_json *json, const char *name, const char *value);

#endif /* GOFER_TOOLS_PROTOC_GEN_GOFER_OPENAPI_JSON_H_ */
