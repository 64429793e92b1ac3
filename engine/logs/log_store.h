/*
 * Where the output of tasks lives: one file of frames (base/logframe.h) for each attempt.
 *
 *     DIR/<pipeline_key>/<run_id / 1000>/<run_id>-<task_index>-<attempt>.log
 *
 * pipeline_key 0 is that of extensions: run_id is the extension_key, task_index 0, and attempt 0
 * gofer's own log about the extension (api/extension/log.h).
 *
 * A back end of the scheduler makes the file and hands it to the one who writes it (the shim, or a
 * log pump). Readers open it by name and follow it while it grows; they share one inotify instance
 * on the reactor, so that a thousand followers cost a thousand small structs and one descriptor
 * each.
 *
 * Thread: any, unless a function says otherwise. A reader belongs to one thread at a time.
 */
#ifndef GOFER_ENGINE_LOGS_LOG_STORE_H_
#define GOFER_ENGINE_LOGS_LOG_STORE_H_

#include "base/error.h"
#include "base/list.h"
#include "base/logframe.h"
#include "base/reactor.h"
#include "base/str.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    GF_LOG_STORE_RUNS_PER_DIRECTORY = 1000,
    GF_LOG_PATH_BYTES_MAX =
        96,                /* of a log's path below the store's directory, with the final NUL */
    GF_RING_LOGS_KEPT = 8, /* of the attempts of a program without an end */
};

struct gf_log_store;

struct gf_log_name {
    int64_t pipeline_key;
    int64_t run_id;
    int32_t task_index;
    int32_t attempt;
};

/*
 * Opens (and makes) the directory. `reactor` is borrowed until the store is destroyed. Codes: those
 * of base/file.h.
 */
enum gf_code gf_log_store_open(const char *path, struct gf_reactor *reactor,
                               struct gf_log_store **out_store, struct gf_error *err) GF_MUST_USE;

/* No reader may be left. The reactor must be running or stopped, not destroyed. Accepts NULL. */
void gf_log_store_destroy(struct gf_log_store *store);

/*
 * Makes an empty log and gives a descriptor for reading and writing, closed on exec. A log of that
 * name that is there already is kept as it is and opened: an attempt that is launched a second time
 * after a crash goes on in it (gf_logframe_writer_resume).
 */
enum gf_code gf_log_store_create(struct gf_log_store *store, const struct gf_log_name *name,
                                 int *out_fd, struct gf_error *err) GF_MUST_USE;

/* Whether there is such a log; true also where that cannot be told. */
bool gf_log_store_has(const struct gf_log_store *store, const struct gf_log_name *name);

/* Removes a log; one that is not there is no error. Readers that have it open read on. */
enum gf_code gf_log_store_remove(struct gf_log_store *store, const struct gf_log_name *name,
                                 struct gf_error *err) GF_MUST_USE;

/* Numbers of runs of a pipeline, or keys of extensions. */
struct gf_log_runs GF_VEC_FIELDS(int64_t);

/*
 * Appends the runs of a pipeline that have logs, in no order; one with several logs comes several
 * times. Blocks.
 */
enum gf_code gf_log_store_list_runs(struct gf_log_store *store, int64_t pipeline_key,
                                    struct gf_log_runs *out, struct gf_error *err) GF_MUST_USE;

/* Removes all logs of one run, whatever their attempts. Blocks. */
enum gf_code gf_log_store_remove_run(struct gf_log_store *store, int64_t pipeline_key,
                                     int64_t run_id, struct gf_error *err) GF_MUST_USE;

/* Keys of pipelines. */
struct gf_log_pipelines GF_VEC_FIELDS(int64_t);

/* Appends the keys of all pipelines that have logs, in no order; that of extensions is left out.
 * Blocks. */
enum gf_code gf_log_store_list_pipelines(struct gf_log_store *store, struct gf_log_pipelines *out,
                                         struct gf_error *err) GF_MUST_USE;

/* Removes all logs of a pipeline. Blocks. */
enum gf_code gf_log_store_remove_pipeline(struct gf_log_store *store, int64_t pipeline_key,
                                          struct gf_error *err) GF_MUST_USE;

/*
 * One who reads a log. The memory is the caller's; the fields are private to the store.
 */
struct gf_log_reader {
    struct gf_logframe_reader frames;
    struct gf_log_store *store;
    int fd;
    int watch_descriptor; /* of inotify; -1 = none */
    int64_t known_size;   /* of the file, that the reader has read or was told of */
    void (*wake)(struct gf_log_reader *reader);
    struct gf_list_link link; /* in the store's list of armed readers of that file */
};

/*
 * Opens a log for reading from `offset` (0, or one that gf_logframe_reader_offset gave for this
 * log). GF_NOT_FOUND when there is no such log (yet, or any more). The frames are then read by
 * gf_logframe_reader_next(&reader->frames, ...).
 */
enum gf_code gf_log_reader_open(struct gf_log_store *store, const struct gf_log_name *name,
                                int64_t offset, struct gf_log_reader *reader,
                                struct gf_error *err) GF_MUST_USE;

/* Disarms and closes. Not from inside `wake`. Accepts a zeroed reader. */
void gf_log_reader_close(struct gf_log_reader *reader);

/*
 * Asks to be told, once, that the file is longer than the reader has read; at once when it is
 * already. `wake` runs on the reactor's thread and must not block: it queues a job. The reader must
 * not be used between this call and `wake`, but by gf_log_reader_disarm and gf_log_reader_close.
 * GF_RESOURCE_EXHAUSTED when the system gives no more watches.
 */
enum gf_code gf_log_reader_arm(struct gf_log_reader *reader,
                               void (*wake)(struct gf_log_reader *reader),
                               struct gf_error *err) GF_MUST_USE;

/* After it returns `wake` is not called and is not running. Not from inside `wake`. */
void gf_log_reader_disarm(struct gf_log_reader *reader);

/* What there is now, and was since the store was opened. */
struct gf_log_store_stats {
    size_t readers;           /* that are open */
    size_t files_watched;     /* because a reader waits for more */
    uint64_t created_total;   /* logs that were made, or opened to go on */
    uint64_t wakes_total;     /* times that a file with readers who wait had grown */
    uint64_t overflows_total; /* times that the kernel had more news than room: all look again */
};
void gf_log_store_stats(const struct gf_log_store *store, struct gf_log_store_stats *out);

#endif /* GOFER_ENGINE_LOGS_LOG_STORE_H_ */
