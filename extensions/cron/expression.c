/* Reading expressions. */
#include "extensions/cron/expression.h"

enum {
    FIELDS_MIN = 5,
    FIELDS_MAX = 6,
    NAME_BYTES = 3,
};

enum field_id {
    FIELD_MINUTE,
    FIELD_HOUR,
    FIELD_DAY_OF_MONTH,
    FIELD_MONTH,
    FIELD_DAY_OF_WEEK,
    FIELD_YEAR,
};

struct field {
    const char *name;
    int min;
    int max;
    const char *names; /* three letters each, the first one of value `min`; NULL: none */
    bool is_of_days;
};

static const struct field fields[FIELDS_MAX] = {
    [FIELD_MINUTE] = {"minute", 0, 59, NULL, false},
    [FIELD_HOUR] = {"hour", 0, 23, NULL, false},
    [FIELD_DAY_OF_MONTH] = {"day-of-month", 1, 31, NULL, true},
    [FIELD_MONTH] = {"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec", false},
    [FIELD_DAY_OF_WEEK] = {"day-of-week", 0, 7, "sunmontuewedthufrisat", true},
    [FIELD_YEAR] = {"year", GF_CRON_YEAR_MIN, GF_CRON_YEAR_MAX, NULL, false},
};

static const struct {
    const char *name;
    const char *expression;
} macros[] = {
    {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}, {"@monthly", "0 0 1 * *"},
    {"@weekly", "0 0 * * 0"}, {"@daily", "0 0 * * *"},    {"@midnight", "0 0 * * *"},
    {"@hourly", "0 * * * *"},
};

/* The values of a field that are in, counted from its least one. */
struct values {
    uint64_t words[GF_CRON_YEAR_WORDS];
};

/* Where the parser is. `rest` is within `text`. */
struct reader {
    struct gf_str text;
    struct gf_str rest;
    const struct field *field;
};

static int position(const struct reader *reader) {
    return (int)(reader->rest.ptr - reader->text.ptr) + 1;
}

