#include "cli/event_follow.h"

#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/event_filter.h"

static const struct gf_option options[] = {
    {.name = "history",
     .kind = GF_OPTION_FLAG,
     .help = "begin with the oldest event that is kept, not with those from now on"},
    {.name = "resume",
     .kind = GF_OPTION_TEXT,
     .value_name = "TOKEN",
     .help = "begin behind this place, which an earlier command has told"},
    {.name = "limit",
     .kind = GF_OPTION_COUNT,
     .value_name = "N",
     .help = "stop after so many (default: until Ctrl-C)"},
    GF_OPTIONS_EVENT_FILTER,
};

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    Gofer__V1__EventFilter filter = GOFER__V1__EVENT_FILTER__INIT;
    struct gf_error err = {0};
    if (gf_parsed_flag(parsed, "history") && gf_parsed_has(parsed, "resume")) {
        (void)gf_fail(&err, GF_INVALID_ARGUMENT, "--history and --resume do not go together");
        return gf_cli_fail_usage(cli, &err);
    }
    if (gf_read_event_filter(cli, parsed, &filter, &err) != GF_OK) {
        return gf_cli_fail_usage(cli, &err);
    }
    const struct gf_event_follow_options follow = {
        .filter = &filter,
        .include_history = gf_parsed_flag(parsed, "history"),
        .resume_token = gf_parsed_text(parsed, "resume"),
        .with_tokens = true,
        .limit = gf_parsed_number(parsed, "limit", 0),
    };
    return gf_follow_events(cli, &follow);
}

const struct gf_command gf_cmd_event_follow = {
    .noun = "event",
    .verb = "follow",
    .summary = "show events as they happen, until Ctrl-C",
    .description =
        "No event is left out and none comes twice, also when the server is started again. At the "
        "end it says where to go on with --resume; with -o json or jsonl each line is an object "
        "with the event and that place.",
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer event follow --kind run-completed --pipeline hello\n"
                "gofer event follow --history --all-namespaces -o jsonl",
    .run = run,
};
