/*
 * Design: numbers are written from integers, so that nothing is rounded: a time is its seconds, a
 * point, and as many digits as it has. A bucket's bound is written the same way each time: it is a
 * label, and to Prometheus another text is another series.
 */
#include "api/metrics/text.h"

#include "base/clock.h"

#include <stdbool.h>
#include <string.h>

enum {
    NANOSECOND_DIGITS = 9,
};

void gf_metrics_init(struct gf_metrics *metrics, size_t bytes_max) {
    gf_assert(bytes_max <= GF_METRICS_TEXT_BYTES_MAX);
    *metrics = (struct gf_metrics){0};
    gf_strbuf_init(&metrics->out, bytes_max);
}

void gf_metrics_fini(struct gf_metrics *metrics) {
    gf_strbuf_fini(&metrics->out);
    gf_vec_fini(&metrics->names);
}

/* ---- Names ---- */

/* Lower case with underscores: what Prometheus allows, less what its conventions advise against. */
static bool is_name(const char *name) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    static const char all[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
    return name[0] != '\0' && strchr(letters, name[0]) != NULL && name[strspn(name, all)] == '\0';
}

static bool ends_in(const char *name, const char *suffix) {
    return gf_str_has_suffix(gf_str_from(name), gf_str_from(suffix));
}

static void check_family(const struct gf_metrics *metrics, enum gf_metrics_type type,
                         const char *name, const char *help) {
    gf_assert(is_name(name));
    gf_assert(help[0] != '\0');
    gf_assert(ends_in(name, "_total") == (type == GF_METRICS_COUNTER));
    gf_assert(ends_in(name, "_seconds") || type != GF_METRICS_HISTOGRAM);
    /* These are the names of a histogram's samples. */
    gf_assert(!ends_in(name, "_bucket") && !ends_in(name, "_sum") && !ends_in(name, "_count"));
    for (size_t i = 0; i < metrics->names.count; i++) {
        gf_assert(strcmp(metrics->names.items[i], name) != 0);
    }
}

/* ---- Lines ---- */

/* Backslashes and line feeds, and quotes where the text stands in some. */
static void append_escaped(struct gf_strbuf *out, const char *text, bool quoted) {
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '\n') {
            gf_strbuf_append_cstr(out, "\\n");
            continue;
        }
        if (*c == '\\' || (quoted && *c == '"')) {
            gf_strbuf_append_char(out, '\\');
        }
        gf_strbuf_append_char(out, *c);
    }
}

void gf_metrics_begin(struct gf_metrics *metrics, enum gf_metrics_type type, const char *name,
                      const char *help) {
    static const char *const words[] = {
        [GF_METRICS_COUNTER] = "counter",
        [GF_METRICS_GAUGE] = "gauge",
        [GF_METRICS_HISTOGRAM] = "histogram",
    };
    struct gf_strbuf *out = &metrics->out;
    check_family(metrics, type, name, help);
    gf_vec_push(&metrics->names, name);
    metrics->type = type;
    gf_strbuf_append_cstr(out, "# HELP ");
    gf_strbuf_append_cstr(out, name);
    gf_strbuf_append_char(out, ' ');
    append_escaped(out, help, false);
    gf_strbuf_append_cstr(out, "\n# TYPE ");
    gf_strbuf_append_cstr(out, name);
    gf_strbuf_append_char(out, ' ');
    gf_strbuf_append_cstr(out, words[type]);
    gf_strbuf_append_char(out, '\n');
}

static void append_label(struct gf_strbuf *out, const char *name, const char *value, bool first) {
    gf_strbuf_append_char(out, first ? '{' : ',');
    gf_strbuf_append_cstr(out, name);
    gf_strbuf_append_cstr(out, "=\"");
    append_escaped(out, value, true);
    gf_strbuf_append_char(out, '"');
}

/* The name and the labels of a line, which then needs its value. `le` may be NULL. */
static void begin_sample(struct gf_metrics *metrics, const char *suffix,
                         const struct gf_metrics_label *labels, size_t label_count,
                         const char *le) {
    gf_assert(metrics->names.count > 0);
    gf_assert(label_count <= GF_METRICS_LABELS_MAX);
    struct gf_strbuf *out = &metrics->out;
    gf_strbuf_append_cstr(out, metrics->names.items[metrics->names.count - 1]);
    gf_strbuf_append_cstr(out, suffix);
    for (size_t i = 0; i < label_count; i++) {
        gf_assert(is_name(labels[i].name) && strcmp(labels[i].name, "le") != 0);
        append_label(out, labels[i].name, labels[i].value, i == 0);
    }
    if (le != NULL) {
        append_label(out, "le", le, label_count == 0);
    }
    gf_strbuf_append_cstr(out, label_count > 0 || le != NULL ? "} " : " ");
}

