/*
 * Shared by log_store.c and log_watch.c: the store, and the watching of files that grow.
 */
#ifndef GOFER_ENGINE_LOGS_LOG_STORE_INTERNAL_H_
#define GOFER_ENGINE_LOGS_LOG_STORE_INTERNAL_H_

#include "base/counter.h"
#include "base/map.h"
#include "base/reactor.h"
#include "engine/logs/log_store.h"

/*
 * One inotify instance for all armed readers. The kernel gives one watch descriptor for each file,
 * however many readers it has; `files` maps it to those readers. A file is watched only while
 * somebody is armed on it. All of it is touched on the reactor's thread only, so there is no lock.
 */
struct gf_log_watch {
    struct gf_reactor *reactor; /* borrowed */
    int inotify_fd;
    struct gf_watch watch;
    struct gf_map_i64 files; /* watch descriptor -> struct watched_file */
    /* Read by any thread. */
    struct gf_gauge file_count;
    struct gf_counter wakes;
    struct gf_counter overflows;
};

struct gf_log_store {
    int dir_fd;
    struct gf_log_watch watch;
    struct gf_gauge readers;
    struct gf_counter created;
};

enum gf_code gf_log_watch_init(struct gf_log_watch *watch, struct gf_reactor *reactor,
                               struct gf_error *err);
void gf_log_watch_fini(struct gf_log_watch *watch);
enum gf_code gf_log_watch_arm(struct gf_log_watch *watch, struct gf_log_reader *reader,
                              struct gf_error *err);
void gf_log_watch_disarm(struct gf_log_watch *watch, struct gf_log_reader *reader);

#endif /* GOFER_ENGINE_LOGS_LOG_STORE_INTERNAL_H_ */
