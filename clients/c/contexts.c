/*
 * DESIGN. One table says what a context has and what it is called in the file; reading and writing
 * go by it. A file is changed under a lock of its folder, not of itself: replacing a file by
 * another one would leave the next process with a lock of the old one.
 */
#include "clients/c/contexts.h"

#include "api/codec/json/text.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/identifier.h"
#include "clients/c/message_file.h"
#include "clients/c/private_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FOLDER_MODE = 0700,
    FILE_MODE = 0600,
};

/* What a context has: a text or, where `is_flag`, true or false. */
static const struct field {
    const char *key;
    size_t offset;
    bool is_flag;
} fields[] = {
    {"host", offsetof(struct gf_context, host), false},
    {"namespace", offsetof(struct gf_context, namespace_id), false},
    {"token", offsetof(struct gf_context, token), false},
    {"tokenId", offsetof(struct gf_context, token_id), false},
    {"tokenFile", offsetof(struct gf_context, token_file), false},
    {"tls", offsetof(struct gf_context, tls), true},
    {"tlsCaFile", offsetof(struct gf_context, tls_ca_file), false},
    {"tlsCertFile", offsetof(struct gf_context, tls_cert_file), false},
    {"tlsKeyFile", offsetof(struct gf_context, tls_key_file), false},
    {"tlsServerName", offsetof(struct gf_context, tls_server_name), false},
    {"tokenInClear", offsetof(struct gf_context, token_in_clear), true},
};

static const char **text_of(struct gf_context *context, const struct field *field) {
    return (const char **)(void *)((char *)context + field->offset);
}

static bool *flag_of(struct gf_context *context, const struct field *field) {
    return (bool *)(void *)((char *)context + field->offset);
}

void gf_contexts_init(struct gf_contexts *contexts, struct gf_arena *arena) {
    *contexts = (struct gf_contexts){
        .items = GF_ARENA_ARRAY(arena, GF_CONTEXTS_MAX, struct gf_context), .arena = arena};
}

/* ---- Reading ---- */

static enum gf_code fail_at(struct gf_str text, const struct gf_json_value *value,
                            struct gf_error *err, const char *wanted) {
    return gf_json_fail(err, text, value->offset, "", "must be %s, not %s", wanted,
                        gf_json_type_name(value->type));
}

static enum gf_code fail_unknown(struct gf_str text, const struct gf_json_value *member,
                                 struct gf_error *err) {
    return gf_json_fail(err, text, member->key_offset, "", "'%" GF_STR_FMT "' is not known here",
                        GF_STR_ARG(member->key));
}

static enum gf_code read_text(struct gf_str text, const struct gf_json_value *value,
                              struct gf_arena *arena, const char **out, struct gf_error *err) {
    if (value->type != GF_JSON_STRING) {
        return fail_at(text, value, err, "a text");
    }
    if (value->text.len == 0 || value->text.len > GF_CONTEXT_TEXT_BYTES_MAX ||
        memchr(value->text.ptr, '\0', value->text.len) != NULL) {
        return gf_json_fail(err, text, value->offset, "",
                            "must be a text of 1 to %d bytes without NUL",
                            GF_CONTEXT_TEXT_BYTES_MAX);
    }
    *out = gf_arena_str(arena, value->text).ptr;
    return GF_OK;
}

static enum gf_code read_field(struct gf_str text, const struct gf_json_value *member,
                               struct gf_arena *arena, struct gf_context *context,
                               struct gf_error *err) {
    for (size_t i = 0; i < GF_ARRAY_COUNT(fields); i++) {
        if (!gf_str_eq(member->key, gf_str_from(fields[i].key))) {
            continue;
        }
        if (!fields[i].is_flag) {
            return read_text(text, member, arena, text_of(context, &fields[i]), err);
        }
        if (member->type != GF_JSON_TRUE && member->type != GF_JSON_FALSE) {
            return fail_at(text, member, err, "true or false");
        }
        *flag_of(context, &fields[i]) = member->type == GF_JSON_TRUE;
        return GF_OK;
    }
    return fail_unknown(text, member, err);
}

static enum gf_code read_context(struct gf_str text, const struct gf_json_value *member,
                                 struct gf_contexts *contexts, struct gf_error *err) {
    struct gf_context context = {0};
    struct gf_error inner = {0};
    if (member->type != GF_JSON_OBJECT) {
        return fail_at(text, member, err, "an object");
    }
    if (gf_identifier_check(member->key, "", &inner) != GF_OK) {
        return gf_json_fail(err, text, member->key_offset, "", "the name of a context: %s",
                            inner.message);
    }
    context.name = gf_arena_str(contexts->arena, member->key).ptr;
    for (const struct gf_json_value *at = member->first; at != NULL; at = at->next) {
        enum gf_code rc = read_field(text, at, contexts->arena, &context, err);
        if (rc != GF_OK) {
            return rc;
        }
    }
    if (gf_contexts_put(contexts, &context, &inner) != GF_OK) {
        return gf_json_fail(err, text, member->key_offset, "", "%s", inner.message);
    }
    return GF_OK;
}

