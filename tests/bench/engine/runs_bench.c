/*
 * Durable runs per second and the latency of a start, over gRPC, with the null scheduler; beside
 * bare SQLite.
 *
 * Usage: runs_bench ADDRESS --database FILE [--rate N | --calls N] [--seconds N] [--pipelines N]
 *                   [--server-pid PID]
 *
 * Registers pipelines of one task each, then starts runs: in an open loop at a rate of N a second,
 * or in a closed loop with N calls in flight (load.h). The server acknowledges a start after the
 * run is on its disk. Then waits until every run that was started has ended, too, and gives the
 * same load to bare SQLite (floor_load.h). Prints one line for each figure.
 */
#include "base/clock.h"
#include "base/str.h"
#include "tests/bench/engine/client.h"
#include "tests/bench/engine/floor_load.h"
#include "tests/bench/engine/load.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    CALLS_DEFAULT = 256,
    SECONDS_DEFAULT = 5,
};

struct options {
    struct load_options load;
    const char *database;
    int64_t server_pid; /* 0 = not told */
};

static bool parse_options(int argc, char **argv, struct options *out) {
    *out = (struct options){.load = {.seconds = SECONDS_DEFAULT, .pipelines = 1}};
    for (int i = 1; i < argc; i++) {
        const struct gf_str name = gf_str_from(argv[i]);
        int64_t *number = gf_str_eq(name, GF_STR("--rate"))         ? &out->load.rate
                          : gf_str_eq(name, GF_STR("--calls"))      ? &out->load.calls
                          : gf_str_eq(name, GF_STR("--seconds"))    ? &out->load.seconds
                          : gf_str_eq(name, GF_STR("--pipelines"))  ? &out->load.pipelines
                          : gf_str_eq(name, GF_STR("--server-pid")) ? &out->server_pid
                                                                    : NULL;
        if (gf_str_eq(name, GF_STR("--database")) && i + 1 < argc) {
            out->database = argv[++i];
        } else if (number != NULL) {
            if (i + 1 >= argc || !gf_parse_i64(gf_str_from(argv[++i]), number) || *number < 1) {
                return false;
            }
        } else if (out->load.address == NULL) {
            out->load.address = argv[i];
        } else {
            return false;
        }
    }
    if (out->load.calls == 0 && out->load.rate == 0) {
        out->load.calls = CALLS_DEFAULT;
    }
    return out->load.address != NULL && out->database != NULL &&
           out->load.calls <= LOAD_CALLS_MAX && out->load.pipelines <= LOAD_PIPELINES_MAX;
}

/* "open loop at 8000 runs/s", or "closed loop of 256 calls", and how many pipelines. */
static void print_load(const struct options *options, const char *who) {
    if (options->load.rate > 0) {
        printf("engine: %s, open loop at %" PRId64 " runs/s", who, options->load.rate);
    } else {
        printf("engine: %s, closed loop of %" PRId64 " calls", who, options->load.calls);
    }
    printf(", %" PRId64 " pipeline%s: ", options->load.pipelines,
           options->load.pipelines == 1 ? "" : "s");
}

static void print_result(const struct options *options, const char *who,
                         const struct load_result *result) {
    print_load(options, who);
    printf("%.0f runs/s acknowledged\n", (double)result->latencies_us.count / result->seconds);
    print_load(options, who);
    printf("p50 %.2f ms, p99 %.2f ms, p99.9 %.2f ms, max %.2f ms\n",
           load_percentile_ms(&result->latencies_us, 500),
           load_percentile_ms(&result->latencies_us, 990),
           load_percentile_ms(&result->latencies_us, 999),
           load_percentile_ms(&result->latencies_us, 1000));
    if (result->refused > 0) {
        print_load(options, who);
        printf("%" PRId64 " starts refused\n", result->refused);
    }
}

/* Gives the seconds until every run has ended. */
static double wait_for_all(struct gf_rpc_channel *channel, const struct load_options *options,
                           const struct load_result *result) {
    const int64_t begin_ns = gf_mono_ns();
    for (int64_t i = 0; i < options->pipelines; i++) {
        if (result->last_run_ids[i] > 0) {
            client_wait_for_run(channel, i, result->last_run_ids[i]);
        }
    }
    return (double)(gf_mono_ns() - begin_ns) / 1e9;
}

int main(int argc, char **argv) {
    struct options options;
    if (!parse_options(argc, argv, &options)) {
        (void)fprintf(stderr, "usage: runs_bench ADDRESS --database FILE [--rate N | --calls N] "
                              "[--seconds N] [--pipelines N] [--server-pid PID]\n");
        return 2;
    }
    struct gf_rpc_channel *channel = client_connect(options.load.address);
    client_register_pipelines(channel, options.load.pipelines);
    struct load_result result;
    const int64_t cpu_us = client_cpu_us(options.server_pid);
    load_run(&options.load, &result);
    const double tail_s = wait_for_all(channel, &options.load, &result);
    print_result(&options, "gofer", &result);
    print_load(&options, "gofer");
    printf("the last run ended %.3f s after its acknowledgement\n", tail_s);
    if (options.server_pid != 0) {
        print_load(&options, "gofer");
        printf("%.1f us of the server's processor time a run\n",
               (double)(client_cpu_us(options.server_pid) - cpu_us) / (double)result.answered);
        print_load(&options, "gofer");
        printf("%.1f MiB resident after, peak %.1f MiB\n",
               (double)client_status_kib(options.server_pid, "VmRSS") / 1024,
               (double)client_status_kib(options.server_pid, "VmHWM") / 1024);
    }
    gf_rpc_channel_destroy(channel);
    load_result_fini(&result);
    floor_load_run(&options.load, options.database, &result);
    print_result(&options, "bare SQLite", &result);
    load_result_fini(&result);
    return 0;
}