/* Says what is wrong at where the reader is. */
GF_PRINTF(3, 4)
static enum gf_code fail_at(const struct reader *reader, struct gf_error *err, const char *fmt,
                            ...) {
    char what_memory[GF_ERROR_MESSAGE_BYTES_MAX];
    struct gf_strbuf what;
    gf_strbuf_init_in(&what, what_memory, sizeof(what_memory));
    va_list args;
    va_start(args, fmt);
    gf_strbuf_vprintf(&what, fmt, args);
    va_end(args);
    return gf_fail(err, GF_INVALID_ARGUMENT, "%s at character %d: %s", reader->field->name,
                   position(reader), what.ptr);
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static char next_char(const struct reader *reader) {
    return reader->rest.len == 0 ? '\0' : reader->rest.ptr[0];
}

static void skip(struct reader *reader, size_t count) {
    reader->rest = (struct gf_str){reader->rest.ptr + count, reader->rest.len - count};
}

static bool take(struct reader *reader, char wanted) {
    if (reader->rest.len == 0 || reader->rest.ptr[0] != wanted) {
        return false;
    }
    skip(reader, 1);
    return true;
}

static void skip_blanks(struct reader *reader) {
    while (reader->rest.len > 0 && is_blank(reader->rest.ptr[0])) {
        skip(reader, 1);
    }
}

/* What the reader stands on, up to the first character of another kind. */
static struct gf_str run_of(const struct reader *reader, bool (*is_kind)(char)) {
    size_t len = 0;
    while (len < reader->rest.len && is_kind(reader->rest.ptr[len])) {
        len++;
    }
    return (struct gf_str){reader->rest.ptr, len};
}

static enum gf_code take_name(struct reader *reader, int *out_value, struct gf_error *err) {
    const struct gf_str word = run_of(reader, is_letter);
    const struct gf_str names = gf_str_from(reader->field->names);
    for (size_t at = 0; word.len == NAME_BYTES && at < names.len; at += NAME_BYTES) {
        if (gf_str_eq_nocase(word, (struct gf_str){names.ptr + at, NAME_BYTES})) {
            *out_value = reader->field->min + (int)(at / NAME_BYTES);
            skip(reader, word.len);
            return GF_OK;
        }
    }
    if (names.len == 0) {
        return fail_at(reader, err, "'%" GF_STR_FMT "' is no number, expected %d to %d",
                       GF_STR_ARG(word), reader->field->min, reader->field->max);
    }
    return fail_at(reader, err, "'%" GF_STR_FMT "' is unknown, expected %d to %d or %s",
                   GF_STR_ARG(word), reader->field->min, reader->field->max,
                   reader->field->is_of_days ? "sun to sat" : "jan to dec");
}

/* A number or a name that the field allows. */
static enum gf_code take_value(struct reader *reader, int *out_value, struct gf_error *err) {
    const struct field *field = reader->field;
    if (is_letter(next_char(reader))) {
        return take_name(reader, out_value, err);
    }
    const struct gf_str digits = run_of(reader, is_digit);
    if (digits.len == 0) {
        return fail_at(reader, err, "a value is missing, expected %s%d to %d",
                       reader->field->names == NULL ? "" : "a name or ", field->min, field->max);
    }
    uint64_t number = 0;
    if (!gf_parse_u64(digits, &number) || number < (uint64_t)field->min ||
        number > (uint64_t)field->max) {
        return fail_at(reader, err, "%" GF_STR_FMT " is out of range, expected %d to %d",
                       GF_STR_ARG(digits), field->min, field->max);
    }
    *out_value = (int)number;
    skip(reader, digits.len);
    return GF_OK;
}

/* The step behind a `/`; a larger one than the field is wide leaves the first value alone. */
static enum gf_code take_step(struct reader *reader, int *out_step, struct gf_error *err) {
    const struct gf_str digits = run_of(reader, is_digit);
    uint64_t number = 0;
    if (digits.len == 0) {
        return fail_at(reader, err, "a step is missing behind '/', expected a number from 1 on");
    }
    if (!gf_parse_u64(digits, &number) || number == 0 || number > GF_CRON_YEAR_MAX) {
        return fail_at(reader, err, "%" GF_STR_FMT " is no step, expected 1 to %d",
                       GF_STR_ARG(digits), GF_CRON_YEAR_MAX);
    }
    *out_step = (int)number;
    skip(reader, digits.len);
    return GF_OK;
}

/* The values of a part before its step. True in *out_single for a value that stands alone. */
static enum gf_code take_range(struct reader *reader, int *out_first, int *out_last,
                               bool *out_single, struct gf_error *err) {
    const struct field *field = reader->field;
    *out_single = false;
    if (take(reader, '*') || (field->is_of_days && take(reader, '?'))) {
        *out_first = field->min;
        *out_last = field->max;
        return GF_OK;
    }
    enum gf_code rc = take_value(reader, out_first, err);
    if (rc != GF_OK) {
        return rc;
    }
    if (!take(reader, '-')) {
        *out_last = *out_first;
        *out_single = true;
        return GF_OK;
    }
    const struct reader before = *reader;
    rc = take_value(reader, out_last, err);
    if (rc != GF_OK) {
        return rc;
    }
    if (field == &fields[FIELD_DAY_OF_WEEK] && *out_last == 0 && is_letter(next_char(&before))) {
        *out_last = field->max;
    }
    if (*out_last < *out_first) {
        return fail_at(&before, err, "the range ends before it begins");
    }
    return GF_OK;
}

static enum gf_code take_part(struct reader *reader, struct values *values, struct gf_error *err) {
    int first = 0;
    int last = 0;
    int step = 1;
    bool single = false;
    enum gf_code rc = take_range(reader, &first, &last, &single, err);
    if (rc != GF_OK) {
        return rc;
    }
    if (take(reader, '/')) {
        rc = take_step(reader, &step, err);
        if (rc != GF_OK) {
            return rc;
        }
        last = single ? reader->field->max : last;
    }
    for (int value = first; value <= last; value += step) {
        const int bit = value - reader->field->min;
        values->words[bit / 64] |= UINT64_C(1) << (bit % 64);
    }
    return GF_OK;
}

/* One field, up to a blank or the end. True in *out_starred if it begins with `*` or `?`. */
static enum gf_code take_field(struct reader *reader, struct values *values, bool *out_starred,
                               struct gf_error *err) {
    *values = (struct values){0};
    *out_starred = next_char(reader) == '*' || next_char(reader) == '?';
    do {
        const enum gf_code rc = take_part(reader, values, err);
        if (rc != GF_OK) {
            return rc;
        }
    } while (take(reader, ','));
    const char next = next_char(reader);
    if (reader->rest.len > 0 && !is_blank(next)) {
        if (next < ' ' || next > '~') {
            return fail_at(reader, err, "expected ',', '-', '/' or the next field");
        }
        return fail_at(reader, err,
                       "'%c' is not expected, expected ',', '-', '/' or the next field", next);
    }
    return GF_OK;
}

static enum gf_code fail_field_count(int count, bool more, struct gf_error *err) {
    return gf_fail(err, GF_INVALID_ARGUMENT,
                   "%s%d field%s, expected 5 or 6: minute hour day-of-month month day-of-week "
                   "[year]",
                   more ? "more than " : "", count, count == 1 ? "" : "s");
}

static void set_fields(const struct values values[FIELDS_MAX], const bool starred[FIELDS_MAX],
                       struct gf_cron_expression *out) {
    /* Masks count from the least value of the field; Sunday is 0 and 7. */
    const uint64_t weekdays = values[FIELD_DAY_OF_WEEK].words[0];
    *out = (struct gf_cron_expression){
        .minutes = values[FIELD_MINUTE].words[0],
        .hours = values[FIELD_HOUR].words[0],
        .days_of_month = values[FIELD_DAY_OF_MONTH].words[0] << 1,
        .months = values[FIELD_MONTH].words[0] << 1,
        .days_of_week = (weekdays | weekdays >> 7) & 0x7f,
        .both_days = starred[FIELD_DAY_OF_MONTH] || starred[FIELD_DAY_OF_WEEK],
        .by_real_time = starred[FIELD_MINUTE] || starred[FIELD_HOUR],
    };
    memcpy(out->years, values[FIELD_YEAR].words, sizeof(out->years));
}

/* The expression behind a name that begins with @. */
static enum gf_code expand_macro(struct gf_str text, struct gf_str *out, struct gf_error *err) {
    if (gf_str_eq_nocase(text, GF_STR("@reboot"))) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "@reboot means nothing here: a subscription outlives every restart");
    }
    for (size_t i = 0; i < GF_ARRAY_COUNT(macros); i++) {
        if (gf_str_eq_nocase(text, gf_str_from(macros[i].name))) {
            *out = gf_str_from(macros[i].expression);
            return GF_OK;
        }
    }
    return gf_fail(err, GF_INVALID_ARGUMENT,
                   "a name with @ is unknown, expected @yearly, @annually, @monthly, @weekly, "
                   "@daily, @midnight or @hourly");
}

