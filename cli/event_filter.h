/*
 * Which events: the options that the commands of events have in common.
 *
 * Thread: the main thread.
 */
#ifndef GOFER_CLI_EVENT_FILTER_H_
#define GOFER_CLI_EVENT_FILTER_H_

#include "cli/cli.h"
#include "gofer/v1/event.pb-c.h"

#define GF_OPTIONS_EVENT_FILTER                                                                    \
    {.name = "kind",                                                                               \
     .kind = GF_OPTION_LIST,                                                                       \
     .value_name = "KIND",                                                                         \
     .help = "only these, as run-completed; may be given many times"},                             \
        {.name = "pipeline",                                                                       \
         .kind = GF_OPTION_TEXT,                                                                   \
         .value_name = "PIPELINE",                                                                 \
         .complete = "pipeline",                                                                   \
         .help = "only what concerns this pipeline"},                                              \
        {.name = "run",                                                                            \
         .kind = GF_OPTION_COUNT,                                                                  \
         .value_name = "RUN",                                                                      \
         .help = "only what concerns this run; goes with --pipeline"},                             \
        {.name = "extension",                                                                      \
         .kind = GF_OPTION_TEXT,                                                                   \
         .value_name = "EXTENSION",                                                                \
         .complete = "extension",                                                                  \
         .help = "only what concerns this extension"},                                             \
        {.name = "since",                                                                          \
         .kind = GF_OPTION_DURATION,                                                               \
         .value_name = "DURATION",                                                                 \
         .help = "only what happened within this time, as 1h30m"},                                 \
    {                                                                                              \
        .name = "all-namespaces", .kind = GF_OPTION_FLAG,                                          \
        .help = "also what concerns other namespaces, or none"                                     \
    }

/*
 * Fills the filter from the options; all of it lives in the cli's arena. An extension is of no
 * namespace: with --extension alone nothing is left out because of one. GF_INVALID_ARGUMENT says
 * what is wrong.
 */
enum gf_code gf_read_event_filter(struct gf_cli *cli, const struct gf_parsed *parsed,
                                  Gofer__V1__EventFilter *filter, struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_CLI_EVENT_FILTER_H_ */
