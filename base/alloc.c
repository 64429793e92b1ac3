#include "base/alloc.h"

#include <stdarg.h>
#include <stdio.h>

void *gf_malloc(size_t size) {
    void *ptr = malloc(size == 0 ? 1 : size);
    if (ptr == NULL) {
        gf_oom();
    }
    return ptr;
}

void *gf_calloc(size_t count, size_t element_size) {
    size_t size = 0;
    gf_assert(gf_mul_size(count, element_size, &size));
    void *ptr = calloc(1, size == 0 ? 1 : size);
    if (ptr == NULL) {
        gf_oom();
    }
    return ptr;
}

void *gf_realloc_array(void *ptr, size_t count, size_t element_size) {
    size_t size = 0;
    gf_assert(gf_mul_size(count, element_size, &size));
    void *grown = realloc(ptr, size == 0 ? 1 : size);
    if (grown == NULL) {
        gf_oom();
    }
    return grown;
}

char *gf_strdup(const char *text) {
    return text == NULL ? NULL : gf_str_dup(gf_str_from(text));
}

char *gf_str_dup(struct gf_str text) {
    size_t size = 0;
    gf_assert(gf_add_size(text.len, 1, &size));
    char *copy = gf_malloc(size);
    if (text.len != 0) {
        memcpy(copy, text.ptr, text.len);
    }
    copy[text.len] = '\0';
    return copy;
}

void *gf_memdup(const void *bytes, size_t size) {
    void *copy = gf_malloc(size);
    if (size != 0) {
        memcpy(copy, bytes, size);
    }
    return copy;
}

char *gf_asprintf(const char *fmt, ...) {
    char *text = NULL;
    va_list args;
    va_start(args, fmt);
    const int len = vasprintf(&text, fmt, args);
    va_end(args);
    if (len < 0) {
        gf_oom();
    }
    return text;
}
