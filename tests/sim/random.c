#include "tests/sim/random.h"

int64_t sim_random_spread(struct sim_random *random, int64_t first, int64_t last) {
    int64_t top = first;
    int doublings = 0;
    while (top < last / 2) {
        top *= 2;
        doublings++;
    }
    const int64_t low = first << sim_random_below(random, (uint64_t)doublings + 1);
    const int64_t high = low > last / 2 ? last : low * 2;
    return sim_random_between(random, low, high);
}
