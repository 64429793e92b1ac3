/*
 * A VFS of SQLite that fails on demand, for tests: the Nth write or sync from now on, once or from
 * then on, with the error of one's choice. A write that fails has written its first half, as a full
 * disk does.
 * Syncs are counted, not done: no test pulls the plug.
 *
 * State of the process; a test runs in a process of its own. Thread: one at a time.
 */
#ifndef GOFER_ENGINE_STORE_SQLITE_TESTING_FAULT_VFS_H_
#define GOFER_ENGINE_STORE_SQLITE_TESTING_FAULT_VFS_H_

#include <stdbool.h>
#include <stdint.h>

enum gf_fault_kind {
    GF_FAULT_NONE = 0,
    GF_FAULT_WRITE_FULL,  /* SQLITE_FULL */
    GF_FAULT_WRITE_ERROR, /* SQLITE_IOERR_WRITE */
    GF_FAULT_SYNC_ERROR,  /* SQLITE_IOERR_FSYNC */
};

/* Registers the VFS. For gf_sqlite_options.vfs. */
const char *gf_fault_vfs(void);

/* The `nth` (from 1) write or sync fails, and with `forever` all after it. */
void gf_fault_arm(enum gf_fault_kind kind, int64_t nth, bool forever);
void gf_fault_disarm(void);

/* Whether something has failed since it was armed. */
bool gf_fault_happened(void);

/* Syncs of all files so far. */
int64_t gf_fault_sync_count(void);

#endif /* GOFER_ENGINE_STORE_SQLITE_TESTING_FAULT_VFS_H_ */
