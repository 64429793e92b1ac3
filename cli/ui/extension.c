#include "cli/ui/extension.h"

#include "cli/ui/message.h"

#include <string.h>

/* ---- Extensions ---- */

static const char *const headers[] = {"EXTENSION",     "STATE", "HEALTH",       "VERSION",
                                      "SUBSCRIPTIONS", "RUNS",  "DEAD-LETTERS", "CONNECTED"};

static const char *show_state(struct gf_cli *cli, const Gofer__V1__Extension *extension) {
    return extension->status == GOFER__V1__EXTENSION_STATUS__EXTENSION_STATUS_DISABLED
               ? "DISABLED"
               : gf_show_enum(cli, &gofer__v1__extension_state__descriptor, (int)extension->state);
}

static enum gf_cell_colour state_colour(const Gofer__V1__Extension *extension) {
    if (extension->status == GOFER__V1__EXTENSION_STATUS__EXTENSION_STATUS_DISABLED) {
        return GF_CELL_GREY;
    }
    switch ((int)extension->state) {
    case GOFER__V1__EXTENSION_STATE__EXTENSION_STATE_RUNNING:
        return GF_CELL_GREEN;
    case GOFER__V1__EXTENSION_STATE__EXTENSION_STATE_BACKING_OFF:
        return GF_CELL_RED;
    case GOFER__V1__EXTENSION_STATE__EXTENSION_STATE_EXITED:
        return GF_CELL_GREY;
    default:
        return GF_CELL_YELLOW;
    }
}

static const char *show_health(struct gf_cli *cli, const Gofer__V1__Extension *extension) {
    return gf_show_enum(cli, &gofer__v1__extension_health__descriptor, (int)extension->health);
}

static enum gf_cell_colour health_colour(const Gofer__V1__Extension *extension) {
    switch ((int)extension->health) {
    case GOFER__V1__EXTENSION_HEALTH__EXTENSION_HEALTH_OK:
        return GF_CELL_GREEN;
    case GOFER__V1__EXTENSION_HEALTH__EXTENSION_HEALTH_DEGRADED:
        return GF_CELL_YELLOW;
    case GOFER__V1__EXTENSION_HEALTH__EXTENSION_HEALTH_FAILED:
        return GF_CELL_RED;
    default:
        return GF_CELL_PLAIN;
    }
}

static const char *show_count(struct gf_cli *cli, int64_t count) {
    return gf_show_text(cli, "%lld", (long long)count);
}

static void add_row(struct gf_cli *cli, struct gf_table *table, const ProtobufCMessage *item) {
    const Gofer__V1__Extension *extension = (const Gofer__V1__Extension *)item;
    gf_table_cell(table, extension->extension_id);
    gf_table_cell_coloured(table, show_state(cli, extension), state_colour(extension));
    gf_table_cell_coloured(table, show_health(cli, extension), health_colour(extension));
    gf_table_cell(table,
                  extension->version[0] == '\0' ? "-" : gf_show_line(cli, extension->version));
    gf_table_cell(table, show_count(cli, extension->subscription_count));
    gf_table_cell(table, show_count(cli, extension->run_count));
    gf_table_cell_coloured(table, show_count(cli, extension->dead_letter_count),
                           extension->dead_letter_count > 0 ? GF_CELL_RED : GF_CELL_PLAIN);
    gf_table_cell(table, gf_show_time(cli, extension->connect_time));
}

static const char *name(struct gf_cli *cli, const ProtobufCMessage *item) {
    (void)cli;
    return ((const Gofer__V1__Extension *)item)->extension_id;
}

const struct gf_listing gf_extension_listing = {
    .items = "extensions",
    .headers = headers,
    .column_count = GF_ARRAY_COUNT(headers),
    .add_row = add_row,
    .name = name,
    .empty = "no extensions; gofer extension install adds one",
};

