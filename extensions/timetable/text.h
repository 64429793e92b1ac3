/*
 * Text that is part of a program: an embedded file (build_defs/embed.bzl) as a C string.
 *
 * Thread: any.
 */
#ifndef GOFER_EXTENSIONS_TIMETABLE_TEXT_H_
#define GOFER_EXTENSIONS_TIMETABLE_TEXT_H_

#include "base/alloc.h"

/* The bytes between two symbols, on the heap, with a NUL behind them. */
static inline char *gf_text_embedded(const char *start, const char *end) {
    return gf_str_dup((struct gf_str){start, (size_t)(end - start)});
}

#endif /* GOFER_EXTENSIONS_TIMETABLE_TEXT_H_ */
