#include "base/identifier.h"
#include "cli/cmd/commands.h"
#include "cli/contexts_edit.h"
#include "cli/secret_input.h"
#include "cli/settings.h"

#include <string.h>

static const struct gf_argument arguments[] = {
    {.name = "CONTEXT",
     .complete = "context",
     .help = "its name: 3 to 64 letters, digits, hyphens and underscores"},
};

static const struct gf_option options[] = {
    {.name = "token-stdin",
     .kind = GF_OPTION_FLAG,
     .help = "read the token from standard input, and keep it in the context; at a terminal it is "
             "not shown"},
    {.name = "unset",
     .kind = GF_OPTION_LIST,
     .value_name = "WHAT",
     .choices = "host|namespace|token|tls|token-in-clear",
     .help = "take this out of the context; may be given many times"},
    {.name = "use", .kind = GF_OPTION_FLAG, .help = "use the context from now on"},
};

static void unset(struct gf_context *context, const char *what) {
    if (strcmp(what, "host") == 0) {
        context->host = NULL;
    } else if (strcmp(what, "namespace") == 0) {
        context->namespace_id = NULL;
    } else if (strcmp(what, "token") == 0) {
        context->token = NULL;
        context->token_id = NULL;
        context->token_file = NULL;
    } else if (strcmp(what, "tls") == 0) {
        context->tls = false;
        context->tls_ca_file = NULL;
        context->tls_cert_file = NULL;
        context->tls_key_file = NULL;
        context->tls_server_name = NULL;
    } else {
        context->token_in_clear = false;
    }
}

/* Makes or changes the context in the set. */
static enum gf_code change(struct gf_cli *cli, const struct gf_parsed *parsed, const char *token,
                           struct gf_contexts *contexts, bool *out_created, struct gf_error *err) {
    const struct gf_settings_given given = gf_settings_given_of(parsed);
    const struct gf_context *found = gf_contexts_find(contexts, parsed->arguments[0]);
    struct gf_context context = {.name = parsed->arguments[0]};
    if (found != NULL) {
        context = *found;
    }
    size_t count = 0;
    const char *const *unset_list = gf_parsed_list(parsed, "unset", &count);
    for (size_t i = 0; i < count; i++) {
        unset(&context, unset_list[i]);
    }
    const char *host_before = context.host;
    gf_settings_to_context(cli, &given, &context);
    if (token != NULL) {
        context.token = token;
        context.token_id = NULL;
        context.token_file = NULL;
    } else if (given.host != NULL && host_before != NULL && context.token != NULL &&
               strcmp(given.host, host_before) != 0) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "the token in context '%s' is for '%s': give --unset token, or "
                       "--token-stdin with one for '%s'",
                       context.name, host_before, given.host);
    }
    enum gf_code rc = gf_contexts_put(contexts, &context, err);
    if (rc == GF_OK && gf_parsed_flag(parsed, "use")) {
        contexts->current = context.name;
    }
    *out_created = found == NULL;
    return rc;
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    GF_CLEANUP(gf_contexts_edit_close) struct gf_contexts_edit edit = {.lock = -1};
    struct gf_error err = {0};
    const char *token = NULL;
    /* Before somebody types a token in vain. */
    if (gf_identifier_check(gf_str_from(parsed->arguments[0]), "name", &err) != GF_OK) {
        return gf_cli_fail(cli, &err);
    }
    if (gf_parsed_flag(parsed, "token-stdin")) {
        if (gf_parsed_has(parsed, "token-file")) {
            (void)gf_fail(&err, GF_INVALID_ARGUMENT,
                          "--token-stdin and --token-file exclude each other");
            return gf_cli_fail_usage(cli, &err);
        }
        if (gf_read_token(cli, &token, &err) != GF_OK) {
            return gf_cli_fail(cli, &err);
        }
    }
    bool created = false;
    if (gf_contexts_edit_open(cli, &edit, &err) != GF_OK ||
        change(cli, parsed, token, &edit.contexts, &created, &err) != GF_OK ||
        gf_contexts_edit_write(&edit, &err) != GF_OK) {
        return gf_cli_fail(cli, &err);
    }
    const char *name = parsed->arguments[0];
    if (cli->output == GF_OUTPUT_NAME) {
        fprintf(cli->out, "%s\n", name);
        return GF_EXIT_OK;
    }
    bool in_use = edit.contexts.current != NULL && strcmp(edit.contexts.current, name) == 0;
    fprintf(cli->out, "context %s %s%s\n", name, created ? "created" : "updated",
            in_use ? ", and in use" : "");
    if (!in_use) {
        gf_cli_hint(cli, "gofer context use %s", name);
    }
    return GF_EXIT_OK;
}

const struct gf_command gf_cmd_context_set = {
    .noun = "context",
    .verb = "set",
    .summary = "make or change a context: a server with token and namespace",
    .description =
        "Keeps what the options say: --host, --namespace, --tls and its like, and the token by "
        "--token-stdin, or where it is by --token-file. Only what is given changes. The first "
        "context that there is, is in use. See gofer help connection.",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer context set prod --host gofer.example:8080 --tls -n team-a --token-stdin\n"
                "gofer context set prod --token-stdin < new.token\n"
                "gofer context set local --host unix:/run/gofer.sock --unset token --use",
    .offline = true,
    .run = run,
};
