/*
 * What a store that has grown costs: opening it, getting, listing and starting, with few finished
 * runs and with many, and the memory of a process that holds it open.
 *
 *     scale_bench [--dir DIR] [--few N] [--many N] [--request-ids]
 *
 * Each figure is the median over many runs spread over the store.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/tree.h"
#include "engine/store/sqlite/store.h"
#include "tests/bench/store/workload.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PIPELINES = 10,
    BATCH = 256,
    SAMPLES = 301,
    LIST_LIMIT = 50,
};

/* X(member, what) */
#define FIGURES(X)                                                                                 \
    X(open_us, "open the store")                                                                   \
    X(get_run_us, "get a run")                                                                     \
    X(get_task_us, "get a task execution")                                                         \
    X(get_request_us, "find a run by request")                                                     \
    X(list_runs_us, "list 50 runs, newest first")                                                  \
    X(list_active_us, "list 50 active runs")                                                       \
    X(list_events_us, "list the newest 50 events")                                                 \
    X(commit_us, "commit a batch of 32 runs")                                                      \
    X(resident_kib, "memory at rest, in KiB")

struct figures {
#define GF_X(member, what) double member;
    FIGURES(GF_X)
#undef GF_X
};

static void die(const char *doing, const struct gf_error *err) {
    (void)fprintf(stderr, "scale_bench: %s: %s\n", doing, err->message);
    exit(1);
}

static int compare(const void *a, const void *b) {
    const double left = *(const double *)a;
    const double right = *(const double *)b;
    return (left > right) - (left < right);
}

static double median(double *samples) {
    qsort(samples, SAMPLES, sizeof(*samples), compare);
    return samples[SAMPLES / 2];
}

static double resident_kib(void) {
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file != NULL) {
        if (fscanf(file, "%*s %ld", &pages) != 1) {
            pages = 0;
        }
        (void)fclose(file);
    }
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1024;
}

/* A store with `runs` finished runs, and a few open ones. */
static void fill(const char *path, struct workload *workload, int64_t runs) {
    struct gf_error err = {0};
    struct gf_store *store = NULL;
    if (gf_sqlite_store_open(path, NULL, &store, &err) != GF_OK ||
        store->ops->commit(store, workload_setup(workload), &err) != GF_OK) {
        die("fill", &err);
    }
    while (workload->next_run_key <= runs) {
        if (store->ops->commit(store, workload_next(workload, BATCH), &err) != GF_OK ||
            store->ops->checkpoint(store, &err) != GF_OK) {
            die("fill", &err);
        }
    }
    store->ops->destroy(store);
}

/* The run and its number in its pipeline of a sample, spread over the finished ones. */
struct sample {
    int64_t run_key;
    int64_t pipeline_key;
    int64_t run_id;
};

static struct sample sample_of(const struct workload *workload, int64_t i) {
    struct sample sample = {.run_key = 1 + (workload->first_open_key - 2) * i / SAMPLES};
    sample.pipeline_key = workload->pipelines[sample.run_key % PIPELINES].pipeline_key;
    sample.run_id = workload_run_id(workload, sample.run_key);
    return sample;
}

enum reading {
    GET_RUN,
    GET_TASK,
    GET_REQUEST,
    LIST_RUNS,
    LIST_ACTIVE,
    LIST_EVENTS,
};

static enum gf_code read_once(struct gf_store *store, struct gf_store_reader *reader,
                              const struct workload *workload, enum reading reading,
                              const struct sample *sample, struct gf_arena *arena,
                              struct gf_error *err) {
    const struct gf_run_list_options options = {.limit = LIST_LIMIT};
    const struct gf_event_filter filter = {0};
    struct gf_run run = {0};
    struct gf_run *runs = NULL;
    struct gf_task_execution task = {0};
    struct gf_event *events = NULL;
    size_t count = 0;
    int64_t scanned = 0;
    switch (reading) {
    case GET_RUN:
        return store->ops->get_run(reader, sample->pipeline_key, sample->run_id, arena, &run, err);
    case GET_TASK:
        return store->ops->get_task(reader, sample->run_key, GF_STR("main"), arena, &task, err);
    case GET_REQUEST:
        return store->ops->get_run_by_request(reader, sample->pipeline_key,
                                              workload_request_id(arena, sample->run_key), arena,
                                              &run, err);
    case LIST_RUNS:
        return store->ops->list_runs(reader, sample->pipeline_key, &options, arena, &runs, &count,
                                     err);
    case LIST_ACTIVE:
        return store->ops->list_active_runs(reader, 0, LIST_LIMIT, arena, &runs, &count, err);
    case LIST_EVENTS:
        return store->ops->list_events(reader, &filter, workload->next_sequence - LIST_LIMIT,
                                       LIST_LIMIT, arena, &events, &count, &scanned, err);
    }
    gf_unreachable();
}

