/*
 * Design: one thread serves all calls, so packing is at the fastest level, and its memory is one
 * for all: nothing of a stream stays in it from one message to the next, as the protocols want it.
 */
#include "api/gateway/gzip.h"

#include "base/alloc.h"

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <zlib.h>

enum {
    GZIP_WINDOW_BITS = 15 + 16, /* zlib's way to say gzip */
    GZIP_MEMORY_LEVEL = 8,
    BLOCK_BYTES = 16 * 1024,
};

/* ---- unpacking ---- */

/* Overwrites what zlib gives back: its window holds what was unpacked. */
static voidpf take_memory(voidpf opaque, uInt count, uInt size) {
    (void)opaque;
    size_t *block = gf_malloc(sizeof(max_align_t) + (size_t)count * size);
    *block = (size_t)count * size;
    return (char *)block + sizeof(max_align_t);
}

static void give_memory(voidpf opaque, voidpf memory) {
    (void)opaque;
    size_t *block = (size_t *)(void *)((char *)memory - sizeof(max_align_t));
    explicit_bzero(memory, *block);
    free(block);
}

static enum gf_code malformed(struct gf_error *err) {
    return gf_fail(err, GF_INVALID_ARGUMENT, "the request is no gzip, or not all of it");
}

/* Unpacks all that is there, member by member. */
static enum gf_code unpack_all(z_stream *zip, char *block, struct gf_strbuf *out,
                               struct gf_error *err) {
    for (;;) {
        zip->next_out = (Bytef *)block;
        zip->avail_out = BLOCK_BYTES;
        const int result = inflate(zip, Z_NO_FLUSH);
        if (result != Z_OK && result != Z_STREAM_END) {
            return malformed(err);
        }
        gf_strbuf_append_bytes(out, block, BLOCK_BYTES - zip->avail_out);
        if (out->overflowed) {
            return gf_fail_reason(err, GF_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                                  "the request unpacks to more than the %zu bytes that are taken",
                                  out->limit);
        }
        if (result == Z_STREAM_END) {
            if (zip->avail_in == 0) {
                return GF_OK;
            }
            if (inflateReset(zip) != Z_OK) {
                return malformed(err);
            }
        } else if (zip->avail_in == 0 && zip->avail_out != 0) {
            return malformed(err);
        }
    }
}

enum gf_code gf_gateway__unpack(struct gf_str packed, struct gf_strbuf *out, struct gf_error *err) {
    if (packed.len > UINT_MAX) {
        return malformed(err);
    }
    z_stream zip = {.zalloc = take_memory, .zfree = give_memory};
    zip.next_in = (Bytef *)(uintptr_t)packed.ptr; /* only read */
    zip.avail_in = (uInt)packed.len;
    if (inflateInit2(&zip, GZIP_WINDOW_BITS) != Z_OK) {
        gf_oom();
    }
    char block[BLOCK_BYTES];
    const enum gf_code code = unpack_all(&zip, block, out, err);
    (void)inflateEnd(&zip);
    explicit_bzero(block, sizeof(block));
    return code;
}

/* ---- packing ---- */

struct gf_gateway__packer {
    z_stream zip;
    bool ready;
};

struct gf_gateway__packer *gf_gateway__packer_create(void) {
    return GF_NEW(struct gf_gateway__packer);
}

void gf_gateway__packer_destroy(struct gf_gateway__packer *packer) {
    if (packer == NULL) {
        return;
    }
    if (packer->ready) {
        (void)deflateEnd(&packer->zip);
    }
    free(packer);
}

static void make_ready(struct gf_gateway__packer *packer) {
    const int result = packer->ready
                           ? deflateReset(&packer->zip)
                           : deflateInit2(&packer->zip, Z_BEST_SPEED, Z_DEFLATED, GZIP_WINDOW_BITS,
                                          GZIP_MEMORY_LEVEL, Z_DEFAULT_STRATEGY);
    if (result != Z_OK) {
        gf_oom();
    }
    packer->ready = true;
}

bool gf_gateway__pack(struct gf_gateway__packer *packer, struct gf_str bytes,
                      struct gf_strbuf *out) {
    if (bytes.len > UINT_MAX || out->overflowed) {
        return false;
    }
    make_ready(packer);
    const size_t before = out->len;
    packer->zip.next_in = (Bytef *)(uintptr_t)bytes.ptr; /* only read */
    packer->zip.avail_in = (uInt)bytes.len;
    char block[BLOCK_BYTES];
    int result = Z_OK;
    while (result == Z_OK && !out->overflowed && out->len - before < bytes.len) {
        packer->zip.next_out = (Bytef *)block;
        packer->zip.avail_out = sizeof(block);
        result = deflate(&packer->zip, Z_FINISH);
        gf_strbuf_append_bytes(out, block, sizeof(block) - packer->zip.avail_out);
    }
    packer->zip.next_in = NULL;
    if (result == Z_STREAM_END && !out->overflowed && out->len - before < bytes.len) {
        return true;
    }
    gf_strbuf_truncate(out, before);
    out->overflowed = false;
    return false;
}
