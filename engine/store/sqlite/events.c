/*
 * The event log. It has no index but its sequence numbers: a filter is a scan, and so that no call
 * holds its snapshot for long, one call looks at a bounded number of events. Whoever lists goes on
 * from where the last call stopped.
 *
 * The id of an extension stands among the details of an event: those that cannot have it are left
 * out where they are read, and what is left is looked at once more.
 */
#include "engine/store/sqlite/event_details.h"
#include "engine/store/sqlite/store_internal.h"

#include <inttypes.h>

enum gf_code gf_sqlite__write_event(struct gf_sqlite_store *store, const struct gf_event *event,
                                    struct gf_error *err) {
    gf_strbuf_reset(&store->scratch);
    gf_sqlite__event_details_encode(event, &store->scratch);
    if (store->scratch.overflowed) {
        return gf_fail(err, GF_INTERNAL, "the details of event %" PRId64 " are too large",
                       event->sequence);
    }
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc = gf_sqlite__bind_start(&bind, &store->writer, GF_SQL_INSERT_EVENT, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, event->sequence);
    gf_sqlite__bind_i64(&bind, event->time);
    gf_sqlite__bind_i64(&bind, event->kind);
    gf_sqlite__bind_str(&bind, event->namespace_id);
    gf_sqlite__bind_str(&bind, event->pipeline_id);
    gf_sqlite__bind_i64(&bind, event->version);
    gf_sqlite__bind_i64(&bind, event->deployment_id);
    gf_sqlite__bind_i64(&bind, event->run_id);
    gf_sqlite__bind_str(&bind, event->task_id);
    gf_sqlite__bind_i64(&bind, event->attempt);
    gf_sqlite__bind_i64(&bind, event->status);
    gf_sqlite__bind_blob(&bind, gf_strbuf_view(&store->scratch));
    return gf_sqlite__run_bound(&bind, "insert an event", NULL, err);
}

static enum gf_code read_event(struct gf_sqlite_row *row, void *item, struct gf_error *err) {
    struct gf_event *event = item;
    event->sequence = gf_sqlite__i64(row);
    event->time = gf_sqlite__i64(row);
    event->kind = (enum gf_event_kind)gf_sqlite__enum(row, gf_event_kind_valid);
    event->namespace_id = gf_sqlite__str(row);
    event->pipeline_id = gf_sqlite__str(row);
    event->version = gf_sqlite__i64(row);
    event->deployment_id = gf_sqlite__i64(row);
    event->run_id = gf_sqlite__i64(row);
    event->task_id = gf_sqlite__str(row);
    event->attempt = gf_sqlite__i32(row);
    event->status = gf_sqlite__i32(row);
    const enum gf_code rc =
        gf_sqlite__event_details_decode(gf_sqlite__blob(row), row->arena, event, err);
    return rc == GF_OK ? GF_OK : gf_wrap(err, "event %" PRId64, event->sequence);
}

enum gf_code gf_sqlite__get_event(struct gf_store_reader *reader, int64_t sequence,
                                  struct gf_arena *arena, struct gf_event *out,
                                  struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    enum gf_code rc = gf_sqlite__read_start(reader, GF_SQL_GET_EVENT, &bind, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, sequence);
    bool found = false;
    rc = gf_sqlite__select_one(&bind, "events", read_event, sizeof(*out), arena, out, &found, err);
    if (rc == GF_OK && !found) {
        return gf_fail(err, GF_NOT_FOUND, "event %" PRId64 " not found", sequence);
    }
    return rc;
}

struct bounds {
    int64_t oldest; /* 0 = there are no events */
    int64_t newest;
};

static enum gf_code read_bounds(struct gf_sqlite_row *row, void *item,
                                GF_UNUSED struct gf_error *err) {
    struct bounds *bounds = item;
    bounds->oldest = gf_sqlite__i64(row);
    bounds->newest = gf_sqlite__i64(row);
    return GF_OK;
}

static enum gf_code get_bounds(struct gf_store_reader *reader, struct gf_arena *arena,
                               struct bounds *out, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc = gf_sqlite__read_start(reader, GF_SQL_GET_EVENT_BOUNDS, &bind, err);
    if (rc != GF_OK) {
        return rc;
    }
    bool found = false;
    return gf_sqlite__select_one(&bind, "events", read_bounds, sizeof(*out), arena, out, &found,
                                 err);
}

static enum gf_code select_events(struct gf_store_reader *reader,
                                  const struct gf_event_filter *filter, int64_t after, int64_t last,
                                  size_t limit, struct gf_arena *arena, void **out_items,
                                  size_t *out_count, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc = gf_sqlite__read_start(reader, GF_SQL_LIST_EVENTS, &bind, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, after);
    gf_sqlite__bind_i64(&bind, last);
    gf_sqlite__bind_str(&bind, filter->namespace_id);
    gf_sqlite__bind_str(&bind, filter->pipeline_id);
    gf_sqlite__bind_i64(&bind, filter->run_id);
    for (size_t i = 0; i < GF_ARRAY_COUNT(filter->kinds.words); i++) {
        gf_sqlite__bind_i64(&bind, (int64_t)filter->kinds.words[i]);
    }
    gf_sqlite__bind_blob(&bind, filter->extension_id);
    gf_sqlite__bind_i64(&bind, (int64_t)limit);
    return gf_sqlite__select(&bind, "events", read_event, sizeof(struct gf_event), limit, arena,
                             out_items, out_count, err);
}

static size_t keep_matching(const struct gf_event_filter *filter, struct gf_event *events,
                            size_t count) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (gf_event_filter_matches(filter, &events[i])) {
            events[kept++] = events[i];
        }
    }
    return kept;
}

enum gf_code gf_sqlite__list_events(struct gf_store_reader *reader,
                                    const struct gf_event_filter *filter, int64_t after_sequence,
                                    size_t limit, struct gf_arena *arena,
                                    struct gf_event **out_items, size_t *out_count,
                                    int64_t *out_scanned, struct gf_error *err) {
    struct bounds bounds = {0};
    enum gf_code rc = get_bounds(reader, arena, &bounds, err);
    if (rc != GF_OK) {
        return rc;
    }
    if (after_sequence >= bounds.newest) {
        *out_items = NULL;
        *out_count = 0;
        *out_scanned = after_sequence;
        return GF_OK;
    }
    const int64_t after = after_sequence < bounds.oldest ? bounds.oldest - 1 : after_sequence;
    const int64_t last = bounds.newest - after > GF_SQLITE_EVENTS_SCANNED_MAX
                             ? after + GF_SQLITE_EVENTS_SCANNED_MAX
                             : bounds.newest;
    void *items = NULL;
    size_t count = 0;
    rc = select_events(reader, filter, after, last, limit, arena, &items, &count, err);
    if (rc != GF_OK) {
        return rc;
    }
    struct gf_event *events = items;
    *out_scanned = count > 0 && count == limit ? events[count - 1].sequence : last;
    *out_items = events;
    *out_count = keep_matching(filter, events, count);
    return GF_OK;
}
