#include "cli/ui/message.h"

#include "api/codec/json/json.h"
#include "api/codec/wire/wire.h"
#include "base/clock.h"
#include "base/time.h"

#include <stdarg.h>
#include <string.h>

static enum gf_exit_code print_json(struct gf_cli *cli, const ProtobufCMessage *message,
                                    bool pretty) {
    size_t size = gf_wire_encoded_size(message);
    uint8_t *bytes = gf_arena_alloc(cli->arena, size + 1);
    (void)gf_wire_encode(message, bytes);
    struct gf_json_encode_opts opts = {.pretty = pretty};
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf text;
    gf_strbuf_init(&text, GF_JSON_OUTPUT_BYTES_MAX);
    struct gf_error err = {0};
    struct gf_str wire = {(const char *)bytes, size};
    if (gf_json_encode(gf_schema_gofer(), message->descriptor->name, wire, &opts, &text, &err) !=
        GF_OK) {
        return gf_cli_fail(cli, &err);
    }
    fprintf(cli->out, "%s\n", text.ptr);
    return GF_EXIT_OK;
}

enum gf_exit_code gf_print_message(struct gf_cli *cli, const ProtobufCMessage *message) {
    return print_json(cli, message, cli->output == GF_OUTPUT_JSON);
}

enum gf_exit_code gf_print_message_line(struct gf_cli *cli, const ProtobufCMessage *message) {
    return print_json(cli, message, false);
}

const char *gf_show_line(struct gf_cli *cli, const char *text) {
    char *line = gf_arena_strdup(cli->arena, text);
    for (char *at = line; *at != '\0'; at++) {
        unsigned char byte = (unsigned char)*at;
        *at = byte < 0x20 || byte == 0x7f ? '?' : *at;
    }
    return line;
}

const char *gf_show_text(struct gf_cli *cli, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf text;
    gf_strbuf_init(&text, 1 << 20);
    gf_strbuf_vprintf(&text, fmt, args);
    va_end(args);
    return gf_arena_strdup(cli->arena, text.ptr == NULL ? "" : text.ptr);
}

static int64_t wall_ns(const Google__Protobuf__Timestamp *time) {
    return time->seconds * GF_NS_PER_SEC + time->nanos;
}

const char *gf_show_time(struct gf_cli *cli, const Google__Protobuf__Timestamp *time) {
    if (time == NULL) {
        return "-";
    }
    if (cli->out_is_terminal) {
        char age[GF_DURATION_BYTES_MAX];
        return gf_show_text(cli, "%s", gf_age_format(wall_ns(time), gf_wall_ns(), age));
    }
    return gf_show_moment(cli, time);
}

const char *gf_show_moment(struct gf_cli *cli, const Google__Protobuf__Timestamp *time) {
    char text[GF_TIME_BYTES_MAX];
    return time == NULL ? "-" : gf_show_text(cli, "%s", gf_time_format(wall_ns(time), text));
}

const char *gf_show_duration(struct gf_cli *cli, const Google__Protobuf__Timestamp *start,
                             const Google__Protobuf__Timestamp *end) {
    if (start == NULL) {
        return "-";
    }
    int64_t end_ns = end == NULL ? gf_wall_ns() : wall_ns(end);
    int64_t duration_ns = end_ns - wall_ns(start);
    char text[GF_DURATION_BYTES_MAX];
    return gf_show_text(cli, "%s", gf_duration_format(duration_ns < 0 ? 0 : duration_ns, text));
}

const char *gf_show_deadline(struct gf_cli *cli, const Google__Protobuf__Timestamp *time) {
    int64_t left_ns = time == NULL ? 0 : wall_ns(time) - gf_wall_ns();
    if (left_ns <= 0 || !cli->out_is_terminal) {
        return gf_show_time(cli, time);
    }
    char text[GF_DURATION_BYTES_MAX];
    return gf_show_text(cli, "in %s", gf_duration_format(left_ns, text));
}

