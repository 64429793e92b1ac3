#include "cli/settings.h"

#include "base/str.h"
#include "cli/ui/message.h"
#include "clients/c/client.h"
#include "clients/c/private_file.h"

#include <string.h>
#include <unistd.h>

/* Where values come from, in the order in which they count. */
struct sources {
    struct gf_cli *cli;
    const struct gf_context *named; /* by the option; an empty one for none */
    const struct gf_context *other; /* by the environment, or the current one; likewise */
};

static const struct gf_context no_context;

struct gf_settings_given gf_settings_given_of(const struct gf_parsed *parsed) {
    return (struct gf_settings_given){
        .context = gf_parsed_text(parsed, "context"),
        .host = gf_parsed_text(parsed, "host"),
        .namespace_id = gf_parsed_text(parsed, "namespace"),
        .token_file = gf_parsed_text(parsed, "token-file"),
        .tls_ca_file = gf_parsed_text(parsed, "tls-ca"),
        .tls_cert_file = gf_parsed_text(parsed, "tls-cert"),
        .tls_key_file = gf_parsed_text(parsed, "tls-key"),
        .tls_server_name = gf_parsed_text(parsed, "tls-server-name"),
        .tls = gf_parsed_flag(parsed, "tls"),
        .token_in_clear = gf_parsed_flag(parsed, "token-in-clear"),
    };
}

void gf_settings_take(struct gf_settings_given *given, const char *option, const char *value) {
    const struct {
        const char *name;
        const char **text;
        bool *flag;
    } options[] = {
        {"context", &given->context, NULL},
        {"host", &given->host, NULL},
        {"namespace", &given->namespace_id, NULL},
        {"token-file", &given->token_file, NULL},
        {"tls-ca", &given->tls_ca_file, NULL},
        {"tls-cert", &given->tls_cert_file, NULL},
        {"tls-key", &given->tls_key_file, NULL},
        {"tls-server-name", &given->tls_server_name, NULL},
        {"tls", NULL, &given->tls},
        {"token-in-clear", NULL, &given->token_in_clear},
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(options); i++) {
        if (strcmp(options[i].name, option) != 0) {
            continue;
        }
        if (options[i].flag != NULL) {
            *options[i].flag = true;
        } else {
            *options[i].text = value;
        }
    }
}

/* ---- The file ---- */

