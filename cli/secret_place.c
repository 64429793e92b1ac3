#include "cli/secret_place.h"

#include "cli/ui/message.h"

bool gf_secret_place_read(struct gf_cli *cli, struct gf_cli_secret_place *out_place,
                          enum gf_exit_code *out_code) {
    const char *const *arguments = cli->parsed->arguments;
    const bool global = gf_parsed_flag(cli->parsed, "global");
    struct gf_error err = {0};
    if (global && arguments[1] != NULL) {
        (void)gf_fail(&err, GF_INVALID_ARGUMENT,
                      "a global secret is of no pipeline: give its KEY alone");
        *out_code = gf_cli_fail_usage(cli, &err);
        return false;
    }
    if (!global && arguments[1] == NULL) {
        (void)gf_fail(&err, GF_INVALID_ARGUMENT,
                      "missing argument KEY: the key of the secret; a global one needs --global");
        *out_code = gf_cli_fail_usage(cli, &err);
        return false;
    }
    *out_place =
        global ? (struct gf_cli_secret_place){.key = arguments[0]}
               : (struct gf_cli_secret_place){.pipeline_id = arguments[0], .key = arguments[1]};
    *out_code = GF_EXIT_OK;
    return true;
}

const char *gf_secret_place_show(struct gf_cli *cli, const struct gf_cli_secret_place *place) {
    return gf_show_line(cli, place->pipeline_id == NULL
                                 ? place->key
                                 : gf_show_text(cli, "%s/%s", place->pipeline_id, place->key));
}
