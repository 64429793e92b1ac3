/*
 * Design: a list of chunks, each twice the size of the one before up to a maximum; allocation is a
 * pointer bump. The cap counts what was asked for (rounded up to the alignment), so that it does
 * not depend on the sizes of the chunks; a chunk is never larger than what the cap leaves.
 *
 * Under the address sanitizer everything that was not handed out is poisoned, so that reading
 * beyond an allocation is found although the chunk goes on.
 */
#include "base/arena.h"

#include "base/alloc.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>

/* gcc tells by a macro that the sanitizer is on, clang by a feature. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif

enum {
    CHUNK_BYTES_MIN = 1024,
    CHUNK_BYTES_MAX = 64 * 1024,
};

struct gf_arena_chunk {
    struct gf_arena_chunk *older;
    size_t size; /* of bytes */
    alignas(max_align_t) char bytes[];
};

void gf_arena_init(struct gf_arena *arena, size_t limit_bytes) {
    *arena = (struct gf_arena){.limit_bytes = limit_bytes};
}

static void free_chunk(struct gf_arena_chunk *chunk) {
    ASAN_UNPOISON_MEMORY_REGION(chunk->bytes, chunk->size);
    free(chunk);
}

void gf_arena_fini(struct gf_arena *arena) {
    if (arena == NULL) {
        return;
    }
    while (arena->chunk != NULL) {
        struct gf_arena_chunk *older = arena->chunk->older;
        free_chunk(arena->chunk);
        arena->chunk = older;
    }
    *arena = (struct gf_arena){.limit_bytes = arena->limit_bytes};
}

/* Makes the chunk's bytes the place of the next allocations. */
static void use_chunk(struct gf_arena *arena, struct gf_arena_chunk *chunk) {
    ASAN_POISON_MEMORY_REGION(chunk->bytes, chunk->size);
    arena->chunk = chunk;
    arena->next = chunk->bytes;
    arena->end = chunk->bytes + chunk->size;
}

void gf_arena_reset(struct gf_arena *arena) {
    if (arena->chunk == NULL) {
        return;
    }
    while (arena->chunk->older != NULL) {
        struct gf_arena_chunk *older = arena->chunk->older;
        free_chunk(arena->chunk);
        arena->chunk = older;
    }
    arena->used_bytes = 0;
    use_chunk(arena, arena->chunk);
}

void gf_arena_wipe(struct gf_arena *arena) {
    for (struct gf_arena_chunk *chunk = arena->chunk; chunk != NULL; chunk = chunk->older) {
        ASAN_UNPOISON_MEMORY_REGION(chunk->bytes, chunk->size);
        explicit_bzero(chunk->bytes, chunk->size);
    }
    /* What is still to be handed out of the newest chunk stays out of bounds. */
    ASAN_POISON_MEMORY_REGION(arena->next, (size_t)(arena->end - arena->next));
}

/* Adds a chunk with room for size bytes, which is within what the cap leaves. */
static bool add_chunk(struct gf_arena *arena, size_t size) {
    size_t chunk_size = arena->chunk == NULL ? CHUNK_BYTES_MIN : arena->chunk->size * 2;
    chunk_size = chunk_size > CHUNK_BYTES_MAX ? CHUNK_BYTES_MAX : chunk_size;
    const size_t left = arena->limit_bytes - arena->used_bytes;
    chunk_size = chunk_size > left ? left : chunk_size;
    chunk_size = chunk_size < size ? size : chunk_size;
    size_t total = 0;
    if (!gf_add_size(sizeof(struct gf_arena_chunk), chunk_size, &total)) {
        return false;
    }
    struct gf_arena_chunk *chunk = malloc(total);
    if (chunk == NULL) {
        return false;
    }
    chunk->older = arena->chunk;
    chunk->size = chunk_size;
    use_chunk(arena, chunk);
    return true;
}

void *gf_arena_try_alloc(struct gf_arena *arena, size_t size) {
    const size_t wanted = size == 0 ? 1 : size;
    size_t rounded = 0;
    if (!gf_add_size(wanted, alignof(max_align_t) - 1, &rounded)) {
        return NULL;
    }
    rounded -= rounded % alignof(max_align_t);
    if (rounded > arena->limit_bytes - arena->used_bytes) {
        return NULL;
    }
    if (rounded > (size_t)(arena->end - arena->next) && !add_chunk(arena, rounded)) {
        return NULL;
    }
    char *ptr = arena->next;
    arena->next += rounded;
    arena->used_bytes += rounded;
    ASAN_UNPOISON_MEMORY_REGION(ptr, wanted);
    memset(ptr, 0, wanted);
    return ptr;
}

void *gf_arena_alloc(struct gf_arena *arena, size_t size) {
    void *ptr = gf_arena_try_alloc(arena, size);
    if (ptr == NULL) {
        gf_oom();
    }
    return ptr;
}

void *gf_arena_array(struct gf_arena *arena, size_t count, size_t element_size) {
    size_t size = 0;
    gf_assert(gf_mul_size(count, element_size, &size));
    return gf_arena_alloc(arena, size);
}

char *gf_arena_strdup(struct gf_arena *arena, const char *text) {
    return (char *)gf_arena_str(arena, gf_str_from(text)).ptr;
}

struct gf_str gf_arena_str(struct gf_arena *arena, struct gf_str text) {
    size_t size = 0;
    gf_assert(gf_add_size(text.len, 1, &size));
    char *copy = gf_arena_alloc(arena, size);
    if (text.len != 0) {
        memcpy(copy, text.ptr, text.len);
    }
    return (struct gf_str){copy, text.len};
}

void *gf_arena_memdup(struct gf_arena *arena, const void *bytes, size_t size) {
    void *copy = gf_arena_alloc(arena, size);
    if (size != 0) {
        memcpy(copy, bytes, size);
    }
    return copy;
}

char *gf_arena_printf(struct gf_arena *arena, const char *fmt, ...) {
    va_list args;
    va_list again;
    va_start(args, fmt);
    va_copy(again, args);
    const int len = vsnprintf(NULL, 0, fmt, args);
    gf_assert(len >= 0);
    char *text = gf_arena_alloc(arena, (size_t)len + 1);
    (void)vsnprintf(text, (size_t)len + 1, fmt, again);
    va_end(again);
    va_end(args);
    return text;
}
