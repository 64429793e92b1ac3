#include "tests/bench/engine/floor_load.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "tests/bench/store/floor.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct floor_load {
    const struct load_options *options;
    struct load_result *result;
    struct bare bare;
    int64_t start_ns;
    int64_t measure_from_ns;
    int64_t end_ns;
};

static void note(struct floor_load *floor, int64_t when_ns, int64_t latency_ns) {
    if (when_ns >= floor->measure_from_ns && when_ns < floor->end_ns) {
        gf_vec_push(&floor->result->latencies_us, (uint32_t)(latency_ns / 1000));
    }
}

static void run_closed(struct floor_load *floor) {
    int64_t now_ns = gf_mono_ns();
    while (now_ns < floor->end_ns) {
        const int64_t begin_ns = now_ns;
        floor_commit(&floor->bare, floor->options->calls);
        now_ns = gf_mono_ns();
        for (int64_t i = 0; i < floor->options->calls; i++) {
            note(floor, now_ns, now_ns - begin_ns);
        }
    }
    floor->result->in_flight_max = floor->options->calls;
}

static int64_t due_ns(const struct floor_load *floor, int64_t index) {
    return floor->start_ns + index * GF_NS_PER_SEC / floor->options->rate;
}

static void run_open(struct floor_load *floor) {
    int64_t done = 0;
    while (due_ns(floor, done) < floor->end_ns) {
        const int64_t now_ns = gf_mono_ns();
        int64_t count = 0;
        while (due_ns(floor, done + count) <= now_ns &&
               due_ns(floor, done + count) < floor->end_ns) {
            count++;
        }
        if (count == 0) {
            const struct timespec wait = {.tv_nsec = due_ns(floor, done) - now_ns};
            (void)nanosleep(&wait, NULL);
            continue;
        }
        floor_commit(&floor->bare, count);
        const int64_t end_ns = gf_mono_ns();
        for (int64_t i = 0; i < count; i++, done++) {
            note(floor, due_ns(floor, done), end_ns - due_ns(floor, done));
        }
        if (count > floor->result->in_flight_max) {
            floor->result->in_flight_max = count;
        }
    }
}

static void remove_file(const char *path, const char *suffix) {
    char *name = gf_asprintf("%s%s", path, suffix);
    (void)unlink(name);
    free(name);
}

void floor_load_run(const struct load_options *options, const char *database,
                    struct load_result *out_result) {
    *out_result = (struct load_result){.seconds = (double)options->seconds};
    struct floor_load floor = {.options = options, .result = out_result};
    char *path = gf_asprintf("%s.floor", database);
    floor_open(&floor.bare, path, floor_measure(database));
    floor.start_ns = gf_mono_ns();
    floor.measure_from_ns = floor.start_ns + LOAD_WARM_UP_MS * GF_NS_PER_MS;
    floor.end_ns = floor.measure_from_ns + options->seconds * GF_NS_PER_SEC;
    if (options->rate > 0) {
        run_open(&floor);
    } else {
        run_closed(&floor);
    }
    floor_close(&floor.bare);
    remove_file(path, "");
    remove_file(path, "-wal");
    remove_file(path, "-shm");
    free(path);
    load_sort(&out_result->latencies_us);
}
