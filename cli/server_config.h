/*
 * The configuration of the server on the command line: what `service start` and `service config`
 * share.
 *
 * Thread: the main thread.
 */
#ifndef GOFER_CLI_SERVER_CONFIG_H_
#define GOFER_CLI_SERVER_CONFIG_H_

#include "api/config/config.h"
#include "api/server/settings.h"
#include "cli/cli.h"

enum {
    GF_SERVER_CONFIG_OPTIONS = 21,
    GF_SERVER_START_OPTIONS = 2, /* of these, at the front: what only a server has */
};

/* --dev and --allow-bootstrap come first; then --config, and a flag for what is often set. */
extern const struct gf_option gf_server_config_options[GF_SERVER_CONFIG_OPTIONS];

/*
 * Loads the configuration that the file, the environment and the flags give, in the cli's arena,
 * and fills in what no schema can tell: the data directory where none of them names it, and that
 * there is no gateway where they have listeners, but none for it. Codes: those of gf_config_load;
 * GF_INVALID_ARGUMENT with *out_is_usage where a flag is to blame.
 */
enum gf_code gf_server_config_load(struct gf_cli *cli, const struct gf_parsed *parsed,
                                   struct gf_config_values *out_config, bool *out_is_usage,
                                   struct gf_error *err) GF_MUST_USE;

/*
 * Fills the options of a server as gf_server_options_apply does, and checks where it is to listen.
 * Codes: those of the two; *out_is_usage as above.
 */
enum gf_code gf_server_config_apply(const struct gf_config_values *config,
                                    struct gf_server_lists *lists,
                                    struct gf_server_options *options, bool *out_is_usage,
                                    struct gf_error *err) GF_MUST_USE;

/* Says that loading failed; gives the exit code. */
enum gf_exit_code gf_server_config_fail(struct gf_cli *cli, bool is_usage,
                                        const struct gf_error *error);

#endif /* GOFER_CLI_SERVER_CONFIG_H_ */
