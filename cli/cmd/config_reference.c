#include "api/config/config.h"
#include "cli/cli.h"
#include "cli/cmd/commands.h"

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    (void)parsed;
    struct gf_strbuf text;
    gf_strbuf_init(&text, GF_CONFIG_PAGE_BYTES_MAX);
    gf_config_write_reference(&text);
    fprintf(cli->out, "%s", text.ptr);
    gf_strbuf_fini(&text);
    return GF_EXIT_OK;
}

const struct gf_command gf_cmd_config_reference = {
    .verb = "__config_reference",
    .summary = "print docs/reference/config.md",
    .hidden = true,
    .offline = true,
    .run = run,
};
