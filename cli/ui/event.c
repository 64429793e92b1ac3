#include "cli/ui/event.h"

#include "cli/ui/message.h"

static const char *const headers[] = {"EVENT", "TIME", "KIND", "SUBJECT", "OUTCOME", "BY"};

/* "hello/12/greet": the parts of the path that the event has; a deployment or a version by name. */
static const char *subject(struct gf_cli *cli, const Gofer__V1__Event *event) {
    const char *text = event->pipeline_id[0] != '\0' ? event->pipeline_id : event->namespace_id;
    if (event->run_id > 0) {
        text = gf_show_text(cli, "%s/%lld", text, (long long)event->run_id);
    }
    if (event->task_id[0] != '\0') {
        text = gf_show_text(cli, "%s/%s", text, event->task_id);
    }
    if (event->extension_id[0] != '\0') {
        text =
            gf_show_text(cli, "%s%s%s%s%s", text, text[0] == '\0' ? "" : "/", event->extension_id,
                         event->subscription_id[0] == '\0' ? "" : "/", event->subscription_id);
    }
    if (event->key[0] != '\0') {
        text = text[0] == '\0' ? event->key : gf_show_text(cli, "%s/%s", text, event->key);
    }
    if (event->run_id == 0 && event->version > 0) {
        text = gf_show_text(cli, "%s version %lld", text, (long long)event->version);
    }
    return text[0] != '\0' ? text : event->subject_id;
}

static const char *outcome(struct gf_cli *cli, const Gofer__V1__Event *event) {
    if (event->run_status != 0) {
        return gf_show_enum(cli, &gofer__v1__run_status__descriptor, (int)event->run_status);
    }
    if (event->task_execution_status != 0) {
        return gf_show_enum(cli, &gofer__v1__task_execution_status__descriptor,
                            (int)event->task_execution_status);
    }
    return "";
}

/* Who made it happen; nobody where gofer did. */
static const char *by(struct gf_cli *cli, const Gofer__V1__Event *event) {
    if (event->actor == NULL) {
        return "";
    }
    const Gofer__V1__EventActor *actor = event->actor;
    return gf_show_line(cli, actor->user[0] != '\0' ? actor->user : actor->token_id);
}

static void add_row(struct gf_cli *cli, struct gf_table *table, const ProtobufCMessage *item) {
    const Gofer__V1__Event *event = (const Gofer__V1__Event *)item;
    const char *word = outcome(cli, event);
    gf_table_cell(table, gf_show_text(cli, "%lld", (long long)event->event_id));
    gf_table_cell(table, gf_show_time(cli, event->event_time));
    gf_table_cell(table, gf_show_enum(cli, &gofer__v1__event_kind__descriptor, (int)event->kind));
    gf_table_cell(table, subject(cli, event));
    gf_table_cell_coloured(table, word, gf_state_colour(word));
    gf_table_cell(table, by(cli, event));
}

static const char *name(struct gf_cli *cli, const ProtobufCMessage *item) {
    return gf_show_text(cli, "%lld", (long long)((const Gofer__V1__Event *)item)->event_id);
}

const struct gf_listing gf_event_listing = {
    .items = "events",
    .headers = headers,
    .column_count = GF_ARRAY_COUNT(headers),
    .add_row = add_row,
    .name = name,
    .empty = "no events",
};

static void print_detail(struct gf_cli *cli, const char *label, const char *text) {
    if (text[0] != '\0') {
        fprintf(cli->out, "%-13s%s\n", label, gf_show_line(cli, text));
    }
}

void gf_print_event_details(struct gf_cli *cli, const Gofer__V1__Event *event) {
    fprintf(cli->out, "%-13s%lld\n", "Event:", (long long)event->event_id);
    print_detail(cli,
                 "Kind:", gf_show_enum(cli, &gofer__v1__event_kind__descriptor, (int)event->kind));
    print_detail(cli, "Time:", gf_show_moment(cli, event->event_time));
    print_detail(cli, "Namespace:", event->namespace_id);
    print_detail(cli, "Subject:", subject(cli, event));
    if (event->attempt != 0) {
        fprintf(cli->out, "%-13s%d\n", "Attempt:", (int)event->attempt);
    }
    print_detail(cli, "Outcome:", outcome(cli, event));
    print_detail(cli, "What:", event->description);
    print_detail(cli, "By:", by(cli, event));
    if (event->actor != NULL) {
        print_detail(cli, "From:", event->actor->peer);
    }
    for (size_t i = 0; i < event->n_metadata; i++) {
        fprintf(cli->out, "%-13s%s=%s\n", i == 0 ? "Facts:" : "",
                gf_show_line(cli, event->metadata[i]->key),
                gf_show_line(cli, event->metadata[i]->value));
    }
}

enum gf_exit_code gf_print_event(struct gf_cli *cli, const Gofer__V1__Event *event) {
    enum gf_exit_code code = GF_EXIT_OK;
    switch (cli->output) {
    case GF_OUTPUT_TABLE: {
        struct gf_table table;
        gf_table_init(&table, headers, GF_ARRAY_COUNT(headers));
        add_row(cli, &table, &event->base);
        gf_table_print_rows(&table, cli);
        gf_table_fini(&table);
        break;
    }
    case GF_OUTPUT_NAME:
        fprintf(cli->out, "%s\n", name(cli, &event->base));
        break;
    case GF_OUTPUT_JSON:
    case GF_OUTPUT_JSONL:
        code = gf_print_message_line(cli, &event->base);
        break;
    }
    (void)fflush(cli->out);
    return code;
}
