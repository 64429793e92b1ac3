/*
 * For tests: looks for a text in the memory of a process, as root of the host can.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_TESTING_MEMORY_SCAN_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_TESTING_MEMORY_SCAN_H_

#include "base/macros.h"
#include "base/str.h"

#include <sys/types.h>

enum {
    MEMORY_SCAN_KEY = 0x5a
};

/*
 * How often the text occurs in all memory of the process that can be read, but for mappings of more
 * than 1 GiB (the shadow of a sanitizer) and for those whose line in /proc/PID/maps contains
 * `except` (NULL: none). `hidden` is the text with every byte exclusive-or MEMORY_SCAN_KEY, so that
 * who looks in its own memory does not find the question. Where it occurs is written to stderr.
 * Aborts where the memory cannot be read at all.
 */
size_t memory_scan(pid_t pid, struct gf_str hidden, const char *except) GF_MUST_USE;

/* Writes the text behind `hidden` to out, which has room for it. */
void memory_reveal(struct gf_str hidden, char *out);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_TESTING_MEMORY_SCAN_H_ */
