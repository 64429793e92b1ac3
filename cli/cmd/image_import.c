/*
 * DESIGN. The archive goes to the server as a stream of chunks. A file is read as it is; a
 * directory is packed by gofer-fetch, whose output is read from a pipe, so that no copy of it is
 * made on the disk.
 */
#include "base/clock.h"
#include "base/file.h"
#include "base/proc.h"
#include "base/str.h"
#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/fetch.h"
#include "cli/ui/message.h"
#include "gofer/v1/image.gofer.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    CHUNK_BYTES = 256 << 10,
    PROGRESS_EVERY_MS = 200,
    PROGRESS_AFTER_MS = 1000, /* short uploads show none */
};

static const struct gf_argument arguments[] = {
    {.name = "PATH",
     .complete = "file",
     .help = "an OCI layout (directory or tar) or a docker archive; - is standard input"},
};

static const struct gf_option options[] = {
    {.name = "name",
     .kind = GF_OPTION_TEXT,
     .value_name = "REF",
     .help = "the image's name, as busybox:latest (default: what the archive says)"},
};

/* Where the bytes come from. */
struct source {
    int fd;
    struct gf_proc packer; /* zero pid: the file itself */
    int64_t total_bytes;   /* 0 = not known */
};

/* Starts gofer-fetch, which writes the directory as a tar file into the pipe. */
static enum gf_code start_packer(struct gf_cli *cli, const char *directory, struct source *source,
                                 struct gf_error *err) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "pipe");
    }
    const char *const argv[] = {"gofer-fetch", "pack", directory, NULL};
    struct gf_proc_fd fds[] = {{.from = ends[1], .to = STDOUT_FILENO},
                               {.from = STDERR_FILENO, .to = STDERR_FILENO}};
    struct gf_proc_spec spec = {
        .program = gf_cli_fetch_program(cli),
        .argv = argv,
        .fds = fds,
        .fd_count = GF_ARRAY_COUNT(fds),
        .group = GF_PROC_GROUP_PARENT,
    };
    enum gf_code rc = gf_proc_spawn(&spec, &source->packer, err);
    gf_close(&ends[1]);
    if (rc != GF_OK) {
        gf_close(&ends[0]);
        return gf_wrap(err, "cannot start gofer-fetch to pack a directory");
    }
    source->fd = ends[0];
    return GF_OK;
}

static enum gf_code open_source(struct gf_cli *cli, const char *path, struct source *source,
                                struct gf_error *err) {
    *source = (struct source){.fd = -1};
    if (strcmp(path, "-") == 0) {
        source->fd = STDIN_FILENO;
        return GF_OK;
    }
    enum gf_code rc = gf_file_open(AT_FDCWD, path, O_RDONLY, 0, &source->fd, err);
    if (rc != GF_OK) {
        return rc;
    }
    struct stat status;
    if (fstat(source->fd, &status) != 0) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "%s", path);
    }
    if (!S_ISDIR(status.st_mode)) {
        source->total_bytes = status.st_size;
        return GF_OK;
    }
    gf_close(&source->fd);
    return start_packer(cli, path, source, err);
}

/* GF_OK when what was read is all there was to read. */
static enum gf_code close_source(struct source *source, struct gf_error *err) {
    if (source->fd != STDIN_FILENO) {
        gf_close(&source->fd);
    }
    if (source->packer.pid == 0) {
        return GF_OK;
    }
    struct gf_proc_exit end = {0};
    enum gf_code rc = gf_proc_wait(&source->packer, GF_NEVER, &end, err);
    if (rc == GF_OK && (end.signaled || end.status != 0)) {
        /* It has said why on standard error. */
        return gf_fail(err, GF_INVALID_ARGUMENT, "the directory could not be packed");
    }
    return rc;
}

struct upload {
    struct gf_cli *cli;
    struct source source;
    struct gf_rpc_stream *stream;
    int64_t sent_bytes;
    int64_t start_mono_ns;
    int64_t shown_mono_ns; /* 0 = no progress was shown */
};

static void show_progress(struct upload *upload) {
    int64_t now = gf_mono_ns();
    bool due = now - upload->start_mono_ns > PROGRESS_AFTER_MS * GF_NS_PER_MS &&
               now - upload->shown_mono_ns > PROGRESS_EVERY_MS * GF_NS_PER_MS;
    if (!due || !upload->cli->err_is_terminal || upload->cli->quiet) {
        return;
    }
    upload->shown_mono_ns = now;
    fprintf(upload->cli->err, "\r%lld MiB sent", (long long)(upload->sent_bytes >> 20));
    if (upload->source.total_bytes > 0) {
        fprintf(upload->cli->err, " (%d %%)",
                (int)(upload->sent_bytes * 100 / upload->source.total_bytes));
    }
}

static void clear_progress(const struct upload *upload) {
    if (upload->shown_mono_ns != 0) {
        fprintf(upload->cli->err, "\r\033[K");
    }
}

