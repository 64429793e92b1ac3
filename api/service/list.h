/*
 * Lists: pages of bounded size, in count and in bytes.
 *
 * A page has as many items as were asked for, or fewer where they are large or few match; what ends
 * a list is an empty next_page_token.
 */
#ifndef GOFER_API_SERVICE_LIST_H_
#define GOFER_API_SERVICE_LIST_H_

#include "api/codec/model/page_token.h"
#include "api/service/lookup.h"

enum {
    GF_PAGE_SIZE_DEFAULT = 50,
    GF_PAGE_SIZE_MAX = 1000,
    GF_PAGE_BYTES_MAX = 8 << 20,   /* of memory for one page, beyond which it is closed */
    GF_LIST_CHUNK_ITEMS = 64,      /* read from the store at a time */
    GF_LIST_EXAMINED_MAX = 100000, /* items looked at for one page */
    /* That found nothing: the store has looked at a bounded number of rows each time. */
    GF_LIST_EMPTY_FETCHES_MAX = 16,
};

struct gf_list_page;

/*
 * Reads up to `limit` items behind page->position into page->items (an array of the function's own
 * type). *out_ended: nothing is behind them.
 */
typedef enum gf_code gf_list_fetch_fn(struct gf_list_page *page, size_t limit, size_t *out_count,
                                      bool *out_ended, struct gf_error *err);

/*
 * Moves page->position to behind items[index]; *out_message is its message, or NULL where it is
 * filtered out.
 */
typedef enum gf_code gf_list_take_fn(struct gf_list_page *page, size_t index, void **out_message,
                                     struct gf_error *err);

struct gf_list_page {
    struct gf_read *read;
    size_t size;                   /* items at most */
    struct gf_page_scope scope;    /* mix in all that selects the items, before gf_list_page_read */
    struct gf_page_token position; /* behind which to go on; zeroed: at the beginning */
    bool conceals; /* what is left out is hidden from the caller: no token names it */
    void *items;
    void *data;     /* the handler's */
    bool at_hidden; /* private to list.c: the last item was left out */
    /* The result. */
    void **messages;
    size_t count;
    char *next_page_token;
};

/* `name` tells this list from all others. Code: GF_INVALID_ARGUMENT on "page_size". */
enum gf_code gf_list_page_init(struct gf_list_page *page, struct gf_read *read, const char *name,
                               int32_t page_size, struct gf_error *err) GF_MUST_USE;

/*
 * The same for a list of what belongs to a pipeline, or to a run: finds it, and mixes it into the
 * scope. Codes: also those of gf_find_pipeline and gf_find_run.
 */
enum gf_code gf_list_page_of_pipeline(struct gf_list_page *page, struct gf_read *read,
                                      const char *name, int32_t page_size, const char *namespace_id,
                                      const char *pipeline_id, struct gf_pipeline *out_pipeline,
                                      struct gf_error *err) GF_MUST_USE;
enum gf_code gf_list_page_of_run(struct gf_list_page *page, struct gf_read *read, const char *name,
                                 int32_t page_size, const char *namespace_id,
                                 const char *pipeline_id, int64_t run_id, struct gf_run *out_run,
                                 struct gf_error *err) GF_MUST_USE;

/* Code: GF_INVALID_ARGUMENT on "page_token", and those of the functions. */
enum gf_code gf_list_page_read(struct gf_list_page *page, const char *page_token,
                               gf_list_fetch_fn *fetch, gf_list_take_fn *take,
                               struct gf_error *err) GF_MUST_USE;

/*
 * Reads the page and makes it the read's response. `response` is the type of a message with the
 * items in field 1 and next_page_token in field 2, as those of all lists are.
 */
enum gf_code gf_list_page_answer(struct gf_list_page *page, const char *page_token,
                                 gf_list_fetch_fn *fetch, gf_list_take_fn *take,
                                 const ProtobufCMessageDescriptor *response,
                                 struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_API_SERVICE_LIST_H_ */
