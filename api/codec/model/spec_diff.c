/*
 * Design: nothing here knows the fields of a spec, so that a new one is compared from the day it is
 * in the contract. A value becomes JSON as the only field of a message of its type, of which the
 * braces and the name are cut off: that way every type has the form that the JSON codec gives it.
 */
#include "api/codec/model/spec_diff.h"

#include "api/codec/json/json.h"
#include "api/codec/model/field.h"
#include "api/codec/model/message.h"
#include "base/vec.h"

#include <stdlib.h>
#include <string.h>

struct differ {
    const struct gf_schema *schema;
    struct gf_arena *arena;
    struct gf_arena scratch; /* of one value */
    struct gf_strbuf path;   /* of what is looked at */
    struct gf_strbuf json;
    size_t bytes; /* of all values so far */
    GF_VEC(Gofer__V1__ConfigChange *) changes;
    struct gf_error *err;
};

static enum gf_code diff_messages(struct differ *self, const ProtobufCMessage *before,
                                  const ProtobufCMessage *after) GF_MUST_USE;

/* ---- Values ---- */

/* In the scratch arena. */
static struct gf_str message_wire(struct differ *self, const ProtobufCMessage *message) {
    uint8_t *bytes = gf_arena_alloc(&self->scratch, protobuf_c_message_get_packed_size(message));
    return (struct gf_str){(const char *)bytes, protobuf_c_message_pack(message, bytes)};
}

/* Of a message that has this field alone. */
static struct gf_str field_wire(struct differ *self, const ProtobufCMessage *message,
                                const ProtobufCFieldDescriptor *field) {
    ProtobufCMessage *alone = gf_arena_alloc(&self->scratch, message->descriptor->sizeof_message);
    message->descriptor->message_init(alone);
    gf_field_borrow(alone, message, field);
    return message_wire(self, alone);
}

/* Encodes the message and gives its text without `skip` bytes in front and `drop` at the end. */
static enum gf_code take_json(struct differ *self, const char *type, struct gf_str wire,
                              size_t skip, size_t drop, char **out) {
    const struct gf_json_encode_opts opts = {.proto_names = true};
    gf_strbuf_reset(&self->json);
    const enum gf_code rc = gf_json_encode(self->schema, type, wire, &opts, &self->json, self->err);
    gf_arena_reset(&self->scratch);
    if (rc != GF_OK) {
        return rc;
    }
    const struct gf_str text = {self->json.ptr + skip, self->json.len - skip - drop};
    self->bytes += text.len;
    if (self->bytes > GF_SPEC_DIFF_BYTES_MAX) {
        return gf_fail(self->err, GF_RESOURCE_EXHAUSTED, "the differences have more than %d bytes",
                       GF_SPEC_DIFF_BYTES_MAX);
    }
    *out = gf_message_text(text, self->arena);
    return GF_OK;
}

static enum gf_code message_json(struct differ *self, const ProtobufCMessage *message, char **out) {
    return take_json(self, message->descriptor->name, message_wire(self, message), 0, 0, out);
}

/* {"name":VALUE} */
static enum gf_code field_json(struct differ *self, const ProtobufCMessage *message,
                               const ProtobufCFieldDescriptor *field, char **out) {
    const size_t skip = strlen("{\"") + strlen(field->name) + strlen("\":");
    return take_json(self, message->descriptor->name, field_wire(self, message, field), skip,
                     strlen("}"), out);
}

/* ---- Changes ---- */

/* A value of "" is none. */
static void add_change(struct differ *self, char *before, char *after) {
    Gofer__V1__ConfigChange *change =
        GF_MESSAGE_NEW(self->arena, Gofer__V1__ConfigChange, gofer__v1__config_change);
    change->kind = GOFER__V1__CONFIG_CHANGE_KIND__CONFIG_CHANGE_KIND_CHANGED;
    if (before[0] == '\0') {
        change->kind = GOFER__V1__CONFIG_CHANGE_KIND__CONFIG_CHANGE_KIND_ADDED;
    } else if (after[0] == '\0') {
        change->kind = GOFER__V1__CONFIG_CHANGE_KIND__CONFIG_CHANGE_KIND_REMOVED;
    }
    change->field = gf_message_text(gf_strbuf_view(&self->path), self->arena);
    change->before = before;
    change->after = after;
    gf_vec_push(&self->changes, change);
}

static int compare_changes(const void *left, const void *right) {
    return strcmp((*(Gofer__V1__ConfigChange *const *)left)->field,
                  (*(Gofer__V1__ConfigChange *const *)right)->field);
}

/* ---- Lists whose items have a name: maps, and messages with an id ---- */

