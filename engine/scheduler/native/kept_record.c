#include "engine/scheduler/native/kept_record.h"

#include "engine/scheduler/native/fields.h"

#include <stddef.h>

enum {
    TEXT_BYTES_MAX = 4095
};

#define TEXT(name)                                                                                 \
    { #name, GF_FIELD_TEXT, offsetof(struct gf_kept_record, name), 0, TEXT_BYTES_MAX }
#define COUNT(name)                                                                                \
    { #name, GF_FIELD_NUMBER, offsetof(struct gf_kept_record, name), 0, INT64_MAX }

static const struct gf_field_def FIELDS[] = {
    TEXT(boot_id),    TEXT(image_digest),   TEXT(hostname),      TEXT(user),
    TEXT(workdir),    COUNT(user_id_first), COUNT(memory_bytes), COUNT(cpu_millis),
    COUNT(pid_count), COUNT(expire_time),
};

static const struct gf_record_def KEPT = {
    .kind = "kept",
    .version = 1,
    .sealed = true,
    .fields = FIELDS,
    .field_count = GF_ARRAY_COUNT(FIELDS),
};

enum gf_code gf_kept_record_encode(const struct gf_kept_record *record, struct gf_strbuf *out,
                                   struct gf_error *err) {
    return gf_record_encode(&KEPT, record, out, err);
}

enum gf_code gf_kept_record_decode(struct gf_str bytes, struct gf_kept_record *out_record,
                                   struct gf_error *err) {
    struct gf_kept_record record = {0};
    enum gf_code rc = gf_record_decode(&KEPT, bytes, &record, err);
    if (rc == GF_OK) {
        *out_record = record;
    }
    return rc;
}
