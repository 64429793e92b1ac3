/*
 * Events as messages, and filters of events as the store and the hub want them. Thread: any.
 */
#ifndef GOFER_API_CODEC_MODEL_EVENT_H_
#define GOFER_API_CODEC_MODEL_EVENT_H_

#include "base/arena.h"
#include "base/error.h"
#include "engine/core/model.h"
#include "gofer/v1/event.pb-c.h"

Gofer__V1__Event *gf_event_to_message(const struct gf_event *event, struct gf_arena *arena);

/* A filter as a caller gives it. Strings are borrowed from the message. */
struct gf_event_selection {
    struct gf_str namespace_id;  /* empty = any */
    struct gf_str pipeline_id;   /* empty = any */
    int64_t run_id;              /* 0 = any */
    struct gf_str extension_id;  /* empty = any */
    struct gf_event_kinds kinds; /* empty = any */
    bool nothing;                /* asks only for kinds that this version never has */
    int64_t start_time;          /* 0 = any */
    int64_t end_time;            /* exclusive; 0 = any */
};

/*
 * Reads the filter of a request; NULL selects everything. Code: GF_INVALID_ARGUMENT, on fields from
 * "filter." on.
 */
enum gf_code gf_event_filter_from_message(const Gofer__V1__EventFilter *message,
                                          struct gf_event_selection *out,
                                          struct gf_error *err) GF_MUST_USE;

/* Whether the event's time is within those of the selection; the rest is the store's to look at. */
static inline bool gf_event_selection_has_time(const struct gf_event_selection *selection,
                                               int64_t time) {
    return time >= selection->start_time &&
           (selection->end_time == 0 || time < selection->end_time);
}

#endif /* GOFER_API_CODEC_MODEL_EVENT_H_ */
