#include "base/identifier.h"
#include "engine/core/config.h"
#include "engine/core/core_checks.h"
#include "engine/core/limits.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* U+0000 to U+001F, U+007F, and U+0080 to U+009F, which are C2 80 to C2 9F in UTF-8. */
static bool has_control_character(struct gf_str text) {
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char byte = (unsigned char)text.ptr[i];
        const unsigned char next = i + 1 < text.len ? (unsigned char)text.ptr[i + 1] : 0;
        if (byte < ' ' || byte == 0x7f || (byte == 0xc2 && next < 0xa0)) {
            return true;
        }
    }
    return false;
}

/* ---- What many commands have ---- */

enum gf_code gf_core__check_reason(struct gf_str reason, struct gf_error *err) {
    return gf_text_check(reason, GF_REASON_CHARS_MAX, "reason", err);
}

enum gf_code gf_core__check_request_id(struct gf_str request_id, struct gf_error *err) {
    if (request_id.len > GF_REQUEST_ID_BYTES_MAX) {
        return gf_fail_field(err, "request_id", "request id has %zu characters, expected up to %d",
                             request_id.len, GF_REQUEST_ID_BYTES_MAX);
    }
    return GF_OK;
}

enum gf_code gf_core__check_namespace(const struct gf_input *input, struct gf_error *err) {
    const int64_t parallelism = input->u.ns.run_parallelism;
    enum gf_code rc = gf_text_check(input->u.ns.name, GF_NAME_CHARS_MAX, "name", err);
    if (rc == GF_OK) {
        rc = gf_text_check(input->u.ns.description, GF_DESCRIPTION_CHARS_MAX, "description", err);
    }
    if (rc == GF_OK && (parallelism < 0 || parallelism > GF_PARALLELISM_MAX)) {
        rc = gf_fail_field(err, "run_parallelism", "value is %" PRId64 ", expected 0 to %d",
                           parallelism, GF_PARALLELISM_MAX);
    }
    return rc;
}

/* ---- Tokens ---- */

