/*
 * What the server and gofer-fetch say to each other: a request that is accepted is written as it
 * was read, and so are progress and results, in pieces of any size.
 */
#include "engine/scheduler/native/images/pull_request.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_request(struct gf_str input) {
    GF_CLEANUP(gf_arena_fini) struct gf_arena arena;
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf first;
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf second;
    struct gf_pull_request request;
    struct gf_error err = {.message = ""};
    gf_arena_init(&arena, 4 * GF_PULL_REQUEST_BYTES_MAX);
    gf_strbuf_init(&first, GF_PULL_REQUEST_BYTES_MAX);
    gf_strbuf_init(&second, GF_PULL_REQUEST_BYTES_MAX);
    if (gf_pull_request_parse(input, &arena, &request, &err) != GF_OK) {
        gf_assert(gf_utf8_valid(gf_str_from(err.message)));
        return;
    }
    gf_assert(request.source_count <= GF_PULL_SOURCES_MAX);
    gf_assert(request.timeout_ms > 0 && request.tries > 0 && request.blobs_at_once > 0);
    gf_pull_request_write(&request, &first);
    if (first.overflowed) {
        return;
    }
    gf_assert(gf_pull_request_parse(gf_strbuf_view(&first), &arena, &request, NULL) == GF_OK);
    gf_pull_request_write(&request, &second);
    gf_assert(gf_str_eq(gf_strbuf_view(&first), gf_strbuf_view(&second)));
}

static void check_output(struct gf_str input) {
    struct gf_pull_output output;
    struct gf_pull_result result;
    bool changed = false;
    enum gf_code rc = GF_OK;
    gf_pull_output_init(&output);
    for (size_t at = 0; rc == GF_OK && at < input.len; at += 7) {
        const size_t left = input.len - at;
        rc = gf_pull_output_add(&output, (struct gf_str){input.ptr + at, left < 7 ? left : 7},
                                &changed, NULL);
    }
    gf_assert(output.progress.received_bytes >= 0 && output.progress.phase <= GF_PULL_DONE);
    if (rc == GF_OK && gf_pull_result_parse(gf_strbuf_view(&output.rest), &result, NULL) == GF_OK) {
        gf_assert(result.failed || gf_digest_is_set(&result.digest));
        gf_assert(!result.failed || gf_utf8_valid(gf_str_from(result.failure.message)));
    }
    gf_pull_output_fini(&output);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct gf_str input = {(const char *)data, size};
    check_request(input);
    check_output(input);
    return 0;
}
