#include "cli/permission_text.h"

#include "base/str.h"
#include "cli/call.h"
#include "cli/read.h"
#include "cli/ui/message.h"

#include <string.h>

enum {
    PARTS_MAX = 1000, /* of one list; the server's own limits are lower */
};

static const char *find_last(struct gf_str text, char c) {
    return text.len == 0 ? NULL : memrchr(text.ptr, c, text.len);
}

/* Cuts a list into its parts, none of which may be empty; in the arena. */
static enum gf_code cut(struct gf_cli *cli, struct gf_str list, char separator, const char *what,
                        struct gf_str **out_parts, size_t *out_count, struct gf_error *err) {
    size_t count = 1;
    for (size_t i = 0; i < list.len; i++) {
        count += list.ptr[i] == separator ? 1 : 0;
    }
    if (count > PARTS_MAX) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "more than %d %s", PARTS_MAX, what);
    }
    struct gf_str *parts = GF_ARENA_ARRAY(cli->arena, count, struct gf_str);
    struct gf_str rest = list;
    for (size_t i = 0; i < count; i++) {
        (void)gf_str_cut(rest, separator, &parts[i], &rest);
        if (parts[i].len == 0) {
            return gf_fail(err, GF_INVALID_ARGUMENT, "%s are missing", what);
        }
    }
    *out_parts = parts;
    *out_count = count;
    return GF_OK;
}

/* All words that an enum has, for a message. */
static const char *words_of(struct gf_cli *cli, const ProtobufCEnumDescriptor *descriptor) {
    const char *text = "";
    for (unsigned i = 0; i < descriptor->n_values; i++) {
        if (descriptor->values[i].value == 0) {
            continue;
        }
        const char *word = gf_show_word(cli, descriptor, descriptor->values[i].value);
        text = gf_show_text(cli, "%s%s%s", text, text[0] == '\0' ? "" : ", ", word);
    }
    return text;
}

static enum gf_code read_word(struct gf_cli *cli, const ProtobufCEnumDescriptor *descriptor,
                              struct gf_str word, const char *what, int *out_value,
                              struct gf_error *err) {
    *out_value = gf_read_enum(descriptor, gf_arena_str(cli->arena, word).ptr);
    if (*out_value == 0) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "'%" GF_STR_FMT "' is no %s; there are %s",
                       GF_STR_ARG(word), what, words_of(cli, descriptor));
    }
    return GF_OK;
}

/* Globs as the texts of a field. */
static enum gf_code read_globs(struct gf_cli *cli, struct gf_str list, char separator,
                               const char *what, char ***out_globs, size_t *out_count,
                               struct gf_error *err) {
    struct gf_str *parts = NULL;
    size_t count = 0;
    enum gf_code rc = cut(cli, list, separator, what, &parts, &count, err);
    if (rc != GF_OK) {
        return rc;
    }
    char **globs = GF_ARENA_ARRAY(cli->arena, count, char *);
    for (size_t i = 0; i < count; i++) {
        globs[i] = gf_request_text(gf_arena_str(cli->arena, parts[i]).ptr);
    }
    *out_globs = globs;
    *out_count = count;
    return GF_OK;
}

static enum gf_code read_actions(struct gf_cli *cli, struct gf_str list,
                                 Gofer__V1__Permission *permission, struct gf_error *err) {
    struct gf_str *parts = NULL;
    size_t count = 0;
    enum gf_code rc = cut(cli, list, ',', "actions", &parts, &count, err);
    if (rc != GF_OK) {
        return rc;
    }
    permission->actions = GF_ARENA_ARRAY(cli->arena, count, Gofer__V1__PermissionAction);
    for (size_t i = 0; i < count && rc == GF_OK; i++) {
        int value = 0;
        rc = read_word(cli, &gofer__v1__permission_action__descriptor, parts[i], "action", &value,
                       err);
        permission->actions[permission->n_actions++] = (Gofer__V1__PermissionAction)value;
    }
    return rc;
}

static enum gf_code read_target(struct gf_cli *cli, struct gf_str text,
                                Gofer__V1__PermissionTarget *target, struct gf_error *err) {
    struct gf_str kind;
    struct gf_str globs;
    const bool has_globs = gf_str_cut(text, '/', &kind, &globs);
    int value = 0;
    enum gf_code rc = read_word(cli, &gofer__v1__permission_resource__descriptor, kind,
                                "kind of things", &value, err);
    if (rc != GF_OK) {
        return rc;
    }
    target->resource = (Gofer__V1__PermissionResource)value;
    return has_globs ? read_globs(cli, globs, '|', "globs behind '/'", &target->globs,
                                  &target->n_globs, err)
                     : GF_OK;
}