static enum gf_code read_contexts(struct gf_str text, const struct gf_json_value *value,
                                  struct gf_contexts *contexts, struct gf_error *err) {
    if (value->type != GF_JSON_OBJECT) {
        return fail_at(text, value, err, "an object");
    }
    for (const struct gf_json_value *at = value->first; at != NULL; at = at->next) {
        enum gf_code rc = read_context(text, at, contexts, err);
        if (rc != GF_OK) {
            return rc;
        }
    }
    contexts->current = NULL;
    return GF_OK;
}

enum gf_code gf_contexts_parse(struct gf_str text, struct gf_arena *arena,
                               struct gf_contexts *out_contexts, struct gf_error *err) {
    const struct gf_json_value *root = NULL;
    enum gf_code rc = gf_json_parse(text, arena, &root, err);
    if (rc != GF_OK) {
        return rc;
    }
    if (root->type != GF_JSON_OBJECT) {
        return fail_at(text, root, err, "an object");
    }
    struct gf_contexts contexts;
    gf_contexts_init(&contexts, arena);
    const struct gf_json_value *current = NULL;
    for (const struct gf_json_value *at = root->first; at != NULL; at = at->next) {
        if (gf_str_eq(at->key, GF_STR("contexts"))) {
            rc = read_contexts(text, at, &contexts, err);
        } else if (gf_str_eq(at->key, GF_STR("current"))) {
            current = at;
        } else {
            rc = fail_unknown(text, at, err);
        }
        if (rc != GF_OK) {
            return rc;
        }
    }
    if (current != NULL) {
        rc = read_text(text, current, arena, &contexts.current, err);
        if (rc == GF_OK && gf_contexts_find(&contexts, contexts.current) == NULL) {
            rc = gf_json_fail(err, text, current->offset, "", "there is no context '%s'",
                              contexts.current);
        }
    }
    if (rc == GF_OK) {
        *out_contexts = contexts;
    }
    return rc;
}

enum gf_code gf_contexts_read(const char *path, struct gf_arena *arena,
                              struct gf_contexts *out_contexts, struct gf_error *err) {
    struct gf_error inner = {0};
    struct gf_str text;
    enum gf_code rc = gf_private_file_read(path, GF_CONTEXTS_FILE_BYTES_MAX, arena, &text, &inner);
    if (rc == GF_NOT_FOUND) {
        gf_contexts_init(out_contexts, arena);
        return GF_OK;
    }
    if (rc == GF_OK) {
        rc = gf_contexts_parse(text, arena, out_contexts, &inner);
        if (rc != GF_OK) {
            gf_message_file_name_place(path, &inner);
        }
    }
    if (rc != GF_OK && err != NULL) {
        *err = inner;
    }
    return rc;
}

/* ---- Changing ---- */

struct gf_context *gf_contexts_find(const struct gf_contexts *contexts, const char *name) {
    for (size_t i = 0; i < contexts->count; i++) {
        if (strcmp(contexts->items[i].name, name) == 0) {
            return &contexts->items[i];
        }
    }
    return NULL;
}

/* A text that the file could not give back: too long, or no UTF-8. */
static enum gf_code check_texts(const struct gf_context *context, struct gf_error *err) {
    struct gf_context copy = *context;
    enum gf_code rc = gf_identifier_check(gf_str_from(context->name), "name", err);
    for (size_t i = 0; i < GF_ARRAY_COUNT(fields) && rc == GF_OK; i++) {
        if (fields[i].is_flag) {
            continue;
        }
        struct gf_str text = gf_str_from(*text_of(&copy, &fields[i]));
        if (text.ptr != NULL &&
            (text.len == 0 || text.len > GF_CONTEXT_TEXT_BYTES_MAX || !gf_utf8_valid(text))) {
            rc = gf_fail(err, GF_INVALID_ARGUMENT, "%s must be a text of 1 to %d bytes",
                         fields[i].key, GF_CONTEXT_TEXT_BYTES_MAX);
        }
    }
    return rc;
}

enum gf_code gf_contexts_put(struct gf_contexts *contexts, const struct gf_context *context,
                             struct gf_error *err) {
    enum gf_code rc = check_texts(context, err);
    if (rc != GF_OK) {
        return rc;
    }
    struct gf_context *found = gf_contexts_find(contexts, context->name);
    if (found != NULL) {
        *found = *context;
        return GF_OK;
    }
    if (contexts->count == GF_CONTEXTS_MAX) {
        return gf_fail(err, GF_RESOURCE_EXHAUSTED, "there are %d contexts, and no more can be kept",
                       GF_CONTEXTS_MAX);
    }
    size_t at = contexts->count;
    while (at > 0 && strcmp(contexts->items[at - 1].name, context->name) > 0) {
        contexts->items[at] = contexts->items[at - 1];
        at--;
    }
    contexts->items[at] = *context;
    contexts->count++;
    if (contexts->count == 1) {
        contexts->current = context->name;
    }
    return GF_OK;
}