enum gf_code gf_core__check_role_ids(const struct gf_str *role_ids, size_t count, const char *field,
                                     struct gf_error *err) {
    char item[GF_ERROR_FIELD_BYTES_MAX];
    if (count > GF_TOKEN_ROLES_MAX) {
        return gf_fail_field(err, field, "there are %zu roles, expected up to %d", count,
                             GF_TOKEN_ROLES_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(item, sizeof(item), "%s[%zu]", field, i);
        const enum gf_code rc = gf_identifier_check(role_ids[i], item, err);
        if (rc != GF_OK) {
            return rc;
        }
        for (size_t before = 0; before < i; before++) {
            if (gf_str_eq(role_ids[before], role_ids[i])) {
                return gf_fail_field(err, item, "role '%" GF_STR_FMT "' is there twice",
                                     GF_STR_ARG(role_ids[i]));
            }
        }
    }
    return GF_OK;
}

/* Those of BOOTSTRAP_TOKEN are given by the core. */
static enum gf_code check_token_roles(const struct gf_token *row, struct gf_error *err) {
    if (row->role_count == 0 && row->kind != GF_TOKEN_KIND_EXTENSION) {
        return gf_fail_field(err, "role_ids", "there are no roles, expected 1 to %d",
                             GF_TOKEN_ROLES_MAX);
    }
    return gf_core__check_role_ids(row->role_ids, row->role_count, "role_ids", err);
}

static enum gf_code check_token_kind(const struct gf_token *row, struct gf_error *err) {
    const bool is_extension = row->kind == GF_TOKEN_KIND_EXTENSION;
    if (!is_extension && row->kind != GF_TOKEN_KIND_HUMAN && row->kind != GF_TOKEN_KIND_BOT) {
        return gf_fail_field(err, "kind", "expected HUMAN, BOT or EXTENSION");
    }
    if (!is_extension && row->extension_id.len > 0) {
        return gf_fail_field(err, "extension_id", "is for tokens of kind EXTENSION only");
    }
    return is_extension ? gf_identifier_check(row->extension_id, "extension_id", err) : GF_OK;
}

enum gf_code gf_core__check_token(const struct gf_input *input, struct gf_error *err) {
    const struct gf_token *row = input->u.token.row;
    const int64_t lifetime_ms = input->u.token.lifetime_ms;
    enum gf_code rc = check_token_kind(row, err);
    if (rc == GF_OK && row->user.len == 0) {
        rc = gf_fail_field(err, "user", "is required");
    }
    if (rc == GF_OK) {
        rc = gf_text_check(row->user, GF_TOKEN_USER_CHARS_MAX, "user", err);
    }
    if (rc == GF_OK && has_control_character(row->user)) {
        rc = gf_fail_field(err, "user", "text has a control character");
    }
    if (rc == GF_OK) {
        rc = gf_text_check(row->description, GF_TOKEN_DESCRIPTION_CHARS_MAX, "description", err);
    }
    if (rc == GF_OK && input->kind == GF_INPUT_CREATE_TOKEN) {
        rc = check_token_roles(row, err);
    }
    if (rc == GF_OK) {
        rc = gf_labels_check(row->metadata, row->metadata_count, "metadata", err);
    }
    if (rc == GF_OK && lifetime_ms != 0 && lifetime_ms < GF_TOKEN_LIFETIME_MS_MIN) {
        rc = gf_fail_field(err, "lifetime", "value is %" PRId64 " ms, expected %d or more",
                           lifetime_ms, GF_TOKEN_LIFETIME_MS_MIN);
    }
    return rc;
}

/* ---- Starting a run ---- */

static enum gf_code check_variables(const struct gf_input *input, struct gf_error *err) {
    const struct gf_variable *variables = input->u.start_run.variables;
    const size_t count = input->u.start_run.variable_count;
    const enum gf_code rc = gf_variables_check(variables, count, "variables", err);
    size_t bytes = 0;
    for (size_t i = 0; rc == GF_OK && i < count; i++) {
        bytes += variables[i].key.len + variables[i].value.len;
    }
    if (bytes > GF_RUN_VARIABLES_BYTES_MAX) {
        return gf_fail_field(err, "variables", "variables have %zu bytes, expected up to %d", bytes,
                             GF_RUN_VARIABLES_BYTES_MAX);
    }
    return rc;
}

/* What may be in the names of a media type by RFC 9110. */
static size_t token_length(struct gf_str text, size_t from) {
    static const char token[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "!#$%&'*+-.^_`|~";
    size_t end = from;
    while (end < text.len && memchr(token, text.ptr[end], sizeof(token) - 1) != NULL) {
        end++;
    }
    return end - from;
}

/* "type/subtype" and perhaps parameters, of which only the characters are looked at. */
static bool is_media_type(struct gf_str text) {
    if (text.len > GF_MEDIA_TYPE_BYTES_MAX) {
        return false;
    }
    const size_t type = token_length(text, 0);
    if (type == 0 || type == text.len || text.ptr[type] != '/') {
        return false;
    }
    const size_t subtype = token_length(text, type + 1);
    const size_t end = type + 1 + subtype;
    bool good = subtype > 0 && (end == text.len || text.ptr[end] == ';' || text.ptr[end] == ' ');
    for (size_t i = end; good && i < text.len; i++) {
        good = text.ptr[i] >= ' ' && text.ptr[i] <= '~';
    }
    return good;
}

static enum gf_code check_document(const struct gf_run_document *document, struct gf_error *err) {
    if (document == NULL) {
        return GF_OK;
    }
    if (document->content.len > GF_RUN_INPUT_BYTES_MAX) {
        return gf_fail_field(err, "input.content", "document has %zu bytes, expected up to %d",
                             document->content.len, GF_RUN_INPUT_BYTES_MAX);
    }
    if (!is_media_type(document->media_type)) {
        return gf_fail_field(err, "input.media_type",
                             "expected a media type such as text/plain, up to %d characters",
                             GF_MEDIA_TYPE_BYTES_MAX);
    }
    return GF_OK;
}

static enum gf_code check_priority(const struct gf_input *input, struct gf_error *err) {
    const int32_t priority = input->u.start_run.priority;
    if (input->u.start_run.has_priority &&
        (priority < -GF_PRIORITY_MAX || priority > GF_PRIORITY_MAX)) {
        return gf_fail_field(err, "priority.value", "value is %" PRId32 ", expected %d to %d",
                             priority, -GF_PRIORITY_MAX, GF_PRIORITY_MAX);
    }
    return GF_OK;
}

static enum gf_code check_ordering(const struct gf_input *input, struct gf_error *err) {
    const struct gf_str key = input->u.start_run.ordering_key;
    if (key.len == 0 && input->u.start_run.ordering_policy != GF_RUN_ORDERING_UNSPECIFIED) {
        return gf_fail_field(err, "ordering_policy", "needs an ordering_key beside it");
    }
    const enum gf_code rc = gf_text_check(key, GF_ORDERING_KEY_CHARS_MAX, "ordering_key", err);
    if (rc == GF_OK && has_control_character(key)) {
        return gf_fail_field(err, "ordering_key", "text has a control character");
    }
    return rc;
}

enum gf_code gf_core__check_start_run(const struct gf_input *input, struct gf_error *err) {
    const struct gf_initiator *initiator = &input->u.start_run.initiator;
    enum gf_code rc = gf_core__check_request_id(input->u.start_run.request_id, err);
    if (rc == GF_OK) {
        rc = gf_text_check(initiator->id, GF_INITIATOR_ID_BYTES_MAX, "initiator.id", err);
    }
    if (rc == GF_OK) {
        rc = gf_core__check_reason(initiator->reason, err);
    }
    if (rc == GF_OK) {
        rc = check_variables(input, err);
    }
    if (rc == GF_OK) {
        rc = gf_labels_check(input->u.start_run.labels, input->u.start_run.label_count, "labels",
                             err);
    }
    if (rc == GF_OK) {
        rc = check_priority(input, err);
    }
    if (rc == GF_OK) {
        rc = check_ordering(input, err);
    }
    return rc == GF_OK ? check_document(input->u.start_run.document, err) : rc;
}
