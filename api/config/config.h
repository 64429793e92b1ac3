/*
 * The configuration of the service: read from its file, its environment and its flags, checked, and
 * given as the message gofer.config.v1.ServerConfig with all defaults filled in.
 *
 *     file:         --config FILE, else $GOFER_CONFIG, else /etc/gofer/config.yaml for root and
 *                   ~/.config/gofer/config.yaml for others, where that is there
 *     environment:  GOFER_ and the path of the setting, as GOFER_SCHEDULER_CONTAINERS_MAX; a list
 *                   is given as YAML or JSON in one line
 *     flags:        what the command line says
 *
 * The later one wins. What is set but empty in the environment counts as not given.
 *
 * The file is YAML or JSON (yaml.h). It belongs to this user or to root, and nobody else may be
 * able to write it. It holds no secret, so everybody may read it.
 *
 * Thread: any.
 */
#ifndef GOFER_API_CONFIG_CONFIG_H_
#define GOFER_API_CONFIG_CONFIG_H_

#include "api/config/schema.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "gofer/config/v1/config.pb-c.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    GF_CONFIG_ARENA_BYTES_MAX = 32 << 20, /* room for any configuration that is accepted */
    GF_CONFIG_UNKNOWN_MAX = 16,           /* variables that are told of */
};

/* Where the value of a setting comes from. */
enum gf_config_source {
    GF_CONFIG_SOURCE_DEFAULT = 0,
    GF_CONFIG_SOURCE_FILE,
    GF_CONFIG_SOURCE_ENVIRONMENT,
    GF_CONFIG_SOURCE_FLAG,
};

/* "default", "file", "environment", "flag". Static storage. */
const char *gf_config_source_name(enum gf_config_source source);

/* A setting that a flag gives. */
struct gf_config_flag {
    const char *name; /* "--data-dir", for messages */
    const char *path; /* of the setting, which there is */
    const char *text; /* as in the environment */
};

/* Borrowed for the call. */
struct gf_config_options {
    const char *file;               /* that --config names; NULL = none */
    const char *const *environment; /* "NAME=VALUE", ends with NULL; NULL = empty */
    bool is_root;                   /* decides the usual places */
    const struct gf_config_flag *flags;
    size_t flag_count;
};

/* In the arena. */
struct gf_config_values {
    const Gofer__Config__V1__ServerConfig *message;
    const char *file; /* that was read; NULL = none */
    /* Of each setting with an index: the value as it was given, NULL for none, and by whom. */
    const char *texts[GF_CONFIG_SETTINGS_MAX];
    enum gf_config_source sources[GF_CONFIG_SETTINGS_MAX];
    /* And where: "FILE:LINE:COLUMN", the variable or the flag; NULL for a default. */
    const char *places[GF_CONFIG_SETTINGS_MAX];
    /* Variables of the environment that look like settings and are none. */
    const char *unknown[GF_CONFIG_UNKNOWN_MAX];
    size_t unknown_count;
};

/*
 * Codes: GF_INVALID_ARGUMENT (a value, with its place), GF_NOT_FOUND (the file that was named),
 * GF_FAILED_PRECONDITION (others may write the file, or it is none), GF_RESOURCE_EXHAUSTED (a limit
 * of yaml.h), GF_PERMISSION_DENIED.
 */
enum gf_code gf_config_load(const struct gf_config_options *options, struct gf_arena *arena,
                            struct gf_config_values *out_config, struct gf_error *err) GF_MUST_USE;

/*
 * Reads a text as a file with the given name, without environment and flags: for checks and tests.
 * Codes: as above.
 */
enum gf_code gf_config_parse(struct gf_str text, const char *name, struct gf_arena *arena,
                             struct gf_config_values *out_config, struct gf_error *err) GF_MUST_USE;

/*
 * For an error that was found later, with the path of a setting as its field: puts the place of the
 * value before the message, where it was given.
 */
void gf_config_add_place(const struct gf_config_values *config, struct gf_error *err);

/* ---- Texts made of the schema ---- */

/* The starter file: every setting with its comment and its default, commented out. */
void gf_config_write_starter(struct gf_strbuf *out);

/* The page docs/reference/config.md. */
void gf_config_write_reference(struct gf_strbuf *out);

enum {
    GF_CONFIG_PAGE_BYTES_MAX = 1 << 20, /* a sensible limit for `out` above */
};

#endif /* GOFER_API_CONFIG_CONFIG_H_ */
