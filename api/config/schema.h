/*
 * What can be set, as proto/gofer/config/v1/config.proto says: the settings as a tree, with their
 * types, defaults, ranges and comments. All of it comes from the .proto file, which is part of the
 * program, so that nothing is written twice.
 *
 * Of a field's comment the program reads, wherever they stand:
 *
 *     Required.
 *     Default: `TEXT`.       the value where none is given; without it there is none
 *     Range: MIN to MAX.     of numbers, bytes and durations
 *     Example: `TEXT`.       for the starter file, where there is no default
 *
 * Thread: any.
 */
#ifndef GOFER_API_CONFIG_SCHEMA_H_
#define GOFER_API_CONFIG_SCHEMA_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

enum gf_config_kind {
    GF_CONFIG_SECTION, /* a mapping of settings */
    GF_CONFIG_LIST,    /* a list of mappings; set as a whole */
    GF_CONFIG_TEXTS,   /* a list of texts; likewise */
    GF_CONFIG_TEXT,
    GF_CONFIG_PATH, /* of a file or a directory: names that end in _file and _dir */
    GF_CONFIG_BOOL, /* true, false */
    GF_CONFIG_INTEGER,
    GF_CONFIG_BYTES,    /* 4096, 64KiB, 16MiB, 1GiB, 1TiB: names that end in _bytes */
    GF_CONFIG_DURATION, /* 250ms, 10s, 1h30m */
    GF_CONFIG_CHOICE,   /* the names of an enum, in lower case, without its prefix */
};

enum {
    GF_CONFIG_SETTINGS_MAX = 128, /* that have an index */
};

struct gf_config_setting {
    const char *name;    /* "containers_max" */
    const char *path;    /* "scheduler.containers_max"; in a list "listeners[].address" */
    const char *env;     /* "GOFER_SCHEDULER_CONTAINERS_MAX"; NULL for sections and in lists */
    const char *comment; /* of the field, lines joined by spaces */
    enum gf_config_kind kind;
    bool required;
    const char *fallback; /* the text of the default, or NULL */
    const char *example;  /* likewise */
    /* Of INTEGER and BYTES; of DURATION in nanoseconds. */
    int64_t min;
    int64_t max;
    const char *range; /* as the comment has it, or NULL */
    const ProtobufCFieldDescriptor *field;
    const struct gf_config_setting *children; /* of a SECTION or a LIST */
    size_t child_count;
    const struct gf_config_value *choices; /* of a CHOICE */
    size_t choice_count;
    size_t index; /* of what can be set by itself: below GF_CONFIG_SETTINGS_MAX; else SIZE_MAX */
};

/* One name of a CHOICE. */
struct gf_config_value {
    const char *name;
    const char *comment;
    int number;
};

/*
 * The root: a SECTION without a name, whose comment is that of the message. Made by the first call;
 * lives until the process ends.
 */
const struct gf_config_setting *gf_config_schema(void);

/* The setting of that path, or of that variable of the environment; NULL when there is none. */
const struct gf_config_setting *gf_config_find(struct gf_str path);
const struct gf_config_setting *gf_config_find_env(struct gf_str name);

/* "a whole number", "true or false", "one of native, null": for messages; in out. */
void gf_config_expectation(const struct gf_config_setting *setting, struct gf_strbuf *out);

/*
 * Reads numbers as they are written for these kinds. Code: GF_INVALID_ARGUMENT (malformed; the
 * range is not looked at).
 */
enum gf_code gf_config_parse_bytes(struct gf_str text, int64_t *out_bytes,
                                   struct gf_error *err) GF_MUST_USE;
enum gf_code gf_config_parse_number(enum gf_config_kind kind, struct gf_str text,
                                    int64_t *out_number, struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_API_CONFIG_SCHEMA_H_ */
