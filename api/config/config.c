#include "api/config/config.h"

#include "api/config/apply.h"
#include "api/config/yaml.h"
#include "base/file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    WRITABLE_BY_OTHERS = 022,
    GUESS_DISTANCE_MAX = 2,
    FLOW_BYTES_MAX = GF_YAML_BYTES_MAX,
};

static const struct gf_str prefix = {"GOFER_", 6};
static const char file_variable[] = "GOFER_CONFIG";

const char *gf_config_source_name(enum gf_config_source source) {
    switch (source) {
    case GF_CONFIG_SOURCE_DEFAULT:
        return "default";
    case GF_CONFIG_SOURCE_FILE:
        return "file";
    case GF_CONFIG_SOURCE_ENVIRONMENT:
        return "environment";
    case GF_CONFIG_SOURCE_FLAG:
        return "flag";
    }
    gf_unreachable();
}

/* One load on its way. */
struct loader {
    const struct gf_config_options *options;
    struct gf_arena *arena;
    struct gf_config_values *config;
    Gofer__Config__V1__ServerConfig *message;
    enum gf_config_source source;
    const char *origin; /* of what is applied now: a file, a variable, a flag */
    struct gf_error *err;
};

/* ---- What was given ---- */

static void note(void *ctx, const struct gf_config_setting *setting,
                 const struct gf_yaml_node *node) {
    struct loader *loader = ctx;
    const char *text = node->text.ptr;
    if (node->type != GF_YAML_SCALAR) {
        struct gf_strbuf flow;
        gf_strbuf_init(&flow, FLOW_BYTES_MAX);
        gf_yaml_write_flow(node, &flow);
        text = gf_arena_str(loader->arena, gf_strbuf_view(&flow)).ptr;
        gf_strbuf_fini(&flow);
    }
    loader->config->texts[setting->index] = text;
    loader->config->sources[setting->index] = loader->source;
    loader->config->places[setting->index] =
        loader->source == GF_CONFIG_SOURCE_FILE
            ? gf_arena_printf(loader->arena, "%s:%u:%u", loader->origin, (unsigned)node->place.line,
                              (unsigned)node->place.column)
            : loader->origin;
}

static struct gf_config_target target_of(struct loader *loader, const char *name) {
    loader->origin = name;
    return (struct gf_config_target){
        .arena = loader->arena,
        .origin = {.name = name, .is_file = loader->source == GF_CONFIG_SOURCE_FILE},
        .note = note,
        .ctx = loader,
        .err = loader->err,
    };
}

static void note_defaults(struct loader *loader, const struct gf_config_setting *section) {
    for (size_t i = 0; i < section->child_count; i++) {
        const struct gf_config_setting *child = &section->children[i];
        if (child->index != SIZE_MAX) {
            const bool is_empty = child->fallback != NULL && strcmp(child->fallback, "\"\"") == 0;
            loader->config->texts[child->index] = is_empty ? "" : child->fallback;
        }
        note_defaults(loader, child);
    }
}

static void begin(struct loader *loader) {
    loader->message = GF_ARENA_NEW(loader->arena, Gofer__Config__V1__ServerConfig);
    gofer__config__v1__server_config__init(loader->message);
    *loader->config = (struct gf_config_values){.message = loader->message};
    gf_config_fill_defaults(gf_config_schema(), &loader->message->base, loader->arena);
    note_defaults(loader, gf_config_schema());
}

/* ---- The file ---- */

static enum gf_code apply_text(struct loader *loader, struct gf_str text, const char *name) {
    struct gf_yaml_node *root = NULL;
    loader->source = GF_CONFIG_SOURCE_FILE;
    const enum gf_code rc = gf_yaml_parse(text, name, loader->arena, &root, loader->err);
    if (rc != GF_OK || root == NULL) {
        return rc;
    }
    const struct gf_config_target target = target_of(loader, name);
    return gf_config_apply_members(&target, gf_config_schema(), &loader->message->base, root);
}

static enum gf_code check_file(int fd, const char *path, struct gf_error *err) {
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "configuration '%s'", path);
    }
    if (!S_ISREG(status.st_mode)) {
        return gf_fail(err, GF_FAILED_PRECONDITION, "configuration '%s' is no plain file", path);
    }
    if (status.st_uid != geteuid() && status.st_uid != 0) {
        return gf_fail(err, GF_FAILED_PRECONDITION,
                       "configuration '%s' belongs to user %u, who could change what this service "
                       "does: let it belong to root or to user %u",
                       path, (unsigned)status.st_uid, (unsigned)geteuid());
    }
    if ((status.st_mode & WRITABLE_BY_OTHERS) != 0) {
        return gf_fail(err, GF_FAILED_PRECONDITION,
                       "configuration '%s' can be changed by others (mode %04o): take that from "
                       "them with 'chmod go-w'",
                       path, (unsigned)(status.st_mode & 07777));
    }
    return GF_OK;
}

