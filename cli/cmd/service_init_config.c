#include "api/config/config.h"
#include "base/file.h"
#include "cli/cli.h"
#include "cli/cmd/commands.h"

enum {
    FILE_MODE = 0644, /* it holds no secret */
};

static const struct gf_argument arguments[] = {
    {.name = "FILE",
     .complete = "file",
     .help = "the file to write; without it the text goes to standard output",
     .optional = true},
};

static const struct gf_option options[] = {
    {.name = "force", .kind = GF_OPTION_FLAG, .help = "replace a file that is there"},
};

/* Without force a file is never replaced, whoever makes one meanwhile. */
static enum gf_code write_file(const char *path, bool force, struct gf_str text,
                               struct gf_error *err) {
    if (force) {
        return gf_file_replace(AT_FDCWD, path, text, FILE_MODE, GF_FILE_SYNC_FULL, err);
    }
    GF_CLEANUP(gf_close_p) int fd = -1;
    enum gf_code rc =
        gf_file_open(AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL, FILE_MODE, &fd, err);
    if (rc == GF_OK) {
        rc = gf_write_all(fd, text.ptr, text.len, err);
    }
    return rc == GF_OK ? gf_file_sync_all(fd, err) : rc;
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    const char *path = parsed->arguments[0];
    struct gf_error err = {0};
    struct gf_strbuf text;
    gf_strbuf_init(&text, GF_CONFIG_PAGE_BYTES_MAX);
    gf_config_write_starter(&text);
    enum gf_code rc = GF_OK;
    if (path == NULL) {
        fprintf(cli->out, "%s", text.ptr);
    } else {
        rc = write_file(path, gf_parsed_flag(parsed, "force"), gf_strbuf_view(&text), &err);
    }
    gf_strbuf_fini(&text);
    if (rc != GF_OK) {
        const enum gf_exit_code code = gf_cli_fail(cli, &err);
        if (rc == GF_ALREADY_EXISTS) {
            gf_cli_hint(cli, "give --force to replace it");
        }
        return code;
    }
    if (path != NULL) {
        gf_cli_note(cli, "%s written", path);
    }
    return GF_EXIT_OK;
}

const struct gf_command gf_cmd_service_init_config = {
    .noun = "service",
    .verb = "init-config",
    .summary = "write a configuration file to begin with",
    .description = "Every setting is in it with what it means and its default, commented out. A "
                   "file that is there is left alone.",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer service init-config /etc/gofer/config.yaml\n"
                "gofer service init-config | less",
    .offline = true,
    .run = run,
};
