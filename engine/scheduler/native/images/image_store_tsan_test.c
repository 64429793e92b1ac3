/*
 * Many threads import, resolve and list at once: every import is seen by its own thread as soon as
 * it has returned, whoever reads the store meanwhile, and layers that they share are there once.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/proc.h"
#include "base/sync.h"
#include "base/tree.h"
#include "engine/scheduler/native/images/image_store.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    THREADS = 4,
    IMPORTS_PER_THREAD = 4,
};

struct worker {
    pthread_t thread;
    struct gf_image_store *store;
    const char *layout;
    int number;
};

static void import_one(const struct worker *worker, int i) {
    GF_CLEANUP(gf_arena_fini) struct gf_arena arena;
    GF_CLEANUP(gf_free_p) char *name = gf_asprintf("worker-%d:%d", worker->number, i);
    struct gf_image_report report;
    struct gf_error err = {.message = ""};
    gf_arena_init(&arena, GF_IMAGE_RECORD_ARENA_BYTES_MAX);
    const struct gf_image_import import = {
        .path = worker->layout, .name = name, .deadline_mono_ns = GF_NEVER};
    if (gf_image_store_import(worker->store, &import, &arena, &report, &err) != GF_OK) {
        fprintf(stderr, "import of %s: %s\n", name, err.message);
        abort();
    }
    GF_CLEANUP(gf_image_unref_p) struct gf_image *image = NULL;
    if (gf_image_store_resolve(worker->store, gf_str_from(name), &image, &err) != GF_OK) {
        fprintf(stderr, "resolving %s: %s\n", name, err.message);
        abort();
    }
    GF_CLEANUP(gf_image_catalog_unref_p)
    struct gf_image_catalog *catalog = gf_image_store_catalog(worker->store);
    gf_assert(catalog->count == 1);
    gf_assert(catalog->damage_count == 0);
    gf_assert(access(image->layer_paths[0], F_OK) == 0);
}

static void *run_worker(void *ctx) {
    const struct worker *worker = ctx;
    for (int i = 0; i < IMPORTS_PER_THREAD; i++) {
        import_one(worker, i);
    }
    return NULL;
}

static void make_image(const char *layout) {
    const char *const args[] = {"make_busybox_image", layout, NULL};
    /* The script asks env for its interpreter. */
    const char *const env[] = {"PATH=/usr/bin:/bin", NULL};
    const struct gf_proc_spec spec = {
        .program = "tools/make_busybox_image", .argv = args, .envp = env};
    struct gf_proc proc;
    struct gf_proc_exit status;
    struct gf_error err = {.message = ""};
    if (gf_proc_spawn(&spec, &proc, &err) != GF_OK ||
        gf_proc_wait(&proc, GF_NEVER, &status, &err) != GF_OK) {
        fprintf(stderr, "%s\n", err.message);
        abort();
    }
    gf_assert(!status.signaled && status.status == 0);
}

int main(void) {
    if (geteuid() != 0) {
        fputs("SKIPPED: importing images needs root\n", stderr);
        return 0;
    }
    char directory[] = "/tmp/gofer-images-tsan.XXXXXX";
    gf_assert(mkdtemp(directory) != NULL);
    GF_CLEANUP(gf_free_p) char *layout = gf_asprintf("%s/layout", directory);
    GF_CLEANUP(gf_free_p) char *dir = gf_asprintf("%s/store", directory);
    GF_CLEANUP(gf_free_p)
    char *program = realpath("engine/scheduler/native/fetch/gofer-fetch", NULL);
    gf_assert(program != NULL);
    make_image(layout);
    struct gf_image_store *store = NULL;
    struct gf_error err = {.message = ""};
    const struct gf_image_store_opts opts = {.dir = dir, .fetch_program = program};
    gf_assert(gf_image_store_open(&opts, &store, &err) == GF_OK);
    struct worker workers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.store = store, .layout = layout, .number = i};
        gf_thread_start(&workers[i].thread, "worker", run_worker, &workers[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        gf_thread_join(workers[i].thread);
    }
    struct gf_image_catalog *catalog = gf_image_store_catalog(store);
    gf_assert(catalog->entries[0].name_count == THREADS * IMPORTS_PER_THREAD);
    gf_image_catalog_unref(catalog);
    gf_image_store_close(store);
    gf_assert(gf_tree_remove(AT_FDCWD, directory, &err) == GF_OK);
    return 0;
}