/* A variable of the environment; NULL for an empty one, too. */
static const char *variable(struct gf_cli *cli, const char *name) {
    const char *value = cli->getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

const char *gf_contexts_path(struct gf_cli *cli) {
    const char *path = variable(cli, "GOFER_CONTEXTS");
    if (path != NULL) {
        return path;
    }
    const char *home = variable(cli, "HOME");
    return home == NULL ? NULL : gf_show_text(cli, "%s/.config/gofer/contexts.json", home);
}

enum gf_code gf_settings_contexts(struct gf_cli *cli, struct gf_contexts *out_contexts,
                                  struct gf_error *err) {
    const char *path = gf_contexts_path(cli);
    if (path == NULL) {
        gf_contexts_init(out_contexts, cli->arena);
        return GF_OK;
    }
    return gf_contexts_read(path, cli->arena, out_contexts, err);
}

/* Finds the contexts that count. */
static enum gf_code find_contexts(struct sources *sources, const struct gf_settings_given *given,
                                  struct gf_error *err) {
    struct gf_cli *cli = sources->cli;
    struct gf_contexts contexts;
    enum gf_code rc = gf_settings_contexts(cli, &contexts, err);
    if (rc != GF_OK) {
        return rc;
    }
    const char *from_environment = variable(cli, "GOFER_CONTEXT");
    const char *wanted = given->context != NULL     ? given->context
                         : from_environment != NULL ? from_environment
                                                    : contexts.current;
    if (wanted == NULL) {
        return GF_OK;
    }
    const struct gf_context *found = gf_contexts_find(&contexts, wanted);
    if (found == NULL) {
        return gf_fail(err, GF_NOT_FOUND, "context '%s' not found", gf_show_line(cli, wanted));
    }
    *(given->context != NULL ? &sources->named : &sources->other) = found;
    return GF_OK;
}

/* ---- Values ---- */

static const char *first_text(const char *a, const char *b, const char *c, const char *d) {
    return a != NULL ? a : b != NULL ? b : c != NULL ? c : d;
}

static void set_host(struct sources *sources, const struct gf_settings_given *given) {
    struct gf_cli *cli = sources->cli;
    const char *own = sources->other->host != NULL ? sources->other->host : GF_DEFAULT_HOST;
    cli->host = first_text(given->host, sources->named->host, variable(cli, "GOFER_HOST"), own);
    if (strcmp(cli->host, own) != 0) {
        sources->other = &no_context;
    }
    const struct gf_context *used = sources->named != &no_context ? sources->named : sources->other;
    cli->context_name = used->name;
}

/* "1", "on" or "0", "off"; *out stays as it is where the variable is not set. */
static enum gf_code read_switch(struct gf_cli *cli, const char *name, bool *out_is_set,
                                bool *out_value, struct gf_error *err) {
    static const char *const on[] = {"1", "true", "on", "yes"};
    static const char *const off[] = {"0", "false", "off", "no"};
    const char *value = variable(cli, name);
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
                         : gf_fail(err, GF_INVALID_ARGUMENT, "%s is 1 or 0, not '%s'", name,
                                   gf_show_line(cli, value));
}

static bool wants_tls(const struct gf_context *context) {
    return context->tls || context->tls_ca_file != NULL || context->tls_cert_file != NULL ||
           context->tls_key_file != NULL || context->tls_server_name != NULL;
}

static enum gf_code set_tls(struct sources *sources, const struct gf_settings_given *given,
                            struct gf_error *err) {
    struct gf_cli *cli = sources->cli;
    const struct gf_context by_option = {.tls = given->tls,
                                         .tls_ca_file = given->tls_ca_file,
                                         .tls_cert_file = given->tls_cert_file,
                                         .tls_key_file = given->tls_key_file,
                                         .tls_server_name = given->tls_server_name};
    struct gf_context by_variable = {.tls_ca_file = variable(cli, "GOFER_TLS_CA"),
                                     .tls_cert_file = variable(cli, "GOFER_TLS_CERT"),
                                     .tls_key_file = variable(cli, "GOFER_TLS_KEY"),
                                     .tls_server_name = variable(cli, "GOFER_TLS_SERVER_NAME")};
    bool is_set = false;
    enum gf_code rc = read_switch(cli, "GOFER_TLS", &is_set, &by_variable.tls, err);
    if (rc != GF_OK) {
        return rc;
    }
    const bool asked = wants_tls(&by_option) || wants_tls(sources->named);
    const bool off = is_set && !by_variable.tls;
    if (!asked && (off || (!wants_tls(&by_variable) && !wants_tls(sources->other)))) {
        cli->tls = NULL;
        return GF_OK;
    }
    struct gf_rpc_client_tls *tls = GF_ARENA_NEW(cli->arena, struct gf_rpc_client_tls);
    tls->root_file = first_text(by_option.tls_ca_file, sources->named->tls_ca_file,
                                by_variable.tls_ca_file, sources->other->tls_ca_file);
    tls->cert_file = first_text(by_option.tls_cert_file, sources->named->tls_cert_file,
                                by_variable.tls_cert_file, sources->other->tls_cert_file);
    tls->key_file = first_text(by_option.tls_key_file, sources->named->tls_key_file,
                               by_variable.tls_key_file, sources->other->tls_key_file);
    tls->server_name = first_text(by_option.tls_server_name, sources->named->tls_server_name,
                                  by_variable.tls_server_name, sources->other->tls_server_name);
    cli->tls = tls;
    return GF_OK;
}

static enum gf_code set_token(struct sources *sources, const struct gf_settings_given *given,
                              struct gf_error *err) {
    struct gf_cli *cli = sources->cli;
    const struct gf_context given_file = {.token_file = given->token_file};
    const struct gf_context environment = {.token = variable(cli, "GOFER_TOKEN"),
                                           .token_file = variable(cli, "GOFER_TOKEN_FILE")};
    const struct gf_context *const order[] = {&given_file, sources->named, &environment,
                                              sources->other};
    cli->token = NULL;
    for (size_t i = 0; i < GF_ARRAY_COUNT(order); i++) {
        const struct gf_context *from = order[i];
        if (from->token == NULL && from->token_file == NULL) {
            continue;
        }
        cli->token_source = from->token == NULL  ? from->token_file
                            : from->name == NULL ? "GOFER_TOKEN"
                                                 : gf_show_text(cli, "context '%s'", from->name);
        cli->token = from->token;
        return from->token != NULL
                   ? GF_OK
                   : gf_token_file_read(from->token_file, cli->arena, &cli->token, err);
    }
    return GF_OK;
}

static enum gf_code set_token_in_clear(struct sources *sources,
                                       const struct gf_settings_given *given,
                                       struct gf_error *err) {
    bool is_set = false;
    bool value = false;
    enum gf_code rc = read_switch(sources->cli, "GOFER_TOKEN_IN_CLEAR", &is_set, &value, err);
    if (rc == GF_OK) {
        sources->cli->token_in_clear = given->token_in_clear || sources->named->token_in_clear ||
                                       (is_set ? value : sources->other->token_in_clear);
    }
    return rc;
}

enum gf_code gf_settings_apply(struct gf_cli *cli, const struct gf_settings_given *given,
                               bool use_contexts, struct gf_error *err) {
    struct sources sources = {.cli = cli, .named = &no_context, .other = &no_context};
    enum gf_code rc = use_contexts ? find_contexts(&sources, given, err) : GF_OK;
    if (rc != GF_OK) {
        return rc;
    }
    set_host(&sources, given);
    const char *by_context = sources.other->namespace_id;
    const char *by_variable = variable(cli, "GOFER_NAMESPACE");
    if (by_variable == NULL) {
        by_variable = variable(cli, "GOFER_NAMESPACE_ID"); /* which a task has: its own */
    }
    cli->namespace_id = first_text(given->namespace_id, sources.named->namespace_id, by_variable,
                                   by_context != NULL ? by_context : GF_DEFAULT_NAMESPACE);
    rc = set_tls(&sources, given, err);
    if (rc == GF_OK) {
        rc = set_token_in_clear(&sources, given, err);
    }
    return rc == GF_OK ? set_token(&sources, given, err) : rc;
}

/* ---- Into a context ---- */

/* A path that means the same from every folder. */
static const char *whole_path(struct gf_cli *cli, const char *path) {
    if (path[0] == '/') {
        return path;
    }
    char *folder = get_current_dir_name();
    const char *whole = folder == NULL ? path : gf_show_text(cli, "%s/%s", folder, path);
    free(folder);
    return whole;
}

static void keep_file(struct gf_cli *cli, const char **field, const char *path) {
    if (path != NULL) {
        *field = whole_path(cli, path);
    }
}

static void keep_text(const char **field, const char *text) {
    if (text != NULL) {
        *field = text;
    }
}

void gf_settings_to_context(struct gf_cli *cli, const struct gf_settings_given *given,
                            struct gf_context *context) {
    keep_text(&context->host, given->host);
    keep_text(&context->namespace_id, given->namespace_id);
    keep_text(&context->tls_server_name, given->tls_server_name);
    keep_file(cli, &context->tls_ca_file, given->tls_ca_file);
    keep_file(cli, &context->tls_cert_file, given->tls_cert_file);
    keep_file(cli, &context->tls_key_file, given->tls_key_file);
    context->tls = context->tls || given->tls;
    context->token_in_clear = context->token_in_clear || given->token_in_clear;
    if (given->token_file != NULL) {
        keep_file(cli, &context->token_file, given->token_file);
        context->token = NULL;
        context->token_id = NULL;
    }
}

void gf_settings_keep(struct gf_cli *cli, struct gf_context *context) {
    const struct gf_settings_given given = {
        .host = cli->host,
        .namespace_id =
            strcmp(cli->namespace_id, GF_DEFAULT_NAMESPACE) == 0 ? NULL : cli->namespace_id,
        .tls = cli->tls != NULL,
        .tls_ca_file = cli->tls == NULL ? NULL : cli->tls->root_file,
        .tls_cert_file = cli->tls == NULL ? NULL : cli->tls->cert_file,
        .tls_key_file = cli->tls == NULL ? NULL : cli->tls->key_file,
        .tls_server_name = cli->tls == NULL ? NULL : cli->tls->server_name,
        .token_in_clear = cli->token_in_clear,
    };
    gf_settings_to_context(cli, &given, context);
}