static enum gf_code read_file(int fd, const char *path, struct gf_strbuf *text,
                              struct gf_error *err) {
    enum gf_code rc = check_file(fd, path, err);
    if (rc != GF_OK) {
        return rc;
    }
    rc = gf_read_all(fd, text, err);
    if (rc == GF_OUT_OF_RANGE) {
        return gf_fail(err, GF_RESOURCE_EXHAUSTED, "configuration '%s' has more than %d bytes",
                       path, GF_YAML_BYTES_MAX);
    }
    if (rc != GF_OK) {
        (void)gf_wrap(err, "configuration '%s'", path);
    }
    return rc;
}

/* *out_read is false where the file is not there and need not be. */
static enum gf_code apply_file(struct loader *loader, const char *path, bool must_be_there) {
    GF_CLEANUP(gf_close_p) int fd = -1;
    /* O_NONBLOCK: a pipe under this name must not hold the service up. */
    enum gf_code rc =
        gf_file_open(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, &fd, loader->err);
    if (rc == GF_NOT_FOUND && !must_be_there) {
        return GF_OK;
    }
    if (rc != GF_OK) {
        (void)gf_wrap(loader->err, "configuration");
        return rc;
    }
    struct gf_strbuf text;
    gf_strbuf_init(&text, GF_YAML_BYTES_MAX);
    rc = read_file(fd, path, &text, loader->err);
    if (rc == GF_OK) {
        loader->config->file = gf_arena_strdup(loader->arena, path);
        rc = apply_text(loader, gf_strbuf_view(&text), loader->config->file);
    }
    gf_strbuf_fini(&text);
    return rc;
}

/* The value of a variable; NULL where it is not there or empty. */
static const char *variable(const struct gf_config_options *options, const char *name) {
    const size_t len = strlen(name);
    if (options->environment == NULL) {
        return NULL;
    }
    for (const char *const *item = options->environment; *item != NULL; item++) {
        if (strncmp(*item, name, len) == 0 && (*item)[len] == '=') {
            return (*item)[len + 1] != '\0' ? *item + len + 1 : NULL;
        }
    }
    return NULL;
}

static enum gf_code apply_files(struct loader *loader) {
    const struct gf_config_options *options = loader->options;
    const char *named = options->file != NULL ? options->file : variable(options, file_variable);
    if (named != NULL) {
        return apply_file(loader, named, true);
    }
    if (options->is_root) {
        return apply_file(loader, "/etc/gofer/config.yaml", false);
    }
    const char *home = variable(options, "HOME");
    if (home == NULL) {
        return GF_OK;
    }
    return apply_file(loader, gf_arena_printf(loader->arena, "%s/.config/gofer/config.yaml", home),
                      false);
}

/* ---- Environment and flags ---- */

/* A text for one setting: YAML for lists, as it stands for all others. */
static enum gf_code apply_value(struct loader *loader, const struct gf_config_setting *setting,
                                const char *name, const char *text) {
    /* A text is one, whatever YAML would take it for: `null` is the name of a scheduler. */
    const bool is_text = setting->kind == GF_CONFIG_TEXT || setting->kind == GF_CONFIG_PATH ||
                         setting->kind == GF_CONFIG_CHOICE;
    struct gf_yaml_node scalar = {
        .type = GF_YAML_SCALAR, .text = gf_str_from(text), .quoted = is_text};
    struct gf_yaml_node *node = &scalar;
    if (!gf_utf8_valid(scalar.text)) {
        return gf_fail_field(loader->err, setting->path, "%s: is no well-formed UTF-8", name);
    }
    if (setting->kind == GF_CONFIG_LIST || setting->kind == GF_CONFIG_TEXTS) {
        const enum gf_code rc = gf_yaml_parse(scalar.text, name, loader->arena, &node, loader->err);
        if (rc != GF_OK || node == NULL) {
            return rc;
        }
    }
    ProtobufCMessage *message = &loader->message->base;
    const struct gf_config_setting *section = gf_config_schema();
    struct gf_str head;
    struct gf_str rest = gf_str_from(setting->path);
    while (gf_str_cut(rest, '.', &head, &rest)) {
        for (size_t i = 0; i < section->child_count; i++) {
            if (gf_str_eq(gf_str_from(section->children[i].name), head)) {
                section = &section->children[i];
                message = gf_config_submessage(section, message, loader->arena);
                break;
            }
        }
    }
    scalar.text = gf_arena_str(loader->arena, scalar.text);
    const struct gf_config_target target = target_of(loader, name);
    return gf_config_apply(&target, setting, message, node);
}

