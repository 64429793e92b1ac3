/*
 * What a store that has grown costs: opening it, getting, listing and starting, with few finished
 * runs and with many, and the memory of a process that holds it open. Then what grows with the runs
 * that are asked for, on the store with many.
 *
 *     scale_bench [--dir DIR] [--few N] [--many N] [--pipelines N] [--request-ids]
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
    PIPELINES_MAX = 1000,
    SAMPLES_OF_ALL = 11,
    BATCH = 256,
    SAMPLES = 301,
    LIST_LIMIT = 50,
    /* The window of statistics: so many runs of the whole store, newest first. */
    STATS_RUNS = 900,
    WINDOWS = 4,
};

/* X(member, what) */
#define FIGURES(X)                                                                                 \
    X(open_us, "open the store")                                                                   \
    X(load_start_us, "load what a server starts with")                                             \
    X(get_run_us, "get a run")                                                                     \
    X(get_task_us, "get a task execution")                                                         \
    X(get_request_us, "find a run by request")                                                     \
    X(list_runs_us, "list 50 runs, newest first")                                                  \
    X(list_open_us, "list 50 running runs of a pipeline")                                          \
    X(list_active_us, "list 50 active runs")                                                       \
    X(stats_us, "statistics of 900 runs' time")                                                    \
    X(count_tasks_us, "count the tasks of a run")                                                  \
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

static double median(double *samples, size_t count) {
    qsort(samples, count, sizeof(*samples), compare);
    return samples[count / 2];
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
    sample.pipeline_key =
        workload->pipelines[sample.run_key % workload->pipeline_count].pipeline_key;
    sample.run_id = workload_run_id(workload, sample.run_key);
    return sample;
}

enum reading {
    GET_RUN,
    GET_TASK,
    GET_REQUEST,
    LIST_RUNS,
    LIST_OPEN,
    LIST_ACTIVE,
    LIST_EVENTS,
    LIST_ABSENT, /* what no run has: the longest that one call can take */
    STATS,
    STATS_OF_ALL,
    COUNT_TASKS,
};

static enum gf_code read_once(struct gf_store *store, struct gf_store_reader *reader,
                              const struct workload *workload, enum reading reading,
                              const struct sample *sample, struct gf_arena *arena,
                              struct gf_error *err) {
    const struct gf_run_list_options options = {
        .states = reading == LIST_OPEN ? 1u << GF_RUN_STATE_RUNNING : 0,
        .statuses = reading == LIST_ABSENT ? 1u << GF_RUN_STATUS_CANCELLED : 0,
        .limit = LIST_LIMIT,
    };
    const struct gf_event_filter filter = {0};
    const int64_t since = workload_end_time(workload->first_open_key - STATS_RUNS);
    /* As many windows as GetPipelineStats has by default. */
    const int64_t recent[WINDOWS] = {since, since, since, since};
    const int64_t all[WINDOWS] = {0, workload_end_time(workload->first_open_key / 2),
                                  workload_end_time(workload->first_open_key / 4), since};
    struct gf_run_stats stats[WINDOWS] = {0};
    struct gf_task_counts counts = {0};
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
    case LIST_OPEN:
    case LIST_ABSENT:
        return store->ops->list_runs(reader, sample->pipeline_key, &options, arena, &runs, &count,
                                     &scanned, err);
    case STATS:
        return store->ops->get_run_stats(reader, sample->pipeline_key, recent, WINDOWS, stats, err);
    case STATS_OF_ALL:
        return store->ops->get_run_stats(reader, sample->pipeline_key, all, WINDOWS, stats, err);
    case COUNT_TASKS:
        return store->ops->count_tasks(reader, sample->run_key, &counts, err);
    case LIST_ACTIVE:
        return store->ops->list_active_runs(reader, 0, LIST_LIMIT, arena, &runs, &count, err);
    case LIST_EVENTS:
        return store->ops->list_events(reader, &filter, workload->next_sequence - LIST_LIMIT,
                                       LIST_LIMIT, arena, &events, &count, &scanned, err);
    }
    gf_unreachable();
}

