#include "engine/scheduler/native/images/semver.h"

#include "engine/scheduler/native/images/text.h"

enum {
    NUMBER_CHARS_MAX = 18,
    PARTS = 3,
};

/* The lowest prerelease there is: what is below 2.0.0-0 is below every 2.0.0 that comes before it.
 */
static const struct gf_str lowest_prerelease = {"0", 1};

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static struct gf_str skip(struct gf_str text, size_t count) {
    return (struct gf_str){text.ptr + count, text.len - count};
}

static bool parse_number(struct gf_str text, int64_t *out) {
    const bool has_zero = text.len > 1 && text.ptr[0] == '0';
    return text.len > 0 && text.len <= NUMBER_CHARS_MAX && !has_zero && is_digit(text.ptr[0]) &&
           gf_parse_i64(text, out);
}

static bool is_numeric(struct gf_str identifier) {
    for (size_t i = 0; i < identifier.len; i++) {
        if (!is_digit(identifier.ptr[i])) {
            return false;
        }
    }
    return identifier.len > 0;
}

static bool identifier_valid(struct gf_str identifier) {
    for (size_t i = 0; i < identifier.len; i++) {
        const char c = identifier.ptr[i];
        const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_digit(c) && !is_letter && c != '-') {
            return false;
        }
    }
    const bool has_zero = identifier.len > 1 && identifier.ptr[0] == '0' && is_numeric(identifier);
    return identifier.len > 0 && !has_zero;
}

static bool prerelease_valid(struct gf_str text) {
    bool more = true;
    while (more) {
        struct gf_str identifier;
        more = gf_str_cut(text, '.', &identifier, &text);
        if (!identifier_valid(identifier)) {
            return false;
        }
    }
    return true;
}

static struct gf_str without_v(struct gf_str text) {
    return text.len > 1 && text.ptr[0] == 'v' ? skip(text, 1) : text;
}

/* What a comparator holds behind its operator: as many numbers as are given. */
struct partial {
    int64_t numbers[PARTS];
    size_t count; /* of the numbers; 0 is "*" */
    bool has_wildcard;
    struct gf_str prerelease;
};

static bool is_wildcard(struct gf_str part) {
    return part.len == 1 && (part.ptr[0] == 'x' || part.ptr[0] == 'X' || part.ptr[0] == '*');
}

/* Numbers first, wildcards behind them; a prerelease only behind three numbers. */
static bool parse_partial(struct gf_str text, struct partial *out) {
    struct partial partial = {.count = 0};
    struct gf_str rest = without_v(text);
    size_t parts = 0;
    bool more = true;
    while (more) {
        struct gf_str part;
        if (parts == PARTS) {
            return false;
        }
        if (parts == PARTS - 1) {
            more = false;
            const bool has_prerelease = gf_str_cut(rest, '-', &part, &partial.prerelease);
            if (has_prerelease && (!prerelease_valid(partial.prerelease) || is_wildcard(part))) {
                return false;
            }
        } else {
            more = gf_str_cut(rest, '.', &part, &rest);
        }
        if (is_wildcard(part)) {
            partial.has_wildcard = true;
        } else if (partial.has_wildcard || !parse_number(part, &partial.numbers[parts])) {
            return false;
        } else {
            partial.count++;
        }
        parts++;
    }
    *out = partial;
    return true;
}

bool gf_semver_parse(struct gf_str tag, struct gf_semver *out) {
    struct partial partial;
    if (!parse_partial(tag, &partial) || partial.count != PARTS) {
        return false;
    }
    *out = (struct gf_semver){partial.numbers[0], partial.numbers[1], partial.numbers[2],
                              partial.prerelease};
    return true;
}

static int cmp_i64(int64_t a, int64_t b) {
    return a < b ? -1 : a > b ? 1 : 0;
}

/* Numbers by their value, however long; before all words. */
static int cmp_identifier(struct gf_str a, struct gf_str b) {
    const bool a_is_number = is_numeric(a);
    const bool b_is_number = is_numeric(b);
    if (a_is_number != b_is_number) {
        return a_is_number ? -1 : 1;
    }
    if (a_is_number && a.len != b.len) {
        return a.len < b.len ? -1 : 1;
    }
    return gf_str_cmp(a, b);
}

