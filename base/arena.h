/*
 * An arena: many small allocations with one lifetime, freed at once.
 *
 * Who creates an arena frees it. Nothing in it is freed singly, and nothing that lives longer may
 * point into it. Every arena has a cap on the bytes it may hold, so that a peer cannot make it grow
 * without limit.
 *
 * Thread: one at a time; an arena may be handed from thread to thread.
 */
#ifndef GOFER_BASE_ARENA_H_
#define GOFER_BASE_ARENA_H_

#include "base/macros.h"
#include "base/str.h"

#include <stdarg.h>
#include <stddef.h>

struct gf_arena_chunk;

/* A value in the caller's memory; the fields are private to arena.c. */
struct gf_arena {
    struct gf_arena_chunk *chunk; /* the newest; older ones are linked behind it */
    char *next;
    char *end;
    size_t used_bytes;
    size_t limit_bytes;
};

/* Starts an empty arena that may hold up to limit_bytes. Allocates nothing yet. */
void gf_arena_init(struct gf_arena *arena, size_t limit_bytes);

/* Frees all that the arena holds. Accepts NULL and a zeroed arena. */
void gf_arena_fini(struct gf_arena *arena);

/* Frees all but the first chunk, for reuse. */
void gf_arena_reset(struct gf_arena *arena);

/* Overwrites all that was allocated with zeros, in a way that no compiler leaves out: before an
 * arena that held a secret is freed or reset. Accepts a zeroed arena. */
void gf_arena_wipe(struct gf_arena *arena);

/*
 * Allocates size bytes, zeroed, aligned for any type. gf_arena_try_alloc gives NULL beyond the cap:
 * use it for sizes that a peer controls. gf_arena_alloc aborts beyond the cap: for all others.
 */
void *gf_arena_try_alloc(struct gf_arena *arena, size_t size) GF_MUST_USE;
void *gf_arena_alloc(struct gf_arena *arena, size_t size) GF_MUST_USE;

/* An array of count zeroed elements; overflow of the product aborts. */
void *gf_arena_array(struct gf_arena *arena, size_t count, size_t element_size) GF_MUST_USE;

/* Copies. The result is NUL-terminated behind its length. */
char *gf_arena_strdup(struct gf_arena *arena, const char *text);
struct gf_str gf_arena_str(struct gf_arena *arena, struct gf_str text);
void *gf_arena_memdup(struct gf_arena *arena, const void *bytes, size_t size);

/* printf into the arena. */
char *gf_arena_printf(struct gf_arena *arena, const char *fmt, ...) GF_PRINTF(2, 3);

/* One object of the type, zeroed. */
#define GF_ARENA_NEW(arena, type) ((type *)gf_arena_alloc((arena), sizeof(type)))
#define GF_ARENA_ARRAY(arena, count, type) ((type *)gf_arena_array((arena), (count), sizeof(type)))

#endif /* GOFER_BASE_ARENA_H_ */
