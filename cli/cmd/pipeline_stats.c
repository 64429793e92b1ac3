#include "base/clock.h"
#include "base/time.h"
#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/stats.h"
#include "gofer/v1/pipeline.gofer.h"

static const struct gf_argument arguments[] = {
    {.name = "PIPELINE", .complete = "pipeline", .help = "the pipeline"},
};

static const struct gf_option options[] = {
    {.name = "window",
     .letter = 'w',
     .kind = GF_OPTION_LIST,
     .value_name = "DURATION",
     .help = "how far back to look, as 12h or 90d; may be given many times (default 1h, 1d, 7d and "
             "30d)"},
};

static enum gf_code read_windows(struct gf_cli *cli, const struct gf_parsed *parsed,
                                 Gofer__V1__GetPipelineStatsRequest *request,
                                 struct gf_error *err) {
    size_t count = 0;
    const char *const *texts = gf_parsed_list(parsed, "window", &count);
    request->windows = GF_ARENA_ARRAY(cli->arena, count + 1, Google__Protobuf__Duration *);
    for (size_t i = 0; i < count; i++) {
        int64_t window_ns = 0;
        if (gf_duration_parse(gf_str_from(texts[i]), &window_ns, NULL) != GF_OK) {
            return gf_fail(err, GF_INVALID_ARGUMENT,
                           "--window takes a duration such as 12h or 90d, not '%s'", texts[i]);
        }
        Google__Protobuf__Duration *window = GF_ARENA_NEW(cli->arena, Google__Protobuf__Duration);
        google__protobuf__duration__init(window);
        window->seconds = window_ns / GF_NS_PER_SEC;
        window->nanos = (int32_t)(window_ns % GF_NS_PER_SEC);
        request->windows[request->n_windows++] = window;
    }
    return GF_OK;
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    Gofer__V1__GetPipelineStatsRequest request = GOFER__V1__GET_PIPELINE_STATS_REQUEST__INIT;
    request.namespace_id = gf_request_text(cli->namespace_id);
    request.pipeline_id = gf_request_text(parsed->arguments[0]);
    struct gf_error err = {0};
    if (read_windows(cli, parsed, &request, &err) != GF_OK) {
        return gf_cli_fail_usage(cli, &err);
    }
    return gf_cli_list(
        cli, &gofer_v1_pipeline_service.methods[GOFER_V1_PIPELINE_SERVICE_GET_PIPELINE_STATS],
        &request.base, &gf_stats_listing, 0);
}

const struct gf_command gf_cmd_pipeline_stats = {
    .noun = "pipeline",
    .verb = "stats",
    .summary = "show how the runs of a pipeline have fared over time",
    .description =
        "A row for each window, which ends now: how many runs ended in which way, the share of "
        "successful ones among the successful and the failed, the median and the 95th percentile "
        "of their durations, and the median time that they waited for a free slot.",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer pipeline stats nightly\ngofer pipeline stats nightly -w 12h -w 90d",
    .run = run,
};
