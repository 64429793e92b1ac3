/*
 * Runs per second that the SQLite store can write, at several sizes of a batch, beside bare SQLite
 * writing rows of the same size (floor.h). Store and floor take turns in the same run; the figure
 * is the median of the rounds.
 *
 *     store_bench [--dir DIR] [--rounds N] [--runs N] [--pipelines N] [--request-ids]
 *                 [--actors]
 *
 * --runs is the number of runs of one round at the largest batch; smaller batches write fewer. The
 * directory must be on the disk whose figures are wanted.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/sync.h"
#include "base/tree.h"
#include "engine/store/sqlite/store.h"
#include "tests/bench/store/floor.h"
#include "tests/bench/store/workload.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    ROUNDS_MAX = 31,
    CHECKPOINT_PERIOD_MS = 20,
};

static const int64_t BATCHES[] = {1, 32, 256};

struct options {
    const char *dir;
    int64_t rounds;
    int64_t runs;
    int64_t pipelines;
    bool request_ids;
    bool actors; /* the event of each start tells who did it */
};

struct figure {
    double runs_per_second;
    double cpu_us_per_run; /* of the writing thread */
};

static void die(const char *doing, const struct gf_error *err) {
    (void)fprintf(stderr, "store_bench: %s: %s\n", doing, err->message);
    exit(1);
}

static int64_t thread_cpu_ns(void) {
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * GF_NS_PER_SEC + now.tv_nsec;
}

/* The worker of a server that moves the write-ahead log. */
struct checkpointer {
    struct gf_store *store;
    atomic_bool stop;
    pthread_t thread;
};

static void *checkpoint_all(void *ctx) {
    struct checkpointer *checkpointer = ctx;
    while (!atomic_load(&checkpointer->stop)) {
        struct gf_error err = {0};
        if (checkpointer->store->ops->checkpoint(checkpointer->store, &err) != GF_OK) {
            die("checkpoint", &err);
        }
        const struct timespec period = {.tv_nsec = CHECKPOINT_PERIOD_MS * GF_NS_PER_MS};
        (void)nanosleep(&period, NULL);
    }
    return NULL;
}

/* How many batches a round writes: small batches are slow, and fewer of them tell as much. */
static int64_t batch_count(const struct options *options, int64_t batch) {
    const int64_t runs = options->runs * (batch < 32 ? 1 : batch < 256 ? 5 : 10) / 10;
    return runs / batch > 0 ? runs / batch : 1;
}

static struct figure figure_of(int64_t runs, int64_t wall_ns, int64_t cpu_ns) {
    return (struct figure){
        .runs_per_second = (double)runs * 1e9 / (double)wall_ns,
        .cpu_us_per_run = (double)cpu_ns / 1e3 / (double)runs,
    };
}

static struct figure measure_store(const struct options *options, int64_t batch, const char *path) {
    struct gf_error err = {0};
    struct gf_store *store = NULL;
    if (gf_sqlite_store_open(path, NULL, &store, &err) != GF_OK) {
        die("open", &err);
    }
    struct workload workload;
    workload_init(&workload, options->pipelines, options->request_ids);
    workload.with_actors = options->actors;
    if (store->ops->commit(store, workload_setup(&workload), &err) != GF_OK) {
        die("commit", &err);
    }
    struct checkpointer checkpointer = {.store = store};
    gf_thread_start(&checkpointer.thread, "checkpoint", checkpoint_all, &checkpointer);
    const int64_t count = batch_count(options, batch);
    const int64_t wall = gf_mono_ns();
    const int64_t cpu = thread_cpu_ns();
    for (int64_t i = 0; i < count; i++) {
        if (store->ops->commit(store, workload_next(&workload, batch), &err) != GF_OK) {
            die("commit", &err);
        }
    }
    const struct figure figure =
        figure_of(count * batch, gf_mono_ns() - wall, thread_cpu_ns() - cpu);
    atomic_store(&checkpointer.stop, true);
    gf_thread_join(checkpointer.thread);
    workload_fini(&workload);
    store->ops->destroy(store);
    return figure;
}

static struct figure measure_floor(const struct options *options, int64_t batch, const char *path,
                                   struct floor_sizes sizes) {
    struct bare bare;
    floor_open(&bare, path, sizes);
    const int64_t count = batch_count(options, batch);
    const int64_t wall = gf_mono_ns();
    const int64_t cpu = thread_cpu_ns();
    for (int64_t i = 0; i < count; i++) {
        floor_commit(&bare, batch);
    }
    const struct figure figure =
        figure_of(count * batch, gf_mono_ns() - wall, thread_cpu_ns() - cpu);
    floor_close(&bare);
    return figure;
}

