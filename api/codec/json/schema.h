/*
 * The contracts at run time: what messages, enums and services there are, loaded from a descriptor
 * set.
 *
 * Thread: any, once created.
 */
#ifndef GOFER_API_CODEC_JSON_SCHEMA_H_
#define GOFER_API_CODEC_JSON_SCHEMA_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct gf_schema;

/*
 * The schema of gofer's own contracts, which is part of the program. It is loaded by the first
 * call, which takes some milliseconds, and lives until the process ends: never destroy it.
 */
const struct gf_schema *gf_schema_gofer(void);

/*
 * Loads a FileDescriptorSet whose files stand behind what they import, as protoc writes it. Owned
 * by the caller. Borrowed until destroy: set. The set is trusted: it comes with the program. Code:
 * GF_INVALID_ARGUMENT (no such set).
 */
enum gf_code gf_schema_create(struct gf_str set, struct gf_schema **out_schema,
                              struct gf_error *err) GF_MUST_USE;
void gf_schema_destroy(struct gf_schema *schema);
void gf_schema_destroy_p(struct gf_schema **schema);

/* ---- for server reflection ---- */

/* A .proto file. Lives as long as the schema. */
struct gf_schema_file {
    const char *name;         /* "gofer/v1/run.proto" */
    struct gf_str descriptor; /* its FileDescriptorProto as protoc wrote it */
    const struct gf_schema_file *const *imports;
    size_t import_count;
};

/*
 * Finds a file by its name, or by the full name of something that it declares: a message, field,
 * oneof, enum, enum value, service or method. NULL when there is none.
 */
const struct gf_schema_file *gf_schema_find_file(const struct gf_schema *schema,
                                                 struct gf_str name);
const struct gf_schema_file *gf_schema_find_symbol(const struct gf_schema *schema,
                                                   struct gf_str symbol);

/* True when the symbol is a message. */
bool gf_schema_has_message(const struct gf_schema *schema, struct gf_str symbol);

/* True when the method of the service ("gofer.v1.RunService", "GetRun") is declared to only read:
 * `option idempotency_level = NO_SIDE_EFFECTS`. */
bool gf_schema_method_only_reads(const struct gf_schema *schema, const char *service,
                                 const char *method);

#endif /* GOFER_API_CODEC_JSON_SCHEMA_H_ */
