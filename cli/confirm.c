#include "base/str.h"
#include "cli/cli.h"

#include <stdlib.h>

static bool is_consent(const char *line) {
    struct gf_str answer;
    struct gf_str rest;
    (void)gf_str_cut(gf_str_from(line), '\n', &answer, &rest);
    return gf_str_eq_nocase(answer, GF_STR("y")) || gf_str_eq_nocase(answer, GF_STR("yes"));
}

bool gf_cli_confirm(struct gf_cli *cli, const char *question, enum gf_exit_code *out_code) {
    *out_code = GF_EXIT_OK;
    if (gf_parsed_flag(cli->parsed, "yes")) {
        return true;
    }
    if (!cli->in_is_terminal || !cli->err_is_terminal) {
        struct gf_error err = {0};
        (void)gf_fail(&err, GF_INVALID_ARGUMENT,
                      "nobody is there to be asked: give --yes if you mean it");
        *out_code = gf_cli_fail_usage(cli, &err);
        return false;
    }
    fprintf(cli->err, "%s [y/N] ", question);
    (void)fflush(cli->err);
    char *line = NULL;
    size_t size = 0;
    bool yes = getline(&line, &size, cli->in) >= 0 && is_consent(line);
    free(line);
    if (!yes) {
        fprintf(cli->err, "gofer: nothing was done\n");
        *out_code = GF_EXIT_FAILED;
    }
    return yes;
}