static int compare(const void *a, const void *b) {
    const struct figure *left = a;
    const struct figure *right = b;
    return (left->runs_per_second > right->runs_per_second) -
           (left->runs_per_second < right->runs_per_second);
}

static struct figure median(struct figure *figures, int64_t count) {
    qsort(figures, (size_t)count, sizeof(*figures), compare);
    return figures[count / 2];
}

static void measure(const struct options *options, int64_t batch) {
    struct figure store[ROUNDS_MAX];
    struct figure floor[ROUNDS_MAX];
    struct floor_sizes sizes = {0};
    for (int64_t round = 0; round < options->rounds; round++) {
        struct gf_error err = {0};
        char *dir = gf_asprintf("%s/round", options->dir);
        char *store_path = gf_asprintf("%s/store.db", dir);
        char *floor_path = gf_asprintf("%s/floor.db", dir);
        if (gf_tree_make(AT_FDCWD, dir, 0700, &err) != GF_OK) {
            die("make the directory", &err);
        }
        store[round] = measure_store(options, batch, store_path);
        sizes = floor_measure(store_path);
        floor[round] = measure_floor(options, batch, floor_path, sizes);
        if (gf_tree_remove(AT_FDCWD, dir, &err) != GF_OK) {
            die("remove the directory", &err);
        }
        free(floor_path);
        free(store_path);
        free(dir);
    }
    const struct figure s = median(store, options->rounds);
    const struct figure f = median(floor, options->rounds);
    printf("store batch %3" PRId64 ": %8.0f runs/s %9.0f rows/s %6.0f commits/s %5.1f us cpu/run | "
           "floor %8.0f runs/s %5.1f us cpu/run | %.2f of the floor | rows of %d, %d, %d bytes\n",
           batch, s.runs_per_second, s.runs_per_second * WORKLOAD_ROWS_PER_RUN,
           s.runs_per_second / (double)batch, s.cpu_us_per_run, f.runs_per_second, f.cpu_us_per_run,
           s.runs_per_second / f.runs_per_second, sizes.run, sizes.task, sizes.event);
    (void)fflush(stdout);
}

static int64_t number_of(const char *name, const char *text, int64_t max) {
    int64_t number = 0;
    if (text == NULL || !gf_parse_i64(gf_str_from(text), &number) || number < 1 || number > max) {
        (void)fprintf(stderr, "store_bench: %s wants a number from 1 to %" PRId64 "\n", name, max);
        exit(2);
    }
    return number;
}

int main(int argc, char **argv) {
    struct options options = {.rounds = 5, .runs = 40000, .pipelines = 1};
    char *made = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--dir") == 0 && i + 1 < argc) {
            options.dir = argv[++i];
        } else if (strcmp(argv[i], "--rounds") == 0) {
            options.rounds = number_of(argv[i], argv[i + 1], ROUNDS_MAX);
            i++;
        } else if (strcmp(argv[i], "--runs") == 0) {
            options.runs = number_of(argv[i], argv[i + 1], 100000000);
            i++;
        } else if (strcmp(argv[i], "--pipelines") == 0) {
            options.pipelines = number_of(argv[i], argv[i + 1], 100000);
            i++;
        } else if (strcmp(argv[i], "--request-ids") == 0) {
            options.request_ids = true;
        } else if (strcmp(argv[i], "--actors") == 0) {
            options.actors = true;
        } else {
            (void)fprintf(stderr, "usage: store_bench [--dir DIR] [--rounds N] [--runs N] "
                                  "[--pipelines N] [--request-ids] [--actors]\n");
            return 2;
        }
    }
    if (options.dir == NULL) {
        made = gf_asprintf("/tmp/gofer-store-bench-XXXXXX");
        options.dir = mkdtemp(made);
        if (options.dir == NULL) {
            perror("store_bench: mkdtemp");
            return 1;
        }
    }
    for (size_t i = 0; i < GF_ARRAY_COUNT(BATCHES); i++) {
        measure(&options, BATCHES[i]);
    }
    if (made != NULL) {
        gf_ignore(gf_tree_remove(AT_FDCWD, made, NULL));
        free(made);
    }
    return 0;
}
