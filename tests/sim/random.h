/*
 * The randomness of a story: the same seed gives the same numbers everywhere.
 *
 * Thread: one.
 */
#ifndef GOFER_TESTS_SIM_RANDOM_H_
#define GOFER_TESTS_SIM_RANDOM_H_

#include <stdbool.h>
#include <stdint.h>

struct sim_random {
    uint64_t state;
};

static inline uint64_t sim_random_next(struct sim_random *random) {
    uint64_t z = (random->state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* A number below limit, which is above 0. */
static inline uint64_t sim_random_below(struct sim_random *random, uint64_t limit) {
    return (uint64_t)(((unsigned __int128)sim_random_next(random) * limit) >> 64);
}

/* first to last, both included. */
static inline int64_t sim_random_between(struct sim_random *random, int64_t first, int64_t last) {
    return first + (int64_t)sim_random_below(random, (uint64_t)(last - first) + 1);
}

/* True in so many of 1000 cases. */
static inline bool sim_random_chance(struct sim_random *random, uint32_t per_mille) {
    return sim_random_below(random, 1000) < per_mille;
}

/* A duration between first and last whose magnitude, not value, is evenly spread. */
int64_t sim_random_spread(struct sim_random *random, int64_t first, int64_t last);

#endif /* GOFER_TESTS_SIM_RANDOM_H_ */
