/*
 * The calls that the benches make besides their load. Each ends the program when it fails.
 */
#ifndef GOFER_TESTS_BENCH_ENGINE_CLIENT_H_
#define GOFER_TESTS_BENCH_ENGINE_CLIENT_H_

#include "api/rpc/client.h"
#include "base/error.h"

#include <stdint.h>

enum {
    CLIENT_ARENA_BYTES = 64 << 20,
};

_Noreturn void client_fail(const char *what, const struct gf_error *err);

struct gf_rpc_channel *client_connect(const char *address);

/* Registers and deploys pipelines "pipeline-0" and so on, of one task each. */
void client_register_pipelines(struct gf_rpc_channel *channel, int64_t count);

/* Returns when the run has ended. */
void client_wait_for_run(struct gf_rpc_channel *channel, int64_t pipeline, int64_t run_id);

/* A line "Name:   123 kB" of /proc/PID/status, in KiB; -1 when it cannot be read. */
int64_t client_status_kib(int64_t pid, const char *name);

/* Processor time that the process has used, in microseconds; -1 when it cannot be read. */
int64_t client_cpu_us(int64_t pid);

/* The name of a pipeline: "pipeline-3". Gives `out`. */
enum {
    CLIENT_PIPELINE_NAME_BYTES = 32
};
char *client_pipeline_name(int64_t index, char out[CLIENT_PIPELINE_NAME_BYTES]);

#endif /* GOFER_TESTS_BENCH_ENGINE_CLIENT_H_ */