enum gf_exit_code gf_print_extension_row(struct gf_cli *cli,
                                         const Gofer__V1__Extension *extension) {
    enum gf_exit_code code = GF_EXIT_OK;
    if (cli->output == GF_OUTPUT_NAME) {
        fprintf(cli->out, "%s\n", extension->extension_id);
    } else if (cli->output == GF_OUTPUT_TABLE) {
        struct gf_table table;
        gf_table_init(&table, headers, GF_ARRAY_COUNT(headers));
        add_row(cli, &table, &extension->base);
        gf_table_print_rows(&table, cli);
        gf_table_fini(&table);
        if (extension->state_reason[0] != '\0') {
            fprintf(cli->out, "  %s\n", gf_show_line(cli, extension->state_reason));
        }
    } else {
        code = gf_print_message_line(cli, &extension->base);
    }
    (void)fflush(cli->out);
    return code;
}

/* ---- One extension ---- */

static void print_line(struct gf_cli *cli, const char *label, const char *text) {
    if (text[0] != '\0') {
        fprintf(cli->out, "%-15s%s\n", label, gf_show_line(cli, text));
    }
}

static void print_program(struct gf_cli *cli, const Gofer__V1__Extension *extension) {
    if (extension->image[0] == '\0') {
        fprintf(cli->out, "%-15s%s\n", "Image:", "none; it is run by hand");
    }
    print_line(cli, "Image:", extension->image);
    print_line(cli, "Digest:", extension->image_digest);
    if (extension->image[0] != '\0') {
        print_line(cli, "Updates:",
                   gf_show_word(cli, &gofer__v1__extension_update_policy__descriptor,
                                (int)extension->update_policy));
    }
    print_line(cli, "Network:", extension->network);
    print_line(cli, "Version:", extension->version);
    print_line(cli, "SDK:", extension->sdk_version);
    print_line(cli, "Protocol:", extension->protocol_version);
}

static void print_state(struct gf_cli *cli, const Gofer__V1__Extension *extension) {
    print_line(cli, "State:", show_state(cli, extension));
    print_line(cli, "Reason:", extension->state_reason);
    if (extension->health != GOFER__V1__EXTENSION_HEALTH__EXTENSION_HEALTH_UNSPECIFIED) {
        print_line(cli, "Health:",
                   gf_show_text(cli, "%s%s%s", show_health(cli, extension),
                                extension->health_description[0] == '\0' ? "" : ", ",
                                extension->health_description));
    }
    print_line(cli, "Connected:", gf_show_time(cli, extension->connect_time));
    if (extension->latency != NULL) {
        print_line(cli, "Latency:", gf_show_span(cli, extension->latency));
    }
    if (extension->next_start_time != NULL) {
        print_line(cli, "Next start:", gf_show_deadline(cli, extension->next_start_time));
    }
    fprintf(cli->out, "%-15s%d\n", "Restarts:", (int)extension->restart_count);
}

static void print_counts(struct gf_cli *cli, const Gofer__V1__Extension *extension) {
    FILE *out = cli->out;
    fprintf(out, "%-15s%lld\n", "Subscriptions:", (long long)extension->subscription_count);
    fprintf(out, "%-15s%lld\n", "Runs started:", (long long)extension->run_count);
    fprintf(out, "%-15s%lld\n", "Waiting:", (long long)extension->pending_delivery_count);
    fprintf(out, "%-15s%lld\n", "Dead letters:", (long long)extension->dead_letter_count);
}

/* How it takes requests from outside. */
static void print_external(struct gf_cli *cli, const Gofer__V1__ExtensionExternalEvents *external) {
    if (external == NULL) {
        return;
    }
    print_line(cli, "Takes:", gf_show_text(cli, "POST %s", external->path));
    if (external->algorithm[0] == '\0') {
        print_line(cli, "Verified:", "no; every request is taken");
        return;
    }
    print_line(cli, "Verified:",
               gf_show_text(cli, "by an HMAC with %s in %s%s%s, under the setting %s",
                            external->algorithm, external->signature_header,
                            external->timestamp_header[0] == '\0' ? "" : " over the time in ",
                            external->timestamp_header, external->key_parameter_name));
    print_line(cli, "Delivery ids:", external->delivery_id_header);
}

