/* Lines from several threads, and removals among them. Runs under the thread sanitizer too, so it
 * has a main of its own. */
#include "api/extension/log.h"
#include "base/file.h"
#include "base/sync.h"
#include "base/tree.h"

#include <stdlib.h>

enum {
    WRITERS = 3,
    LINES = 2000,
    EXTENSIONS = 5,
};

static void *write_lines(void *ctx) {
    for (int i = 0; i < LINES; i++) {
        const struct gf_extension_log_line line = {
            .extension_key = i % EXTENSIONS + 1,
            .level = GOFER__EXTENSION__V1__LOG_LEVEL__LOG_LEVEL_INFO,
            .text = GF_STR("text"),
            .write_time = i,
        };
        gf_extension_logs_add(ctx, &line);
        if (i % 97 == 0) {
            gf_extension_logs_remove(ctx, 1);
        }
    }
    return NULL;
}

/* Every line of an extension that was not removed is there: none was dropped, the queue is large.
 */
static void count_lines(struct gf_log_store *store) {
    const struct gf_log_name name = {.run_id = 2};
    struct gf_log_reader reader;
    enum gf_logframe_event event = GF_LOGFRAME_FRAME;
    struct gf_logframe frame;
    int64_t last_ns = 0;
    int lines = -1;
    gf_assert(gf_log_reader_open(store, &name, 0, &reader, NULL) == GF_OK);
    while (event == GF_LOGFRAME_FRAME) {
        gf_assert(gf_logframe_reader_next(&reader.frames, &event, &frame, NULL) == GF_OK);
        gf_assert(event != GF_LOGFRAME_FRAME || frame.wall_ns >= last_ns);
        last_ns = event == GF_LOGFRAME_FRAME ? frame.wall_ns : last_ns;
        lines++;
    }
    gf_assert(lines == WRITERS * LINES / EXTENSIONS);
    gf_log_reader_close(&reader);
}

int main(void) {
    char directory[] = "/tmp/gofer-logs-XXXXXX";
    gf_assert(mkdtemp(directory) != NULL);
    const struct gf_pool_opts opts = {.thread_count = 3, .queue_limit = 64, .name = "pool"};
    struct gf_pool *pool = gf_pool_create(&opts);
    struct gf_reactor *reactor = NULL;
    struct gf_log_store *store = NULL;
    gf_assert(gf_reactor_create("reactor", &reactor, NULL) == GF_OK);
    gf_assert(gf_log_store_open(directory, reactor, &store, NULL) == GF_OK);
    struct gf_extension_logs *logs = gf_extension_logs_create(store, pool, gf_clock_system());
    pthread_t threads[WRITERS];
    for (int i = 0; i < WRITERS; i++) {
        gf_thread_start(&threads[i], "writer", write_lines, logs);
    }
    for (int i = 0; i < WRITERS; i++) {
        gf_thread_join(threads[i]);
    }
    gf_pool_destroy(pool);
    gf_extension_logs_destroy(logs);
    count_lines(store);
    gf_log_store_destroy(store);
    gf_reactor_destroy(reactor);
    gf_assert(gf_tree_remove(AT_FDCWD, directory, NULL) == GF_OK);
    return 0;
}
