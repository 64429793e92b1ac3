/*
 * From the filter of a request to that of the store and the hub. Thread: any.
 */
#ifndef GOFER_API_SERVICE_SELECTION_H_
#define GOFER_API_SERVICE_SELECTION_H_

#include "api/codec/model/event.h"
#include "engine/store/store.h"

/* Without the times, which are looked at event by event. */
static inline struct gf_event_filter
gf_event_selection_filter(const struct gf_event_selection *selection) {
    return (struct gf_event_filter){
        .namespace_id = selection->namespace_id,
        .pipeline_id = selection->pipeline_id,
        .run_id = selection->run_id,
        .extension_id = selection->extension_id,
        .kinds = selection->kinds,
    };
}

#endif /* GOFER_API_SERVICE_SELECTION_H_ */
