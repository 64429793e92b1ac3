#include "engine/scheduler/native/shim/filter/list.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <string.h>

enum {
    NAME_BYTES_MAX = 64
};

/* The errors that a list may name. */
static const struct {
    const char *name;
    int number;
} ERRORS[] = {
    {"EPERM", EPERM},
    {"ENOSYS", ENOSYS},
    {"EAFNOSUPPORT", EAFNOSUPPORT},
    {"EPROTONOSUPPORT", EPROTONOSUPPORT},
};

struct parser {
    struct gf_str rest; /* of the text */
    int line;
    bool at_line_start; /* the word that was taken last was the first one of its line */
    struct gf_filter_list *list;
    struct gf_error *err;
};

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n';
}

static void skip_char(struct parser *parser) {
    if (parser->rest.ptr[0] == '\n') {
        parser->line++;
    }
    parser->rest.ptr++;
    parser->rest.len--;
}

/* The next word, empty at the end; spaces and comments are skipped. Gives whether a line began. */
static struct gf_str peek_word(struct parser *parser, bool *out_line_start) {
    bool line_start = parser->at_line_start;
    while (parser->rest.len > 0 && (is_space(parser->rest.ptr[0]) || parser->rest.ptr[0] == '#')) {
        if (parser->rest.ptr[0] == '#') {
            while (parser->rest.len > 0 && parser->rest.ptr[0] != '\n') {
                skip_char(parser);
            }
            continue;
        }
        line_start = parser->rest.ptr[0] == '\n';
        skip_char(parser);
    }
    parser->at_line_start = line_start;
    struct gf_str word = {parser->rest.ptr, 0};
    while (word.len < parser->rest.len && !is_space(word.ptr[word.len])) {
        word.len++;
    }
    *out_line_start = line_start;
    return word;
}

static void take_word(struct parser *parser, struct gf_str word) {
    parser->rest.ptr += word.len;
    parser->rest.len -= word.len;
    parser->at_line_start = false;
}

static enum gf_code fail(struct parser *parser, const char *what, struct gf_str word) {
    return gf_fail(parser->err, GF_INVALID_ARGUMENT, "line %d: %s: '%" GF_STR_FMT "'", parser->line,
                   what, GF_STR_ARG(word));
}

static enum gf_code expect_word(struct parser *parser, struct gf_str *out_word) {
    bool line_start = false;
    const struct gf_str word = peek_word(parser, &line_start);
    if (word.len == 0 || line_start) {
        return fail(parser, "a rule ends too early", word);
    }
    take_word(parser, word);
    *out_word = word;
    return GF_OK;
}

static enum gf_code expect(struct parser *parser, const char *expected) {
    struct gf_str word;
    enum gf_code rc = expect_word(parser, &word);
    if (rc == GF_OK && !gf_str_eq(word, gf_str_from(expected))) {
        rc = fail(parser, expected, word);
    }
    return rc;
}

/* The value of a hexadecimal digit; 16 for anything else. */
static uint64_t digit_value(char c) {
    static const char DIGITS[] = "0123456789abcdef";
    const char *found = c == '\0' ? NULL : strchr(DIGITS, c);
    return found == NULL ? 16 : (uint64_t)(found - DIGITS);
}

/* Decimal, or hexadecimal with 0x. */
static enum gf_code parse_number(struct parser *parser, struct gf_str word, uint32_t *out) {
    const bool hexadecimal = word.len > 2 && word.ptr[0] == '0' && word.ptr[1] == 'x';
    const uint64_t base = hexadecimal ? 16 : 10;
    uint64_t value = 0;
    for (size_t i = hexadecimal ? 2 : 0; i < word.len; i++) {
        const uint64_t digit = digit_value(word.ptr[i]);
        value = value * base + digit;
        if (digit >= base || value > UINT32_MAX) {
            return fail(parser, "no number of 32 bits", word);
        }
    }
    if (word.len == 0) {
        return fail(parser, "no number", word);
    }
    *out = (uint32_t)value;
    return GF_OK;
}

/* ---- rules ---- */

/* The number of a call; -1: this kind of machine has none of that name. */
static enum gf_code resolve(struct parser *parser, struct gf_str word, int *out_call) {
    struct gf_str base;
    struct gf_str number_text;
    char name[NAME_BYTES_MAX];
    const bool numbered = gf_str_cut(word, '@', &base, &number_text);
    if (base.len >= sizeof(name)) {
        return fail(parser, "no name of a call", word);
    }
    memcpy(name, base.ptr, base.len);
    name[base.len] = '\0';
    int call = seccomp_syscall_resolve_name(name);
    if (call == __NR_SCMP_ERROR && numbered) {
        uint32_t number = 0;
        enum gf_code rc = parse_number(parser, number_text, &number);
        if (rc != GF_OK) {
            return rc;
        }
        call = (int)number;
    } else if (call == __NR_SCMP_ERROR) {
        return fail(parser, "no name of a call", word);
    }
    if (call >= GF_FILTER_CALLS_MAX) {
        return fail(parser, "the number of this call is too large", word);
    }
    *out_call = call < 0 ? -1 : call;
    return GF_OK;
}