static enum gf_code parse_fields(struct gf_str text, struct gf_cron_expression *out,
                                 struct gf_error *err) {
    struct reader reader = {.text = text, .rest = text};
    struct values values[FIELDS_MAX] = {0};
    bool starred[FIELDS_MAX] = {false};
    int count = 0;
    for (skip_blanks(&reader); reader.rest.len > 0; skip_blanks(&reader)) {
        if (count == FIELDS_MAX) {
            return fail_field_count(count, true, err);
        }
        reader.field = &fields[count];
        const enum gf_code rc = take_field(&reader, &values[count], &starred[count], err);
        if (rc != GF_OK) {
            return rc;
        }
        count++;
    }
    if (count < FIELDS_MIN) {
        return fail_field_count(count, false, err);
    }
    if (count == FIELD_YEAR) {
        memset(&values[FIELD_YEAR], 0xff, sizeof(values[FIELD_YEAR]));
    }
    set_fields(values, starred, out);
    return GF_OK;
}

enum gf_code gf_cron_parse(struct gf_str text, struct gf_cron_expression *out,
                           struct gf_error *err) {
    if (text.len > GF_CRON_EXPRESSION_BYTES_MAX) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "expression is longer than %d bytes",
                       GF_CRON_EXPRESSION_BYTES_MAX);
    }
    struct gf_str fields_text = text;
    while (fields_text.len > 0 && is_blank(fields_text.ptr[fields_text.len - 1])) {
        fields_text.len--;
    }
    if (fields_text.len > 0 && fields_text.ptr[0] == '@') {
        const enum gf_code rc = expand_macro(fields_text, &fields_text, err);
        if (rc != GF_OK) {
            return rc;
        }
    }
    struct gf_cron_expression parsed = {0};
    const enum gf_code rc = parse_fields(fields_text, &parsed, err);
    if (rc != GF_OK) {
        return rc;
    }
    int64_t minute = 0;
    if (!gf_cron_next_local_minute(&parsed, INT64_MIN, &minute)) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "the expression matches no day from %d to %d, as 31 February would not",
                       GF_CRON_YEAR_MIN, GF_CRON_YEAR_MAX);
    }
    *out = parsed;
    return GF_OK;
}
