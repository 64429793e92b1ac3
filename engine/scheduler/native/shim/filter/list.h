/*
 * The list of system calls (calls.txt) as a value. Only for the generator and for tests: nothing of
 * this is in the shim.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_FILTER_LIST_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_FILTER_LIST_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

enum {
    GF_FILTER_CALLS_MAX = 1024, /* numbers of calls are below */
    GF_FILTER_RULES_MAX = 64,   /* with conditions */
    GF_FILTER_CONDITIONS_MAX = 3,
    GF_FILTER_LIST_BYTES_MAX = 1 << 16,
};

struct gf_filter_condition {
    uint32_t arg; /* its index */
    uint32_t mask;
    uint32_t value; /* (argument & mask) == value */
};

/* A rule with conditions. A verdict is a return value of a seccomp program. */
struct gf_filter_rule {
    uint32_t call;
    uint32_t verdict;
    struct gf_filter_condition conditions[GF_FILTER_CONDITIONS_MAX];
    size_t condition_count;
};

struct gf_filter_list {
    uint32_t verdicts[GF_FILTER_CALLS_MAX]; /* where no rule applies; of each call */
    bool named[GF_FILTER_CALLS_MAX];        /* by a rule without conditions */
    struct gf_filter_rule rules[GF_FILTER_RULES_MAX];
    size_t rule_count;
};

/* Parses the list. Code: GF_INVALID_ARGUMENT (with the line). */
enum gf_code gf_filter_list_parse(struct gf_str text, struct gf_filter_list *out_list,
                                  struct gf_error *err) GF_MUST_USE;

/* What the list says of a call of this machine's own kind: the meaning, for tests. */
uint32_t gf_filter_list_verdict(const struct gf_filter_list *list, uint32_t call,
                                const uint32_t *args);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_FILTER_LIST_H_ */
