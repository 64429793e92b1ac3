#include "cli/ui/subscription.h"

#include "cli/ui/message.h"

static const char *const headers[] = {"SUBSCRIPTION", "PIPELINE", "EXTENSION", "STATUS",
                                      "RUNS",         "LAST-RUN", "SETTINGS"};

static const char *show_status(struct gf_cli *cli, const Gofer__V1__Subscription *subscription) {
    return gf_show_enum(cli, &gofer__v1__subscription_status__descriptor,
                        (int)subscription->status);
}

static enum gf_cell_colour status_colour(const Gofer__V1__Subscription *subscription) {
    switch ((int)subscription->status) {
    case GOFER__V1__SUBSCRIPTION_STATUS__SUBSCRIPTION_STATUS_ACTIVE:
        return GF_CELL_GREEN;
    case GOFER__V1__SUBSCRIPTION_STATUS__SUBSCRIPTION_STATUS_ERROR:
        return GF_CELL_RED;
    case GOFER__V1__SUBSCRIPTION_STATUS__SUBSCRIPTION_STATUS_DISABLED:
        return GF_CELL_GREY;
    default:
        return GF_CELL_YELLOW;
    }
}

static const char *show_settings(struct gf_cli *cli, const Gofer__V1__Subscription *subscription) {
    const char *text = "";
    for (size_t i = 0; i < subscription->n_settings; i++) {
        text = gf_show_text(cli, "%s%s%s=%s", text, i == 0 ? "" : " ",
                            subscription->settings[i]->key, subscription->settings[i]->value);
    }
    return gf_show_line(cli, text);
}

static void add_row(struct gf_cli *cli, struct gf_table *table, const ProtobufCMessage *item) {
    const Gofer__V1__Subscription *subscription = (const Gofer__V1__Subscription *)item;
    gf_table_cell(table, subscription->subscription_id);
    gf_table_cell(table, subscription->pipeline_id);
    gf_table_cell(table, subscription->extension_id);
    gf_table_cell_coloured(table, show_status(cli, subscription), status_colour(subscription));
    gf_table_cell(table, gf_show_text(cli, "%lld", (long long)subscription->run_count));
    gf_table_cell(table, gf_show_time(cli, subscription->last_run_time));
    gf_table_cell(table, show_settings(cli, subscription));
}

static const char *name(struct gf_cli *cli, const ProtobufCMessage *item) {
    return gf_show_subscription(cli, (const Gofer__V1__Subscription *)item);
}

const struct gf_listing gf_subscription_listing = {
    .items = "subscriptions",
    .headers = headers,
    .column_count = GF_ARRAY_COUNT(headers),
    .add_row = add_row,
    .name = name,
    .empty = "no subscriptions; gofer pipeline subscribe adds one",
};

const char *gf_show_subscription(struct gf_cli *cli, const Gofer__V1__Subscription *subscription) {
    return gf_show_text(cli, "%s/%s/%s", subscription->pipeline_id, subscription->extension_id,
                        subscription->subscription_id);
}

/* Why it does not work; empty where it does. */
static const char *show_reason(struct gf_cli *cli, const Gofer__V1__Subscription *subscription) {
    return subscription->status_reason == NULL
               ? ""
               : gf_show_line(cli, subscription->status_reason->description);
}

void gf_print_subscription(struct gf_cli *cli, const Gofer__V1__Subscription *subscription) {
    FILE *out = cli->out;
    fprintf(out, "Subscription: %s\n", subscription->subscription_id);
    fprintf(out, "Pipeline:     %s in namespace %s\n", subscription->pipeline_id,
            subscription->namespace_id);
    fprintf(out, "Extension:    %s\n", subscription->extension_id);
    fprintf(out, "Status:       %s\n", show_status(cli, subscription));
    if (show_reason(cli, subscription)[0] != '\0') {
        fprintf(out, "Reason:       %s\n", show_reason(cli, subscription));
    }
    for (size_t i = 0; i < subscription->n_settings; i++) {
        fprintf(out, "%-14s%s=%s\n", i == 0 ? "Settings:" : "",
                gf_show_line(cli, subscription->settings[i]->key),
                gf_show_line(cli, subscription->settings[i]->value));
    }
    fprintf(out, "Runs started: %lld\n", (long long)subscription->run_count);
    if (subscription->last_run_id != 0) {
        fprintf(out, "Last run:     %s/%lld, %s\n", subscription->pipeline_id,
                (long long)subscription->last_run_id,
                gf_show_time(cli, subscription->last_run_time));
    }
    fprintf(out, "Created:      %s\n", gf_show_time(cli, subscription->create_time));
    fprintf(out, "Updated:      %s\n", gf_show_time(cli, subscription->update_time));
}

void gf_print_subscription_outcome(struct gf_cli *cli, const Gofer__V1__Subscription *subscription,
                                   const char *done) {
    fprintf(cli->out, "subscription %s %s: %s\n", gf_show_subscription(cli, subscription), done,
            show_status(cli, subscription));
    if (show_reason(cli, subscription)[0] != '\0') {
        gf_cli_note(cli, "%s", show_reason(cli, subscription));
    } else if (subscription->status ==
               GOFER__V1__SUBSCRIPTION_STATUS__SUBSCRIPTION_STATUS_PENDING) {
        gf_cli_note(cli, "the extension is asked when it connects");
    }
}
