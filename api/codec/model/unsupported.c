#include "api/codec/model/unsupported.h"

#include "api/codec/model/field.h"
#include "base/str.h"
#include "gofer/v1/deployment.pb-c.h"
#include "gofer/v1/pipeline_config.pb-c.h"
#include "gofer/v1/run.pb-c.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* tests/proto/check_unavailable.py compares the tables with the comments of the contracts. */

static const struct {
    const ProtobufCMessageDescriptor *message;
    const char *fields[8]; /* up to the first NULL */
} table[] = {
    {&gofer__v1__pipeline_spec__descriptor, {"retention"}},
    {&gofer__v1__deployment_strategy__descriptor,
     {"canary_steps", "abort_failure_percent", "abort_min_run_count", "auto_promote"}},
    {&gofer__v1__run_input__descriptor, {"object_key"}},
};

static const struct {
    const ProtobufCEnumDescriptor *enumeration;
    const char *prefix;
    const char *values[8]; /* without the prefix, up to the first NULL */
} words[] = {
    {&gofer__v1__deployment_strategy_kind__descriptor,
     "DEPLOYMENT_STRATEGY_KIND_",
     {"CANARY", "BLUE_GREEN"}},
};

enum gf_code gf_fail_unsupported(struct gf_error *err, const char *field, const char *what) {
    (void)gf_fail_field(err, field, "'%s' is not supported by this version", what);
    if (err != NULL) {
        err->code = GF_UNIMPLEMENTED;
    }
    return GF_UNIMPLEMENTED;
}

static bool is_asked_for(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field) {
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0) {
        return gf_field_is_set(message, field);
    }
    uint32_t member = 0;
    memcpy(&member, (const char *)message + field->quantifier_offset, sizeof(member));
    return member == field->id;
}

/* The unsupported word that a field of an enum holds, or NULL. */
static const char *word_in(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field) {
    for (size_t i = 0; i < GF_ARRAY_COUNT(words); i++) {
        if (words[i].enumeration != field->descriptor ||
            field->label == PROTOBUF_C_LABEL_REPEATED) {
            continue;
        }
        int number = 0;
        memcpy(&number, (const char *)message + field->offset, sizeof(number));
        const ProtobufCEnumValue *value =
            protobuf_c_enum_descriptor_get_value(words[i].enumeration, number);
        for (size_t v = 0; value != NULL && words[i].values[v] != NULL; v++) {
            if (strcmp(value->name + strlen(words[i].prefix), words[i].values[v]) == 0) {
                return words[i].values[v];
            }
        }
    }
    return NULL;
}

enum gf_code gf_unsupported_check(const ProtobufCMessage *message, struct gf_error *err) {
    for (size_t i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        const char *word = field->type == PROTOBUF_C_TYPE_ENUM ? word_in(message, field) : NULL;
        if (word != NULL) {
            return gf_fail_unsupported(err, field->name, word);
        }
    }
    for (size_t i = 0; i < GF_ARRAY_COUNT(table); i++) {
        if (table[i].message != message->descriptor) {
            continue;
        }
        for (size_t f = 0; table[i].fields[f] != NULL; f++) {
            const char *name = table[i].fields[f];
            const ProtobufCFieldDescriptor *field =
                protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
            if (field != NULL && is_asked_for(message, field)) {
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
    for (size_t i = 0; i < GF_ARRAY_COUNT(words); i++) {
        for (size_t v = 0; words[i].values[v] != NULL; v++) {
            char name[128];
            (void)snprintf(name, sizeof(name), "%s%s", words[i].prefix, words[i].values[v]);
            if (protobuf_c_enum_descriptor_get_value_by_name(words[i].enumeration, name) == NULL) {
                return words[i].values[v];
            }
        }
    }
    return NULL;
}
