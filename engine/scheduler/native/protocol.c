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
    NUMBER(struct gf_shim_exit, missing_protections, 0, UINT32_MAX),
    COUNT(struct gf_shim_exit, root_expire_time),
};

static const struct gf_field_def STOP_FIELDS[] = {
    NUMBER(struct gf_shim_stop, grace_ms, 0, INT64_MAX),
    FLAG(struct gf_shim_stop, own_grace),
};

static const struct gf_field_def SIGNAL_FIELDS[] = {
    {"number", GF_FIELD_NUMBER, 0, 1, 64},
};

static const struct gf_field_def SIZE_FIELDS[] = {
    NUMBER(struct gf_shim_size, columns, 0, GF_SHIM_TERMINAL_CELLS_MAX),
    NUMBER(struct gf_shim_size, rows, 0, GF_SHIM_TERMINAL_CELLS_MAX),
};

static const struct gf_field_def SESSION_STARTED_FIELDS[] = {
    FLAG(struct gf_shim_session_started, terminal),
    FLAG(struct gf_shim_session_started, accepts_input),
    COUNT(struct gf_shim_session_started, window),
};

static const struct gf_field_def DATA_FIELDS[] = {
    NUMBER(struct gf_shim_data, stream, 0, 3),
};

static const struct gf_field_def TAKEN_FIELDS[] = {
    {"bytes", GF_FIELD_NUMBER, 0, 0, INT64_MAX},
};

static const struct gf_field_def SESSION_EXITED_FIELDS[] = {
    NUMBER(struct gf_shim_session_exited, exit_code, 0, 255),
    NUMBER(struct gf_shim_session_exited, exit_signal, 0, 64),
    FLAG(struct gf_shim_session_exited, out_of_memory),
};

static const struct gf_field_def SESSION_FAILED_FIELDS[] = {
    NUMBER(struct gf_shim_session_failed, code, 1, GF_UNAUTHENTICATED),
    TEXT(struct gf_shim_session_failed, message),
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
    [GF_SHIM_MESSAGE_SESSION_STARTED] = RECORD("session_started", false, SESSION_STARTED_FIELDS),
    [GF_SHIM_MESSAGE_OUTPUT] = RECORD("output", false, DATA_FIELDS),
    [GF_SHIM_MESSAGE_TAKEN] = RECORD("taken", false, TAKEN_FIELDS),
    [GF_SHIM_MESSAGE_SESSION_EXITED] = RECORD("session_exited", false, SESSION_EXITED_FIELDS),
    [GF_SHIM_MESSAGE_SESSION_FAILED] = RECORD("session_failed", false, SESSION_FAILED_FIELDS),
    [GF_SHIM_MESSAGE_ATTACH] = RECORD("attach", false, SIZE_FIELDS),
    [GF_SHIM_MESSAGE_EXEC] = {.kind = "exec", .version = 1},
    [GF_SHIM_MESSAGE_INPUT] = RECORD("input", false, DATA_FIELDS),
    [GF_SHIM_MESSAGE_CLOSE_INPUT] = {.kind = "close_input", .version = 1},
    [GF_SHIM_MESSAGE_RESIZE] = RECORD("resize", false, SIZE_FIELDS),
};

/* ---- bytes of any value ---- */

/*
 * They stand behind the fields of the record, after a key of their own, up to the end of the
 * message: fields hold no NUL, and nothing needs to be escaped or counted.
 */
static const struct gf_str DATA_KEY = {"data=", 5};

static bool has_data(enum gf_shim_message_kind kind) {
    return kind == GF_SHIM_MESSAGE_OUTPUT || kind == GF_SHIM_MESSAGE_INPUT;
}

static enum gf_code encode_data(const struct gf_shim_data *data, struct gf_strbuf *out,
                                struct gf_error *err) {
    if (data->bytes.len > GF_SHIM_DATA_BYTES_MAX) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "message with more than %d bytes",
                       GF_SHIM_DATA_BYTES_MAX);
    }
    gf_strbuf_append(out, DATA_KEY);
    gf_strbuf_append(out, data->bytes);
    return out->overflowed ? gf_fail(err, GF_RESOURCE_EXHAUSTED, "message does not fit") : GF_OK;
}

/* Cuts the data off the end of a message. */
static enum gf_code cut_data(struct gf_str *bytes, struct gf_str *out_data, struct gf_error *err) {
    struct gf_str rest = *bytes;
    while (rest.len > 0 && !gf_str_has_prefix(rest, DATA_KEY)) {
        struct gf_str field;
        (void)gf_str_cut(rest, '\0', &field, &rest);
    }
    if (rest.len == 0 || rest.len - DATA_KEY.len > GF_SHIM_DATA_BYTES_MAX) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "message without its data, or with too much");
    }
    *out_data = (struct gf_str){rest.ptr + DATA_KEY.len, rest.len - DATA_KEY.len};
    bytes->len -= rest.len;
    return GF_OK;
}

/* ---- messages ---- */

enum gf_code gf_shim_message_encode(const struct gf_shim_message *message, struct gf_strbuf *out,
                                    struct gf_error *err) {
    gf_assert(message->kind != GF_SHIM_MESSAGE_UNKNOWN);
    enum gf_code rc = gf_record_encode(&MESSAGES[message->kind], &message->u, out, err);
    return rc == GF_OK && has_data(message->kind) ? encode_data(&message->u.data, out, err) : rc;
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
    enum gf_code rc = GF_OK;
    struct gf_str data = {0};
    if (has_data(message.kind)) {
        rc = cut_data(&bytes, &data, err);
    }
    if (rc == GF_OK && message.kind != GF_SHIM_MESSAGE_UNKNOWN) {
        rc = gf_record_decode(&MESSAGES[message.kind], bytes, &message.u, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    if (has_data(message.kind)) {
        message.u.data.bytes = data;
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
