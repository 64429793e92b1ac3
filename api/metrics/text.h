/*
 * Figures in the text format of Prometheus, version 0.0.4: what a scraper reads.
 *
 * A family is begun, and then all its samples follow, so that those of a family stand together as
 * the format asks. Names are held to the conventions of Prometheus by assertions: they are written
 * in the program. Nothing is promised about labels but that they are escaped: who writes them sees
 * to it that there are few values of each, and no secret.
 *
 * A family may have no sample: what there could be is told all the same.
 *
 * Thread: one at a time.
 */
#ifndef GOFER_API_METRICS_TEXT_H_
#define GOFER_API_METRICS_TEXT_H_

#include "base/error.h"
#include "base/histogram.h"
#include "base/macros.h"
#include "base/str.h"
#include "base/vec.h"

#include <stddef.h>
#include <stdint.h>

enum {
    GF_METRICS_TEXT_BYTES_MAX = 8 << 20, /* of all families together */
    GF_METRICS_LABELS_MAX = 4,           /* of one sample */
};

/* The content type of this format. */
#define GF_METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

enum gf_metrics_type {
    GF_METRICS_COUNTER, /* only grows; its name ends in _total */
    GF_METRICS_GAUGE,
    GF_METRICS_HISTOGRAM, /* of seconds: its name ends in _seconds */
};

struct gf_metrics_label {
    const char *name;
    const char *value; /* UTF-8 */
};

/* Labels for the functions below, as two arguments: GF_LABELS({"pool", "reads"}). */
#define GF_LABELS(...)                                                                             \
    ((const struct gf_metrics_label[]){__VA_ARGS__}),                                              \
        GF_ARRAY_COUNT(((const struct gf_metrics_label[]){__VA_ARGS__}))
#define GF_NO_LABELS NULL, 0

/* The fields are private to text.c. */
struct gf_metrics {
    struct gf_strbuf out;
    GF_VEC(const char *) names; /* of the families that were begun */
    enum gf_metrics_type type;  /* of the last of them */
};

/* bytes_max is at most GF_METRICS_TEXT_BYTES_MAX; what is more fails in gf_metrics_text. */
void gf_metrics_init(struct gf_metrics *metrics, size_t bytes_max);
void gf_metrics_fini(struct gf_metrics *metrics);

/*
 * Begins a family. Borrowed until fini: name, which no other family has. `help` is a sentence for
 * people.
 */
void gf_metrics_begin(struct gf_metrics *metrics, enum gf_metrics_type type, const char *name,
                      const char *help);

/* A sample of the family that was begun last: a counter or a gauge. A negative counter is an error
 * of the programmer. */
void gf_metrics_add(struct gf_metrics *metrics, int64_t value,
                    const struct gf_metrics_label *labels, size_t label_count);
/* The same of a time, in seconds to the nanosecond. */
void gf_metrics_add_ns(struct gf_metrics *metrics, int64_t ns,
                       const struct gf_metrics_label *labels, size_t label_count);
/* The buckets, sum and count of a histogram. */
void gf_metrics_add_histogram(struct gf_metrics *metrics,
                              const struct gf_histogram_snapshot *snapshot,
                              const struct gf_metrics_label *labels, size_t label_count);

/* Families of one sample without labels. */
void gf_metrics_counter(struct gf_metrics *metrics, const char *name, const char *help,
                        uint64_t value);
void gf_metrics_gauge(struct gf_metrics *metrics, const char *name, const char *help,
                      int64_t value);
void gf_metrics_histogram(struct gf_metrics *metrics, const char *name, const char *help,
                          const struct gf_histogram_snapshot *snapshot);

/* What was written. Borrowed until the next call. Code: GF_RESOURCE_EXHAUSTED (too much). */
enum gf_code gf_metrics_text(const struct gf_metrics *metrics, struct gf_str *out_text,
                             struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_API_METRICS_TEXT_H_ */
