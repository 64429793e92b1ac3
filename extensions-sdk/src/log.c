/*
 * Lines of the log: to standard error, one write each, and to gofer.
 *
 * Nothing is logged here by base/log.h, whose events are for the server's operators: these lines
 * are read as they are, in a container's log or a terminal.
 */
#include "base/clock.h"
#include "base/str.h"
#include "base/time.h"
#include "extensions-sdk/src/internal.h"

#include <stdarg.h>
#include <unistd.h>

enum {
    LINE_BYTES_MAX = GOFER_LOG_BYTES_MAX + 256,
    FORMATTED_BYTES_MAX = 1 << 20, /* before it is cut; a longer one is left out */
};

static const char *level_name(enum gofer_log_level level) {
    switch (level) {
    case GOFER_DEBUG:
        return "debug";
    case GOFER_INFO:
        return "info";
    case GOFER_WARNING:
        return "warning";
    case GOFER_ERROR:
        return "error";
    }
    return "info";
}

static void print(const struct gofer_extension *extension, enum gofer_log_level level,
                  const struct gofer_subscription *subscription, const char *text,
                  int64_t time_ns) {
    struct gf_strbuf line;
    char when[GF_TIME_BYTES_MAX];
    if (level < extension->environment.log_level) {
        return;
    }
    gf_strbuf_init(&line, LINE_BYTES_MAX);
    gf_strbuf_printf(&line, "%s %-7s ", gf_time_format(time_ns - time_ns % GF_NS_PER_MS, when),
                     level_name(level));
    if (subscription != NULL) {
        gf_strbuf_printf(&line, "[%s/%s/%s] ", gofer_subscription_namespace_id(subscription),
                         gofer_subscription_pipeline_id(subscription),
                         gofer_subscription_id(subscription));
    }
    gf_strbuf_append_cstr(&line, text);
    gf_strbuf_append_char(&line, '\n');
    (void)!write(STDERR_FILENO, line.ptr, line.len); /* nobody is left to tell */
    gf_strbuf_fini(&line);
}

/* Cuts text that is too long at the beginning of a character. */
static void cut(struct gf_strbuf *text) {
    size_t length = text->len < GOFER_LOG_BYTES_MAX ? text->len : GOFER_LOG_BYTES_MAX;
    while (length > 0 && length < text->len && ((unsigned char)text->ptr[length] & 0xc0) == 0x80) {
        length--;
    }
    gf_strbuf_truncate(text, length);
    for (size_t i = 0; !gf_utf8_valid(gf_strbuf_view(text)) && i < text->len; i++) {
        if ((unsigned char)text->ptr[i] >= 0x80) {
            text->ptr[i] = '?';
        }
    }
}

static void write_line(struct gofer_extension *extension, enum gofer_log_level level,
                       const struct gofer_subscription *subscription, const char *format,
                       va_list args) GF_PRINTF(4, 0);
static void write_line(struct gofer_extension *extension, enum gofer_log_level level,
                       const struct gofer_subscription *subscription, const char *format,
                       va_list args) {
    struct gf_strbuf text;
    gf_strbuf_init(&text, FORMATTED_BYTES_MAX);
    gf_strbuf_vprintf(&text, format, args);
    if (text.overflowed) {
        gf_strbuf_reset(&text);
        gf_strbuf_append_cstr(&text, "(a line that was far too long was left out)");
    }
    cut(&text);
    const int64_t now = gf_wall_ns();
    const char *line = text.len > 0 ? text.ptr : "(an empty line)";
    print(extension, level, subscription, line, now);
    Gofer__Extension__V1__LogEntry entry = GOFER__EXTENSION__V1__LOG_ENTRY__INIT;
    Google__Protobuf__Timestamp time;
    Gofer__V1__SubscriptionReference reference;
    entry.level = (Gofer__Extension__V1__LogLevel)level;
    entry.text = gf_sdk_text(line);
    entry.write_time = gf_sdk_time_fill(&time, now);
    if (subscription != NULL) {
        gf_sdk_subscription_reference(subscription, &reference);
        entry.subscription = &reference;
    }
    gf_sdk_outbox_log(extension->outbox, &entry.base);
    gf_strbuf_fini(&text);
}

void gofer_extension_log(struct gofer_extension *extension, enum gofer_log_level level,
                         const char *format, ...) {
    va_list args;
    va_start(args, format);
    write_line(extension, level, NULL, format, args);
    va_end(args);
}

void gofer_subscription_log(struct gofer_subscription *subscription, enum gofer_log_level level,
                            const char *format, ...) {
    va_list args;
    va_start(args, format);
    write_line(gf_sdk_subscription_extension(subscription), level, subscription, format, args);
    va_end(args);
}

void gf_sdk_say(struct gofer_extension *extension, enum gofer_log_level level, const char *format,
                ...) {
    va_list args;
    va_start(args, format);
    write_line(extension, level, NULL, format, args);
    va_end(args);
}