const char *gf_show_offset(struct gf_cli *cli, const Google__Protobuf__Timestamp *base,
                           const Google__Protobuf__Timestamp *time) {
    if (base == NULL || time == NULL) {
        return "-";
    }
    return gf_show_text(cli, "+%s", gf_show_duration(cli, base, time));
}

const char *gf_show_span(struct gf_cli *cli, const Google__Protobuf__Duration *duration) {
    if (duration == NULL) {
        return "-";
    }
    int64_t duration_ns = duration->seconds * GF_NS_PER_SEC + duration->nanos;
    char text[GF_DURATION_BYTES_MAX];
    return gf_show_text(cli, "%s", gf_duration_format(duration_ns, text));
}

const char *gf_show_bytes(struct gf_cli *cli, int64_t bytes) {
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    if (!cli->out_is_terminal) {
        return gf_show_text(cli, "%lld", (long long)bytes);
    }
    if (bytes < 1024) {
        return gf_show_text(cli, "%lld B", (long long)bytes);
    }
    double value = (double)bytes / 1024;
    size_t unit = 0;
    while (value >= 1024 && unit + 1 < GF_ARRAY_COUNT(units)) {
        value /= 1024;
        unit++;
    }
    return gf_show_text(cli, "%.1f %s", value, units[unit]);
}

/* The value 0 ends in "UNSPECIFIED", in every enum of the contracts. */
size_t gf_enum_prefix_length(const ProtobufCEnumDescriptor *descriptor) {
    const ProtobufCEnumValue *zero = protobuf_c_enum_descriptor_get_value(descriptor, 0);
    const char *end = zero == NULL ? NULL : strstr(zero->name, "UNSPECIFIED");
    return end == NULL ? 0 : (size_t)(end - zero->name);
}

const char *gf_show_enum(struct gf_cli *cli, const ProtobufCEnumDescriptor *descriptor, int value) {
    if (value == 0) {
        return "-";
    }
    const ProtobufCEnumValue *found = protobuf_c_enum_descriptor_get_value(descriptor, value);
    return found == NULL ? gf_show_text(cli, "%d", value)
                         : found->name + gf_enum_prefix_length(descriptor);
}

const char *gf_show_word(struct gf_cli *cli, const ProtobufCEnumDescriptor *descriptor, int value) {
    char *word = gf_arena_strdup(cli->arena, gf_show_enum(cli, descriptor, value));
    for (char *at = word; *at != '\0'; at++) {
        *at = *at == '_' ? '-' : (char)(*at >= 'A' && *at <= 'Z' ? *at - 'A' + 'a' : *at);
    }
    return word;
}

enum gf_cell_colour gf_state_colour(const char *word) {
    static const struct {
        const char *word;
        enum gf_cell_colour colour;
    } colours[] = {
        {"SUCCESSFUL", GF_CELL_GREEN},  {"ACTIVE", GF_CELL_GREEN},      {"LIVE", GF_CELL_GREEN},
        {"FAILED", GF_CELL_RED},        {"RUNNING", GF_CELL_YELLOW},    {"PENDING", GF_CELL_YELLOW},
        {"QUEUED", GF_CELL_YELLOW},     {"PROCESSING", GF_CELL_YELLOW}, {"WAITING", GF_CELL_YELLOW},
        {"UNRELEASED", GF_CELL_YELLOW}, {"DISABLED", GF_CELL_GREY},     {"CANCELLED", GF_CELL_GREY},
        {"SKIPPED", GF_CELL_GREY},      {"DEPRECATED", GF_CELL_GREY},   {"EXPIRED", GF_CELL_GREY},
        {"ENABLED", GF_CELL_GREEN},     {"OK", GF_CELL_GREEN},          {"WARNING", GF_CELL_YELLOW},
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(colours); i++) {
        if (strcmp(colours[i].word, word) == 0) {
            return colours[i].colour;
        }
    }
    return GF_CELL_PLAIN;
}
