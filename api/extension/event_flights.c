/* A feed has at most a window of flights, and an extension about as many tries: they are looked for
 * one by one. */
#include "api/extension/event_flights.h"

#include "base/alloc.h"

static size_t index_of(const struct gf_hub_feed *feed, int64_t sequence) {
    for (size_t i = 0; i < feed->flights.count; i++) {
        if (feed->flights.items[i].sequence == sequence) {
            return i;
        }
    }
    return feed->flights.count;
}

struct gf_flight *gf_flights__find(struct gf_hub_feed *feed, int64_t sequence) {
    const size_t index = index_of(feed, sequence);
    return index == feed->flights.count ? NULL : &feed->flights.items[index];
}

void gf_flights__land(struct gf_hub_feed *feed, int64_t sequence) {
    const size_t index = index_of(feed, sequence);
    if (index < feed->flights.count) {
        free(feed->flights.items[index].description);
        gf_vec_remove(&feed->flights, index);
    }
}

int64_t gf_flights__done_up_to(const struct gf_hub_feed *feed) {
    return feed->flights.count == 0 ? feed->read : feed->flights.items[0].sequence - 1;
}

int32_t gf_tries__of(const struct gf_hub_extension *extension, int64_t sequence) {
    for (size_t i = 0; i < extension->tries.count; i++) {
        if (extension->tries.items[i].sequence == sequence) {
            return extension->tries.items[i].attempts;
        }
    }
    return 0;
}

int32_t gf_tries__count(struct gf_hub_extension *extension, int64_t sequence) {
    for (size_t i = 0; i < extension->tries.count; i++) {
        if (extension->tries.items[i].sequence == sequence) {
            return ++extension->tries.items[i].attempts;
        }
    }
    struct gf_hub_tries tries = {.sequence = sequence, .attempts = 1};
    gf_vec_push(&extension->tries, tries);
    return 1;
}

void gf_tries__forget(struct gf_hub_extension *extension, int64_t up_to) {
    for (size_t i = extension->tries.count; i > 0; i--) {
        if (extension->tries.items[i - 1].sequence <= up_to) {
            gf_vec_remove_swap(&extension->tries, i - 1);
        }
    }
}
