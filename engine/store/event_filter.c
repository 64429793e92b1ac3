#include "engine/store/store.h"

bool gf_event_filter_matches(const struct gf_event_filter *filter, const struct gf_event *event) {
    return (filter->namespace_id.len == 0 ||
            gf_str_eq(filter->namespace_id, event->namespace_id)) &&
           (filter->pipeline_id.len == 0 || gf_str_eq(filter->pipeline_id, event->pipeline_id)) &&
           (filter->run_id == 0 || filter->run_id == event->run_id) &&
           (filter->extension_id.len == 0 ||
            gf_str_eq(filter->extension_id, event->extension_id)) &&
           (gf_event_kinds_empty(&filter->kinds) ||
            gf_event_kinds_have(&filter->kinds, event->kind));
}
