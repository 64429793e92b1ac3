/*
 * Counters and gauges for figures about a running program: any number of threads change them, any
 * thread reads, nobody waits, and nothing else is ordered by them (relaxed). Zeroed ones are 0.
 *
 * Where only one thread changes a counter, or those who do hold one mutex, gf_counter_add_owned
 * costs what an addition costs.
 *
 * Thread: any.
 */
#ifndef GOFER_BASE_COUNTER_H_
#define GOFER_BASE_COUNTER_H_

#include <stdatomic.h>
#include <stdint.h>

/* Only grows. The field is private to this header. */
struct gf_counter {
    _Atomic uint64_t value;
};

static inline void gf_counter_add(struct gf_counter *counter, uint64_t count) {
    atomic_fetch_add_explicit(&counter->value, count, memory_order_relaxed);
}

/* As gf_counter_add, where nobody else changes the counter meanwhile. */
static inline void gf_counter_add_owned(struct gf_counter *counter, uint64_t count) {
    const uint64_t value = atomic_load_explicit(&counter->value, memory_order_relaxed);
    atomic_store_explicit(&counter->value, value + count, memory_order_relaxed);
}

static inline uint64_t gf_counter_read(const struct gf_counter *counter) {
    return atomic_load_explicit(&counter->value, memory_order_relaxed);
}

/* Rises and falls. The field is private to this header. */
struct gf_gauge {
    _Atomic int64_t value;
};

static inline void gf_gauge_set(struct gf_gauge *gauge, int64_t value) {
    atomic_store_explicit(&gauge->value, value, memory_order_relaxed);
}

/* A negative delta takes away. */
static inline void gf_gauge_add(struct gf_gauge *gauge, int64_t delta) {
    atomic_fetch_add_explicit(&gauge->value, delta, memory_order_relaxed);
}

static inline int64_t gf_gauge_read(const struct gf_gauge *gauge) {
    return atomic_load_explicit(&gauge->value, memory_order_relaxed);
}

#endif /* GOFER_BASE_COUNTER_H_ */
