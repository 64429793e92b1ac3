/*
 * Clocks. All times are int64_t nanoseconds: `mono` counts from an arbitrary start and never jumps
 * (timers, deadlines, durations); `wall` counts from 1970-01-01T00:00:00Z (what people see).
 *
 * Code whose behaviour depends on time takes a `struct gf_clock`, so that tests decide what time it
 * is.
 *
 * Thread: any, except where the fake clock says otherwise.
 */
#ifndef GOFER_BASE_CLOCK_H_
#define GOFER_BASE_CLOCK_H_

#include <stdint.h>

#define GF_NS_PER_US INT64_C(1000)
#define GF_NS_PER_MS INT64_C(1000000)
#define GF_NS_PER_SEC INT64_C(1000000000)
#define GF_NS_PER_MIN (60 * GF_NS_PER_SEC)
#define GF_NS_PER_HOUR (60 * GF_NS_PER_MIN)
#define GF_NS_PER_DAY (24 * GF_NS_PER_HOUR)

/* The deadline that never comes. */
#define GF_NEVER INT64_MAX

/* CLOCK_MONOTONIC and CLOCK_REALTIME of the machine. */
int64_t gf_mono_ns(void);
int64_t gf_wall_ns(void);

/* start_ns + duration_ms, GF_NEVER where that overflows. A negative duration counts as 0. */
int64_t gf_deadline_after_ms(int64_t start_ns, int64_t duration_ms);

struct gf_clock {
    int64_t (*mono_ns)(const struct gf_clock *clock);
    int64_t (*wall_ns)(const struct gf_clock *clock);
};

static inline int64_t gf_clock_mono_ns(const struct gf_clock *clock) {
    return clock->mono_ns(clock);
}

static inline int64_t gf_clock_wall_ns(const struct gf_clock *clock) {
    return clock->wall_ns(clock);
}

/* The clocks of the machine. Static storage. */
const struct gf_clock *gf_clock_system(void);

/*
 * A clock for tests that stands still until it is moved. Pass &fake.clock.
 * Thread: reading from any, moving from one.
 */
struct gf_fake_clock {
    struct gf_clock clock;
    _Atomic int64_t mono_now_ns;
    _Atomic int64_t wall_now_ns;
};

void gf_fake_clock_init(struct gf_fake_clock *fake, int64_t mono_ns, int64_t wall_ns);

/* Moves both clocks. delta_ns is not negative. */
void gf_fake_clock_advance(struct gf_fake_clock *fake, int64_t delta_ns);

#endif /* GOFER_BASE_CLOCK_H_ */
