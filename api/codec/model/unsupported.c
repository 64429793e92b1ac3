#include "api/codec/model/unsupported.h"

#include "api/codec/model/field.h"
#include "base/str.h"
#include "gofer/v1/deployment.pb-c.h"
#include "gofer/v1/pipeline_config.pb-c.h"

#include <stdio.h>

static const struct {
    const ProtobufCMessageDescriptor *message;
    const char *fields[8]; /* up to the first NULL */
} table[] = {
    {&gofer__v1__pipeline_spec__descriptor, {"retention"}},
    {&gofer__v1__deployment_strategy__descriptor,
     {"canary_steps", "abort_failure_percent", "abort_min_run_count", "auto_promote"}},
};

enum gf_code gf_fail_unsupported(struct gf_error *err, const char *field, const char *what) {
    (void)gf_fail_field(err, field, "'%s' is not supported by this version", what);
    if (err != NULL) {
        err->code = GF_UNIMPLEMENTED;
    }
    return GF_UNIMPLEMENTED;
}

enum gf_code gf_unsupported_check(const ProtobufCMessage *message, struct gf_error *err) {
    for (size_t i = 0; i < GF_ARRAY_COUNT(table); i++) {
        if (table[i].message != message->descriptor) {
            continue;
        }
        for (size_t f = 0; table[i].fields[f] != NULL; f++) {
            const char *name = table[i].fields[f];
            const ProtobufCFieldDescriptor *field =
                protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
            if (field != NULL && gf_field_is_set(message, field)) {
                return gf_fail_unsupported(err, name, name);
            }
        }
    }
    return GF_OK;
}

const char *gf_unsupported_first_unknown(void) {
    for (size_t i = 0; i < GF_ARRAY_COUNT(table); i++) {
        for (size_t f = 0; table[i].fields[f] != NULL; f++) {
            if (protobuf_c_message_descriptor_get_field_by_name(table[i].message,
                                                                table[i].fields[f]) == NULL) {
                return table[i].fields[f];
            }
        }
    }
    return NULL;
}
