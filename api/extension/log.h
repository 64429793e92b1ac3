/*
 * The logs of extensions. An extension has two kinds: what its containers write, one log for each
 * of them as tasks have; and one log of gofer's own, with the lines that the extension sends
 * (LogEntry) and what gofer has to say about it. All are rings (base/logframe.h): old output makes
 * room for new.
 *
 * Where they are in the log store: pipeline_key 0, run_id = extension_key, task_index 0, attempt of
 * the container; attempt 0 is gofer's own.
 *
 * Lines are queued, and written by jobs of the pool, one at a time for an extension, so that nobody
 * who has a line waits for a disk. Where the disk is too slow lines are dropped, and counted in the
 * log.
 *
 *     log.c          the queue
 *     log_line.c     how a line is written
 *
 * Thread: any, unless a function says otherwise.
 */
#ifndef GOFER_API_EXTENSION_LOG_H_
#define GOFER_API_EXTENSION_LOG_H_

#include "api/extension/hub.h"
#include "base/clock.h"
#include "base/pool.h"
#include "engine/logs/log_store.h"

enum {
    GF_EXTENSION_LOG_FILE_BYTES_MAX = 4 << 20,  /* on the disk, of each extension's entries */
    GF_EXTENSION_LOG_QUEUE_BYTES_MAX = 1 << 20, /* of lines that wait to be written, of each */
    GF_EXTENSION_LOG_LINE_BYTES_MAX = 32 << 10, /* as it is written; longer ones end in "..." */
};

struct gf_extension_logs;

/* `store` and `clock` are borrowed until destroy, `pool` until its last job ended. Owned by the
 * caller. */
struct gf_extension_logs *gf_extension_logs_create(struct gf_log_store *store, struct gf_pool *pool,
                                                   const struct gf_clock *clock) GF_MUST_USE;

/* The pool has stopped, so that no job of it is left and all that was added is written. Accepts
 * NULL. */
void gf_extension_logs_destroy(struct gf_extension_logs *logs);

/*
 * Adds a line to the log of its extension. Never blocks, never fails. The time of the line counts
 * where it is not after now, and not before that of the line before; else the nearer one of them
 * does. For gf_extension_hub_options.log_line, with the logs as ctx.
 */
void gf_extension_logs_add(void *logs, const struct gf_extension_log_line *line);

/*
 * For the engine: removes the logs of what is uninstalled, by jobs of the pool. It is told by the
 * commit, not by an event, because an installer that has done its work ends without one. What was
 * not removed when the server ended, or came again by a late line, is found by log_sweep.h.
 */
struct gf_engine_listener gf_extension_logs_listener(struct gf_extension_logs *logs);

/*
 * Removes all logs of an extension that is not there any more: gofer's own and those of its
 * containers. What still waits to be written is dropped. Blocks shortly.
 */
void gf_extension_logs_remove(struct gf_extension_logs *logs, int64_t extension_key);

/* Appends the keys of the extensions that have logs, rising, each once. Blocks. */
enum gf_code gf_extension_logs_list(struct gf_extension_logs *logs, struct gf_log_runs *out,
                                    struct gf_error *err) GF_MUST_USE;

/*
 * A line as it is in the log, with its final newline: "INFO text (nightly of default/simple)
 * key=value". Line ends within the text stay, each with spaces behind it; other control characters
 * but the tab become spaces. At most GF_EXTENSION_LOG_LINE_BYTES_MAX bytes are appended.
 */
void gf_extension_log_line_write(const struct gf_extension_log_line *line, struct gf_strbuf *out);

/* Of all extensions together: what there is now, and was since the start. */
struct gf_extension_logs_stats {
    size_t waiting_bytes;       /* of lines that wait to be written */
    size_t waiting_bytes_limit; /* of one extension */
    uint64_t lines_total;       /* that were taken */
    uint64_t dropped_total;     /* that found no room, or could not be written */
};
void gf_extension_logs_stats(struct gf_extension_logs *logs, struct gf_extension_logs_stats *out);

#endif /* GOFER_API_EXTENSION_LOG_H_ */
