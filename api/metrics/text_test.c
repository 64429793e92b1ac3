#include "api/metrics/text.h"
#include "base/clock.h"

#include <signal.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static void expect_text(struct gf_metrics *metrics, const char *expected) {
    struct gf_str text = {0};
    struct gf_error err = {0};
    cr_assert(eq(int, gf_metrics_text(metrics, &text, &err), GF_OK));
    cr_assert(eq(str, (char *)text.ptr, (char *)expected));
    gf_metrics_fini(metrics);
}

Test(metrics_text, nothing_is_an_empty_text) {
    struct gf_metrics metrics;
    gf_metrics_init(&metrics, GF_METRICS_TEXT_BYTES_MAX);
    expect_text(&metrics, "");
}

Test(metrics_text, families_have_help_type_and_samples) {
    struct gf_metrics metrics;
    gf_metrics_init(&metrics, GF_METRICS_TEXT_BYTES_MAX);
    gf_metrics_counter(&metrics, "gofer_calls_total", "Calls.", UINT64_MAX);
    gf_metrics_gauge(&metrics, "gofer_depth", "Depth.", -7);
    gf_metrics_begin(&metrics, GF_METRICS_GAUGE, "gofer_nothing", "Without samples.");
    gf_metrics_begin(&metrics, GF_METRICS_GAUGE, "gofer_threads", "Threads.");
    gf_metrics_add(&metrics, 4, GF_LABELS({"pool", "short"}));
    gf_metrics_add(&metrics, 2, GF_LABELS({"pool", "long"}, {"kind", "x"}));
    expect_text(&metrics, "# HELP gofer_calls_total Calls.\n"
                          "# TYPE gofer_calls_total counter\n"
                          "gofer_calls_total 18446744073709551615\n"
                          "# HELP gofer_depth Depth.\n"
                          "# TYPE gofer_depth gauge\n"
                          "gofer_depth -7\n"
                          "# HELP gofer_nothing Without samples.\n"
                          "# TYPE gofer_nothing gauge\n"
                          "# HELP gofer_threads Threads.\n"
                          "# TYPE gofer_threads gauge\n"
                          "gofer_threads{pool=\"short\"} 4\n"
                          "gofer_threads{pool=\"long\",kind=\"x\"} 2\n");
}

Test(metrics_text, help_and_labels_are_escaped_each_in_its_way) {
    struct gf_metrics metrics;
    gf_metrics_init(&metrics, GF_METRICS_TEXT_BYTES_MAX);
    gf_metrics_begin(&metrics, GF_METRICS_GAUGE, "gofer_x", "A \"quote\", a \\, a\nline.");
    gf_metrics_add(&metrics, 1, GF_LABELS({"text", "A \"quote\", a \\, a\nline, \xc3\xa4."}));
    expect_text(&metrics, "# HELP gofer_x A \"quote\", a \\\\, a\\nline.\n"
                          "# TYPE gofer_x gauge\n"
                          "gofer_x{text=\"A \\\"quote\\\", a \\\\, a\\nline, \xc3\xa4.\"} 1\n");
}

Test(metrics_text, times_are_exact_seconds) {
    static const int64_t times[] = {
        0,         1,        -1, 1500000000, 1000000001, -2 * GF_NS_PER_SEC, 120 * GF_NS_PER_MS,
        INT64_MAX, INT64_MIN};
    struct gf_metrics metrics;
    gf_metrics_init(&metrics, GF_METRICS_TEXT_BYTES_MAX);
    gf_metrics_begin(&metrics, GF_METRICS_GAUGE, "t_seconds", "T.");
    for (size_t i = 0; i < GF_ARRAY_COUNT(times); i++) {
        gf_metrics_add_ns(&metrics, times[i], GF_NO_LABELS);
    }
    expect_text(&metrics, "# HELP t_seconds T.\n# TYPE t_seconds gauge\n"
                          "t_seconds 0\n"
                          "t_seconds 0.000000001\n"
                          "t_seconds -0.000000001\n"
                          "t_seconds 1.5\n"
                          "t_seconds 1.000000001\n"
                          "t_seconds -2\n"
                          "t_seconds 0.12\n"
                          "t_seconds 9223372036.854775807\n"
                          "t_seconds -9223372036.854775808\n");
}

/* The line that begins with `start`, without it. */
static const char *line_of(struct gf_str text, const char *start) {
    const char *found = strstr(text.ptr, start);
    cr_assert(found != NULL, "no line %s", start);
    return found + strlen(start);
}

