/*
 * What the gateway reads of heads: the query of a Connect GET; content types, codings, timeouts and
 * metadata, a header a line, as "name: value". The first byte chooses.
 */
#include "api/gateway/coding.h"
#include "api/gateway/deadline.h"
#include "api/gateway/form.h"
#include "api/gateway/metadata.h"
#include "api/gateway/query.h"
#include "base/alloc.h"

enum {
    ARENA_BYTES_MAX = 1024 * 1024
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run_query(struct gf_str text, struct gf_arena *arena) {
    struct gf_gateway__query query;
    struct gf_error err;
    const enum gf_code code = gf_gateway__query_parse(text, arena, &query, &err);
    if (code == GF_OK) {
        gf_assert(query.message.len + query.encoding.len + query.compression.len <= text.len);
        struct gf_gateway__form form;
        (void)gf_gateway__form_of_get(query.encoding, &form);
    } else {
        gf_assert(err.code == code);
    }
}

static void run_header(struct gf_gateway__metadata *metadata, struct gf_str name,
                       struct gf_str value) {
    const size_t count = metadata->count;
    if (gf_gateway__metadata_add(metadata, name, value, NULL) != GF_OK) {
        gf_assert(metadata->count == count);
    }
    gf_assert(metadata->bytes <= GF_GATEWAY__METADATA_BYTES_MAX);
    struct gf_gateway__form form;
    if (gf_gateway__form_of(value, &form)) {
        gf_assert(form.content_type != NULL);
    }
    int64_t ns = -1;
    gf_assert(gf_gateway__connect_timeout(value, &ns, NULL) != GF_OK || ns >= 0);
    gf_assert(gf_gateway__grpc_timeout(value, &ns, NULL) != GF_OK || ns >= 0);
    bool gzip = false;
    gf_ignore(gf_gateway__coding_of(value, &gzip, NULL));
    (void)gf_gateway__accepts_gzip(value);
}

static void run_head(struct gf_str text, struct gf_arena *arena) {
    struct gf_gateway__metadata metadata;
    gf_gateway__metadata_init(&metadata, arena);
    while (text.len > 0) {
        struct gf_str line;
        struct gf_str name;
        struct gf_str value;
        (void)gf_str_cut(text, '\n', &line, &text);
        (void)gf_str_cut(line, ':', &name, &value);
        run_header(&metadata, name, value);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) {
        return 0;
    }
    /* A copy of its own, so that reading beyond it is seen. */
    GF_CLEANUP(gf_free_p) char *copy = gf_memdup(data + 1, size - 1);
    struct gf_arena arena;
    gf_arena_init(&arena, ARENA_BYTES_MAX);
    if (data[0] == 'q') {
        run_query((struct gf_str){copy, size - 1}, &arena);
    } else {
        run_head((struct gf_str){copy, size - 1}, &arena);
    }
    gf_arena_fini(&arena);
    return 0;
}
