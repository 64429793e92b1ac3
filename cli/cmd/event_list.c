#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/event_filter.h"
#include "cli/event_follow.h"
#include "cli/ui/event.h"
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
    GF_OPTIONS_EVENT_FILTER,
};

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    Gofer__V1__EventFilter filter = GOFER__V1__EVENT_FILTER__INIT;
    struct gf_error err = {0};
    if (gf_parsed_flag(parsed, "history") && !gf_parsed_flag(parsed, "follow")) {
        (void)gf_fail(&err, GF_INVALID_ARGUMENT, "--history goes with --follow");
        return gf_cli_fail_usage(cli, &err);
    }
    if (gf_read_event_filter(cli, parsed, &filter, &err) != GF_OK) {
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
