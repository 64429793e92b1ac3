/*
 * DESIGN
 * Most calls that lie beside each other have the same verdict, so the numbers fall into a hundred
 * ranges or so, and the program is a binary search over these. A program of libseccomp's, which
 * looks for every number on its own, takes the kernel twice the time to load, which each container
 * would pay for.
 *
 * The tree is written from the back, so that the distance of every jump is known when it is
 * written; it is turned around at the end. A place in it is therefore counted from the back, too. A
 * verdict that is returned near enough behind already is jumped to rather than written again.
 */
#include "engine/scheduler/native/shim/filter/program.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stddef.h>

#if defined(__x86_64__)
#define MACHINE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define MACHINE AUDIT_ARCH_AARCH64
#else
#error "the kind of this machine's system calls is not known here"
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define LOW_WORD 0
#else
#define LOW_WORD 4
#endif

enum {
    JUMP_MAX = 255 /* of a conditional one */
};

/* A run of calls with one verdict, or a single one with rules. */
struct range {
    uint32_t first;
    uint32_t verdict;
    bool has_rules;
};

struct compiler {
    const struct gf_filter_list *list;
    struct range ranges[GF_FILTER_CALLS_MAX + 1];
    size_t range_count;
    struct sock_filter reversed[BPF_MAXINSNS];
    size_t count;
    bool overflowed;
};

/* Writes an instruction before all that are there. */
static void prepend(struct compiler *compiler, struct sock_filter instruction) {
    if (compiler->count == BPF_MAXINSNS) {
        compiler->overflowed = true;
        return;
    }
    compiler->reversed[compiler->count++] = instruction;
}

static void prepend_return(struct compiler *compiler, uint32_t verdict) {
    prepend(compiler, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, verdict));
}

/* ---- ranges ---- */

static bool has_rules(const struct gf_filter_list *list, uint32_t call) {
    for (size_t i = 0; i < list->rule_count; i++) {
        if (list->rules[i].call == call) {
            return true;
        }
    }
    return false;
}

static void find_ranges(struct compiler *compiler) {
    const struct gf_filter_list *list = compiler->list;
    for (uint32_t call = 0; call < GF_FILTER_CALLS_MAX; call++) {
        const struct range range = {
            .first = call,
            .verdict = list->verdicts[call],
            .has_rules = has_rules(list, call),
        };
        const struct range *last =
            compiler->range_count == 0 ? NULL : &compiler->ranges[compiler->range_count - 1];
        if (last == NULL || range.has_rules || last->has_rules || last->verdict != range.verdict) {
            compiler->ranges[compiler->range_count++] = range;
        }
    }
    /* Behind the last known number, to the end of all: the calls of x32 are there, too. */
    const uint32_t unknown = SECCOMP_RET_ERRNO | ENOSYS;
    const struct range *last = &compiler->ranges[compiler->range_count - 1];
    if (last->has_rules || last->verdict != unknown) {
        compiler->ranges[compiler->range_count++] =
            (struct range){.first = GF_FILTER_CALLS_MAX, .verdict = unknown};
    }
}

/* ---- instructions, from the back ---- */

/* One condition: goes on behind it where it holds, else over the `skipped` instructions that are
 * there for this rule. */
static void prepend_condition(struct compiler *compiler,
                              const struct gf_filter_condition *condition, size_t skipped) {
    const uint32_t offset = (uint32_t)offsetof(struct seccomp_data, args) +
                            condition->arg * (uint32_t)sizeof(uint64_t) + LOW_WORD;
    prepend(compiler, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, condition->value, 0,
                                                   (uint8_t)skipped));
    if (condition->mask != UINT32_MAX) {
        prepend(compiler, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, condition->mask));
    }
    prepend(compiler, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset));
}

static void prepend_rules(struct compiler *compiler, const struct range *range) {
    const struct gf_filter_list *list = compiler->list;
    prepend_return(compiler, range->verdict);
    for (size_t i = list->rule_count; i > 0; i--) {
        const struct gf_filter_rule *rule = &list->rules[i - 1];
        if (rule->call != range->first) {
            continue;
        }
        const size_t end = compiler->count;
        prepend_return(compiler, rule->verdict);
        for (size_t j = rule->condition_count; j > 0; j--) {
            prepend_condition(compiler, &rule->conditions[j - 1], compiler->count - end);
        }
    }
}

/* The distance of a jump from the next instruction that is written. */
static size_t distance_to(const struct compiler *compiler, size_t place) {
    return compiler->count - 1 - place;
}

/* The place of a return of the verdict that a conditional jump soon to be written can reach. */
static size_t place_return(struct compiler *compiler, uint32_t verdict) {
    for (size_t i = compiler->count; i > 0 && distance_to(compiler, i - 1) < JUMP_MAX / 2; i--) {
        const struct sock_filter *instruction = &compiler->reversed[i - 1];
        if (instruction->code == (BPF_RET | BPF_K) && instruction->k == verdict) {
            return i - 1;
        }
    }
    prepend_return(compiler, verdict);
    return compiler->count - 1;
}

/* The same for any place: by way of a jump that reaches everywhere, where it is too far. */
static size_t place_near(struct compiler *compiler, size_t place) {
    if (distance_to(compiler, place) < JUMP_MAX) {
        return place;
    }
    const uint32_t distance = (uint32_t)distance_to(compiler, place);
    prepend(compiler, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, distance));
    return compiler->count - 1;
}

/*
 * Searches the ranges from `low` to before `high`; the number of the call is loaded. Gives the
 * place where that begins.
 */
static size_t place_search(struct compiler *compiler, size_t low, size_t high) {
    if (high - low == 1) {
        const struct range *range = &compiler->ranges[low];
        if (!range->has_rules) {
            return place_return(compiler, range->verdict);
        }
        prepend_rules(compiler, range);
        return compiler->count - 1;
    }
    const size_t middle = low + (high - low) / 2;
    size_t above = place_search(compiler, middle, high);
    size_t below = place_search(compiler, low, middle);
    above = place_near(compiler, above);
    below = place_near(compiler, below);
    prepend(compiler,
            (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, compiler->ranges[middle].first,
                                         (uint8_t)distance_to(compiler, above),
                                         (uint8_t)distance_to(compiler, below)));
    return compiler->count - 1;
}

/* Comes before the search, whose first instruction is the last one that was written. */
static void prepend_machine_check(struct compiler *compiler) {
    prepend(compiler, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                                   offsetof(struct seccomp_data, nr)));
    prepend_return(compiler, SECCOMP_RET_KILL_PROCESS);
    prepend(compiler, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MACHINE, 1, 0));
    prepend(compiler, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                                   offsetof(struct seccomp_data, arch)));
}

enum gf_code gf_filter_compile(const struct gf_filter_list *list, struct gf_filter_code *out_code,
                               struct gf_error *err) {
    static struct compiler compiler; /* too large for the stack */
    compiler = (struct compiler){.list = list};
    find_ranges(&compiler);
    const size_t start = place_search(&compiler, 0, compiler.range_count);
    if (start + 1 != compiler.count) { /* a list of one verdict alone */
        prepend(&compiler, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA,
                                                        (uint32_t)distance_to(&compiler, start)));
    }
    prepend_machine_check(&compiler);
    if (compiler.overflowed) {
        return gf_fail(err, GF_RESOURCE_EXHAUSTED, "the program has more than %d instructions",
                       BPF_MAXINSNS);
    }
    out_code->count = compiler.count;
    for (size_t i = 0; i < compiler.count; i++) {
        out_code->instructions[i] = compiler.reversed[compiler.count - 1 - i];
    }
    return GF_OK;
}
