/*
 * What of the events was sent and is not dealt with (flights), and how often each was tried (tries,
 * which an extension keeps across its connections). For event_feed.c alone.
 *
 * Thread: one at a time; the hub's mutex is held.
 */
#ifndef GOFER_API_EXTENSION_EVENT_FLIGHTS_H_
#define GOFER_API_EXTENSION_EVENT_FLIGHTS_H_

#include "api/extension/hub_internal.h"

enum gf_flight_state {
    GF_FLIGHT_SENT,
    GF_FLIGHT_WAITING, /* for its next attempt */
    GF_FLIGHT_DEAD,    /* is to become a dead letter */
    GF_FLIGHT_BURIED,  /* is becoming one */
};

struct gf_flight {
    int64_t sequence;
    enum gf_flight_state state;
    int64_t due_mono;  /* of WAITING, and of DEAD where there was no room */
    char *description; /* of DEAD; heap */
};

/* Where a connection is in the log of events. */
struct gf_hub_feed {
    int64_t read;   /* up to which was read; 0 = not begun */
    int64_t stored; /* up to which the row says that all is done */
    int64_t next_store_mono;
    GF_VEC(struct gf_flight) flights; /* by sequence */
};

/* NULL: there is none. Valid until one is added or landed. */
struct gf_flight *gf_flights__find(struct gf_hub_feed *feed, int64_t sequence);
/* It is dealt with. Does nothing where there is none. */
void gf_flights__land(struct gf_hub_feed *feed, int64_t sequence);
/* Up to which all is dealt with. */
int64_t gf_flights__done_up_to(const struct gf_hub_feed *feed);

/* How often the event was tried; 0 = never. */
int32_t gf_tries__of(const struct gf_hub_extension *extension, int64_t sequence);
/* One more. Gives how many that makes. */
int32_t gf_tries__count(struct gf_hub_extension *extension, int64_t sequence);
/* All up to this place are dealt with. */
void gf_tries__forget(struct gf_hub_extension *extension, int64_t up_to);

#endif /* GOFER_API_EXTENSION_EVENT_FLIGHTS_H_ */
