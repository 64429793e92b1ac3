/*
 * Load on a server: StartRun over gRPC C core, from one thread, as thin as a client can be, so that
 * the server is what is measured.
 *
 * A closed loop keeps a number of calls in flight; the next one begins when one ends. An open loop
 * begins calls at a fixed rate, whatever becomes of them, and counts the latency of each from the
 * time at which it was due: a server that stalls makes every call late that was due meanwhile, and
 * so it is in the figures (no coordinated omission).
 *
 * Thread: the caller's; one load at a time.
 */
#ifndef GOFER_TESTS_BENCH_ENGINE_LOAD_H_
#define GOFER_TESTS_BENCH_ENGINE_LOAD_H_

#include "base/vec.h"

#include <stdint.h>

enum {
    LOAD_CALLS_MAX = 8192, /* in flight; an open loop that has reached it is late with the rest */
    LOAD_PIPELINES_MAX = 10000,
    LOAD_WARM_UP_MS = 1000, /* not in the figures */
};

struct load_options {
    const char *address;
    int64_t pipelines; /* "pipeline-0" and so on, in turn */
    int64_t seconds;
    int64_t rate;  /* of an open loop, calls a second; 0 = a closed loop */
    int64_t calls; /* of a closed loop: in flight */
};

struct load_latencies GF_VEC_FIELDS(uint32_t);

struct load_result {
    struct load_latencies latencies_us; /* of the calls that were answered with a run, sorted */
    double seconds;                     /* of the measurement */
    int64_t answered;                   /* with a run, also outside of the measurement */
    int64_t refused;                    /* RESOURCE_EXHAUSTED */
    int64_t in_flight_max;
    int64_t *last_run_ids; /* of each pipeline: the newest run that was acknowledged */
};

/* Runs the load. Ends the program when a call fails with anything but RESOURCE_EXHAUSTED. */
void load_run(const struct load_options *options, struct load_result *out_result);
void load_result_fini(struct load_result *result);

/* Of sorted latencies, in ms; 0 where there is none. `per_mille` of 990 is p99. */
double load_percentile_ms(const struct load_latencies *latencies, int64_t per_mille);

/* Orders them. */
void load_sort(struct load_latencies *latencies);

#endif /* GOFER_TESTS_BENCH_ENGINE_LOAD_H_ */
