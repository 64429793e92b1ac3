/*
 * Design: a region counts its users under a mutex, because protection is of a page and not of a
 * thread: the first user opens it, the last one shuts it. The mutex is held across the change of
 * protection, one system call without a callback, since the two must not be seen apart.
 */
#include "engine/secrets/guarded.h"

#include "base/alloc.h"

#include <string.h>

#include <sodium.h>

enum {
    /* With the 16 bytes of sodium_malloc's canary this is less than a page. */
    BUFFER_BYTES_MIN = 2048,
    STACK_BYTES = 16 << 10, /* far more than any call of libsodium takes */
};

void *gf_guarded_alloc(size_t size) {
    gf_assert(sodium_init() >= 0);
    void *ptr = sodium_malloc(size == 0 ? 1 : size);
    if (ptr == NULL) {
        gf_oom();
    }
    memset(ptr, 0, size);
    return ptr;
}

void gf_guarded_free(void *ptr) {
    sodium_free(ptr);
}

void gf_guarded_free_p(void *ptr_to_pointer) {
    void *ptr = NULL;
    memcpy(&ptr, ptr_to_pointer, sizeof(ptr));
    gf_guarded_free(ptr);
}

void gf_guarded_wipe_stack(void) {
    sodium_stackzero(STACK_BYTES);
}

/* ---- Regions ---- */

void gf_guarded_init(struct gf_guarded *region, size_t size) {
    region->bytes = gf_guarded_alloc(size);
    region->size = size;
    region->user_count = 0;
    gf_mutex_init(&region->mutex, GF_RANK_SECRETS);
    gf_assert(sodium_mprotect_noaccess(region->bytes) == 0);
}

void gf_guarded_fini(struct gf_guarded *region) {
    if (region->bytes == NULL) {
        return;
    }
    gf_assert(region->user_count == 0);
    gf_guarded_free(region->bytes);
    region->bytes = NULL;
    gf_mutex_fini(&region->mutex);
}

const unsigned char *gf_guarded_open(struct gf_guarded *region) {
    GF_MUTEX_GUARD(&region->mutex);
    if (region->user_count == 0) {
        gf_assert(sodium_mprotect_readonly(region->bytes) == 0);
    }
    region->user_count++;
    return region->bytes;
}

void gf_guarded_close(struct gf_guarded *region) {
    GF_MUTEX_GUARD(&region->mutex);
    gf_assert(region->user_count > 0);
    region->user_count--;
    if (region->user_count == 0) {
        gf_assert(sodium_mprotect_noaccess(region->bytes) == 0);
    }
}

unsigned char *gf_guarded_unseal(struct gf_guarded *region) {
    gf_assert(region->user_count == 0);
    gf_assert(sodium_mprotect_readwrite(region->bytes) == 0);
    return region->bytes;
}

void gf_guarded_seal(struct gf_guarded *region) {
    gf_assert(region->user_count == 0);
    gf_assert(sodium_mprotect_noaccess(region->bytes) == 0);
}

/* ---- Buffers ---- */

void gf_secret_buffer_init(struct gf_secret_buffer *buf, size_t limit_bytes) {
    *buf = (struct gf_secret_buffer){.limit = limit_bytes};
}

void gf_secret_buffer_fini(struct gf_secret_buffer *buf) {
    gf_guarded_free(buf->ptr);
    *buf = (struct gf_secret_buffer){.limit = buf->limit};
}

/* Makes room for len bytes and the NUL behind them. */
static void grow(struct gf_secret_buffer *buf, size_t len) {
    if (buf->ptr != NULL && len < buf->capacity) {
        return;
    }
    size_t capacity = buf->capacity < BUFFER_BYTES_MIN ? BUFFER_BYTES_MIN : buf->capacity;
    while (capacity <= len) {
        gf_assert(gf_mul_size(capacity, 2, &capacity));
    }
    char *ptr = gf_guarded_alloc(capacity);
    if (buf->len != 0) {
        memcpy(ptr, buf->ptr, buf->len);
    }
    gf_guarded_free(buf->ptr);
    buf->ptr = ptr;
    buf->capacity = capacity;
}

void *gf_secret_buffer_extend(struct gf_secret_buffer *buf, size_t size) {
    if (buf->overflowed || size > buf->limit - buf->len) {
        buf->overflowed = true;
        return NULL;
    }
    grow(buf, buf->len + size);
    char *room = buf->ptr + buf->len;
    buf->len += size;
    return room;
}

void gf_secret_buffer_append(struct gf_secret_buffer *buf, struct gf_str text) {
    void *room = gf_secret_buffer_extend(buf, text.len);
    if (room != NULL && text.len != 0) {
        memcpy(room, text.ptr, text.len);
    }
}

void gf_secret_buffer_truncate(struct gf_secret_buffer *buf, size_t len) {
    gf_assert(len <= buf->len);
    if (len < buf->len) {
        sodium_memzero(buf->ptr + len, buf->len - len);
    }
    buf->len = len;
    buf->overflowed = false;
}

struct gf_str gf_secret_buffer_view(const struct gf_secret_buffer *buf) {
    return (struct gf_str){buf->len != 0 ? buf->ptr : "", buf->len};
}
