/*
 * What the gateway reads of bodies: envelopes, base64 that is padded in the middle, gzip. The first
 * byte chooses.
 */
#include "api/gateway/envelope.h"
#include "api/gateway/gzip.h"
#include "base/alloc.h"
#include "base/base64.h"

#include <string.h>

enum {
    MESSAGE_BYTES_MAX = 4096
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was opened is what stands in an envelope of our own. */
static void run_envelope(struct gf_str body) {
    uint8_t flags = 0;
    struct gf_str message;
    struct gf_error err;
    const enum gf_code code =
        gf_gateway__envelope_open(body, MESSAGE_BYTES_MAX, &flags, &message, &err);
    if (code != GF_OK) {
        gf_assert(err.code == code && err.message[0] != '\0');
        return;
    }
    char head[GF_GATEWAY__ENVELOPE_BYTES];
    gf_gateway__envelope_head(flags, message.len, head);
    gf_assert(body.len == sizeof(head) + message.len && message.len <= MESSAGE_BYTES_MAX);
    gf_assert(memcmp(head, body.ptr, sizeof(head)) == 0);
}

/* What was decoded stays the same when it is encoded and decoded again. */
static void run_text(struct gf_str text) {
    struct gf_strbuf bytes;
    struct gf_strbuf again;
    gf_strbuf_init(&bytes, text.len);
    gf_strbuf_init(&again, 2 * text.len + 4);
    if (gf_gateway__text_decode(text, &bytes, NULL) == GF_OK) {
        gf_assert(!bytes.overflowed);
        gf_base64_append(gf_strbuf_view(&bytes), true, &again);
        const size_t size = bytes.len;
        GF_CLEANUP(gf_free_p) char *before = gf_memdup(bytes.ptr, size);
        gf_strbuf_reset(&bytes);
        gf_assert(gf_gateway__text_decode(gf_strbuf_view(&again), &bytes, NULL) == GF_OK);
        gf_assert(bytes.len == size && memcmp(bytes.ptr, before, size) == 0);
    }
    gf_strbuf_fini(&bytes);
    gf_strbuf_fini(&again);
}

static void run_gzip(struct gf_str packed) {
    struct gf_strbuf out;
    gf_strbuf_init_secret(&out, MESSAGE_BYTES_MAX);
    struct gf_error err;
    const enum gf_code code = gf_gateway__unpack(packed, &out, &err);
    gf_assert(code == GF_OK || err.code == code);
    gf_assert(out.len <= MESSAGE_BYTES_MAX && (code != GF_OK || !out.overflowed));
    gf_strbuf_fini(&out);
}

/* What is packed comes back. */
static void run_pack(struct gf_str bytes) {
    struct gf_gateway__packer *packer = gf_gateway__packer_create();
    struct gf_strbuf packed;
    struct gf_strbuf back;
    gf_strbuf_init(&packed, 2 * bytes.len);
    gf_strbuf_init(&back, bytes.len);
    if (gf_gateway__pack(packer, bytes, &packed)) {
        gf_assert(packed.len < bytes.len);
        gf_assert(gf_gateway__unpack(gf_strbuf_view(&packed), &back, NULL) == GF_OK);
        gf_assert(gf_str_eq(gf_strbuf_view(&back), bytes));
    }
    gf_strbuf_fini(&packed);
    gf_strbuf_fini(&back);
    gf_gateway__packer_destroy(packer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) {
        return 0;
    }
    /* A copy of its own, so that reading beyond it is seen. */
    GF_CLEANUP(gf_free_p) char *copy = gf_memdup(data + 1, size - 1);
    const struct gf_str rest = {copy, size - 1};
    switch (data[0]) {
    case 'e':
        run_envelope(rest);
        break;
    case 't':
        run_text(rest);
        break;
    case 'p':
        run_pack(rest);
        break;
    default:
        run_gzip(rest);
        break;
    }
    return 0;
}
