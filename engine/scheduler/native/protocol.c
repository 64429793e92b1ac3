#include "engine/scheduler/native/protocol.h"

#include "engine/scheduler/native/fields.h"

#include <stddef.h>

#define TEXT(type, member)                                                                         \
    { #member, GF_FIELD_TEXT, offsetof(type, member), 0, GF_SHIM_TEXT_BYTES_MAX }
#define NUMBER(type, member, least, most)                                                          \
    { #member, GF_FIELD_NUMBER, offsetof(type, member), least, most }
#define COUNT(type, member) NUMBER(type, member, 0, INT64_MAX)
#define FLAG(type, member)                                                                         \
    { #member, GF_FIELD_FLAG, offsetof(type, member), 0, 1 }

static const struct gf_field_def START_FIELDS[] = {
    TEXT(struct gf_shim_start, boot_id),        TEXT(struct gf_shim_start, image_digest),
    COUNT(struct gf_shim_start, shim_pid),      COUNT(struct gf_shim_start, shim_start_ticks),
    COUNT(struct gf_shim_start, container_pid), COUNT(struct gf_shim_start, container_start_ticks),
};

static const struct gf_field_def STARTED_FIELDS[] = {
    TEXT(struct gf_shim_started, image_digest),
    COUNT(struct gf_shim_started, start_time),
    COUNT(struct gf_shim_started, container_pid),
    NUMBER(struct gf_shim_started, missing_protections, 0, UINT32_MAX),
};

static const struct gf_field_def EXIT_FIELDS[] = {
    TEXT(struct gf_shim_exit, image_digest),
    TEXT(struct gf_shim_exit, failure),
    NUMBER(struct gf_shim_exit, exit_code, 0, 255),
    NUMBER(struct gf_shim_exit, exit_signal, 0, 64),
    FLAG(struct gf_shim_exit, timed_out),
    FLAG(struct gf_shim_exit, out_of_memory),
    FLAG(struct gf_shim_exit, stopped),
    COUNT(struct gf_shim_exit, start_time),
    COUNT(struct gf_shim_exit, end_time),
    COUNT(struct gf_shim_exit, cpu_time_ns),
    COUNT(struct gf_shim_exit, peak_memory_bytes),
    COUNT(struct gf_shim_exit, log_bytes),
    FLAG(struct gf_shim_exit, log_truncated),
    COUNT(struct gf_shim_exit, peak_pid_count),
    COUNT(struct gf_shim_exit, disk_bytes),
};

static const struct gf_field_def STOP_FIELDS[] = {
    NUMBER(struct gf_shim_stop, grace_ms, 0, INT64_MAX),
    FLAG(struct gf_shim_stop, own_grace),
};

static const struct gf_field_def SIGNAL_FIELDS[] = {
    {"number", GF_FIELD_NUMBER, 0, 1, 64},
};

/* A record for a file (sealed) or for a message. */
#define RECORD(text, is_sealed, table)                                                             \
    {                                                                                              \
        .kind = (text), .version = 1, .sealed = (is_sealed), .fields = (table),                    \
        .field_count = GF_ARRAY_COUNT(table),                                                      \
    }

static const struct gf_record_def START_RECORD = RECORD("start", true, START_FIELDS);
static const struct gf_record_def EXIT_RECORD = RECORD("exit", true, EXIT_FIELDS);

static const struct gf_record_def MESSAGES[] = {
    [GF_SHIM_MESSAGE_STARTED] = RECORD("started", false, STARTED_FIELDS),
    [GF_SHIM_MESSAGE_EXITED] = RECORD("exited", false, EXIT_FIELDS),
    [GF_SHIM_MESSAGE_PONG] = {.kind = "pong", .version = 1},
    [GF_SHIM_MESSAGE_UNSUPPORTED] = {.kind = "unsupported", .version = 1},
    [GF_SHIM_MESSAGE_PING] = {.kind = "ping", .version = 1},
    [GF_SHIM_MESSAGE_STOP] = RECORD("stop", false, STOP_FIELDS),
    [GF_SHIM_MESSAGE_SIGNAL] = RECORD("signal", false, SIGNAL_FIELDS),
};

enum gf_code gf_shim_message_encode(const struct gf_shim_message *message, struct gf_strbuf *out,
                                    struct gf_error *err) {
    gf_assert(message->kind != GF_SHIM_MESSAGE_UNKNOWN);
    return gf_record_encode(&MESSAGES[message->kind], &message->u, out, err);
}

enum gf_code gf_shim_message_decode(struct gf_str bytes, struct gf_shim_message *out_message,
                                    struct gf_error *err) {
    struct gf_shim_message message = {0};
    const struct gf_str kind = gf_record_kind(bytes);
    if (kind.len == 0) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "message without a kind");
    }
    for (size_t i = 1; i < GF_ARRAY_COUNT(MESSAGES); i++) {
        if (gf_str_eq(kind, gf_str_from(MESSAGES[i].kind))) {
            message.kind = (enum gf_shim_message_kind)i;
        }
    }
    if (message.kind != GF_SHIM_MESSAGE_UNKNOWN) {
        enum gf_code rc = gf_record_decode(&MESSAGES[message.kind], bytes, &message.u, err);
        if (rc != GF_OK) {
            return rc;
        }
    }
    *out_message = message;
    return GF_OK;
}

enum gf_code gf_shim_start_encode(const struct gf_shim_start *start, struct gf_strbuf *out,
                                  struct gf_error *err) {
    return gf_record_encode(&START_RECORD, start, out, err);
}

enum gf_code gf_shim_start_decode(struct gf_str bytes, struct gf_shim_start *out_start,
                                  struct gf_error *err) {
    struct gf_shim_start start = {0};
    enum gf_code rc = gf_record_decode(&START_RECORD, bytes, &start, err);
    if (rc == GF_OK) {
        *out_start = start;
    }
    return rc;
}

enum gf_code gf_shim_exit_encode(const struct gf_shim_exit *exit, struct gf_strbuf *out,
                                 struct gf_error *err) {
    return gf_record_encode(&EXIT_RECORD, exit, out, err);
}

enum gf_code gf_shim_exit_decode(struct gf_str bytes, struct gf_shim_exit *out_exit,
                                 struct gf_error *err) {
    struct gf_shim_exit exit = {0};
    enum gf_code rc = gf_record_decode(&EXIT_RECORD, bytes, &exit, err);
    if (rc == GF_OK) {
        *out_exit = exit;
    }
    return rc;
}
