/*
 * Where the server is, how to reach it, and as whom: from the command line, the environment and
 * the context in use.
 *
 * Each setting has the first value that is there of: its option; the context that --context names;
 * its variable of the environment; the context that $GOFER_CONTEXT names, else the current one;
 * its default. The last of these contexts counts only while the server is its own: a token never
 * goes to another host just because one was named by --host or $GOFER_HOST.
 *
 * There is no option for a token itself: the arguments of a program can be seen by others.
 *
 * Thread: the main thread.
 */
#ifndef GOFER_CLI_SETTINGS_H_
#define GOFER_CLI_SETTINGS_H_

#include "cli/cli.h"
#include "clients/c/contexts.h"

#define GF_DEFAULT_HOST "127.0.0.1:8080"
#define GF_DEFAULT_NAMESPACE "default"

/* What the options say; NULL or false = not given. */
struct gf_settings_given {
    const char *context;
    const char *host;
    const char *namespace_id;
    const char *token_file;
    const char *tls_ca_file;
    const char *tls_cert_file;
    const char *tls_key_file;
    const char *tls_server_name;
    bool tls;
    bool token_in_clear;
};

/* What the common options of a command say. Borrowed: parsed. */
struct gf_settings_given gf_settings_given_of(const struct gf_parsed *parsed);

/* Takes one option of a command line that is still being typed; others are passed over. */
void gf_settings_take(struct gf_settings_given *given, const char *option, const char *value);

/*
 * Sets host, namespace, token and TLS of the cli. With use_contexts false only options, environment
 * and defaults count, and no file is read but that of a token. Codes: GF_NOT_FOUND (no such
 * context, no such file), GF_INVALID_ARGUMENT (what is wrong in a file or in the environment),
 * GF_FAILED_PRECONDITION (a file with tokens that others may read).
 */
enum gf_code gf_settings_apply(struct gf_cli *cli, const struct gf_settings_given *given,
                               bool use_contexts, struct gf_error *err) GF_MUST_USE;

/*
 * The file of the contexts: $GOFER_CONTEXTS, else .config/gofer/contexts.json in the home
 * directory. NULL where there is no home directory either.
 */
const char *gf_contexts_path(struct gf_cli *cli);

/* Reads the contexts; an empty set where there is no file or no place for one. */
enum gf_code gf_settings_contexts(struct gf_cli *cli, struct gf_contexts *out_contexts,
                                  struct gf_error *err) GF_MUST_USE;

/*
 * Puts what the options give into a context: each that is given, files by their whole path. The
 * token is left alone but for token_file.
 */
void gf_settings_to_context(struct gf_cli *cli, const struct gf_settings_given *given,
                            struct gf_context *context);

/* The same for the settings that hold, so that the context leads to where this command went. */
void gf_settings_keep(struct gf_cli *cli, struct gf_context *context);

#endif /* GOFER_CLI_SETTINGS_H_ */
