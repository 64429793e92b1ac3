#include "api/codec/model/event.h"

#include "api/access/visibility.h"
#include "api/codec/model/message.h"
#include "api/service/handlers.h"
#include "api/service/list.h"
#include "api/service/lookup.h"
#include "api/service/selection.h"
#include "api/service/stream.h"

#include <inttypes.h>

enum {
    /* Backwards the log is read in windows of numbers, because numbers have no gaps. */
    WINDOW_EVENTS = 512,
};

static enum gf_code get_event(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__GetEventRequest *request = (const void *)read->request;
    struct gf_event event = {0};
    enum gf_code rc = gf_check_number(request->event_id, "event_id", err);
    if (rc == GF_OK) {
        rc = read->store->get_event(read->reader, request->event_id, read->arena, &event, err);
    }
    if (rc == GF_OK && !gf_may_see_event(read->principal, &event)) {
        rc = gf_fail(err, GF_NOT_FOUND, "event %" PRId64 " not found", request->event_id);
    }
    if (rc != GF_OK) {
        return rc;
    }
    Gofer__V1__GetEventResponse *response =
        GF_MESSAGE_NEW(read->arena, Gofer__V1__GetEventResponse, gofer__v1__get_event_response);
    response->event = gf_event_to_message(&event, read->arena);
    read->response = &response->base;
    return GF_OK;
}

static void start_get_event(struct gf_rpc_call *call, const Gofer__V1__GetEventRequest *request,
                            void *ctx) {
    gf_read_start(call, &request->base, ctx, get_event);
}

struct event_list {
    struct gf_event_selection selection;
    struct gf_event_filter filter;
};

static enum gf_code fetch_oldest(struct gf_list_page *page, size_t limit, size_t *out_count,
                                 bool *out_ended, struct gf_error *err) {
    struct event_list *list = page->data;
    struct gf_event *items = NULL;
    const int64_t after = page->position.numbers[0];
    int64_t scanned = 0;
    const enum gf_code rc =
        page->read->store->list_events(page->read->reader, &list->filter, after, limit,
                                       page->read->arena, &items, out_count, &scanned, err);
    page->items = items;
    *out_ended = rc == GF_OK && *out_count == 0 && scanned == after;
    /* Where nothing matched, taking does not move the place. */
    if (rc == GF_OK && *out_count == 0) {
        page->position.numbers[0] = scanned;
    }
    return rc;
}

/* position: the number that events must be below; 0 = any. */
static enum gf_code fetch_newest(struct gf_list_page *page, GF_UNUSED size_t limit,
                                 size_t *out_count, bool *out_ended, struct gf_error *err) {
    struct event_list *list = page->data;
    struct gf_event_hub *hub = page->read->services->hub;
    struct gf_event *items = NULL;
    size_t count = 0;
    int64_t scanned = 0;
    if (page->position.numbers[0] == 0) {
        page->position.numbers[0] = gf_event_hub_newest(hub) + 1;
    }
    const int64_t before = page->position.numbers[0];
    const int64_t after = before - 1 > WINDOW_EVENTS ? before - 1 - WINDOW_EVENTS : 0;
    const enum gf_code rc =
        page->read->store->list_events(page->read->reader, &list->filter, after, WINDOW_EVENTS,
                                       page->read->arena, &items, &count, &scanned, err);
    if (rc != GF_OK) {
        return rc;
    }
    while (count > 0 && items[count - 1].sequence >= before) {
        count--;
    }
    for (size_t i = 0; i < count / 2; i++) {
        const struct gf_event swapped = items[i];
        items[i] = items[count - 1 - i];
        items[count - 1 - i] = swapped;
    }
    page->items = items;
    *out_count = count;
    *out_ended = after == 0;
    if (count == 0) {
        page->position.numbers[0] = after + 1;
    }
    return GF_OK;
}

static enum gf_code take_event(struct gf_list_page *page, size_t index, void **out_message,
                               GF_UNUSED struct gf_error *err) {
    const struct event_list *list = page->data;
    const struct gf_event *event = &((const struct gf_event *)page->items)[index];
    page->position.numbers[0] = event->sequence;
    if (gf_event_selection_has_time(&list->selection, event->time) &&
        gf_may_see_event(page->read->principal, event)) {
        *out_message = gf_event_to_message(event, page->read->arena);
    }
    return GF_OK;
}

static void mix_selection(struct gf_page_scope *scope, const struct gf_event_selection *selection) {
    gf_page_scope_text(scope, selection->namespace_id);
    gf_page_scope_text(scope, selection->pipeline_id);
    gf_page_scope_number(scope, selection->run_id);
    gf_page_scope_text(scope, selection->extension_id);
    for (size_t i = 0; i < GF_ARRAY_COUNT(selection->kinds.words); i++) {
        gf_page_scope_number(scope, (int64_t)selection->kinds.words[i]);
    }
    gf_page_scope_number(scope, selection->start_time);
    gf_page_scope_number(scope, selection->end_time);
}

static enum gf_code list_events(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__ListEventsRequest *request = (const void *)read->request;
    struct event_list list = {0};
    struct gf_list_page page;
    enum gf_code rc = gf_list_page_init(&page, read, "events", request->page_size, err);
    if (rc == GF_OK) {
        rc = gf_event_filter_from_message(request->filter, &list.selection, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    if (list.selection.nothing) {
        Gofer__V1__ListEventsResponse *response = GF_MESSAGE_NEW(
            read->arena, Gofer__V1__ListEventsResponse, gofer__v1__list_events_response);
        read->response = &response->base;
        return GF_OK;
    }
    list.filter = gf_event_selection_filter(&list.selection);
    page.data = &list;
    gf_page_scope_number(&page.scope, request->oldest_first);
    mix_selection(&page.scope, &list.selection);
    return gf_list_page_answer(&page, request->page_token,
                               request->oldest_first ? fetch_oldest : fetch_newest, take_event,
                               &gofer__v1__list_events_response__descriptor, err);
}

static void start_list_events(struct gf_rpc_call *call, const Gofer__V1__ListEventsRequest *request,
                              void *ctx) {
    gf_read_start(call, &request->base, ctx, list_events);
}

const struct gofer_v1_event_service_handlers gf_event_service = {
    .get_event = {.start = start_get_event},
    .list_events = {.start = start_list_events},
    .follow_events = {.start = gf_event_follow_start,
                      .writable = gf_stream_writable,
                      .cancelled = gf_stream_cancelled},
};