/* "argN == V" or "argN & MASK == V", and what "and" adds. */
static enum gf_code parse_conditions(struct parser *parser, struct gf_filter_rule *rule) {
    bool more = true;
    while (more) {
        struct gf_str word;
        enum gf_code rc = expect_word(parser, &word);
        if (rc != GF_OK) {
            return rc;
        }
        if (word.len != 4 || memcmp(word.ptr, "arg", 3) != 0 || word.ptr[3] < '0' ||
            word.ptr[3] > '5' || rule->condition_count == GF_FILTER_CONDITIONS_MAX) {
            return fail(parser, "no condition, or too many", word);
        }
        struct gf_filter_condition condition = {
            .arg = (uint32_t)(word.ptr[3] - '0'),
            .mask = UINT32_MAX,
        };
        rc = expect_word(parser, &word);
        if (rc == GF_OK && gf_str_eq(word, GF_STR("&"))) {
            rc = expect_word(parser, &word);
            rc = rc == GF_OK ? parse_number(parser, word, &condition.mask) : rc;
            rc = rc == GF_OK ? expect(parser, "==") : rc;
        } else if (rc == GF_OK && !gf_str_eq(word, GF_STR("=="))) {
            rc = fail(parser, "neither '&' nor '=='", word);
        }
        rc = rc == GF_OK ? expect_word(parser, &word) : rc;
        rc = rc == GF_OK ? parse_number(parser, word, &condition.value) : rc;
        if (rc != GF_OK) {
            return rc;
        }
        rule->conditions[rule->condition_count++] = condition;
        bool line_start = false;
        word = peek_word(parser, &line_start);
        more = !line_start && gf_str_eq(word, GF_STR("and"));
        if (more) {
            take_word(parser, word);
        }
    }
    return GF_OK;
}

static enum gf_code add_call(struct parser *parser, struct gf_str name, int call,
                             uint32_t verdict) {
    struct gf_filter_list *list = parser->list;
    if (call >= 0 && list->named[call]) {
        return fail(parser, "named twice", name);
    }
    if (call >= 0) {
        list->named[call] = true;
        list->verdicts[call] = verdict;
    }
    return GF_OK;
}

/* Behind "NAME if". */
static enum gf_code add_rule(struct parser *parser, struct gf_str name, int call,
                             uint32_t verdict) {
    struct gf_filter_list *list = parser->list;
    struct gf_filter_rule rule = {.call = (uint32_t)call, .verdict = verdict};
    if (call >= 0 && list->named[call]) {
        return fail(parser, "a rule without a condition comes before", name);
    }
    enum gf_code rc = parse_conditions(parser, &rule);
    if (rc != GF_OK || call < 0) {
        return rc;
    }
    if (list->rule_count == GF_FILTER_RULES_MAX) {
        return fail(parser, "too many rules with conditions", name);
    }
    list->rules[list->rule_count++] = rule;
    return GF_OK;
}

static enum gf_code parse_names(struct parser *parser, uint32_t verdict) {
    for (;;) {
        bool line_start = false;
        int call = -1;
        /* A rule goes on in the next line where that begins with a space. */
        struct gf_str word = peek_word(parser, &line_start);
        if (word.len == 0 || line_start) {
            return GF_OK;
        }
        take_word(parser, word);
        enum gf_code rc = resolve(parser, word, &call);
        if (rc != GF_OK) {
            return rc;
        }
        const struct gf_str next = peek_word(parser, &line_start);
        if (!line_start && gf_str_eq(next, GF_STR("if"))) {
            take_word(parser, next);
            return add_rule(parser, word, call, verdict);
        }
        rc = add_call(parser, word, call, verdict);
        if (rc != GF_OK) {
            return rc;
        }
    }
}

static enum gf_code parse_errno(struct parser *parser, uint32_t *out_verdict) {
    struct gf_str word;
    enum gf_code rc = expect_word(parser, &word);
    if (rc != GF_OK) {
        return rc;
    }
    for (size_t i = 0; i < GF_ARRAY_COUNT(ERRORS); i++) {
        if (gf_str_eq(word, gf_str_from(ERRORS[i].name))) {
            *out_verdict = SECCOMP_RET_ERRNO | (uint32_t)ERRORS[i].number;
            return GF_OK;
        }
    }
    return fail(parser, "no error that a list may name", word);
}

enum gf_code gf_filter_list_parse(struct gf_str text, struct gf_filter_list *out_list,
                                  struct gf_error *err) {
    struct parser parser = {
        .rest = text,
        .line = 1,
        .at_line_start = true,
        .list = out_list,
        .err = err,
    };
    *out_list = (struct gf_filter_list){.rule_count = 0};
    for (size_t i = 0; i < GF_FILTER_CALLS_MAX; i++) {
        out_list->verdicts[i] = SECCOMP_RET_ERRNO | ENOSYS;
    }
    for (;;) {
        bool line_start = false;
        uint32_t verdict = SECCOMP_RET_ALLOW;
        const struct gf_str word = peek_word(&parser, &line_start);
        if (word.len == 0) {
            return GF_OK;
        }
        take_word(&parser, word);
        enum gf_code rc = GF_OK;
        if (gf_str_eq(word, GF_STR("deny"))) {
            rc = parse_errno(&parser, &verdict);
        } else if (!line_start || !gf_str_eq(word, GF_STR("allow"))) {
            rc = fail(&parser, "a line begins with 'allow' or 'deny'", word);
        }
        if (rc == GF_OK) {
            rc = parse_names(&parser, verdict);
        }
        if (rc != GF_OK) {
            return rc;
        }
    }
}

uint32_t gf_filter_list_verdict(const struct gf_filter_list *list, uint32_t call,
                                const uint32_t *args) {
    for (size_t i = 0; i < list->rule_count; i++) {
        const struct gf_filter_rule *rule = &list->rules[i];
        bool holds = rule->call == call;
        for (size_t j = 0; j < rule->condition_count; j++) {
            const struct gf_filter_condition *condition = &rule->conditions[j];
            holds = holds && (args[condition->arg] & condition->mask) == condition->value;
        }
        if (holds) {
            return rule->verdict;
        }
    }
    return call < GF_FILTER_CALLS_MAX ? list->verdicts[call] : SECCOMP_RET_ERRNO | ENOSYS;
}