/* Sends the bytes of the source; GF_CANCELLED when the server has ended the call. */
static enum gf_code send_chunks(struct upload *upload, struct gf_error *err) {
    uint8_t *buffer = gf_arena_alloc(upload->cli->arena, CHUNK_BYTES);
    for (;;) {
        ssize_t size = read(upload->source.fd, buffer, CHUNK_BYTES);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size < 0) {
            return gf_fail_errno(err, gf_code_from_errno(errno), errno, "cannot read the archive");
        }
        if (size == 0) {
            return GF_OK;
        }
        Gofer__V1__ImportImageRequest request = GOFER__V1__IMPORT_IMAGE_REQUEST__INIT;
        request.part_case = GOFER__V1__IMPORT_IMAGE_REQUEST__PART_CHUNK;
        request.chunk.data = buffer;
        request.chunk.len = (size_t)size;
        enum gf_code rc =
            gofer_v1_image_service_import_image_stream_send(upload->stream, &request, err);
        if (rc != GF_OK) {
            return rc;
        }
        upload->sent_bytes += size;
        show_progress(upload);
    }
}

static enum gf_code send_all(struct upload *upload, const char *name, struct gf_error *err) {
    Gofer__V1__ImportImageStart start = GOFER__V1__IMPORT_IMAGE_START__INIT;
    start.name = name == NULL ? start.name : (char *)(uintptr_t)name;
    start.size_bytes = upload->source.total_bytes;
    Gofer__V1__ImportImageRequest request = GOFER__V1__IMPORT_IMAGE_REQUEST__INIT;
    request.part_case = GOFER__V1__IMPORT_IMAGE_REQUEST__PART_START;
    request.start = &start;
    enum gf_code rc =
        gofer_v1_image_service_import_image_stream_send(upload->stream, &request, err);
    if (rc == GF_OK) {
        rc = send_chunks(upload, err);
    }
    clear_progress(upload);
    /* An archive that could not be read whole must not look whole to the server. */
    struct gf_error source_err = {0};
    enum gf_code source_rc = close_source(&upload->source, &source_err);
    if (rc == GF_OK && source_rc != GF_OK) {
        *err = source_err;
        rc = source_rc;
    }
    return rc;
}

static enum gf_code import(struct gf_cli *cli, struct gf_client *client,
                           const struct gf_parsed *parsed,
                           Gofer__V1__ImportImageResponse **out_response, struct gf_error *err) {
    struct upload upload = {.cli = cli, .start_mono_ns = gf_mono_ns()};
    enum gf_code rc = open_source(cli, parsed->arguments[0], &upload.source, err);
    if (rc != GF_OK) {
        return rc;
    }
    rc = gofer_v1_image_service_import_image_stream_open(gf_client_channel(client), NULL,
                                                         &upload.stream, err);
    if (rc == GF_OK) {
        rc = send_all(&upload, gf_parsed_text(parsed, "name"), err);
    }
    if (rc == GF_OK || rc == GF_CANCELLED) {
        /* Cancelled: the server has ended the call early, and its status says why. */
        gf_rpc_stream_close_send(upload.stream);
        rc = gofer_v1_image_service_import_image_stream_recv(upload.stream, -1, cli->arena,
                                                             out_response, err);
        if (rc == GF_OK && *out_response == NULL) {
            rc = gf_fail(err, GF_INTERNAL, "the server sent no answer");
        }
    }
    gf_rpc_stream_destroy(upload.stream);
    return rc;
}

/* Whether the image's full name is what was asked for: "app" asks for "app:latest". */
static bool is_asked_name(const char *full_name, const char *asked) {
    struct gf_str rest = gf_str_from(full_name);
    if (!gf_str_has_prefix(rest, gf_str_from(asked))) {
        return false;
    }
    const char *behind = full_name + strlen(asked);
    return behind[0] == '\0' || strcmp(behind, ":latest") == 0;
}

/* True when some image has the name: it need not, when the server knows it by a shorter form. */
static bool has_asked_name(const Gofer__V1__ImportImageResponse *response, const char *asked) {
    for (size_t i = 0; i < response->n_images; i++) {
        for (size_t j = 0; j < response->images[i]->n_names; j++) {
            if (is_asked_name(response->images[i]->names[j], asked)) {
                return true;
            }
        }
    }
    return false;
}

static void show(struct gf_cli *cli, const Gofer__V1__ImportImageResponse *response,
                 const char *asked) {
    bool only_asked = asked != NULL && has_asked_name(response, asked);
    for (size_t i = 0; i < response->n_images; i++) {
        const Gofer__V1__Image *image = response->images[i];
        for (size_t j = 0; j < image->n_names; j++) {
            /* An image that was there already has its earlier names as well. */
            if (only_asked && !is_asked_name(image->names[j], asked)) {
                continue;
            }
            if (cli->output == GF_OUTPUT_NAME) {
                fprintf(cli->out, "%s\n", image->names[j]);
            } else {
                fprintf(cli->out, "image %s imported\n", image->names[j]);
            }
        }
    }
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    enum gf_exit_code code = GF_EXIT_OK;
    struct gf_client *client = gf_cli_connect(cli, &code);
    if (client == NULL) {
        return code;
    }
    Gofer__V1__ImportImageResponse *response = NULL;
    struct gf_error err = {0};
    if (import(cli, client, parsed, &response, &err) != GF_OK) {
        return gf_cli_fail_call(cli, &err);
    }
    if (cli->output == GF_OUTPUT_JSON || cli->output == GF_OUTPUT_JSONL) {
        return gf_print_message(cli, &response->base);
    }
    show(cli, response, gf_parsed_text(parsed, "name"));
    return GF_EXIT_OK;
}

const struct gf_command gf_cmd_image_import = {
    .noun = "image",
    .verb = "import",
    .summary = "put the images of an archive into the server's store",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer image import ./busybox-layout\ndocker save app:1 | gofer image import -",
    .run = run,
};
