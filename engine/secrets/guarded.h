/*
 * Memory for what nobody may see: master keys, data keys, values of secrets. Every module of
 * engine/secrets keeps plaintext here and nowhere else; launching takes expanded values from it.
 *
 * The memory is that of sodium_malloc: between guard pages, checked for overruns when it is freed,
 * left out of core dumps, wiped when it is freed, and locked against being swapped out as far as
 * the limit of the process (RLIMIT_MEMLOCK) allows; beyond that limit it is used unlocked. Running
 * out of memory aborts.
 */
#ifndef GOFER_ENGINE_SECRETS_GUARDED_H_
#define GOFER_ENGINE_SECRETS_GUARDED_H_

#include "base/macros.h"
#include "base/str.h"
#include "base/sync.h"

#include <stdbool.h>
#include <stddef.h>

/* ---- Plain guarded memory. Thread: any. ---- */

/* Zeroed bytes; a size of 0 gives memory to free, too. */
void *gf_guarded_alloc(size_t size) GF_MUST_USE;
/* Wipes and frees. NULL is fine. */
void gf_guarded_free(void *ptr);
/* For locals: GF_CLEANUP(gf_guarded_free_p) unsigned char *key = NULL; */
void gf_guarded_free_p(void *ptr_to_pointer);

/*
 * Wipes the stack below the caller: libsodium leaves parts of what it works on there. Called behind
 * every call of it that has seen a key or a value.
 */
void gf_guarded_wipe_stack(void);

/* ---- Regions that nobody can read while nobody uses them: for keys that live long. ---- */

/* In the caller's memory; the fields are private to guarded.c. */
struct gf_guarded {
    struct gf_mutex mutex;
    unsigned char *bytes;
    size_t size;
    size_t user_count;
};

/* Starts a zeroed region that can be neither read nor written. */
void gf_guarded_init(struct gf_guarded *region, size_t size);
/* Wipes and frees. Nobody uses the region. A zeroed struct is fine. */
void gf_guarded_fini(struct gf_guarded *region);

/*
 * The bytes, readable until the same number of gf_guarded_close; at other times a read of them
 * kills the process. Thread: any.
 */
const unsigned char *gf_guarded_open(struct gf_guarded *region) GF_MUST_USE;
void gf_guarded_close(struct gf_guarded *region);

/*
 * The bytes, writable until gf_guarded_seal. Only while no other thread knows of the region: for
 * filling it.
 */
unsigned char *gf_guarded_unseal(struct gf_guarded *region) GF_MUST_USE;
void gf_guarded_seal(struct gf_guarded *region);

/* ---- Buffers. Thread: one at a time. ---- */

/*
 * A buffer in guarded memory that grows up to limit bytes, as gf_strbuf does: a write that would
 * pass the limit is dropped whole and sets `overflowed`, which stays set. What it leaves behind
 * when it grows is wiped. There is always a NUL behind the bytes, which may have NULs themselves.
 * Fields are readable; write them through the functions only. No printf form, on purpose.
 */
struct gf_secret_buffer {
    char *ptr;
    size_t len;
    size_t capacity;
    size_t limit;
    bool overflowed;
};

/* Starts an empty buffer. Allocates nothing yet. */
void gf_secret_buffer_init(struct gf_secret_buffer *buf, size_t limit_bytes);
/* Wipes and frees. A zeroed buffer is fine. Can be called with GF_CLEANUP. */
void gf_secret_buffer_fini(struct gf_secret_buffer *buf);
/* Appends size bytes for the caller to fill in, zeroed; NULL where that would pass the limit. */
void *gf_secret_buffer_extend(struct gf_secret_buffer *buf, size_t size) GF_MUST_USE;
void gf_secret_buffer_append(struct gf_secret_buffer *buf, struct gf_str text);
/* Shortens to len bytes (len <= buf->len), wipes the rest and clears `overflowed`. */
void gf_secret_buffer_truncate(struct gf_secret_buffer *buf, size_t len);
/* Borrowed until the next write or fini. */
struct gf_str gf_secret_buffer_view(const struct gf_secret_buffer *buf);

#endif /* GOFER_ENGINE_SECRETS_GUARDED_H_ */
