/*
 * The log from several threads while its level and its sink change. Runs under the thread sanitizer
 * too, so it has a main of its own.
 */
#include "base/log.h"
#include "base/sync.h"

enum {
    THREADS = 3,
    LINES_PER_THREAD = 3000,
};

/* Written by the sink only, which is called one at a time. */
struct lines {
    size_t count;
    size_t torn;
};

static void count_line(void *ctx, struct gf_str line) {
    struct lines *lines = ctx;
    lines->count++;
    lines->torn += line.len > 0 && line.ptr[line.len - 1] == '\n' ? 0 : 1;
}

static void *write_lines(void *ctx) {
    (void)ctx;
    GF_LOG_SCOPE(.request = GF_STR("r1"), .run_id = 7);
    for (int i = 0; i < LINES_PER_THREAD; i++) {
        gf_log_error("tsan_test", GF_KV_I64("number", i), GF_KV_STR("text", "two words"));
        gf_log_debug("sometimes_on", GF_KV_I64("number", i));
    }
    return NULL;
}

int main(void) {
    struct lines lines = {0};
    struct lines others = {0};
    gf_log_set_sink(count_line, &lines);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        gf_thread_start(&threads[i], "writer", write_lines, NULL);
    }
    for (int i = 0; i < 1000; i++) {
        gf_log_set_level(i % 2 == 0 ? GF_LOG_DEBUG : GF_LOG_INFO);
        gf_log_set_format(i % 4 == 0 ? GF_LOG_JSON : GF_LOG_TEXT);
        gf_log_set_sink(count_line, i % 3 == 0 ? &others : &lines);
    }
    for (int i = 0; i < THREADS; i++) {
        gf_thread_join(threads[i]);
    }
    gf_log_set_sink(NULL, NULL);
    gf_assert(lines.count + others.count >= (size_t)THREADS * LINES_PER_THREAD);
    gf_assert(lines.torn + others.torn == 0);
    return 0;
}