static int cmp_prerelease(struct gf_str a, struct gf_str b) {
    if (a.len == 0 || b.len == 0) {
        return a.len == b.len ? 0 : a.len == 0 ? 1 : -1;
    }
    bool a_more = true;
    bool b_more = true;
    while (a_more && b_more) {
        struct gf_str a_identifier;
        struct gf_str b_identifier;
        a_more = gf_str_cut(a, '.', &a_identifier, &a);
        b_more = gf_str_cut(b, '.', &b_identifier, &b);
        const int order = cmp_identifier(a_identifier, b_identifier);
        if (order != 0) {
            return order;
        }
    }
    return a_more == b_more ? 0 : a_more ? 1 : -1;
}

static int cmp_numbers(const struct gf_semver *a, const struct gf_semver *b) {
    const int major = cmp_i64(a->major, b->major);
    const int minor = cmp_i64(a->minor, b->minor);
    return major != 0 ? major : minor != 0 ? minor : cmp_i64(a->patch, b->patch);
}

int gf_semver_cmp(const struct gf_semver *a, const struct gf_semver *b) {
    const int numbers = cmp_numbers(a, b);
    return numbers != 0 ? numbers : cmp_prerelease(a->prerelease, b->prerelease);
}

bool gf_semver_is_range(struct gf_str text) {
    struct partial partial;
    for (size_t i = 0; i < text.len; i++) {
        if (memchr("^~<>=* ", text.ptr[i], 7) != NULL) {
            return true;
        }
    }
    return parse_partial(text, &partial) && partial.has_wildcard && partial.count > 0;
}

static void add_bound(struct gf_semver_range *range, enum gf_semver_relation relation,
                      struct gf_semver version, bool admits_prereleases) {
    gf_assert(range->count < GF_SEMVER_BOUNDS_MAX);
    range->bounds[range->count++] = (struct gf_semver_bound){relation, version, admits_prereleases};
}

/* The first version behind all that begin with the first `count` numbers. */
static struct gf_semver next_of(const struct partial *partial, size_t count) {
    int64_t numbers[PARTS] = {0, 0, 0};
    for (size_t i = 0; i < count; i++) {
        numbers[i] = partial->numbers[i] + (i + 1 == count ? 1 : 0);
    }
    return (struct gf_semver){numbers[0], numbers[1], numbers[2], lowest_prerelease};
}

/* How many numbers of "^partial" stay as they are: up to the first that is not 0. */
static size_t caret_count(const struct partial *partial) {
    size_t i = 0;
    while (i + 1 < partial->count && partial->numbers[i] == 0) {
        i++;
    }
    return i + 1;
}

enum comparison {
    COMPARISON_NONE,
    COMPARISON_CARET,
    COMPARISON_TILDE,
    COMPARISON_AT_LEAST,
    COMPARISON_AT_MOST,
    COMPARISON_ABOVE,
    COMPARISON_BELOW,
};

static enum comparison take_comparison(struct gf_str *text) {
    static const struct {
        struct gf_str text;
        enum comparison comparison;
    } comparisons[] = {
        {{">=", 2}, COMPARISON_AT_LEAST}, {{"<=", 2}, COMPARISON_AT_MOST},
        {{">", 1}, COMPARISON_ABOVE},     {{"<", 1}, COMPARISON_BELOW},
        {{"^", 1}, COMPARISON_CARET},     {{"~", 1}, COMPARISON_TILDE},
        {{"=", 1}, COMPARISON_NONE},
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(comparisons); i++) {
        if (gf_str_has_prefix(*text, comparisons[i].text)) {
            *text = skip(*text, comparisons[i].text.len);
            return comparisons[i].comparison;
        }
    }
    return COMPARISON_NONE;
}

/* From `low` on, below what comes behind its first `count` numbers; 0 numbers: no upper bound. */
static void add_span(struct gf_semver_range *range, const struct partial *partial,
                     struct gf_semver low, size_t count) {
    add_bound(range, GF_SEMVER_AT_LEAST, low, low.prerelease.len > 0);
    if (count > 0) {
        add_bound(range, GF_SEMVER_BELOW, next_of(partial, count), false);
    }
}