static const ProtobufCFieldDescriptor *find_field(const ProtobufCMessageDescriptor *descriptor,
                                                  const char *name) {
    return protobuf_c_message_descriptor_get_field_by_name(descriptor, name);
}

static bool is_map(const ProtobufCFieldDescriptor *field) {
    if (field->label != PROTOBUF_C_LABEL_REPEATED || field->type != PROTOBUF_C_TYPE_MESSAGE) {
        return false;
    }
    const ProtobufCMessageDescriptor *entry = field->descriptor;
    return entry->n_fields == 2 && strcmp(entry->fields[0].name, "key") == 0 &&
           strcmp(entry->fields[1].name, "value") == 0;
}

static bool has_named_items(const ProtobufCFieldDescriptor *field) {
    return field->label == PROTOBUF_C_LABEL_REPEATED && field->type == PROTOBUF_C_TYPE_MESSAGE &&
           find_field(field->descriptor, "id") != NULL;
}

/* An item and what it is matched by. */
struct named {
    const char *name;
    const ProtobufCMessage *item;
};

static int compare_named(const void *left, const void *right) {
    return strcmp(((const struct named *)left)->name, ((const struct named *)right)->name);
}

static struct named *sort_items(struct differ *self, const ProtobufCMessage *message,
                                const ProtobufCFieldDescriptor *field, size_t *out_count) {
    const ProtobufCFieldDescriptor *name =
        find_field(field->descriptor, is_map(field) ? "key" : "id");
    ProtobufCMessage *const *items = gf_field_items(message, field, out_count);
    struct named *sorted = GF_ARENA_ARRAY(self->arena, *out_count, struct named);
    for (size_t i = 0; i < *out_count; i++) {
        sorted[i] = (struct named){gf_field_text(items[i], name), items[i]};
    }
    if (*out_count > 1) {
        qsort(sorted, *out_count, sizeof(*sorted), compare_named);
    }
    return sorted;
}

/* NULL is no item, which has no value. */
static enum gf_code item_json(struct differ *self, const ProtobufCMessage *item, bool of_map,
                              char **out) {
    *out = (char *)protobuf_c_empty_string;
    if (item == NULL) {
        return GF_OK;
    }
    if (!of_map) {
        return message_json(self, item, out);
    }
    const ProtobufCFieldDescriptor *value = find_field(item->descriptor, "value");
    if (!gf_field_is_set(item, value)) { /* empty text is a value here, and JSON leaves it out */
        *out = "\"\"";
        return GF_OK;
    }
    return field_json(self, item, value, out);
}

/* Of two entries of a map, whose values are text in all of our contracts. */
static bool same_value(const ProtobufCMessage *before, const ProtobufCMessage *after) {
    const ProtobufCFieldDescriptor *value = find_field(before->descriptor, "value");
    gf_assert(value->type == PROTOBUF_C_TYPE_STRING);
    return strcmp(gf_field_text(before, value), gf_field_text(after, value)) == 0;
}

/* One side may be NULL. */
static enum gf_code diff_item(struct differ *self, const struct named *before,
                              const struct named *after, bool of_map) {
    const size_t len = self->path.len;
    const char *name = before != NULL ? before->name : after->name;
    char *was = NULL;
    char *is = NULL;
    if (of_map) {
        gf_json_path_key(&self->path, gf_str_from(name), /* quoted= */ true);
    } else {
        gf_strbuf_printf(&self->path, "[%s]", name);
    }
    enum gf_code rc = GF_OK;
    if (before != NULL && after != NULL && !of_map) {
        rc = diff_messages(self, before->item, after->item);
    } else if (before == NULL || after == NULL || !same_value(before->item, after->item)) {
        rc = item_json(self, before == NULL ? NULL : before->item, of_map, &was);
        if (rc == GF_OK) {
            rc = item_json(self, after == NULL ? NULL : after->item, of_map, &is);
        }
        if (rc == GF_OK) {
            add_change(self, was, is);
        }
    }
    gf_strbuf_truncate(&self->path, len);
    return rc;
}

static enum gf_code diff_items(struct differ *self, const ProtobufCMessage *before,
                               const ProtobufCMessage *after,
                               const ProtobufCFieldDescriptor *field) {
    const bool of_map = is_map(field);
    size_t old_count = 0;
    size_t new_count = 0;
    const struct named *old = sort_items(self, before, field, &old_count);
    const struct named *new = sort_items(self, after, field, &new_count);
    enum gf_code rc = GF_OK;
    size_t o = 0;
    size_t n = 0;
    while (rc == GF_OK && (o < old_count || n < new_count)) {
        int order = o < old_count ? -1 : 1;
        if (o < old_count && n < new_count) {
            order = compare_named(&old[o], &new[n]);
        }
        rc = diff_item(self, order <= 0 ? &old[o] : NULL, order >= 0 ? &new[n] : NULL, of_map);
        o += order <= 0;
        n += order >= 0;
    }
    return rc;
}