static double measure_reading(struct gf_store *store, const struct workload *workload,
                              enum reading reading, int64_t sample_count) {
    double samples[SAMPLES];
    for (int64_t i = 0; i < sample_count; i++) {
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
    return median(samples, (size_t)sample_count);
}

static double measure_load_start(struct gf_store *store) {
    double samples[SAMPLES];
    for (int64_t i = 0; i < SAMPLES; i++) {
        struct gf_error err = {0};
        struct gf_core_start loaded = {0};
        struct gf_arena arena;
        gf_arena_init(&arena, 16 << 20);
        const int64_t start = gf_mono_ns();
        if (store->ops->load_start(store, &arena, &loaded, &err) != GF_OK) {
            die("load", &err);
        }
        samples[i] = (double)(gf_mono_ns() - start) / 1e3;
        gf_arena_fini(&arena);
    }
    return median(samples, SAMPLES);
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
    return median(samples, SAMPLES);
}

/* What grows with the runs that are asked for. */
static void print_growing(struct gf_store *store, const struct workload *workload) {
    printf("%-34s %12.1f ms\n", "statistics of a whole pipeline",
           measure_reading(store, workload, STATS_OF_ALL, SAMPLES_OF_ALL) / 1e3);
    printf("%-34s %12.1f ms\n", "one call for a status no run has",
           measure_reading(store, workload, LIST_ABSENT, SAMPLES_OF_ALL) / 1e3);
}

struct options {
    const char *parent;
    int64_t few;
    int64_t many;
    int64_t pipelines;
    bool request_ids;
};

static struct figures measure(const struct options *options, const char *dir, int64_t runs) {
    char *path = gf_asprintf("%s/%" PRId64 ".db", dir, runs);
    struct workload workload;
    workload_init(&workload, options->pipelines, options->request_ids);
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
    figures.load_start_us = measure_load_start(store);
    figures.get_run_us = measure_reading(store, &workload, GET_RUN, SAMPLES);
    figures.get_task_us = measure_reading(store, &workload, GET_TASK, SAMPLES);
    if (options->request_ids) {
        figures.get_request_us = measure_reading(store, &workload, GET_REQUEST, SAMPLES);
    }
    figures.list_runs_us = measure_reading(store, &workload, LIST_RUNS, SAMPLES);
    figures.list_open_us = measure_reading(store, &workload, LIST_OPEN, SAMPLES);
    figures.list_active_us = measure_reading(store, &workload, LIST_ACTIVE, SAMPLES);
    figures.list_events_us = measure_reading(store, &workload, LIST_EVENTS, SAMPLES);
    figures.stats_us = measure_reading(store, &workload, STATS, SAMPLES);
    figures.count_tasks_us = measure_reading(store, &workload, COUNT_TASKS, SAMPLES);
    figures.commit_us = measure_commit(store, &workload);
    (void)malloc_trim(0);
    figures.resident_kib = resident_kib() - before_kib;
    if (runs == options->many) {
        print_growing(store, &workload);
    }
    store->ops->destroy(store);
    workload_fini(&workload);
    free(path);
    return figures;
}

static int64_t number_of(const char *name, const char *text, int64_t min, int64_t max) {
    int64_t number = 0;
    if (text == NULL || !gf_parse_i64(gf_str_from(text), &number) || number < min || number > max) {
        (void)fprintf(stderr, "scale_bench: %s wants a number from %" PRId64 " to %" PRId64 "\n",
                      name, min, max);
        exit(2);
    }
    return number;
}

static void read_options(int argc, char **argv, struct options *options) {
    const int64_t runs_max = 100000000;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--dir") == 0 && i + 1 < argc) {
            options->parent = argv[++i];
        } else if (strcmp(argv[i], "--few") == 0) {
            options->few = number_of(argv[i], argv[i + 1], 1000, runs_max);
            i++;
        } else if (strcmp(argv[i], "--many") == 0) {
            options->many = number_of(argv[i], argv[i + 1], 1000, runs_max);
            i++;
        } else if (strcmp(argv[i], "--pipelines") == 0) {
            options->pipelines = number_of(argv[i], argv[i + 1], 1, PIPELINES_MAX);
            i++;
        } else if (strcmp(argv[i], "--request-ids") == 0) {
            options->request_ids = true;
        } else {
            (void)fprintf(stderr, "usage: scale_bench [--dir DIR] [--few N] [--many N] "
                                  "[--pipelines N] [--request-ids]\n");
            exit(2);
        }
    }
}

int main(int argc, char **argv) {
    struct options options = {
        .parent = "/tmp", .few = 1000, .many = 1000000, .pipelines = PIPELINES};
    read_options(argc, argv, &options);
    char *dir = gf_asprintf("%s/gofer-scale-bench-XXXXXX", options.parent);
    if (mkdtemp(dir) == NULL) {
        perror("scale_bench: mkdtemp");
        return 1;
    }
    const struct figures small = measure(&options, dir, options.few);
    const struct figures large = measure(&options, dir, options.many);
    printf("%-34s %12" PRId64 " runs %12" PRId64 " runs   ratio\n", "store, us", options.few,
           options.many);
#define GF_X(member, what)                                                                         \
    if (small.member > 0) {                                                                        \
        printf("%-34s %17.1f %17.1f %7.2f\n", what, small.member, large.member,                    \
               large.member / small.member);                                                       \
    }
    FIGURES(GF_X)
#undef GF_X
    gf_ignore(gf_tree_remove(AT_FDCWD, dir, NULL));
    free(dir);
    return 0;
}