/* What the clients know (cli/settings.h), though it begins as settings of the server do. */
static const char *const of_clients[] = {"GOFER_TLS_CA", "GOFER_TLS_CERT", "GOFER_TLS_KEY",
                                         "GOFER_TLS_SERVER_NAME"};

static bool is_of_clients(struct gf_str name) {
    for (size_t i = 0; i < GF_ARRAY_COUNT(of_clients); i++) {
        if (gf_str_eq(name, gf_str_from(of_clients[i]))) {
            return true;
        }
    }
    return false;
}

/* Whether the variable was meant for a setting: it begins as one does, or is nearly one. */
static bool looks_like(const struct gf_config_setting *setting, struct gf_str name) {
    if (setting->env != NULL &&
        gf_str_distance(name, gf_str_from(setting->env)) <= GUESS_DISTANCE_MAX) {
        return true;
    }
    for (size_t i = 0; i < setting->child_count; i++) {
        const struct gf_config_setting *child = &setting->children[i];
        const struct gf_str rest = {name.ptr + prefix.len, name.len - prefix.len};
        const struct gf_str section = gf_str_from(child->name);
        if (child->kind == GF_CONFIG_SECTION && rest.len > section.len &&
            rest.ptr[section.len] == '_' &&
            gf_str_eq_nocase((struct gf_str){rest.ptr, section.len}, section)) {
            return true;
        }
        if (looks_like(child, name)) {
            return true;
        }
    }
    return false;
}

static void note_unknown(struct loader *loader, struct gf_str name) {
    struct gf_config_values *config = loader->config;
    if (config->unknown_count < GF_CONFIG_UNKNOWN_MAX && !is_of_clients(name) &&
        looks_like(gf_config_schema(), name)) {
        config->unknown[config->unknown_count++] = gf_arena_str(loader->arena, name).ptr;
    }
}

static enum gf_code apply_environment(struct loader *loader) {
    loader->source = GF_CONFIG_SOURCE_ENVIRONMENT;
    if (loader->options->environment == NULL) {
        return GF_OK;
    }
    for (const char *const *item = loader->options->environment; *item != NULL; item++) {
        struct gf_str name;
        struct gf_str value;
        if (!gf_str_cut(gf_str_from(*item), '=', &name, &value) ||
            !gf_str_has_prefix(name, prefix) || value.len == 0) {
            continue;
        }
        const struct gf_config_setting *setting = gf_config_find_env(name);
        if (setting == NULL) {
            note_unknown(loader, name);
            continue;
        }
        const enum gf_code rc = apply_value(loader, setting, setting->env, value.ptr);
        if (rc != GF_OK) {
            return rc;
        }
    }
    return GF_OK;
}

static enum gf_code apply_flags(struct loader *loader) {
    loader->source = GF_CONFIG_SOURCE_FLAG;
    for (size_t i = 0; i < loader->options->flag_count; i++) {
        const struct gf_config_flag *flag = &loader->options->flags[i];
        const struct gf_config_setting *setting = gf_config_find(gf_str_from(flag->path));
        gf_assert(setting != NULL);
        const enum gf_code rc = apply_value(loader, setting, flag->name, flag->text);
        if (rc != GF_OK) {
            return rc;
        }
    }
    return GF_OK;
}

enum gf_code gf_config_load(const struct gf_config_options *options, struct gf_arena *arena,
                            struct gf_config_values *out_config, struct gf_error *err) {
    struct gf_config_values config;
    struct loader loader = {.options = options, .arena = arena, .config = &config, .err = err};
    begin(&loader);
    enum gf_code rc = apply_files(&loader);
    if (rc == GF_OK) {
        rc = apply_environment(&loader);
    }
    if (rc == GF_OK) {
        rc = apply_flags(&loader);
    }
    if (rc == GF_OK) {
        *out_config = config;
    }
    return rc;
}

enum gf_code gf_config_parse(struct gf_str text, const char *name, struct gf_arena *arena,
                             struct gf_config_values *out_config, struct gf_error *err) {
    struct gf_config_values config;
    struct loader loader = {.arena = arena, .config = &config, .err = err};
    begin(&loader);
    const enum gf_code rc = apply_text(&loader, text, name);
    if (rc == GF_OK) {
        *out_config = config;
    }
    return rc;
}

void gf_config_add_place(const struct gf_config_values *config, struct gf_error *err) {
    struct gf_str path = gf_str_from(err->field);
    struct gf_str rest;
    (void)gf_str_cut(path, '[', &path, &rest);
    const struct gf_config_setting *setting = gf_config_find(path);
    const char *place =
        setting == NULL || setting->index == SIZE_MAX ? NULL : config->places[setting->index];
    if (place != NULL) {
        (void)gf_wrap(err, "%s", place);
    }
}