/* ---- Fields ---- */

/* Whether the fields of this message are compared one by one, rather than the whole of it. */
static bool has_parts(const ProtobufCFieldDescriptor *field) {
    static const char well_known[] = "google.protobuf."; /* text in JSON */
    return field->label != PROTOBUF_C_LABEL_REPEATED && field->type == PROTOBUF_C_TYPE_MESSAGE &&
           strncmp(((const ProtobufCMessageDescriptor *)field->descriptor)->name, well_known,
                   strlen(well_known)) != 0;
}

static bool same_field(struct differ *self, const ProtobufCMessage *before,
                       const ProtobufCMessage *after, const ProtobufCFieldDescriptor *field) {
    if (field->label != PROTOBUF_C_LABEL_REPEATED && field->type == PROTOBUF_C_TYPE_STRING) {
        return strcmp(gf_field_text(before, field), gf_field_text(after, field)) == 0;
    }
    const struct gf_str wire = field_wire(self, before, field);
    const bool same = gf_str_eq(wire, field_wire(self, after, field));
    gf_arena_reset(&self->scratch);
    return same;
}

static enum gf_code diff_values(struct differ *self, const ProtobufCMessage *before,
                                const ProtobufCMessage *after,
                                const ProtobufCFieldDescriptor *field) {
    if (same_field(self, before, after, field)) {
        return GF_OK;
    }
    char *was = (char *)protobuf_c_empty_string;
    char *is = (char *)protobuf_c_empty_string;
    enum gf_code rc = GF_OK;
    if (gf_field_is_set(before, field)) {
        rc = field_json(self, before, field, &was);
    }
    if (rc == GF_OK && gf_field_is_set(after, field)) {
        rc = field_json(self, after, field, &is);
    }
    if (rc == GF_OK) {
        add_change(self, was, is);
    }
    return rc;
}

static enum gf_code diff_field(struct differ *self, const ProtobufCMessage *before,
                               const ProtobufCMessage *after,
                               const ProtobufCFieldDescriptor *field) {
    const bool was_set = gf_field_is_set(before, field);
    const bool is_set = gf_field_is_set(after, field);
    if (!was_set && !is_set) {
        return GF_OK;
    }
    if (is_map(field) || has_named_items(field)) {
        return diff_items(self, before, after, field);
    }
    if (has_parts(field) && was_set && is_set) {
        return diff_messages(self, gf_field_message(before, field), gf_field_message(after, field));
    }
    return diff_values(self, before, after, field);
}

static enum gf_code diff_messages(struct differ *self, const ProtobufCMessage *before,
                                  const ProtobufCMessage *after) {
    const ProtobufCMessageDescriptor *descriptor = before->descriptor;
    const size_t len = self->path.len;
    enum gf_code rc = GF_OK;
    for (unsigned i = 0; i < descriptor->n_fields && rc == GF_OK; i++) {
        const char *name = descriptor->fields[i].name;
        gf_json_path_key(&self->path, gf_str_from(name), /* quoted= */ false);
        rc = diff_field(self, before, after, &descriptor->fields[i]);
        gf_strbuf_truncate(&self->path, len);
    }
    return rc;
}

enum gf_code gf_spec_diff(const Gofer__V1__PipelineSpec *before,
                          const Gofer__V1__PipelineSpec *after, struct gf_arena *arena,
                          Gofer__V1__ConfigChange ***out_changes, size_t *out_count,
                          struct gf_error *err) {
    struct differ self = {.schema = gf_schema_gofer(), .arena = arena, .err = err};
    gf_arena_init(&self.scratch, arena->limit_bytes);
    gf_strbuf_init(&self.path, GF_SPEC_DIFF_BYTES_MAX);
    gf_strbuf_init(&self.json, GF_JSON_OUTPUT_BYTES_MAX);
    const enum gf_code rc = diff_messages(&self, &before->base, &after->base);
    if (rc == GF_OK) {
        const size_t count = self.changes.count;
        Gofer__V1__ConfigChange **changes = GF_ARENA_ARRAY(arena, count, Gofer__V1__ConfigChange *);
        for (size_t i = 0; i < count; i++) {
            changes[i] = self.changes.items[i];
        }
        if (count > 1) {
            qsort(changes, count, sizeof(*changes), compare_changes);
        }
        *out_changes = changes;
        *out_count = count;
    }
    gf_vec_fini(&self.changes);
    gf_strbuf_fini(&self.json);
    gf_strbuf_fini(&self.path);
    gf_arena_fini(&self.scratch);
    return rc;
}
