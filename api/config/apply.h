/*
 * Values into the message of the configuration. Private to api/config.
 *
 * Thread: any; one message by one thread at a time.
 */
#ifndef GOFER_API_CONFIG_APPLY_H_
#define GOFER_API_CONFIG_APPLY_H_

#include "api/config/schema.h"
#include "api/config/yaml.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"

/* Where values come from, and what is noted of it. */
struct gf_config_origin {
    const char *name; /* the file, the variable, the flag: before messages */
    bool is_file;     /* paths must be absolute, and messages have line and column */
};

/* Called for every setting with an index that a value was given for. */
typedef void gf_config_note_fn(void *ctx, const struct gf_config_setting *setting,
                               const struct gf_yaml_node *node);

struct gf_config_target {
    struct gf_arena *arena;
    struct gf_config_origin origin;
    gf_config_note_fn *note; /* may be NULL */
    void *ctx;
    struct gf_error *err;
};

/*
 * Puts the value of `node` into `parent`, the message that the setting is a field of: a scalar, a
 * list (in the place of what was there) or a section, member by member. What is given as null is
 * left as it is. Code: GF_INVALID_ARGUMENT, with place, path and what was expected; the path is the
 * error's field.
 */
enum gf_code gf_config_apply(const struct gf_config_target *target,
                             const struct gf_config_setting *setting, ProtobufCMessage *parent,
                             const struct gf_yaml_node *node) GF_MUST_USE;

/* The members of a mapping, into the section's own message. */
enum gf_code gf_config_apply_members(const struct gf_config_target *target,
                                     const struct gf_config_setting *section,
                                     ProtobufCMessage *message,
                                     const struct gf_yaml_node *node) GF_MUST_USE;

/* Initialises a section's message: sections in it, and all that has a default. */
void gf_config_fill_defaults(const struct gf_config_setting *section, ProtobufCMessage *message,
                             struct gf_arena *arena);

/* The message of a section within its parent; made where it is not there. */
ProtobufCMessage *gf_config_submessage(const struct gf_config_setting *setting,
                                       ProtobufCMessage *parent, struct gf_arena *arena);

#endif /* GOFER_API_CONFIG_APPLY_H_ */
