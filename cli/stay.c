#include "cli/stay.h"

#include "cli/follow.h"
#include "cli/ui/message.h"
#include "cli/watch.h"

static bool wants_to_stay(const struct gf_cli *cli) {
    return gf_parsed_flag(cli->parsed, "follow") || gf_parsed_flag(cli->parsed, "wait");
}

bool gf_stay_check(struct gf_cli *cli, enum gf_exit_code *out_code) {
    if (wants_to_stay(cli) || !gf_parsed_has(cli->parsed, "timeout")) {
        return true;
    }
    struct gf_error err = {0};
    (void)gf_fail(&err, GF_INVALID_ARGUMENT, "--timeout goes with --wait or --follow");
    *out_code = gf_cli_fail_usage(cli, &err);
    return false;
}

static enum gf_exit_code show_started(struct gf_cli *cli, const ProtobufCMessage *response,
                                      const Gofer__V1__Run *run) {
    long long run_id = (long long)run->run_id;
    switch (cli->output) {
    case GF_OUTPUT_TABLE:
        fprintf(cli->out, "run %s/%lld started\n", run->pipeline_id, run_id);
        gf_cli_hint(cli, "gofer run get %s %lld%s", run->pipeline_id, run_id,
                    gf_cli_namespace_option(cli));
        break;
    case GF_OUTPUT_NAME:
        fprintf(cli->out, "%lld\n", run_id);
        break;
    case GF_OUTPUT_JSON:
    case GF_OUTPUT_JSONL:
        return gf_print_message(cli, response);
    }
    return GF_EXIT_OK;
}

static enum gf_exit_code show_ended(struct gf_cli *cli, Gofer__V1__Run *run) {
    const char *status = gf_show_enum(cli, &gofer__v1__run_status__descriptor, (int)run->status);
    bool successful = run->status == GOFER__V1__RUN_STATUS__RUN_STATUS_SUCCESSFUL;
    Gofer__V1__GetRunResponse response = GOFER__V1__GET_RUN_RESPONSE__INIT;
    response.run = run;
    switch (cli->output) {
    case GF_OUTPUT_TABLE:
        fprintf(cli->out, "run %s/%lld %s\n", run->pipeline_id, (long long)run->run_id, status);
        if (!successful && run->status_reason != NULL) {
            gf_cli_note(cli, "%s", gf_show_line(cli, run->status_reason->description));
        }
        break;
    case GF_OUTPUT_NAME:
        fprintf(cli->out, "%lld\n", (long long)run->run_id);
        break;
    case GF_OUTPUT_JSON:
    case GF_OUTPUT_JSONL:
        (void)gf_print_message(cli, &response.base);
        break;
    }
    return successful ? GF_EXIT_OK : GF_EXIT_RUN_UNSUCCESSFUL;
}

enum gf_exit_code gf_stay(struct gf_cli *cli, const ProtobufCMessage *response,
                          const Gofer__V1__Run *run) {
    if (!wants_to_stay(cli)) {
        return show_started(cli, response, run);
    }
    struct gf_watch_options watch = {.pipeline_id = run->pipeline_id,
                                     .run_id = run->run_id,
                                     .timeout_ms = gf_parsed_number(cli->parsed, "timeout", 0)};
    Gofer__V1__Run *ended = NULL;
    enum gf_exit_code code = gf_parsed_flag(cli->parsed, "follow")
                                 ? gf_follow_run(cli, &watch, &ended)
                                 : gf_watch_run(cli, &watch, &ended);
    return code == GF_EXIT_OK ? show_ended(cli, ended) : code;
}