Test(metrics_text, histograms_are_cumulative) {
    struct gf_histogram histogram = {0};
    gf_histogram_add(&histogram, 10 * GF_NS_PER_US);
    gf_histogram_add(&histogram, 2 * GF_NS_PER_SEC);
    gf_histogram_add(&histogram, GF_NS_PER_HOUR);
    struct gf_histogram_snapshot snapshot;
    gf_histogram_read(&histogram, &snapshot);
    struct gf_metrics metrics;
    gf_metrics_init(&metrics, GF_METRICS_TEXT_BYTES_MAX);
    gf_metrics_begin(&metrics, GF_METRICS_HISTOGRAM, "gofer_wait_seconds", "Waits.");
    gf_metrics_add_histogram(&metrics, &snapshot, GF_LABELS({"pool", "a"}));
    struct gf_str text = {0};
    struct gf_error err = {0};
    cr_assert(eq(int, gf_metrics_text(&metrics, &text, &err), GF_OK));
    const char *bucket = "gofer_wait_seconds_bucket{pool=\"a\",le=\"";
    cr_assert(eq(int, strncmp(line_of(text, "histogram\n"), bucket, strlen(bucket)), 0));
    cr_assert(eq(int, *line_of(text, "le=\"0.00001\"} "), '1'));
    cr_assert(eq(int, *line_of(text, "le=\"1\"} "), '1'));
    cr_assert(eq(int, *line_of(text, "le=\"2.5\"} "), '2'));
    cr_assert(eq(int, *line_of(text, "le=\"500\"} "), '2'));
    cr_assert(eq(str, (char *)line_of(text, "le=\"+Inf\"} "),
                 "3\n"
                 "gofer_wait_seconds_sum{pool=\"a\"} 3602.00001\n"
                 "gofer_wait_seconds_count{pool=\"a\"} 3\n"));
    gf_metrics_fini(&metrics);
}

Test(metrics_text, too_much_is_an_error) {
    struct gf_metrics metrics;
    gf_metrics_init(&metrics, 64);
    gf_metrics_gauge(&metrics, "gofer_a", "A.", 1);
    gf_metrics_gauge(&metrics, "gofer_b", "B.", 1);
    struct gf_str text = {0};
    struct gf_error err = {0};
    cr_assert(eq(int, gf_metrics_text(&metrics, &text, &err), GF_RESOURCE_EXHAUSTED));
    cr_assert(eq(ptr, (char *)text.ptr, NULL));
    gf_metrics_fini(&metrics);
}

/* ---- What is an error of the programmer ---- */

static void begin(enum gf_metrics_type type, const char *name, const char *help) {
    struct gf_metrics metrics;
    gf_metrics_init(&metrics, GF_METRICS_TEXT_BYTES_MAX);
    gf_metrics_gauge(&metrics, "gofer_taken", "There already.", 1);
    gf_metrics_begin(&metrics, type, name, help);
}

#define ABORTS(test_name, ...)                                                                     \
    Test(metrics_text, test_name, .signal = SIGABRT) {                                             \
        __VA_ARGS__;                                                                               \
    }

ABORTS(counters_end_in_total, begin(GF_METRICS_COUNTER, "gofer_calls", "Calls."))
ABORTS(nothing_else_ends_in_total, begin(GF_METRICS_GAUGE, "gofer_calls_total", "Calls."))
ABORTS(histograms_are_of_seconds, begin(GF_METRICS_HISTOGRAM, "gofer_wait", "Waits."))
ABORTS(suffixes_of_histograms_are_theirs, begin(GF_METRICS_GAUGE, "gofer_wait_count", "Waits."))
ABORTS(names_have_no_capitals, begin(GF_METRICS_GAUGE, "gofer_Depth", "Depth."))
ABORTS(names_begin_with_a_letter, begin(GF_METRICS_GAUGE, "2gofer", "Depth."))
ABORTS(names_are_not_empty, begin(GF_METRICS_GAUGE, "", "Depth."))
ABORTS(families_have_help, begin(GF_METRICS_GAUGE, "gofer_depth", ""))
ABORTS(no_family_comes_twice, begin(GF_METRICS_GAUGE, "gofer_taken", "Depth."))

Test(metrics_text, counters_are_not_negative, .signal = SIGABRT) {
    struct gf_metrics metrics;
    gf_metrics_init(&metrics, GF_METRICS_TEXT_BYTES_MAX);
    gf_metrics_begin(&metrics, GF_METRICS_COUNTER, "gofer_calls_total", "Calls.");
    gf_metrics_add(&metrics, -1, GF_NO_LABELS);
}

Test(metrics_text, the_label_of_buckets_is_theirs, .signal = SIGABRT) {
    struct gf_metrics metrics;
    gf_metrics_init(&metrics, GF_METRICS_TEXT_BYTES_MAX);
    gf_metrics_begin(&metrics, GF_METRICS_GAUGE, "gofer_depth", "Depth.");
    gf_metrics_add(&metrics, 1, GF_LABELS({"le", "1"}));
}
