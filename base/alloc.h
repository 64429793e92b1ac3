/*
 * Heap memory: small allocations that abort when there is none, and size arithmetic that cannot
 * wrap.
 *
 * The allocators here are for sizes that no peer controls. A size that comes from outside is
 * checked against a named limit first, and large buffers use an arena or a gf_strbuf, which have a
 * cap. All memory is released with free().
 *
 * Thread: any.
 */
#ifndef GOFER_BASE_ALLOC_H_
#define GOFER_BASE_ALLOC_H_

#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

/* False on overflow, then the output is untouched. */
static inline bool gf_add_size(size_t a, size_t b, size_t *out_sum) GF_MUST_USE;
static inline bool gf_mul_size(size_t a, size_t b, size_t *out_product) GF_MUST_USE;

static inline bool gf_add_size(size_t a, size_t b, size_t *out_sum) {
    size_t sum = 0;
    if (__builtin_add_overflow(a, b, &sum)) {
        return false;
    }
    *out_sum = sum;
    return true;
}

static inline bool gf_mul_size(size_t a, size_t b, size_t *out_product) {
    size_t product = 0;
    if (__builtin_mul_overflow(a, b, &product)) {
        return false;
    }
    *out_product = product;
    return true;
}

/* As malloc, calloc and reallocarray, but never NULL: a size of 0 gives memory to free, too. */
void *gf_malloc(size_t size) GF_MUST_USE;
void *gf_calloc(size_t count, size_t element_size) GF_MUST_USE;
void *gf_realloc_array(void *ptr, size_t count, size_t element_size) GF_MUST_USE;

/* Copies on the heap; text results are NUL-terminated. gf_strdup(NULL) is NULL. */
char *gf_strdup(const char *text) GF_MUST_USE;
char *gf_str_dup(struct gf_str text) GF_MUST_USE;
void *gf_memdup(const void *bytes, size_t size) GF_MUST_USE;

/* printf to the heap. */
char *gf_asprintf(const char *fmt, ...) GF_PRINTF(1, 2) GF_MUST_USE;

/* One object of the type, zeroed. */
#define GF_NEW(type) ((type *)gf_calloc(1, sizeof(type)))

/* For locals: GF_CLEANUP(gf_free_p) char *text = NULL; */
static inline void gf_free_p(void *ptr_to_pointer) {
    void *ptr = NULL;
    memcpy(&ptr, ptr_to_pointer, sizeof(ptr));
    free(ptr);
}

#endif /* GOFER_BASE_ALLOC_H_ */
