#include "base/clock.h"
#include "base/str.h"
#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/event_follow.h"
#include "cli/read.h"
#include "cli/ui/event.h"
#include "cli/ui/message.h"
#include "gofer/v1/event.gofer.h"

enum {
    LIMIT_DEFAULT = 50,
};

static const struct gf_option options[] = {
    {.name = "follow",
     .letter = 'f',
     .kind = GF_OPTION_FLAG,
     .help = "show events as they happen, from now on, until Ctrl-C"},
    {.name = "history",
     .kind = GF_OPTION_FLAG,
     .help = "with --follow: begin with the oldest event that is kept"},
    {.name = "limit",
     .kind = GF_OPTION_COUNT,
     .value_name = "N",
     .help = "how many to show (default 50, with --follow without an end; 0 = all)"},
    {.name = "oldest-first", .kind = GF_OPTION_FLAG, .help = "begin with the oldest"},
    {.name = "kind",
     .kind = GF_OPTION_LIST,
     .value_name = "KIND",
     .help = "only these, as run-completed; may be given many times"},
    {.name = "pipeline",
     .kind = GF_OPTION_TEXT,
     .value_name = "PIPELINE",
     .complete = "pipeline",
     .help = "only what concerns this pipeline"},
    {.name = "run",
     .kind = GF_OPTION_COUNT,
     .value_name = "RUN",
     .help = "only what concerns this run; goes with --pipeline"},
    {.name = "since",
     .kind = GF_OPTION_DURATION,
     .value_name = "DURATION",
     .help = "only what happened within this time, as 1h30m"},
    {.name = "all-namespaces",
     .kind = GF_OPTION_FLAG,
     .help = "also what concerns other namespaces, or none"},
};

/* Fills the filter from the options; all of it lives in the cli's arena. */
static enum gf_code read_filter(struct gf_cli *cli, const struct gf_parsed *parsed,
                                Gofer__V1__EventFilter *filter, struct gf_error *err) {
    size_t count = 0;
    const char *const *kinds = gf_parsed_list(parsed, "kind", &count);
    filter->kinds = GF_ARENA_ARRAY(cli->arena, count + 1, Gofer__V1__EventKind);
    for (size_t i = 0; i < count; i++) {
        filter->kinds[filter->n_kinds] =
            (Gofer__V1__EventKind)gf_read_enum(&gofer__v1__event_kind__descriptor, kinds[i]);
        if (filter->kinds[filter->n_kinds++] == GOFER__V1__EVENT_KIND__EVENT_KIND_UNSPECIFIED) {
            return gf_fail(err, GF_INVALID_ARGUMENT, "there is no kind of event '%s'", kinds[i]);
        }
    }
    bool has_pipeline = gf_parsed_has(parsed, "pipeline");
    if (gf_parsed_has(parsed, "run") && !has_pipeline) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "--run goes with --pipeline");
    }
    if (gf_parsed_flag(parsed, "history") && !gf_parsed_flag(parsed, "follow")) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "--history goes with --follow");
    }
    if (has_pipeline || !gf_parsed_flag(parsed, "all-namespaces")) {
        filter->namespace_id = gf_request_text(cli->namespace_id);
    }
    filter->pipeline_id = gf_request_text(gf_parsed_text(parsed, "pipeline"));
    filter->run_id = gf_parsed_number(parsed, "run", 0);
    if (gf_parsed_has(parsed, "since")) {
        int64_t start_ns = gf_wall_ns() - gf_parsed_number(parsed, "since", 0) * GF_NS_PER_MS;
        filter->start_time = GF_ARENA_NEW(cli->arena, Google__Protobuf__Timestamp);
        google__protobuf__timestamp__init(filter->start_time);
        filter->start_time->seconds = start_ns / GF_NS_PER_SEC;
        filter->start_time->nanos = (int32_t)(start_ns % GF_NS_PER_SEC);
    }
    return GF_OK;
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    Gofer__V1__EventFilter filter = GOFER__V1__EVENT_FILTER__INIT;
    struct gf_error err = {0};
    if (read_filter(cli, parsed, &filter, &err) != GF_OK) {
        return gf_cli_fail_usage(cli, &err);
    }
    if (gf_parsed_flag(parsed, "follow")) {
        struct gf_event_follow_options follow = {
            .filter = &filter,
            .include_history = gf_parsed_flag(parsed, "history"),
            .limit = gf_parsed_number(parsed, "limit", 0),
        };
        return gf_follow_events(cli, &follow);
    }
    Gofer__V1__ListEventsRequest request = GOFER__V1__LIST_EVENTS_REQUEST__INIT;
    request.filter = &filter;
    request.oldest_first = gf_parsed_flag(parsed, "oldest-first");
    return gf_cli_list(cli, &gofer_v1_event_service.methods[GOFER_V1_EVENT_SERVICE_LIST_EVENTS],
                       &request.base, &gf_event_listing,
                       gf_parsed_number(parsed, "limit", LIMIT_DEFAULT));
}

const struct gf_command gf_cmd_event_list = {
    .noun = "event",
    .verb = "list",
    .summary = "list what happened in a namespace, newest first",
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer event list --kind run-completed --since 1h\n"
                "gofer event list --follow --pipeline hello -o jsonl",
    .run = run,
};
