/*
 * What masking costs a container that writes without end: the output of `cat` of a file that looks
 * like logs, through the pipe, the shim and its pump into the log file, without secrets (the floor)
 * and with 1, 10 and 100 of them. Then what the secrets cost a container that only starts: `true`,
 * from launch() to exited(). Each figure is the best of several rounds. Build it with -c opt; needs
 * root.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/tree.h"
#include "engine/scheduler/native/testing/native_host.h"
#include "tests/bench/access/log_text.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    TEXT_BYTES = 64 << 20,
    REPEATS = 8,
    ROUNDS = 5,
    STARTS = 60,
};

static struct native_host host;
static int64_t run_count;

static int64_t run(const char *script) {
    const struct gf_str command[] = {GF_STR("sh"), GF_STR("-c"), gf_str_from(script)};
    const struct gf_str nothing[] = {GF_STR("true")};
    const struct gf_attempt attempt = {.run_key = ++run_count, .attempt = 1};
    const struct gf_task task = {
        .task_id = GF_STR("writer"),
        .image = GF_STR(NATIVE_HOST_IMAGE),
        .command = script == NULL ? nothing : command,
        .command_count = script == NULL ? 1 : GF_ARRAY_COUNT(command),
    };
    const struct gf_log_name log = {.pipeline_key = 1, .run_id = run_count, .attempt = 1};
    const int64_t launched = gf_mono_ns();
    native_host_launch_task(&host, attempt, &task);
    const struct native_event end = native_host_wait(&host, attempt, NATIVE_EXITED);
    gf_assert(end.exit.exit_code == 0 && !end.exit.log_truncated);
    host.scheduler.ops->forget(host.scheduler.self, attempt);
    (void)!gf_log_store_remove(host.logs, &log, NULL);
    return script == NULL ? end.mono_ns - launched : end.exit.end_time - end.exit.start_time;
}

static int64_t best_of(const char *script, int rounds) {
    int64_t least_ns = INT64_MAX;
    for (int i = 0; i < rounds; i++) {
        const int64_t took_ns = run(script);
        least_ns = took_ns < least_ns ? took_ns : least_ns;
    }
    return least_ns;
}

static int compare(const void *a, const void *b) {
    const int64_t x = *(const int64_t *)a;
    const int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int64_t median_start_ns(void) {
    int64_t times[STARTS];
    for (int i = 0; i < STARTS; i++) {
        times[i] = run(NULL);
    }
    qsort(times, STARTS, sizeof(times[0]), compare);
    return times[STARTS / 2];
}

static void write_text(const char *dir) {
    GF_CLEANUP(gf_free_p) char *layer = native_host_layer(dir);
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/log", layer);
    struct gf_strbuf text;
    struct gf_error error;
    gf_strbuf_init(&text, TEXT_BYTES + 4096);
    log_text_fill(&text, TEXT_BYTES, 0, 0);
    text.len = TEXT_BYTES;
    if (gf_file_replace(AT_FDCWD, path, gf_strbuf_view(&text), 0644, GF_FILE_SYNC_NONE, &error) !=
        GF_OK) {
        fprintf(stderr, "pump_bench: %s\n", error.message);
        exit(1);
    }
    gf_strbuf_fini(&text);
}

static void measure(size_t secrets) {
    host.masked = log_text_secrets();
    host.masked_count = secrets;
    const int64_t took_ns = best_of("cat /log /log /log /log /log /log /log /log", ROUNDS);
    printf("pump_%zu_secrets   %10.1f MB/s\n", secrets,
           (double)TEXT_BYTES * REPEATS * 1000 / (double)took_ns);
    printf("start_%zu_secrets  %10.2f ms\n", secrets,
           (double)median_start_ns() / (double)GF_NS_PER_MS);
}

int main(void) {
    static const size_t counts[] = {0, 1, 10, 100};
    struct gf_native_options options = GF_NATIVE_OPTIONS_DEFAULT;
    const char *parent = getenv("TMPDIR") == NULL ? "/tmp" : getenv("TMPDIR");
    GF_CLEANUP(gf_free_p) char *dir = gf_asprintf("%s/gofer-pump-XXXXXX", parent);
    struct gf_error error;
    if (geteuid() != 0 || mkdtemp(dir) == NULL) {
        fprintf(stderr, "pump_bench: needs root, and a place in %s\n", parent);
        return 1;
    }
    options.log_bytes_max = 0;
    native_host_make_image(dir);
    write_text(dir);
    native_host_open_with(&host, dir, options);
    host.scheduler.ops->recover(host.scheduler.self, NULL, 0);
    (void)run(NULL);
    for (size_t i = 0; i < GF_ARRAY_COUNT(counts); i++) {
        measure(counts[i]);
    }
    native_host_wait_empty(&host);
    native_host_close(&host);
    if (gf_tree_remove(AT_FDCWD, dir, &error) != GF_OK) {
        fprintf(stderr, "pump_bench: %s\n", error.message);
    }
    return 0;
}
