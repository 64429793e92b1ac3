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
