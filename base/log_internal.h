/*
 * A line of the log in the making. Private to base/log*.c.
 */
#ifndef GOFER_BASE_LOG_INTERNAL_H_
#define GOFER_BASE_LOG_INTERNAL_H_

#include "base/log.h"

enum {
    GF_LOG_TIME_BYTES_MAX = 56,   /* with the final NUL */
    GF_LOG_NUMBER_BYTES_MAX = 24, /* likewise */
    GF_LOG_ESCAPE_BYTES_MAX = 8,  /* likewise */
    GF_LOG_CONTEXT_VALUES_MAX = 7,
};

/* What is said. */
struct gf_log_record {
    char time[GF_LOG_TIME_BYTES_MAX];
    const char *level;
    const char *event;
    struct gf_kv context[GF_LOG_CONTEXT_VALUES_MAX];
    size_t context_count;
    const struct gf_kv *values;
    size_t value_count;
};

/* Once something did not fit, nothing more is added. */
struct gf_log_line {
    char bytes[GF_LOG_LINE_BYTES_MAX];
    size_t len;
    size_t room; /* of bytes, less what is kept free for the end of the line */
    bool full;
};

/* Adds all of it or, where it does not fit, nothing. */
static inline void gf_log__add(struct gf_log_line *line, const char *bytes, size_t size) {
    if (line->full || size > line->room - line->len) {
        line->full = true;
        return;
    }
    memcpy(line->bytes + line->len, bytes, size);
    line->len += size;
}

static inline void gf_log__add_cstr(struct gf_log_line *line, const char *text) {
    gf_log__add(line, text, strlen(text));
}

/* The number of an I64 or U64. */
void gf_log__format_number(const struct gf_kv *kv, char out[GF_LOG_NUMBER_BYTES_MAX]);

/* Write the record into the line, with the newline. */
void gf_log__write_text(const struct gf_log_record *record, struct gf_log_line *line);
void gf_log__write_json(const struct gf_log_record *record, struct gf_log_line *line);

#endif /* GOFER_BASE_LOG_INTERNAL_H_ */
