#include "base/clock.h"

#include "base/macros.h"

#include <stdatomic.h>
#include <time.h>

static int64_t read_clock(clockid_t id) {
    struct timespec now = {0};
    gf_assert(clock_gettime(id, &now) == 0);
    return (int64_t)now.tv_sec * GF_NS_PER_SEC + now.tv_nsec;
}

int64_t gf_mono_ns(void) {
    return read_clock(CLOCK_MONOTONIC);
}

int64_t gf_wall_ns(void) {
    return read_clock(CLOCK_REALTIME);
}

int64_t gf_deadline_after_ms(int64_t start_ns, int64_t duration_ms) {
    int64_t duration_ns = 0;
    int64_t deadline_ns = 0;
    if (duration_ms <= 0) {
        return start_ns;
    }
    if (__builtin_mul_overflow(duration_ms, GF_NS_PER_MS, &duration_ns) ||
        __builtin_add_overflow(start_ns, duration_ns, &deadline_ns)) {
        return GF_NEVER;
    }
    return deadline_ns;
}

static int64_t system_mono_ns(const struct gf_clock *clock) {
    (void)clock;
    return gf_mono_ns();
}

static int64_t system_wall_ns(const struct gf_clock *clock) {
    (void)clock;
    return gf_wall_ns();
}

const struct gf_clock *gf_clock_system(void) {
    static const struct gf_clock clock = {
        .mono_ns = system_mono_ns,
        .wall_ns = system_wall_ns,
    };
    return &clock;
}

static int64_t fake_mono_ns(const struct gf_clock *clock) {
    return atomic_load(&GF_CONTAINER_OF(clock, struct gf_fake_clock, clock)->mono_now_ns);
}

static int64_t fake_wall_ns(const struct gf_clock *clock) {
    return atomic_load(&GF_CONTAINER_OF(clock, struct gf_fake_clock, clock)->wall_now_ns);
}

void gf_fake_clock_init(struct gf_fake_clock *fake, int64_t mono_ns, int64_t wall_ns) {
    fake->clock = (struct gf_clock){.mono_ns = fake_mono_ns, .wall_ns = fake_wall_ns};
    atomic_init(&fake->mono_now_ns, mono_ns);
    atomic_init(&fake->wall_now_ns, wall_ns);
}

void gf_fake_clock_advance(struct gf_fake_clock *fake, int64_t delta_ns) {
    gf_assert(delta_ns >= 0);
    atomic_fetch_add(&fake->mono_now_ns, delta_ns);
    atomic_fetch_add(&fake->wall_now_ns, delta_ns);
}
