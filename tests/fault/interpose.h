/*
 * Allocations, writes and syncs of this process that fail on demand: the program that links this
 * has malloc, calloc, realloc, write, pwrite, ftruncate, fsync and fdatasync of its own, which all
 * its libraries use, too.
 *
 * Before fault_arm they do what they always do. Writes and syncs count where their file is below a
 * directory, so that a test's own pipes go on. A write that fails has written its first half, as a
 * full disk does. Syncs below the directory are counted, not done: no test pulls the plug.
 *
 * Under the address sanitizer the allocator is the sanitizer's own: allocations never fail then.
 *
 * Thread: arm and disarm while no other thread runs; the rest any.
 */
#ifndef GOFER_TESTS_FAULT_INTERPOSE_H_
#define GOFER_TESTS_FAULT_INTERPOSE_H_

#include <stdbool.h>
#include <stdint.h>

enum fault_kind {
    FAULT_NONE = 0, /* nothing fails; everything is counted */
    FAULT_ALLOCATION,
    FAULT_WRITE,
    FAULT_SYNC,
};

enum {
    FAULT_KINDS = FAULT_SYNC + 1
};

struct fault_plan {
    enum fault_kind kind;
    int64_t nth;  /* from 1: this operation of the kind fails */
    bool forever; /* and all after it */
    const char *dir;
    /*
     * Called when the first one fails, on the thread whose operation it is, with the path of the
     * file (empty for an allocation). Must not allocate.
     */
    void (*on_strike)(const char *path);
};

/* The plan is copied, its strings are borrowed for the rest of the process. */
void fault_arm(const struct fault_plan *plan);
void fault_disarm(void);

/* Operations of a kind since fault_arm. */
int64_t fault_count(enum fault_kind kind);

/* Whether allocations can fail in this build. */
bool fault_has_allocations(void);

#endif /* GOFER_TESTS_FAULT_INTERPOSE_H_ */
