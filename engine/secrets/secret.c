#include "engine/secrets/secret.h"

#include "engine/auth/glob.h"

#include <stdio.h>

enum {
    FIELD_BYTES_MAX = 256,
};

enum gf_code gf_secret_check_value(struct gf_str value, const char *field, struct gf_error *err) {
    if (value.len == 0) {
        return gf_fail_field(err, field, "the value is empty, expected 1 to %d bytes",
                             GF_SECRET_VALUE_BYTES_MAX);
    }
    if (value.len > GF_SECRET_VALUE_BYTES_MAX) {
        return gf_fail_field(err, field, "the value has %zu bytes, expected 1 to %d", value.len,
                             GF_SECRET_VALUE_BYTES_MAX);
    }
    return GF_OK;
}

enum gf_code gf_secret_check_namespaces(const struct gf_str *globs, size_t count, const char *field,
                                        struct gf_error *err) {
    if (count == 0 || count > GF_SECRET_NAMESPACES_MAX) {
        return gf_fail_field(err, field, "%zu globs of namespaces, expected 1 to %d", count,
                             GF_SECRET_NAMESPACES_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        char path[FIELD_BYTES_MAX];
        (void)snprintf(path, sizeof(path), "%s[%zu]", field, i);
        const enum gf_code rc = gf_glob_check(globs[i], path, err);
        if (rc != GF_OK) {
            return rc;
        }
    }
    return GF_OK;
}

bool gf_secret_usable_in(const struct gf_secret *secret, int64_t namespace_key,
                         struct gf_str namespace_id) {
    if (!gf_secret_is_global(&secret->place)) {
        return secret->place.namespace_key == namespace_key;
    }
    for (size_t i = 0; i < secret->namespace_count; i++) {
        if (gf_glob_match(secret->namespaces[i], namespace_id)) {
            return true;
        }
    }
    return false;
}
