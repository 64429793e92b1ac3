/*
 * DESIGN. The archive goes to a file beside the one that was asked for, which takes its name when
 * it is complete: what has the name is whole.
 */
#include "base/file.h"
#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/interrupt.h"
#include "cli/ui/message.h"
#include "gofer/v1/image.gofer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct gf_argument arguments[] = {
    {.name = "IMAGE", .complete = "image", .help = "a name, as busybox:latest, or a digest"},
};

static const struct gf_option options[] = {
    {.name = "file",
     .letter = 'f',
     .kind = GF_OPTION_TEXT,
     .value_name = "PATH",
     .help = "where the tar file goes; - is standard output, if that is no terminal"},
    {.name = "docker",
     .kind = GF_OPTION_FLAG,
     .help = "write what docker load reads, instead of an OCI layout"},
};

enum {
    FILE_MODE = 0644
};

struct export {
    struct gf_cli *cli;
    struct gf_rpc_stream *stream;
    int fd;
};

static void cancel(void *ctx) {
    struct export *export = ctx;
    gf_rpc_stream_cancel(export->stream);
}

/* Each message lives until it is written. */
static enum gf_code receive(struct export *export, struct gf_error *err) {
    struct gf_arena arena;
    Gofer__V1__ExportImageResponse *response = NULL;
    enum gf_code rc = GF_OK;
    gf_arena_init(&arena, 8 << 20);
    do {
        gf_arena_reset(&arena);
        rc = gofer_v1_image_service_export_image_stream_recv(export->stream, -1, &arena, &response,
                                                             err);
        if (rc == GF_OK && response != NULL &&
            response->part_case == GOFER__V1__EXPORT_IMAGE_RESPONSE__PART_CHUNK) {
            rc = gf_write_all(export->fd, response->chunk.data, response->chunk.len, err);
        }
    } while (rc == GF_OK && response != NULL);
    gf_arena_fini(&arena);
    return rc;
}

static enum gf_code run_export(struct export *export, struct gf_client *client,
                               const Gofer__V1__ExportImageRequest *request, struct gf_error *err) {
    enum gf_code rc = gofer_v1_image_service_export_image_stream_open(
        gf_client_channel(client), NULL, request, &export->stream, err);
    if (rc != GF_OK) {
        return rc;
    }
    struct gf_interrupt *interrupt = gf_interrupt_start(cancel, export);
    rc = receive(export, err);
    gf_interrupt_stop(interrupt);
    gf_rpc_stream_destroy(export->stream);
    return rc;
}

/* The same into a file, which is there when all of it is. */
static enum gf_code export_to_file(struct export *export, struct gf_client *client,
                                   const Gofer__V1__ExportImageRequest *request, const char *path,
                                   struct gf_error *err) {
    const char *part = gf_show_text(export->cli, "%s.part", path);
    GF_CLEANUP(gf_close_p) int fd = -1;
    enum gf_code rc =
        gf_file_open(AT_FDCWD, part, O_WRONLY | O_CREAT | O_TRUNC, FILE_MODE, &fd, err);
    if (rc != GF_OK) {
        return rc;
    }
    export->fd = fd;
    rc = run_export(export, client, request, err);
    if (rc == GF_OK && rename(part, path) != 0) {
        rc = gf_fail_errno(err, gf_code_from_errno(errno), errno, "'%s'", path);
    }
    if (rc != GF_OK) {
        (void)unlink(part);
    }
    return rc;
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    Gofer__V1__ExportImageRequest request = GOFER__V1__EXPORT_IMAGE_REQUEST__INIT;
    struct export export = {.cli = cli, .fd = STDOUT_FILENO};
    struct gf_error err = {0};
    enum gf_exit_code code = GF_EXIT_OK;
    const char *path = gf_parsed_text(parsed, "file");
    const bool to_output = path == NULL || strcmp(path, "-") == 0;
    request.reference = gf_request_text(parsed->arguments[0]);
    if (gf_parsed_flag(parsed, "docker")) {
        request.format = GOFER__V1__IMAGE_ARCHIVE_FORMAT__IMAGE_ARCHIVE_FORMAT_DOCKER_ARCHIVE;
    }
    if (to_output && cli->out_is_terminal) {
        (void)gf_fail(&err, GF_INVALID_ARGUMENT,
                      "a tar file is nothing for a terminal: give a file with --file PATH");
        return gf_cli_fail_usage(cli, &err);
    }
    struct gf_client *client = gf_cli_connect(cli, &code);
    if (client == NULL) {
        return code;
    }
    const enum gf_code rc = to_output ? run_export(&export, client, &request, &err)
                                      : export_to_file(&export, client, &request, path, &err);
    if (rc != GF_OK) {
        return gf_cli_fail_call(cli, &err);
    }
    if (!to_output && !cli->quiet) {
        fprintf(cli->err, "image %s exported to %s\n", parsed->arguments[0], path);
    }
    return GF_EXIT_OK;
}

const struct gf_command gf_cmd_image_export = {
    .noun = "image",
    .verb = "export",
    .summary = "write an image of the server's store as a tar file",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer image export app:1 --file app.tar\n"
                "gofer image export app:1 --docker | docker load",
    .run = run,
};
