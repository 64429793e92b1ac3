#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/message.h"
#include "gofer/v1/image.gofer.h"

static const char *const headers[] = {"IMAGE",   "DIGEST",    "SIZE",    "PLATFORM",
                                      "USED-BY", "LAST-USED", "IMPORTED"};

enum {
    DIGEST_SHOWN = 19, /* "sha256:" and twelve digits, on a terminal */
};

static const char *first_name(const Gofer__V1__Image *image) {
    return image->n_names > 0 ? image->names[0] : image->digest;
}

static void add_name(struct gf_cli *cli, struct gf_table *table, const Gofer__V1__Image *image,
                     const char *shown) {
    gf_table_cell(table, shown);
    gf_table_cell(table, cli->out_is_terminal
                             ? gf_show_text(cli, "%.*s", DIGEST_SHOWN, image->digest)
                             : image->digest);
    gf_table_cell(table, cli->out_is_terminal
                             ? gf_show_text(cli, "%.1f MiB", (double)image->size_bytes / (1 << 20))
                             : gf_show_text(cli, "%lld", (long long)image->size_bytes));
    gf_table_cell(table, gf_show_text(cli, "%s/%s", image->os, image->architecture));
    gf_table_cell(table, gf_show_text(cli, "%d", (int)image->container_count));
    gf_table_cell(table, gf_show_time(cli, image->last_use_time));
    gf_table_cell(table, gf_show_time(cli, image->import_time));
}

/* A row for each name, as each is one that a task may have. */
static void add_rows(struct gf_cli *cli, struct gf_table *table, const ProtobufCMessage *item) {
    const Gofer__V1__Image *image = (const Gofer__V1__Image *)item;
    add_name(cli, table, image, first_name(image));
    for (size_t i = 1; i < image->n_names; i++) {
        add_name(cli, table, image, image->names[i]);
    }
}

static const char *names(struct gf_cli *cli, const ProtobufCMessage *item) {
    const Gofer__V1__Image *image = (const Gofer__V1__Image *)item;
    const char *lines = first_name(image);
    for (size_t i = 1; i < image->n_names; i++) {
        lines = gf_show_text(cli, "%s\n%s", lines, image->names[i]);
    }
    return lines;
}

static const struct gf_listing listing = {
    .items = "images",
    .headers = headers,
    .column_count = GF_ARRAY_COUNT(headers),
    .add_row = add_rows,
    .name = names,
    .empty = "no images; gofer image pull IMAGE fetches one",
};

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    (void)parsed;
    Gofer__V1__ListImagesRequest request = GOFER__V1__LIST_IMAGES_REQUEST__INIT;
    return gf_cli_list(cli, &gofer_v1_image_service.methods[GOFER_V1_IMAGE_SERVICE_LIST_IMAGES],
                       &request.base, &listing, 0);
}

const struct gf_command gf_cmd_image_list = {
    .noun = "image",
    .verb = "list",
    .summary = "list the images of the server's store",
    .run = run,
};
