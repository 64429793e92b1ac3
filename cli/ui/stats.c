#include "cli/ui/stats.h"

#include "cli/ui/message.h"

static const char *const headers[] = {"WINDOW",  "SUCCESSFUL", "FAILED", "CANCELLED",
                                      "SUCCESS", "MEDIAN",     "P95",    "QUEUED"};

/* A count that may be higher in truth. */
static const char *show_count(struct gf_cli *cli, int64_t count, bool truncated) {
    return gf_show_text(cli, "%lld%s", (long long)count, truncated ? "+" : "");
}

static void add_row(struct gf_cli *cli, struct gf_table *table, const ProtobufCMessage *item) {
    const Gofer__V1__PipelineStats *stats = (const Gofer__V1__PipelineStats *)item;
    bool rated = stats->successful_count + stats->failed_count > 0;
    gf_table_cell(table, gf_show_span(cli, stats->window));
    gf_table_cell(table, show_count(cli, stats->successful_count, stats->truncated));
    gf_table_cell(table, show_count(cli, stats->failed_count, stats->truncated));
    gf_table_cell(table, show_count(cli, stats->cancelled_count, stats->truncated));
    gf_table_cell(table, rated ? gf_show_text(cli, "%.1f%%", stats->success_percent) : "-");
    gf_table_cell(table, gf_show_span(cli, stats->median_duration));
    gf_table_cell(table, gf_show_span(cli, stats->p95_duration));
    gf_table_cell(table, gf_show_span(cli, stats->median_queue_duration));
}

static const char *name(struct gf_cli *cli, const ProtobufCMessage *item) {
    return gf_show_span(cli, ((const Gofer__V1__PipelineStats *)item)->window);
}

const struct gf_listing gf_stats_listing = {
    .items = "stats",
    .headers = headers,
    .column_count = GF_ARRAY_COUNT(headers),
    .add_row = add_row,
    .name = name,
};

void gf_print_stats(struct gf_cli *cli, const Gofer__V1__GetPipelineStatsResponse *response) {
    struct gf_table table;
    gf_table_init(&table, headers, GF_ARRAY_COUNT(headers));
    for (size_t i = 0; i < response->n_stats; i++) {
        add_row(cli, &table, &response->stats[i]->base);
    }
    fprintf(cli->out, "Runs that ended within:\n");
    gf_table_print(&table, cli);
    gf_table_fini(&table);
}
