#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/interrupt.h"
#include "cli/registry_login.h"
#include "cli/ui/message.h"
#include "gofer/v1/image.gofer.h"

static const struct gf_argument arguments[] = {
    {.name = "IMAGE",
     .complete = "image",
     .help = "a reference, as busybox:1.36, NAME@sha256:DIGEST or NAME:^1"},
};

static const struct gf_option options[] = {
    {.name = "user",
     .kind = GF_OPTION_TEXT,
     .value_name = "USER",
     .help = "who to log in as at the registry (default: as the server is configured)"},
    {.name = "password-file",
     .kind = GF_OPTION_TEXT,
     .value_name = "FILE",
     .help = "where the password of --user is (default: standard input)"},
};

enum {
    BAR_CELLS = 24,
};

struct pull {
    struct gf_cli *cli;
    struct gf_rpc_stream *stream;
    Gofer__V1__ImagePullPhase phase; /* that was told last */
    bool on_line;                    /* a line of progress stands on the terminal */
};

static void cancel(void *ctx) {
    struct pull *pull = ctx;
    gf_rpc_stream_cancel(pull->stream);
}

static const char *phase_name(Gofer__V1__ImagePullPhase phase) {
    switch ((int)phase) {
    case GOFER__V1__IMAGE_PULL_PHASE__IMAGE_PULL_PHASE_RESOLVING:
        return "asking the registry";
    case GOFER__V1__IMAGE_PULL_PHASE__IMAGE_PULL_PHASE_FETCHING:
        return "fetching";
    case GOFER__V1__IMAGE_PULL_PHASE__IMAGE_PULL_PHASE_UNPACKING:
        return "unpacking";
    case GOFER__V1__IMAGE_PULL_PHASE__IMAGE_PULL_PHASE_DONE:
        return "done";
    case GOFER__V1__IMAGE_PULL_PHASE__IMAGE_PULL_PHASE_UNSPECIFIED:
    default:
        return "working";
    }
}

/* "fetching [######------] 12.0 of 24.0 MiB, 1 of 3 layers", over what stood there. */
static void show_bar(struct pull *pull, const Gofer__V1__ImagePullProgress *progress) {
    FILE *err = pull->cli->err;
    const double mib = 1 << 20;
    fprintf(err, "\r\033[K%s", phase_name(progress->phase));
    if (progress->total_bytes > 0) {
        const int filled = (int)(progress->received_bytes * BAR_CELLS / progress->total_bytes);
        fprintf(err, " [");
        for (int i = 0; i < BAR_CELLS; i++) {
            (void)fputc(i < filled ? '#' : '-', err);
        }
        fprintf(err, "] %.1f of %.1f MiB", (double)progress->received_bytes / mib,
                (double)progress->total_bytes / mib);
    }
    if (progress->total_layer_count > 0) {
        fprintf(err, ", %d of %d layers", (int)progress->done_layer_count,
                (int)progress->total_layer_count);
    }
    (void)fflush(err);
    pull->on_line = true;
}

static void clear_bar(struct pull *pull) {
    if (pull->on_line) {
        fprintf(pull->cli->err, "\r\033[K");
        pull->on_line = false;
    }
}

static void show_progress(struct pull *pull, const Gofer__V1__ImagePullProgress *progress) {
    if (progress == NULL || pull->cli->quiet) {
        return;
    }
    if (pull->cli->err_is_terminal) {
        show_bar(pull, progress);
    } else if (progress->phase != pull->phase &&
               progress->phase != GOFER__V1__IMAGE_PULL_PHASE__IMAGE_PULL_PHASE_DONE) {
        fprintf(pull->cli->err, "%s\n", phase_name(progress->phase));
    }
    pull->phase = progress->phase;
}

/* GF_OK with the image in *out, which is in the cli's arena. */
static enum gf_code receive(struct pull *pull, Gofer__V1__PullImageResponse **out,
                            struct gf_error *err) {
    Gofer__V1__PullImageResponse *response = NULL;
    Gofer__V1__PullImageResponse *last = NULL;
    do {
        const enum gf_code rc = gofer_v1_image_service_pull_image_stream_recv(
            pull->stream, -1, pull->cli->arena, &response, err);
        if (rc != GF_OK) {
            return rc;
        }
        if (response != NULL) {
            last = response;
            show_progress(pull, response->progress);
        }
    } while (response != NULL);
    if (last == NULL || last->image == NULL) {
        return gf_fail(err, GF_INTERNAL, "the server sent no image");
    }
    *out = last;
    return GF_OK;
}

static enum gf_code run_pull(struct pull *pull, struct gf_client *client,
                             const Gofer__V1__PullImageRequest *request,
                             Gofer__V1__PullImageResponse **out, struct gf_error *err) {
    enum gf_code rc = gofer_v1_image_service_pull_image_stream_open(gf_client_channel(client), NULL,
                                                                    request, &pull->stream, err);
    if (rc != GF_OK) {
        return rc;
    }
    struct gf_interrupt *interrupt = gf_interrupt_start(cancel, pull);
    rc = receive(pull, out, err);
    clear_bar(pull);
    gf_interrupt_stop(interrupt);
    gf_rpc_stream_destroy(pull->stream);
    return rc;
}

static enum gf_exit_code show(struct gf_cli *cli, const Gofer__V1__PullImageResponse *response,
                              const char *asked) {
    const Gofer__V1__Image *image = response->image;
    if (cli->output == GF_OUTPUT_JSON || cli->output == GF_OUTPUT_JSONL) {
        return gf_print_message(cli, &response->base);
    }
    if (cli->output == GF_OUTPUT_NAME) {
        fprintf(cli->out, "%s\n", image->n_names > 0 ? image->names[0] : image->digest);
    } else {
        fprintf(cli->out, "image %s pulled: %s\n", asked, image->digest);
    }
    return GF_EXIT_OK;
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    Gofer__V1__PullImageRequest request = GOFER__V1__PULL_IMAGE_REQUEST__INIT;
    Gofer__V1__RegistryAuth auth = GOFER__V1__REGISTRY_AUTH__INIT;
    Gofer__V1__PullImageResponse *response = NULL;
    struct pull pull = {.cli = cli};
    struct gf_error err = {0};
    enum gf_exit_code code = GF_EXIT_OK;
    const char *user = gf_parsed_text(parsed, "user");
    const char *file = gf_parsed_text(parsed, "password-file");
    request.reference = gf_request_text(parsed->arguments[0]);
    GF_CLEANUP(gf_secret_value_fini) struct gf_secret_value password = {0};
    if (file != NULL && user == NULL) {
        (void)gf_fail(&err, GF_INVALID_ARGUMENT, "--password-file needs --user");
        return gf_cli_fail_usage(cli, &err);
    }
    if (user != NULL) {
        gf_secret_value_init(&password);
        if (gf_read_registry_password(cli, file, &password, &err) != GF_OK) {
            return gf_cli_fail(cli, &err);
        }
        auth.user = gf_request_text(user);
        auth.password = password.bytes;
        request.registry_auth = &auth;
    }
    struct gf_client *client = gf_cli_connect(cli, &code);
    if (client == NULL) {
        return code;
    }
    if (run_pull(&pull, client, &request, &response, &err) != GF_OK) {
        return gf_cli_fail_call(cli, &err);
    }
    return show(cli, response, parsed->arguments[0]);
}

const struct gf_command gf_cmd_image_pull = {
    .noun = "image",
    .verb = "pull",
    .summary = "fetch an image from its registry into the server's store",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer image pull busybox:1.36\n"
                "gofer image pull --user me --password-file token "
                "registry.example.com/team/app:^1",
    .run = run,
};
