/*
 * The few macros that are allowed everywhere: cleanup of locals, assertions, attributes,
 * containers.
 */
#ifndef GOFER_BASE_MACROS_H_
#define GOFER_BASE_MACROS_H_

#include <stddef.h>

#define GF_PRINTF(fmt_index, args_index) __attribute__((format(printf, fmt_index, args_index)))
#define GF_MUST_USE __attribute__((warn_unused_result))
#define GF_NORETURN __attribute__((noreturn))
#define GF_UNUSED __attribute__((unused))

/* Drops a GF_MUST_USE result on purpose: gcc does not take a cast to void for an answer. */
#define gf_ignore(result)                                                                          \
    do {                                                                                           \
        const __typeof__(result) gf_ignored_ GF_UNUSED = (result);                                 \
    } while (0)

#define GF_ARRAY_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The object of type `type` whose member `member` is at `ptr`. */
#define GF_CONTAINER_OF(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

/*
 * A local that owns something: starts as NULL or -1, is released at the end of its scope by `fn`,
 * which takes a pointer to it. For locals only, never for struct fields or in public headers.
 */
#define GF_CLEANUP(fn) __attribute__((cleanup(fn)))

/* Hands an owned pointer over: yields its value and leaves NULL behind. */
#define GF_TAKE(ptr)                                                                               \
    ({                                                                                             \
        __typeof__(ptr) *gf_take_from_ = &(ptr);                                                   \
        __typeof__(ptr) gf_taken_ = *gf_take_from_;                                                \
        *gf_take_from_ = NULL;                                                                     \
        gf_taken_;                                                                                 \
    })

/*
 * An assertion that is always compiled in: for errors of the programmer only. What comes from the
 * wire, the disk, a configuration or an SDK's caller is validated, never asserted.
 */
#define gf_assert(condition)                                                                       \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0)) {                                                   \
            gf_assert_failed(#condition, __FILE__, __LINE__);                                      \
        }                                                                                          \
    } while (0)

/* A place that cannot be reached. */
#define gf_unreachable() gf_assert_failed("unreachable", __FILE__, __LINE__)

/* Prints the condition and its place to standard error and aborts. */
GF_NORETURN void gf_assert_failed(const char *condition, const char *file, int line);

/* Prints "out of memory" and aborts: for small allocations whose size no peer controls. */
GF_NORETURN void gf_oom(void);

#endif /* GOFER_BASE_MACROS_H_ */
