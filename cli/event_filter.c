#include "cli/event_filter.h"

#include "base/clock.h"
#include "cli/call.h"
#include "cli/read.h"

enum gf_code gf_read_event_filter(struct gf_cli *cli, const struct gf_parsed *parsed,
                                  Gofer__V1__EventFilter *filter, struct gf_error *err) {
    size_t count = 0;
    const char *const *kinds = gf_parsed_list(parsed, "kind", &count);
    filter->kinds = GF_ARENA_ARRAY(cli->arena, count + 1, Gofer__V1__EventKind);
    for (size_t i = 0; i < count; i++) {
        filter->kinds[filter->n_kinds] =
            (Gofer__V1__EventKind)gf_read_enum(&gofer__v1__event_kind__descriptor, kinds[i]);
        if (filter->kinds[filter->n_kinds++] == GOFER__V1__EVENT_KIND__EVENT_KIND_UNSPECIFIED) {
            return gf_fail(err, GF_INVALID_ARGUMENT, "there is no kind of event '%s'", kinds[i]);
        }
    }
    bool has_pipeline = gf_parsed_has(parsed, "pipeline");
    if (gf_parsed_has(parsed, "run") && !has_pipeline) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "--run goes with --pipeline");
    }
    const bool everywhere =
        gf_parsed_flag(parsed, "all-namespaces") || gf_parsed_has(parsed, "extension");
    if (has_pipeline || !everywhere) {
        filter->namespace_id = gf_request_text(cli->namespace_id);
    }
    filter->pipeline_id = gf_request_text(gf_parsed_text(parsed, "pipeline"));
    filter->extension_id = gf_request_text(gf_parsed_text(parsed, "extension"));
    filter->run_id = gf_parsed_number(parsed, "run", 0);
    if (gf_parsed_has(parsed, "since")) {
        int64_t start_ns = gf_wall_ns() - gf_parsed_number(parsed, "since", 0) * GF_NS_PER_MS;
        filter->start_time = GF_ARENA_NEW(cli->arena, Google__Protobuf__Timestamp);
        google__protobuf__timestamp__init(filter->start_time);
        filter->start_time->seconds = start_ns / GF_NS_PER_SEC;
        filter->start_time->nanos = (int32_t)(start_ns % GF_NS_PER_SEC);
    }
    return GF_OK;
}
