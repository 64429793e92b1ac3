/*
 * YAML text as a tree of values that know where they stand. JSON is YAML, so it reads that too.
 *
 * It takes the plain part of YAML: mappings, lists and scalars, in one document. What makes files
 * hard to read or small ones large is refused, each with its place: anchors, aliases, tags, merge
 * keys, directives, keys that are no scalars, and keys that a mapping has twice. Scalars stay text:
 * what `no` or `1e3` mean is for whoever knows what the value is for.
 *
 * Thread: any; the functions have no state.
 */
#ifndef GOFER_API_CONFIG_YAML_H_
#define GOFER_API_CONFIG_YAML_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    GF_YAML_BYTES_MAX = 256 << 10,
    GF_YAML_DEPTH_MAX = 16,     /* of mappings and lists within each other */
    GF_YAML_NODES_MAX = 16384,  /* scalars, mappings and lists */
    GF_YAML_KEYS_MAX = 256,     /* of one mapping */
    GF_YAML_KEY_BYTES_MAX = 64, /* of one key */
};

enum gf_yaml_type {
    GF_YAML_SCALAR,
    GF_YAML_LIST,
    GF_YAML_MAP,
};

/* From 1, columns in characters. */
struct gf_yaml_place {
    uint32_t line;
    uint32_t column;
};

struct gf_yaml_node {
    enum gf_yaml_type type;
    struct gf_yaml_place place;
    struct gf_str text; /* of a scalar: well-formed UTF-8 without NUL, NUL-terminated */
    bool quoted;        /* in quotation marks, or a block of lines */
    struct gf_str key;  /* of a member of a mapping; likewise */
    struct gf_yaml_place key_place;
    struct gf_yaml_node *first; /* member or element, or NULL */
    struct gf_yaml_node *next;  /* in the same mapping or list, or NULL */
};

/* Whether it says that there is no value: nothing, `~` or `null`, not quoted. */
bool gf_yaml_is_null(const struct gf_yaml_node *node);

/* "a text", "a list", "a mapping": for messages. Static storage. */
const char *gf_yaml_type_name(enum gf_yaml_type type);

/*
 * Parses one document. The tree lives in arena, which has room for several times the text; nothing
 * of it borrows from the text. *out_root is NULL where there is no document, or only comments. An
 * error begins with `source`, line and column: "gofer.yaml:3:12: ..."; where `source` is no file
 * but one value, as an environment variable, it has the value's line and column.
 *
 * Codes: GF_INVALID_ARGUMENT (see above), GF_RESOURCE_EXHAUSTED (a limit above).
 */
enum gf_code gf_yaml_parse(struct gf_str text, const char *source, struct gf_arena *arena,
                           struct gf_yaml_node **out_root, struct gf_error *err) GF_MUST_USE;

/* As gf_fail with GF_INVALID_ARGUMENT, with "SOURCE:LINE:COLUMN: " before the message. */
enum gf_code gf_yaml_fail(struct gf_error *err, const char *source, struct gf_yaml_place place,
                          const char *fmt, ...) GF_PRINTF(4, 5);

/* Appends the tree in one line, as JSON: every scalar is a string. */
void gf_yaml_write_flow(const struct gf_yaml_node *node, struct gf_strbuf *out);

#endif /* GOFER_API_CONFIG_YAML_H_ */