bool gf_contexts_remove(struct gf_contexts *contexts, const char *name) {
    const struct gf_context *found = gf_contexts_find(contexts, name);
    if (found == NULL) {
        return false;
    }
    if (contexts->current != NULL && strcmp(contexts->current, name) == 0) {
        contexts->current = NULL;
    }
    size_t at = (size_t)(found - contexts->items);
    contexts->count--;
    memmove(contexts->items + at, contexts->items + at + 1,
            (contexts->count - at) * sizeof(*contexts->items));
    return true;
}

/* ---- Writing ---- */

/* The folder that a path lies in, on the heap. */
static char *folder_of(const char *path) {
    const char *slash = strrchr(path, '/');
    if (slash == NULL) {
        return gf_strdup(".");
    }
    return slash == path ? gf_strdup("/")
                         : gf_str_dup((struct gf_str){path, (size_t)(slash - path)});
}

/* Makes a folder and those above it, as far as they are missing. */
static enum gf_code make_folder(char *folder, struct gf_error *err) {
    for (char *at = folder + 1;; at++) {
        if (*at != '/' && *at != '\0') {
            continue;
        }
        const char kept = *at;
        *at = '\0';
        const bool made = mkdir(folder, FOLDER_MODE) == 0 || errno == EEXIST;
        const int errnum = errno;
        *at = kept;
        if (!made) {
            return gf_fail_errno(err, gf_code_from_errno(errnum), errnum, "folder '%s'", folder);
        }
        if (kept == '\0') {
            return GF_OK;
        }
    }
}

enum gf_code gf_contexts_lock(const char *path, int *out_fd, struct gf_error *err) {
    GF_CLEANUP(gf_free_p) char *folder = folder_of(path);
    GF_CLEANUP(gf_close_p) int fd = -1;
    enum gf_code rc = make_folder(folder, err);
    if (rc == GF_OK) {
        rc = gf_file_open(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY, 0, &fd, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "folder '%s'", folder);
    }
    const bool sticky =
        (status.st_mode & S_ISVTX) != 0; /* as /tmp: nobody replaces others' files */
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0 && !sticky) {
        return gf_fail_reason(err, GF_FAILED_PRECONDITION, GF_REASON_FILE_NOT_PRIVATE,
                              "others may write to the folder '%s': chmod go-w %s", folder, folder);
    }
    if (gf_file_lock(fd, NULL) != GF_OK) {
        return gf_fail(err, GF_ABORTED, "another gofer is changing '%s' just now: try again", path);
    }
    *out_fd = gf_take_fd(&fd);
    return GF_OK;
}

static void append_member(struct gf_strbuf *out, const char *indent, const char *key,
                          bool is_first) {
    gf_strbuf_append_cstr(out, is_first ? "\n" : ",\n");
    gf_strbuf_append_cstr(out, indent);
    gf_json_append_string(out, gf_str_from(key));
    gf_strbuf_append_cstr(out, ": ");
}

static void append_context(struct gf_strbuf *out, struct gf_context *context) {
    bool is_first = true;
    gf_strbuf_append_char(out, '{');
    for (size_t i = 0; i < GF_ARRAY_COUNT(fields); i++) {
        const char *text = fields[i].is_flag ? NULL : *text_of(context, &fields[i]);
        const bool is_set = fields[i].is_flag ? *flag_of(context, &fields[i]) : text != NULL;
        if (!is_set) {
            continue;
        }
        append_member(out, "      ", fields[i].key, is_first);
        is_first = false;
        if (fields[i].is_flag) {
            gf_strbuf_append_cstr(out, "true");
        } else {
            gf_json_append_string(out, gf_str_from(text));
        }
    }
    gf_strbuf_append_cstr(out, is_first ? "}" : "\n    }");
}

enum gf_code gf_contexts_write(const char *path, const struct gf_contexts *contexts,
                               struct gf_error *err) {
    struct gf_strbuf text;
    gf_strbuf_init(&text, GF_CONTEXTS_FILE_BYTES_MAX);
    gf_strbuf_append_char(&text, '{');
    if (contexts->current != NULL) {
        append_member(&text, "  ", "current", true);
        gf_json_append_string(&text, gf_str_from(contexts->current));
    }
    append_member(&text, "  ", "contexts", contexts->current == NULL);
    gf_strbuf_append_char(&text, '{');
    for (size_t i = 0; i < contexts->count; i++) {
        append_member(&text, "    ", contexts->items[i].name, i == 0);
        append_context(&text, &contexts->items[i]);
    }
    gf_strbuf_append_cstr(&text, contexts->count == 0 ? "}\n}\n" : "\n  }\n}\n");
    enum gf_code rc = GF_OK;
    if (text.overflowed) {
        rc = gf_fail(err, GF_RESOURCE_EXHAUSTED, "%s: larger than %d bytes", path,
                     GF_CONTEXTS_FILE_BYTES_MAX);
    } else {
        GF_CLEANUP(gf_free_p) char *target = realpath(path, NULL);
        rc = gf_file_replace(AT_FDCWD, target == NULL ? path : target, gf_strbuf_view(&text),
                             FILE_MODE, GF_FILE_SYNC_FULL, err);
    }
    if (text.ptr != NULL) {
        explicit_bzero(text.ptr, text.capacity);
    }
    gf_strbuf_fini(&text);
    return rc;
}