/* ---- Values ---- */

/* Seconds as a decimal number, without zeroes at its end. */
static void append_seconds(struct gf_strbuf *out, uint64_t ns) {
    const uint64_t second = (uint64_t)GF_NS_PER_SEC;
    gf_strbuf_printf(out, "%llu", (unsigned long long)(ns / second));
    uint64_t fraction = ns % second;
    if (fraction == 0) {
        return;
    }
    int digits = NANOSECOND_DIGITS;
    for (; fraction % 10 == 0; fraction /= 10) {
        digits--;
    }
    gf_strbuf_printf(out, ".%0*llu", digits, (unsigned long long)fraction);
}

static void add_unsigned(struct gf_metrics *metrics, uint64_t value, const char *suffix,
                         const struct gf_metrics_label *labels, size_t label_count,
                         const char *le) {
    begin_sample(metrics, suffix, labels, label_count, le);
    gf_strbuf_printf(&metrics->out, "%llu\n", (unsigned long long)value);
}

void gf_metrics_add(struct gf_metrics *metrics, int64_t value,
                    const struct gf_metrics_label *labels, size_t label_count) {
    gf_assert(metrics->type != GF_METRICS_HISTOGRAM);
    gf_assert(value >= 0 || metrics->type == GF_METRICS_GAUGE);
    begin_sample(metrics, "", labels, label_count, NULL);
    gf_strbuf_printf(&metrics->out, "%lld\n", (long long)value);
}

void gf_metrics_add_ns(struct gf_metrics *metrics, int64_t ns,
                       const struct gf_metrics_label *labels, size_t label_count) {
    gf_assert(metrics->type != GF_METRICS_HISTOGRAM);
    gf_assert(ns >= 0 || metrics->type == GF_METRICS_GAUGE);
    begin_sample(metrics, "", labels, label_count, NULL);
    if (ns < 0) {
        gf_strbuf_append_char(&metrics->out, '-');
    }
    append_seconds(&metrics->out, ns < 0 ? -(uint64_t)ns : (uint64_t)ns);
    gf_strbuf_append_char(&metrics->out, '\n');
}

void gf_metrics_add_histogram(struct gf_metrics *metrics,
                              const struct gf_histogram_snapshot *snapshot,
                              const struct gf_metrics_label *labels, size_t label_count) {
    gf_assert(metrics->type == GF_METRICS_HISTOGRAM);
    uint64_t below = 0;
    for (size_t i = 0; i < GF_HISTOGRAM_BOUNDS; i++) {
        char memory[32];
        struct gf_strbuf bound;
        gf_strbuf_init_in(&bound, memory, sizeof(memory));
        append_seconds(&bound, (uint64_t)gf_histogram_bounds_ns[i]);
        below += snapshot->buckets[i];
        add_unsigned(metrics, below, "_bucket", labels, label_count, memory);
    }
    add_unsigned(metrics, snapshot->count, "_bucket", labels, label_count, "+Inf");
    begin_sample(metrics, "_sum", labels, label_count, NULL);
    append_seconds(&metrics->out, snapshot->sum_ns);
    gf_strbuf_append_char(&metrics->out, '\n');
    add_unsigned(metrics, snapshot->count, "_count", labels, label_count, NULL);
}

/* ---- Families of one sample ---- */

void gf_metrics_counter(struct gf_metrics *metrics, const char *name, const char *help,
                        uint64_t value) {
    gf_metrics_begin(metrics, GF_METRICS_COUNTER, name, help);
    add_unsigned(metrics, value, "", GF_NO_LABELS, NULL);
}

void gf_metrics_gauge(struct gf_metrics *metrics, const char *name, const char *help,
                      int64_t value) {
    gf_metrics_begin(metrics, GF_METRICS_GAUGE, name, help);
    gf_metrics_add(metrics, value, GF_NO_LABELS);
}

void gf_metrics_histogram(struct gf_metrics *metrics, const char *name, const char *help,
                          const struct gf_histogram_snapshot *snapshot) {
    gf_metrics_begin(metrics, GF_METRICS_HISTOGRAM, name, help);
    gf_metrics_add_histogram(metrics, snapshot, GF_NO_LABELS);
}

enum gf_code gf_metrics_text(const struct gf_metrics *metrics, struct gf_str *out_text,
                             struct gf_error *err) {
    if (metrics->out.overflowed) {
        return gf_fail(err, GF_RESOURCE_EXHAUSTED, "the metrics are larger than %zu bytes",
                       metrics->out.limit);
    }
    *out_text = gf_strbuf_view(&metrics->out);
    return GF_OK;
}