static enum gf_code read_targets(struct gf_cli *cli, struct gf_str list,
                                 Gofer__V1__Permission *permission, struct gf_error *err) {
    struct gf_str *parts = NULL;
    size_t count = 0;
    enum gf_code rc = cut(cli, list, ',', "kinds of things", &parts, &count, err);
    if (rc != GF_OK) {
        return rc;
    }
    permission->targets = GF_ARENA_ARRAY(cli->arena, count, Gofer__V1__PermissionTarget *);
    for (size_t i = 0; i < count && rc == GF_OK; i++) {
        Gofer__V1__PermissionTarget *target = GF_ARENA_NEW(cli->arena, Gofer__V1__PermissionTarget);
        gofer__v1__permission_target__init(target);
        permission->targets[permission->n_targets++] = target;
        rc = read_target(cli, parts[i], target, err);
    }
    return rc;
}

enum gf_code gf_permission_read(struct gf_cli *cli, const char *text, const char *namespace_id,
                                Gofer__V1__Permission **out_permission, struct gf_error *err) {
    struct gf_str whole = gf_str_from(text);
    struct gf_str actions;
    struct gf_str targets;
    if (!gf_str_cut(whole, ':', &actions, &targets)) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "'%s' is not ACTIONS:KINDS[@NAMESPACES], as read,write:pipelines@team-*",
                       text);
    }
    struct gf_str namespaces = gf_str_from(namespace_id);
    const char *at = find_last(targets, '@');
    if (at != NULL) {
        size_t len = (size_t)(at - targets.ptr);
        namespaces = (struct gf_str){at + 1, targets.len - len - 1};
        targets.len = len;
    }
    Gofer__V1__Permission *permission = GF_ARENA_NEW(cli->arena, Gofer__V1__Permission);
    gofer__v1__permission__init(permission);
    enum gf_code rc = read_actions(cli, actions, permission, err);
    if (rc == GF_OK) {
        rc = read_targets(cli, targets, permission, err);
    }
    if (rc == GF_OK) {
        rc = read_globs(cli, namespaces, ',', "namespaces behind '@'", &permission->namespaces,
                        &permission->n_namespaces, err);
    }
    if (rc != GF_OK) {
        (void)gf_wrap(err, "'%s'", text);
        return rc;
    }
    *out_permission = permission;
    return GF_OK;
}

enum gf_code gf_permissions_read(struct gf_cli *cli, const char *option,
                                 Gofer__V1__Permission ***out_permissions, size_t *out_count,
                                 struct gf_error *err) {
    size_t count = 0;
    const char *const *texts = gf_parsed_list(cli->parsed, option, &count);
    Gofer__V1__Permission **permissions =
        GF_ARENA_ARRAY(cli->arena, count + 1, Gofer__V1__Permission *);
    for (size_t i = 0; i < count; i++) {
        enum gf_code rc =
            gf_permission_read(cli, texts[i], cli->namespace_id, &permissions[i], err);
        if (rc != GF_OK) {
            (void)gf_wrap(err, "--%s", option);
            return rc;
        }
    }
    *out_permissions = permissions;
    *out_count = count;
    return GF_OK;
}

/* ---- Showing ---- */

static void append_globs(struct gf_strbuf *out, char lead, char separator, char *const *globs,
                         size_t count) {
    for (size_t i = 0; i < count; i++) {
        gf_strbuf_append_char(out, i == 0 ? lead : separator);
        gf_strbuf_append_cstr(out, globs[i]);
    }
}

const char *gf_permission_show(struct gf_cli *cli, const Gofer__V1__Permission *permission) {
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf out;
    gf_strbuf_init(&out, 1 << 20);
    for (size_t i = 0; i < permission->n_actions; i++) {
        gf_strbuf_append_cstr(&out, i == 0 ? "" : ",");
        gf_strbuf_append_cstr(&out, gf_show_word(cli, &gofer__v1__permission_action__descriptor,
                                                 (int)permission->actions[i]));
    }
    gf_strbuf_append_char(&out, ':');
    for (size_t i = 0; i < permission->n_targets; i++) {
        const Gofer__V1__PermissionTarget *target = permission->targets[i];
        gf_strbuf_append_cstr(&out, i == 0 ? "" : ",");
        gf_strbuf_append_cstr(&out, gf_show_word(cli, &gofer__v1__permission_resource__descriptor,
                                                 (int)target->resource));
        append_globs(&out, '/', '|', target->globs, target->n_globs);
    }
    append_globs(&out, '@', ',', permission->namespaces, permission->n_namespaces);
    return gf_show_line(cli, out.ptr);
}

void gf_print_permissions(struct gf_cli *cli, Gofer__V1__Permission *const *permissions,
                          size_t count) {
    fprintf(cli->out, "Permissions:%s\n", count == 0 ? " none" : "");
    for (size_t i = 0; i < count; i++) {
        fprintf(cli->out, "  %s\n", gf_permission_show(cli, permissions[i]));
    }
}
