#include "engine/scheduler/native/fetch/json.h"

#include "engine/scheduler/native/fetch/fail.h"
#include "engine/scheduler/native/fetch/limits.h"
#include "engine/scheduler/native/images/limits.h"
#include "engine/scheduler/native/images/text.h"

void gf_json_unref_p(json_t **value) {
    json_decref(*value);
}

enum gf_code gf_json_parse(struct gf_str text, json_t **out, struct gf_error *err) {
    if (text.len > GF_FETCH_JSON_BYTES_MAX) {
        return gf_fail_limit(err, "JSON of more than %d bytes", GF_FETCH_JSON_BYTES_MAX);
    }
    json_error_t problem;
    json_t *root =
        json_loadb(text.len > 0 ? text.ptr : "", text.len, JSON_REJECT_DUPLICATES, &problem);
    if (root == NULL) {
        return gf_fail_archive(err, "JSON, line %d, column %d: %s", problem.line, problem.column,
                               gf_show_cstr(problem.text).text);
    }
    *out = root;
    return GF_OK;
}

/* The member, NULL when it is absent or null. */
static enum gf_code get(const json_t *object, const char *key, json_t **out, struct gf_error *err) {
    if (!json_is_object(object)) {
        return gf_fail_archive(err, "JSON: an object must hold '%s'", key);
    }
    json_t *value = json_object_get(object, key);
    *out = json_is_null(value) ? NULL : value;
    return GF_OK;
}

static enum gf_code get_typed(const json_t *object, const char *key, json_type type,
                              const char *type_name, json_t **out, struct gf_error *err) {
    json_t *value = NULL;
    const enum gf_code rc = get(object, key, &value, err);
    if (rc != GF_OK) {
        return rc;
    }
    if (value != NULL && json_typeof(value) != type) {
        return gf_fail_archive(err, "JSON: '%s' must be %s", key, type_name);
    }
    *out = value;
    return GF_OK;
}

static enum gf_code fail_missing(const char *key, struct gf_error *err) {
    return gf_fail_archive(err, "JSON: '%s' is missing", key);
}

enum gf_code gf_json_object_optional(const json_t *object, const char *key, json_t **out,
                                     struct gf_error *err) {
    return get_typed(object, key, JSON_OBJECT, "an object", out, err);
}

enum gf_code gf_json_object(const json_t *object, const char *key, json_t **out,
                            struct gf_error *err) {
    json_t *value = NULL;
    const enum gf_code rc = gf_json_object_optional(object, key, &value, err);
    if (rc == GF_OK && value == NULL) {
        return fail_missing(key, err);
    }
    if (rc == GF_OK) {
        *out = value;
    }
    return rc;
}

enum gf_code gf_json_array_optional(const json_t *object, const char *key, size_t count_max,
                                    json_t **out, struct gf_error *err) {
    json_t *value = NULL;
    const enum gf_code rc = get_typed(object, key, JSON_ARRAY, "an array", &value, err);
    if (rc != GF_OK) {
        return rc;
    }
    if (json_array_size(value) > count_max) {
        return gf_fail_limit(err, "JSON: '%s' has %zu elements, at most %zu may be", key,
                             json_array_size(value), count_max);
    }
    *out = value;
    return GF_OK;
}

enum gf_code gf_json_array(const json_t *object, const char *key, size_t count_max, json_t **out,
                           struct gf_error *err) {
    json_t *value = NULL;
    const enum gf_code rc = gf_json_array_optional(object, key, count_max, &value, err);
    if (rc == GF_OK && value == NULL) {
        return fail_missing(key, err);
    }
    if (rc == GF_OK) {
        *out = value;
    }
    return rc;
}

enum gf_code gf_json_string_optional(const json_t *object, const char *key, const char **out,
                                     struct gf_error *err) {
    json_t *value = NULL;
    const enum gf_code rc = get_typed(object, key, JSON_STRING, "a string", &value, err);
    if (rc != GF_OK) {
        return rc;
    }
    if (json_string_length(value) > GF_IMAGE_STRING_BYTES_MAX) {
        return gf_fail_limit(err, "JSON: '%s' is longer than %d bytes", key,
                             GF_IMAGE_STRING_BYTES_MAX);
    }
    *out = value != NULL ? json_string_value(value) : "";
    return GF_OK;
}

enum gf_code gf_json_string(const json_t *object, const char *key, const char **out,
                            struct gf_error *err) {
    const char *value = "";
    const enum gf_code rc = gf_json_string_optional(object, key, &value, err);
    if (rc == GF_OK && value[0] == '\0') {
        return fail_missing(key, err);
    }
    if (rc == GF_OK) {
        *out = value;
    }
    return rc;
}

enum gf_code gf_json_size(const json_t *object, const char *key, int64_t *out,
                          struct gf_error *err) {
    json_t *value = NULL;
    const enum gf_code rc = get_typed(object, key, JSON_INTEGER, "a whole number", &value, err);
    if (rc != GF_OK) {
        return rc;
    }
    if (value == NULL) {
        return fail_missing(key, err);
    }
    if (json_integer_value(value) < 0) {
        return gf_fail_archive(err, "JSON: '%s' must not be negative", key);
    }
    *out = json_integer_value(value);
    return GF_OK;
}

enum gf_code gf_json_digest(const json_t *object, const char *key, struct gf_digest *out,
                            struct gf_error *err) {
    const char *text = NULL;
    const enum gf_code rc = gf_json_string(object, key, &text, err);
    if (rc != GF_OK) {
        return rc;
    }
    return gf_digest_parse(gf_str_from(text), out, err);
}