static void add_comparator(struct gf_semver_range *range, enum comparison comparison,
                           const struct partial *partial) {
    const struct gf_semver low = {partial->numbers[0], partial->numbers[1], partial->numbers[2],
                                  partial->prerelease};
    const bool is_whole = partial->count == PARTS;
    const bool has_prerelease = low.prerelease.len > 0;
    switch (comparison) {
    case COMPARISON_CARET:
        add_span(range, partial, low, partial->count > 0 ? caret_count(partial) : 0);
        return;
    case COMPARISON_TILDE:
        add_span(range, partial, low, partial->count < 2 ? partial->count : 2);
        return;
    case COMPARISON_AT_LEAST:
        add_bound(range, GF_SEMVER_AT_LEAST, low, has_prerelease);
        return;
    case COMPARISON_ABOVE:
        range->is_empty |= partial->count == 0;
        if (is_whole) {
            add_bound(range, GF_SEMVER_ABOVE, low, has_prerelease);
        } else {
            struct gf_semver next = next_of(partial, partial->count);
            next.prerelease = (struct gf_str){NULL, 0};
            add_bound(range, GF_SEMVER_AT_LEAST, next, false);
        }
        return;
    case COMPARISON_AT_MOST:
        if (is_whole) {
            add_bound(range, GF_SEMVER_AT_MOST, low, has_prerelease);
        } else if (partial->count > 0) {
            add_bound(range, GF_SEMVER_BELOW, next_of(partial, partial->count), false);
        }
        return;
    case COMPARISON_BELOW: {
        struct gf_semver bound = low;
        range->is_empty |= partial->count == 0;
        if (!has_prerelease) {
            bound.prerelease = lowest_prerelease;
        }
        add_bound(range, GF_SEMVER_BELOW, bound, has_prerelease);
        return;
    }
    case COMPARISON_NONE:
        if (is_whole) {
            add_bound(range, GF_SEMVER_AT_LEAST, low, has_prerelease);
            add_bound(range, GF_SEMVER_AT_MOST, low, has_prerelease);
        } else {
            add_span(range, partial, low, partial->count);
        }
        return;
    }
}

enum gf_code gf_semver_range_parse(struct gf_str text, struct gf_semver_range *out,
                                   struct gf_error *err) {
    struct gf_semver_range range = {.count = 0};
    struct gf_str rest = text;
    bool more = true;
    if (text.len > GF_SEMVER_RANGE_CHARS_MAX) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "range of versions '%s' has more than %d characters", gf_show(text).text,
                       GF_SEMVER_RANGE_CHARS_MAX);
    }
    while (more) {
        struct gf_str comparator;
        struct partial partial;
        more = gf_str_cut(rest, ' ', &comparator, &rest);
        const enum comparison comparison = take_comparison(&comparator);
        if (!parse_partial(comparator, &partial)) {
            return gf_fail(
                err, GF_INVALID_ARGUMENT,
                "range of versions '%s': '%s' must be a version as 1, 1.2, 1.2.3, 1.x or "
                "*, behind one of ^ ~ >= <= > < = or none",
                gf_show(text).text, gf_show(comparator).text);
        }
        if (range.count + 2 > GF_SEMVER_BOUNDS_MAX) {
            return gf_fail(err, GF_INVALID_ARGUMENT,
                           "range of versions '%s' has too many comparators", gf_show(text).text);
        }
        add_comparator(&range, comparison, &partial);
    }
    *out = range;
    return GF_OK;
}

static bool bound_holds(const struct gf_semver_bound *bound, const struct gf_semver *version) {
    const int order = gf_semver_cmp(version, &bound->version);
    switch (bound->relation) {
    case GF_SEMVER_AT_LEAST:
        return order >= 0;
    case GF_SEMVER_ABOVE:
        return order > 0;
    case GF_SEMVER_AT_MOST:
        return order <= 0;
    case GF_SEMVER_BELOW:
        return order < 0;
    }
    return false;
}

bool gf_semver_matches(const struct gf_semver_range *range, const struct gf_semver *version) {
    bool admitted = version->prerelease.len == 0;
    for (size_t i = 0; i < range->count; i++) {
        const struct gf_semver_bound *bound = &range->bounds[i];
        if (!bound_holds(bound, version)) {
            return false;
        }
        admitted |= bound->admits_prereleases && cmp_numbers(&bound->version, version) == 0;
    }
    return admitted && !range->is_empty;
}

ptrdiff_t gf_semver_newest(const struct gf_semver_range *range, const char *const *tags,
                           size_t count) {
    struct gf_semver best;
    ptrdiff_t best_index = -1;
    for (size_t i = 0; i < count; i++) {
        struct gf_semver version;
        if (!gf_semver_parse(gf_str_from(tags[i]), &version) ||
            !gf_semver_matches(range, &version)) {
            continue;
        }
        const int order = best_index < 0 ? 1 : gf_semver_cmp(&version, &best);
        if (order > 0 || (order == 0 && tags[i][0] != 'v')) {
            best = version;
            best_index = (ptrdiff_t)i;
        }
    }
    return best_index;
}