static void print_parameters(struct gf_cli *cli, const char *title,
                             Gofer__V1__ExtensionParameter *const *parameters, size_t count) {
    static const char *const parameter_headers[] = {"NAME", "TYPE", "NEEDED", "DEFAULT", "HELP"};
    if (count == 0) {
        return;
    }
    struct gf_table table;
    fprintf(cli->out, "%s\n", title);
    gf_table_init(&table, parameter_headers, GF_ARRAY_COUNT(parameter_headers));
    for (size_t i = 0; i < count; i++) {
        const Gofer__V1__ExtensionParameter *parameter = parameters[i];
        const char *type = gf_show_word(cli, &gofer__v1__extension_parameter_type__descriptor,
                                        (int)parameter->type);
        for (size_t at = 0; at < parameter->n_choices; at++) {
            type = gf_show_text(cli, "%s%s%s", at == 0 ? "" : type, at == 0 ? "" : "|",
                                gf_show_line(cli, parameter->choices[at]));
        }
        gf_table_cell(&table, parameter->name);
        gf_table_cell(&table, gf_show_text(cli, "%s%s", type, parameter->secret ? ", secret" : ""));
        gf_table_cell(&table, parameter->required ? "yes" : "no");
        gf_table_cell(&table, parameter->default_value[0] == '\0'
                                  ? "-"
                                  : gf_show_line(cli, parameter->default_value));
        gf_table_cell(&table, gf_show_line(cli, parameter->help));
    }
    gf_table_print(&table, cli);
    gf_table_fini(&table);
}

void gf_print_extension(struct gf_cli *cli, const Gofer__V1__Extension *extension) {
    FILE *out = cli->out;
    fprintf(out, "%-15s%s\n", "Extension:", extension->extension_id);
    print_program(cli, extension);
    print_state(cli, extension);
    for (size_t i = 0; i < extension->n_role_ids; i++) {
        fprintf(out, "%-15s%s\n", i == 0 ? "Roles:" : "", extension->role_ids[i]);
    }
    for (size_t i = 0; i < extension->n_settings; i++) {
        fprintf(out, "%-15s%s=%s\n", i == 0 ? "Settings:" : "",
                gf_show_line(cli, extension->settings[i]->key),
                gf_show_line(cli, extension->settings[i]->value));
    }
    print_external(cli, extension->external_events);
    print_counts(cli, extension);
    fprintf(out, "%-15s%s\n", "Installed:", gf_show_time(cli, extension->create_time));
    fprintf(out, "%-15s%s\n", "Updated:", gf_show_time(cli, extension->update_time));
    print_parameters(cli, "Settings of its own:", extension->config_parameters,
                     extension->n_config_parameters);
    print_parameters(cli, "Settings of a subscription:", extension->subscription_parameters,
                     extension->n_subscription_parameters);
}

void gf_print_text(struct gf_cli *cli, FILE *to, const char *text) {
    struct gf_str rest = gf_str_from(text);
    while (rest.len > 0) {
        struct gf_str line;
        (void)gf_str_cut(rest, '\n', &line, &rest);
        fprintf(to, "%s\n", gf_show_line(cli, gf_arena_str(cli->arena, line).ptr));
    }
}

/* ---- Reports ---- */

static const char *const report_headers[] = {"TIME", "EXTENSION", "SUBSCRIPTION",
                                             "RUN",  "OUTCOME",   "TITLE"};

static void add_report(struct gf_cli *cli, struct gf_table *table, const ProtobufCMessage *item) {
    const Gofer__V1__ExtensionReport *report = (const Gofer__V1__ExtensionReport *)item;
    const char *outcome =
        gf_show_enum(cli, &gofer__v1__extension_report_outcome__descriptor, (int)report->outcome);
    const Gofer__V1__RunReference *run = report->run;
    gf_table_cell(table, gf_show_time(cli, report->create_time));
    gf_table_cell(table, report->extension_id);
    gf_table_cell(table, report->subscription_id[0] == '\0' ? "-" : report->subscription_id);
    gf_table_cell(table, run == NULL ? "-"
                                     : gf_show_text(cli, "%s/%s/%lld", run->namespace_id,
                                                    run->pipeline_id, (long long)run->run_id));
    gf_table_cell_coloured(table, outcome, gf_state_colour(outcome));
    gf_table_cell(table,
                  gf_show_text(cli, "%s%s%s", gf_show_line(cli, report->title),
                               report->url[0] == '\0' ? "" : " ", gf_show_line(cli, report->url)));
}

