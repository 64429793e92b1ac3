#include "api/service/list.h"

#include "api/codec/model/page_seal.h"

#include <inttypes.h>

enum gf_code gf_list_page_init(struct gf_list_page *page, struct gf_read *read, const char *name,
                               int32_t page_size, struct gf_error *err) {
    if (page_size < 0) {
        return gf_fail_field(err, "page_size", "value is %" PRId32 ", expected 0 or more",
                             page_size);
    }
    size_t size = page_size == 0 ? GF_PAGE_SIZE_DEFAULT : (size_t)page_size;
    *page = (struct gf_list_page){
        .read = read,
        .size = size > GF_PAGE_SIZE_MAX ? GF_PAGE_SIZE_MAX : size,
        .scope = gf_page_scope(name),
        .next_page_token = (char *)protobuf_c_empty_string,
    };
    return GF_OK;
}

enum gf_code gf_list_page_of_pipeline(struct gf_list_page *page, struct gf_read *read,
                                      const char *name, int32_t page_size, const char *namespace_id,
                                      const char *pipeline_id, struct gf_pipeline *out_pipeline,
                                      struct gf_error *err) {
    enum gf_code rc = gf_list_page_init(page, read, name, page_size, err);
    if (rc == GF_OK) {
        rc = gf_find_pipeline(read, namespace_id, pipeline_id, out_pipeline, err);
    }
    if (rc == GF_OK) {
        gf_page_scope_number(&page->scope, out_pipeline->pipeline_key);
    }
    return rc;
}

enum gf_code gf_list_page_of_run(struct gf_list_page *page, struct gf_read *read, const char *name,
                                 int32_t page_size, const char *namespace_id,
                                 const char *pipeline_id, int64_t run_id, struct gf_run *out_run,
                                 struct gf_error *err) {
    enum gf_code rc = gf_list_page_init(page, read, name, page_size, err);
    if (rc == GF_OK) {
        rc = gf_find_run(read, namespace_id, pipeline_id, run_id, out_run, err);
    }
    if (rc == GF_OK) {
        gf_page_scope_number(&page->scope, out_run->run_key);
    }
    return rc;
}

/* Takes what was fetched. *out_more: there was an item for which the page has no room. */
static enum gf_code take_all(struct gf_list_page *page, size_t count, gf_list_take_fn *take,
                             bool *out_more, struct gf_error *err) {
    for (size_t i = 0; i < count; i++) {
        if (page->count == page->size) {
            *out_more = true;
            return GF_OK;
        }
        void *message = NULL;
        const enum gf_code rc = take(page, i, &message, err);
        if (rc != GF_OK) {
            return rc;
        }
        page->at_hidden = message == NULL;
        if (message != NULL) {
            page->messages[page->count++] = message;
        }
    }
    return GF_OK;
}

enum gf_code gf_list_page_read(struct gf_list_page *page, const char *page_token,
                               gf_list_fetch_fn *fetch, gf_list_take_fn *take,
                               struct gf_error *err) {
    struct gf_arena *arena = page->read->arena;
    enum gf_code rc =
        gf_page_token_read(&page->scope, page_token, "page_token", arena, &page->position, err);
    if (rc == GF_OK && page->conceals) {
        page->at_hidden = gf_page_is_sealed(&page->position);
        rc = gf_page_open(page->read->services->place_key, &page->position, arena, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    page->messages = GF_ARENA_ARRAY(arena, page->size, void *);
    size_t examined = 0;
    size_t empty_fetches = 0;
    bool more = false;
    bool ended = false;
    while (!more && !ended) {
        /* One more than there is room for tells whether another page follows. */
        const size_t wanted = page->size - page->count + 1;
        size_t count = 0;
        rc = fetch(page, wanted < GF_LIST_CHUNK_ITEMS ? wanted : GF_LIST_CHUNK_ITEMS, &count,
                   &ended, err);
        if (rc == GF_OK) {
            rc = take_all(page, count, take, &more, err);
        }
        if (rc != GF_OK) {
            return rc;
        }
        examined += count;
        empty_fetches += count == 0;
        if (!ended && (arena->used_bytes > GF_PAGE_BYTES_MAX || examined > GF_LIST_EXAMINED_MAX ||
                       empty_fetches > GF_LIST_EMPTY_FETCHES_MAX)) {
            more = true;
        }
    }
    if (more && page->conceals && page->at_hidden) {
        gf_page_seal(page->read->services->place_key, &page->position, arena);
    }
    if (more) {
        page->next_page_token = gf_page_token_write(&page->scope, &page->position, arena);
    }
    return GF_OK;
}

static void put(ProtobufCMessage *message, unsigned offset, const void *value, size_t size) {
    memcpy((char *)message + offset, value, size);
}

enum gf_code gf_list_page_answer(struct gf_list_page *page, const char *page_token,
                                 gf_list_fetch_fn *fetch, gf_list_take_fn *take,
                                 const ProtobufCMessageDescriptor *response, struct gf_error *err) {
    const ProtobufCFieldDescriptor *items = protobuf_c_message_descriptor_get_field(response, 1);
    const ProtobufCFieldDescriptor *token = protobuf_c_message_descriptor_get_field(response, 2);
    gf_assert(items != NULL && items->label == PROTOBUF_C_LABEL_REPEATED &&
              items->type == PROTOBUF_C_TYPE_MESSAGE);
    gf_assert(token != NULL && strcmp(token->name, "next_page_token") == 0);
    const enum gf_code rc = gf_list_page_read(page, page_token, fetch, take, err);
    if (rc != GF_OK) {
        return rc;
    }
    ProtobufCMessage *message = gf_arena_alloc(page->read->arena, response->sizeof_message);
    protobuf_c_message_init(response, message);
    put(message, items->offset, &page->messages, sizeof(page->messages));
    put(message, items->quantifier_offset, &page->count, sizeof(page->count));
    put(message, token->offset, &page->next_page_token, sizeof(page->next_page_token));
    page->read->response = message;
    return GF_OK;
}
