#include "extensions-sdk/src/environment.h"

#include "base/identifier.h"
#include "base/str.h"
#include "clients/c/client.h"
#include "clients/c/private_file.h"

#define DEFAULT_HOST "127.0.0.1:8080"

struct reader {
    struct gf_sdk_environment *to;
    char *(*get)(const char *name);
};

/* A copy of a variable, NULL for one that is empty or not there. */
static const char *variable(const struct reader *reader, const char *name) {
    const char *value = reader->get(name);
    return value == NULL || value[0] == '\0' ? NULL : gf_arena_strdup(&reader->to->arena, value);
}

static enum gf_code read_switch(const struct reader *reader, const char *name, bool *out_is_set,
                                bool *out_value, struct gf_error *err) {
    static const char *const on[] = {"1", "true", "on", "yes"};
    static const char *const off[] = {"0", "false", "off", "no"};
    const char *value = variable(reader, name);
    *out_is_set = value != NULL;
    *out_value = false;
    for (size_t i = 0; value != NULL && i < GF_ARRAY_COUNT(on); i++) {
        if (gf_str_eq_nocase(gf_str_from(value), gf_str_from(on[i]))) {
            *out_value = true;
            return GF_OK;
        }
        if (gf_str_eq_nocase(gf_str_from(value), gf_str_from(off[i]))) {
            return GF_OK;
        }
    }
    return value == NULL ? GF_OK
                         : gf_fail(err, GF_INVALID_ARGUMENT, "%s is 1 or 0, not '%s'", name, value);
}

static enum gf_code read_id(const struct reader *reader, const char *name, struct gf_error *err) {
    const char *id = variable(reader, "GOFER_EXTENSION_ID");
    if (id == NULL && name == NULL) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "GOFER_EXTENSION_ID is not set: it names the extension as it is installed");
    }
    reader->to->extension_id = id != NULL ? id : gf_arena_strdup(&reader->to->arena, name);
    const enum gf_code rc =
        gf_identifier_check(gf_str_from(reader->to->extension_id), "GOFER_EXTENSION_ID", err);
    if (rc != GF_OK) {
        (void)gf_wrap(err, "GOFER_EXTENSION_ID");
    }
    return rc;
}

static enum gf_code read_tls(const struct reader *reader, struct gf_error *err) {
    struct gf_sdk_environment *to = reader->to;
    to->tls = (struct gf_rpc_client_tls){
        .root_file = variable(reader, "GOFER_TLS_CA"),
        .cert_file = variable(reader, "GOFER_TLS_CERT"),
        .key_file = variable(reader, "GOFER_TLS_KEY"),
        .server_name = variable(reader, "GOFER_TLS_SERVER_NAME"),
    };
    bool is_set = false;
    bool value = false;
    const enum gf_code rc = read_switch(reader, "GOFER_TLS", &is_set, &value, err);
    if (rc == GF_OK) {
        to->has_tls = is_set ? value
                             : to->tls.root_file != NULL || to->tls.cert_file != NULL ||
                                   to->tls.key_file != NULL || to->tls.server_name != NULL;
    }
    return rc;
}

/* One's own token comes before the one that every container is given. */
static enum gf_code read_token(const struct reader *reader, struct gf_error *err) {
    struct gf_sdk_environment *to = reader->to;
    const char *path = variable(reader, "GOFER_TOKEN_FILE");
    to->token = variable(reader, "GOFER_TOKEN");
    if (to->token == NULL && path != NULL) {
        const enum gf_code rc = gf_token_file_read(path, &to->arena, &to->token, err);
        if (rc != GF_OK) {
            (void)gf_wrap(err, "GOFER_TOKEN_FILE");
            return rc;
        }
    }
    if (to->token == NULL) {
        to->token = variable(reader, "GOFER_API_TOKEN");
    }
    bool is_set = false;
    bool in_clear = false;
    const enum gf_code rc = read_switch(reader, "GOFER_TOKEN_IN_CLEAR", &is_set, &in_clear, err);
    if (rc != GF_OK) {
        return rc;
    }
    if (to->token != NULL && !to->has_tls && !in_clear && !gf_client_host_is_local(to->host)) {
        return gf_fail_reason(err, GF_FAILED_PRECONDITION, GF_CLIENT_REASON_TOKEN_IN_CLEAR,
                              "the token is not sent to '%s' without TLS, whoever is on the way "
                              "could read it: set GOFER_TLS=1, or GOFER_TOKEN_IN_CLEAR=1 if that "
                              "is meant",
                              to->host);
    }
    return GF_OK;
}

static enum gf_code read_level(const struct reader *reader, struct gf_error *err) {
    static const struct {
        const char *name;
        enum gofer_log_level level;
    } levels[] = {{"debug", GOFER_DEBUG},
                  {"info", GOFER_INFO},
                  {"warning", GOFER_WARNING},
                  {"error", GOFER_ERROR}};
    const char *value = variable(reader, "GOFER_LOG_LEVEL");
    reader->to->log_level = GOFER_INFO;
    for (size_t i = 0; value != NULL && i < GF_ARRAY_COUNT(levels); i++) {
        if (gf_str_eq_nocase(gf_str_from(value), gf_str_from(levels[i].name))) {
            reader->to->log_level = levels[i].level;
            return GF_OK;
        }
    }
    return value == NULL
               ? GF_OK
               : gf_fail(err, GF_INVALID_ARGUMENT,
                         "GOFER_LOG_LEVEL is debug, info, warning or error, not '%s'", value);
}

enum gf_code gf_sdk_environment_read(struct gf_sdk_environment *environment, const char *name,
                                     char *(*get)(const char *name), struct gf_error *err) {
    *environment = (struct gf_sdk_environment){0};
    gf_arena_init(&environment->arena, GF_SDK_ENVIRONMENT_BYTES_MAX);
    const struct reader reader = {.to = environment, .get = get};
    const char *host = variable(&reader, "GOFER_HOST");
    environment->host = host == NULL ? DEFAULT_HOST : host;
    enum gf_code rc = read_id(&reader, name, err);
    rc = rc == GF_OK ? read_tls(&reader, err) : rc;
    rc = rc == GF_OK ? read_token(&reader, err) : rc;
    return rc == GF_OK ? read_level(&reader, err) : rc;
}

void gf_sdk_environment_fini(struct gf_sdk_environment *environment) {
    gf_arena_wipe(&environment->arena);
    gf_arena_fini(&environment->arena);
    *environment = (struct gf_sdk_environment){0};
}