static const char *report_name(struct gf_cli *cli, const ProtobufCMessage *item) {
    return gf_show_line(cli, ((const Gofer__V1__ExtensionReport *)item)->report_id);
}

const struct gf_listing gf_report_listing = {
    .items = "reports",
    .headers = report_headers,
    .column_count = GF_ARRAY_COUNT(report_headers),
    .add_row = add_report,
    .name = report_name,
    .empty = "no reports",
};

/* ---- Dead letters ---- */

static const char *const letter_headers[] = {"DEAD-LETTER", "KIND",     "SUBSCRIPTION", "KEY",
                                             "ATTEMPTS",    "GIVEN-UP", "WHY"};

static const char *show_subscription(struct gf_cli *cli,
                                     const Gofer__V1__SubscriptionReference *reference) {
    return reference == NULL ? "-"
                             : gf_show_text(cli, "%s/%s/%s", reference->namespace_id,
                                            reference->pipeline_id, reference->subscription_id);
}

static const char *show_letter_kind(struct gf_cli *cli, const Gofer__V1__DeadLetter *letter) {
    return gf_show_enum(cli, &gofer__v1__dead_letter_kind__descriptor, (int)letter->kind);
}

static void add_letter(struct gf_cli *cli, struct gf_table *table, const ProtobufCMessage *item) {
    const Gofer__V1__DeadLetter *letter = (const Gofer__V1__DeadLetter *)item;
    gf_table_cell(table, letter->dead_letter_id);
    gf_table_cell(table, show_letter_kind(cli, letter));
    gf_table_cell(table, show_subscription(cli, letter->subscription));
    gf_table_cell(table, gf_show_line(cli, letter->idempotency_key));
    gf_table_cell(table, show_count(cli, letter->attempt_count));
    gf_table_cell(table, gf_show_time(cli, letter->dead_time));
    gf_table_cell(table, gf_show_line(cli, letter->description));
}

static const char *letter_name(struct gf_cli *cli, const ProtobufCMessage *item) {
    (void)cli;
    return ((const Gofer__V1__DeadLetter *)item)->dead_letter_id;
}

const struct gf_listing gf_dead_letter_listing = {
    .items = "dead_letters",
    .headers = letter_headers,
    .column_count = GF_ARRAY_COUNT(letter_headers),
    .add_row = add_letter,
    .name = letter_name,
    .empty = "no dead letters",
};

void gf_print_dead_letter(struct gf_cli *cli, const Gofer__V1__DeadLetter *letter) {
    FILE *out = cli->out;
    fprintf(out, "Dead letter:  %s\n", letter->dead_letter_id);
    fprintf(out, "Kind:         %s\n", show_letter_kind(cli, letter));
    if (letter->subscription != NULL) {
        fprintf(out, "Subscription: %s\n", show_subscription(cli, letter->subscription));
    }
    if (letter->idempotency_key[0] != '\0') {
        fprintf(out, "Key:          %s\n", gf_show_line(cli, letter->idempotency_key));
    }
    fprintf(out, "Attempts:     %d\n", (int)letter->attempt_count);
    fprintf(out, "Why:          %s\n", gf_show_line(cli, letter->description));
    fprintf(out, "Received:     %s\n", gf_show_time(cli, letter->create_time));
    fprintf(out, "Given up:     %s\n", gf_show_time(cli, letter->dead_time));
    if (letter->content.len > 0) {
        const struct gf_str content = {(const char *)letter->content.data, letter->content.len};
        fprintf(out, "Content:\n");
        gf_print_text(cli, out, gf_arena_str(cli->arena, content).ptr);
    }
}
