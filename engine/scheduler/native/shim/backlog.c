/*
 * DESIGN
 * Positions only grow; a position's place in memory is its distance from `origin`, modulo the size.
 * A piece is a header and its bytes, rounded up to the alignment, and lies in one part: where the
 * end of the memory is too near, the rest of it is skipped by a header without a stream.
 */
#include "engine/scheduler/native/shim/backlog.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

struct header {
    uint32_t stream; /* 0: nothing here, go on behind it */
    uint32_t size;   /* of the bytes */
};

_Static_assert(sizeof(struct header) == GF_BACKLOG_ALIGN, "a header always fits before the end");

enum gf_code gf_backlog_open(struct gf_backlog *backlog, size_t size, struct gf_error *err) {
    gf_assert(size % GF_BACKLOG_ALIGN == 0 && size > 2 * GF_BACKLOG_PIECE_BYTES_MAX);
    void *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (bytes == MAP_FAILED) {
        return gf_fail_errno(err, GF_RESOURCE_EXHAUSTED, errno, "no memory for a session");
    }
    *backlog = (struct gf_backlog){.bytes = bytes, .size = size};
    return GF_OK;
}

void gf_backlog_close(struct gf_backlog *backlog) {
    if (backlog->bytes != NULL) {
        (void)munmap(backlog->bytes, backlog->size);
    }
    *backlog = (struct gf_backlog){0};
}

static size_t place_of(const struct gf_backlog *backlog, uint64_t position) {
    return (size_t)((position - backlog->origin) % backlog->size);
}

static uint64_t rounded(size_t size) {
    return (size + GF_BACKLOG_ALIGN - 1) & ~(uint64_t)(GF_BACKLOG_ALIGN - 1);
}

static void put(struct gf_backlog *backlog, uint32_t stream, const char *bytes, size_t size) {
    const struct header header = {.stream = stream, .size = (uint32_t)size};
    char *at = backlog->bytes + place_of(backlog, backlog->head);
    memcpy(at, &header, sizeof(header));
    if (bytes != NULL) {
        memcpy(at + sizeof(header), bytes, size);
    }
    backlog->head += sizeof(header) + rounded(size);
}

void gf_backlog_add(struct gf_backlog *backlog, enum gf_log_stream stream, struct gf_str bytes) {
    gf_assert(bytes.len > 0 && bytes.len <= GF_BACKLOG_PIECE_BYTES_MAX);
    const size_t left = backlog->size - place_of(backlog, backlog->head);
    if (left < sizeof(struct header) + rounded(bytes.len)) {
        put(backlog, 0, NULL, left - sizeof(struct header));
    }
    put(backlog, (uint32_t)stream, bytes.ptr, bytes.len);
}

void gf_backlog_rewind(struct gf_backlog *backlog) {
    backlog->origin = backlog->head;
}

bool gf_backlog_has(const struct gf_backlog *backlog, uint64_t position) {
    return backlog->head - position <= backlog->size;
}

bool gf_backlog_next(const struct gf_backlog *backlog, uint64_t position,
                     enum gf_log_stream *out_stream, struct gf_str *out_bytes, uint64_t *out_next) {
    while (position != backlog->head) {
        struct header header;
        const char *at = backlog->bytes + place_of(backlog, position);
        memcpy(&header, at, sizeof(header));
        position += sizeof(header) + rounded(header.size);
        if (header.stream != 0) {
            *out_stream = (enum gf_log_stream)header.stream;
            *out_bytes = (struct gf_str){at + sizeof(header), header.size};
            *out_next = position;
            return true;
        }
    }
    return false;
}
