/*
 * The store in one SQLite file: the back end of a server on one machine.
 *
 * A batch is one transaction, on the disk when commit() returns. Readers see the last commit while
 * the next one is being written; what one reader reads between open_reader and close_reader is one
 * snapshot. Beside the file `PATH` stand `PATH-wal` and `PATH-shm`, which belong to it (copy all
 * three, or none while a server runs), and `PATH.lock`, by which a second server is refused.
 *
 * Commits do not move the write-ahead log into the file: checkpoint() does, which costs nothing
 * while there is little to move. If it is never called, or cannot keep up, a commit that finds the
 * log at its limit does it before it returns.
 *
 * Removing a namespace or a pipeline takes effect with its commit; its rows go in portions of
 * GF_SQLITE_PURGE_ROWS_MAX with that commit and the next ones, so that no commit takes long. While
 * has_backlog(), commits of empty batches go on with it.
 *
 * After a commit that failed, all further ones fail: what is on the disk is not known. Open the
 * store again.
 */
#ifndef GOFER_ENGINE_STORE_SQLITE_STORE_H_
#define GOFER_ENGINE_STORE_SQLITE_STORE_H_

#include "base/error.h"
#include "base/histogram.h"
#include "base/macros.h"
#include "engine/store/store.h"

#include <stdint.h>

enum {
    GF_SQLITE_READERS_DEFAULT = 4,
    GF_SQLITE_READERS_MAX = 64,
    GF_SQLITE_WAL_BYTES_SOFT_DEFAULT = 16 << 20,
    GF_SQLITE_WAL_BYTES_MAX_DEFAULT = 64 << 20,
    /* Rows below deleted namespaces and pipelines that one commit removes. */
    GF_SQLITE_PURGE_ROWS_MAX = 256,
    /* Files up to this size are read and checked whole when they are opened. */
    GF_SQLITE_CHECK_BYTES_MAX = 32 << 20,
    /* One call of list_events looks at this many events at most. */
    GF_SQLITE_EVENTS_SCANNED_MAX = 65536,
    /* One call of list_runs with a filter looks at the rows of this many runs at most. */
    GF_SQLITE_RUNS_SCANNED_MAX = 8192,
};

struct gf_sqlite_options {
    /*
     * Read connections, each about 0.2 MB once used; 0 = GF_SQLITE_READERS_DEFAULT, at most
     * GF_SQLITE_READERS_MAX. One more than there are threads that read keeps the engine from
     * waiting.
     */
    int reader_count;
    /* checkpoint() moves the write-ahead log from this size on; 0 = the default. */
    int64_t wal_bytes_soft;
    /* A commit that leaves the log larger than this waits for a checkpoint; 0 = the default. */
    int64_t wal_bytes_max;
    /* The name of a VFS that is registered with SQLite, for tests; NULL = the system's. Borrowed.
     */
    const char *vfs;
};

/*
 * Opens the file, or makes it, with all that is needed: takes the lock, recovers what a crash left
 * in the write-ahead log, brings an older schema up to date, and looks whether the file is sound.
 * Owned by the caller: store->ops->destroy, when no reader is open. `options` may be NULL.
 *
 * Codes: GF_FAILED_PRECONDITION (in use by another server, not a database, not gofer's, written by
 * a newer gofer, not allowed to write), GF_DATA_LOSS (damaged), GF_UNAVAILABLE (the disk fails).
 * The file is left as it was in the first case. Thread: the owner's.
 */
enum gf_code gf_sqlite_store_open(const char *path, const struct gf_sqlite_options *options,
                                  struct gf_store **out_store, struct gf_error *err) GF_MUST_USE;

/* What there is now, and was since the store was opened. */
struct gf_sqlite_stats {
    int readers_used; /* lent out */
    int readers_limit;
    uint64_t reads_total;                     /* times that a reader was lent out */
    uint64_t reads_waited_total;              /* of those: no reader was free */
    struct gf_histogram_snapshot reader_wait; /* of those that waited */
    int64_t wal_bytes;                        /* of the write-ahead log that are in use */
    int64_t wal_bytes_soft;                   /* from here on a checkpoint moves it */
    int64_t wal_bytes_max;                    /* a commit waits for a checkpoint */
    int64_t file_bytes;                       /* on the disk, without the log */
    uint64_t checkpoint_failures_total;
    uint64_t checkpoints_busy_total; /* readers were in the way of the engine's own */
    /* Those that had something to move, on a worker; and those that a commit waited for. */
    struct gf_histogram_snapshot checkpoint;
    struct gf_histogram_snapshot stall;
};
/* Thread: any. */
void gf_sqlite_store_stats(struct gf_store *store, struct gf_sqlite_stats *out);

#endif /* GOFER_ENGINE_STORE_SQLITE_STORE_H_ */