static double measure_reading(struct gf_store *store, const struct workload *workload,
                              enum reading reading) {
    double samples[SAMPLES];
    for (int64_t i = 0; i < SAMPLES; i++) {
        const struct sample sample = sample_of(workload, i);
        struct gf_error err = {0};
        struct gf_arena arena;
        gf_arena_init(&arena, 16 << 20);
        const int64_t start = gf_mono_ns();
        struct gf_store_reader *reader = store->ops->open_reader(store);
        if (read_once(store, reader, workload, reading, &sample, &arena, &err) != GF_OK) {
            die("read", &err);
        }
        store->ops->close_reader(store, reader);
        samples[i] = (double)(gf_mono_ns() - start) / 1e3;
        gf_arena_fini(&arena);
    }
    return median(samples);
}

static double measure_commit(struct gf_store *store, struct workload *workload) {
    double samples[SAMPLES];
    for (int64_t i = 0; i < SAMPLES; i++) {
        struct gf_error err = {0};
        const struct gf_batch *batch = workload_next(workload, 32);
        const int64_t start = gf_mono_ns();
        if (store->ops->commit(store, batch, &err) != GF_OK) {
            die("commit", &err);
        }
        samples[i] = (double)(gf_mono_ns() - start) / 1e3;
    }
    return median(samples);
}

static struct figures measure(const char *dir, int64_t runs, bool request_ids) {
    char *path = gf_asprintf("%s/%" PRId64 ".db", dir, runs);
    struct workload workload;
    workload_init(&workload, PIPELINES, request_ids);
    fill(path, &workload, runs);
    struct figures figures = {0};
    struct gf_error err = {0};
    struct gf_store *store = NULL;
    (void)malloc_trim(0);
    const double before_kib = resident_kib();
    const int64_t start = gf_mono_ns();
    if (gf_sqlite_store_open(path, NULL, &store, &err) != GF_OK) {
        die("open", &err);
    }
    figures.open_us = (double)(gf_mono_ns() - start) / 1e3;
    figures.get_run_us = measure_reading(store, &workload, GET_RUN);
    figures.get_task_us = measure_reading(store, &workload, GET_TASK);
    if (request_ids) {
        figures.get_request_us = measure_reading(store, &workload, GET_REQUEST);
    }
    figures.list_runs_us = measure_reading(store, &workload, LIST_RUNS);
    figures.list_active_us = measure_reading(store, &workload, LIST_ACTIVE);
    figures.list_events_us = measure_reading(store, &workload, LIST_EVENTS);
    figures.commit_us = measure_commit(store, &workload);
    (void)malloc_trim(0);
    figures.resident_kib = resident_kib() - before_kib;
    store->ops->destroy(store);
    workload_fini(&workload);
    free(path);
    return figures;
}

static int64_t number_of(const char *name, const char *text) {
    int64_t number = 0;
    if (text == NULL || !gf_parse_i64(gf_str_from(text), &number) || number < 1000) {
        (void)fprintf(stderr, "scale_bench: %s wants a number from 1000 on\n", name);
        exit(2);
    }
    return number;
}

int main(int argc, char **argv) {
    int64_t few = 1000;
    int64_t many = 1000000;
    bool request_ids = false;
    const char *parent = "/tmp";
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--dir") == 0 && i + 1 < argc) {
            parent = argv[++i];
        } else if (strcmp(argv[i], "--few") == 0) {
            few = number_of(argv[i], argv[i + 1]);
            i++;
        } else if (strcmp(argv[i], "--many") == 0) {
            many = number_of(argv[i], argv[i + 1]);
            i++;
        } else if (strcmp(argv[i], "--request-ids") == 0) {
            request_ids = true;
        } else {
            (void)fprintf(stderr,
                          "usage: scale_bench [--dir DIR] [--few N] [--many N] [--request-ids]\n");
            return 2;
        }
    }
    char *dir = gf_asprintf("%s/gofer-scale-bench-XXXXXX", parent);
    if (mkdtemp(dir) == NULL) {
        perror("scale_bench: mkdtemp");
        return 1;
    }
    const struct figures small = measure(dir, few, request_ids);
    const struct figures large = measure(dir, many, request_ids);
    printf("%-28s %12" PRId64 " runs %12" PRId64 " runs   ratio\n", "store, us", few, many);
#define GF_X(member, what)                                                                         \
    if (small.member > 0) {                                                                        \
        printf("%-28s %17.1f %17.1f %7.2f\n", what, small.member, large.member,                    \
               large.member / small.member);                                                       \
    }
    FIGURES(GF_X)
#undef GF_X
    gf_ignore(gf_tree_remove(AT_FDCWD, dir, NULL));
    free(dir);
    return 0;
}
