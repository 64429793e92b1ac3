/*
 * Which threads of a process use its processor time. Threads whose names differ in a number at the
 * end count as one.
 */
#ifndef GOFER_TESTS_BENCH_EXTENSIONS_THREADS_H_
#define GOFER_TESTS_BENCH_EXTENSIONS_THREADS_H_

#include "base/vec.h"

#include <stdint.h>

struct thread_time {
    char name[32];
    int64_t cpu_us;
};

struct thread_times GF_VEC_FIELDS(struct thread_time);

/* Reads them; `out` is empty, and freed by the caller. */
void threads_read(int64_t pid, struct thread_times *out);

/* What a thread has used since; 0 if it was not there. */
int64_t threads_since(const struct thread_times *before, const struct thread_time *now);

#endif /* GOFER_TESTS_BENCH_EXTENSIONS_THREADS_H_ */
