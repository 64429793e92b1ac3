#include "extensions-sdk/src/health.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "extensions-sdk/src/internal.h"

#include <stdarg.h>
#include <string.h>

enum {
    HEALTH_FIELD = GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_HEALTH,
    METRICS_INTERVAL_MS = 30 * 1000,
    METRIC_NAME_BYTES_MAX = 200,
};

struct metric {
    char *name;
    double value;
};

struct gf_sdk_health {
    struct gofer_extension *extension;
    struct gf_mutex mutex;
    enum gofer_health health;
    char *description;
    char *problem; /* comes before what the program says */
    struct metric metrics[GF_SDK_METRICS_MAX];
    size_t metric_count;
    int64_t last_mono_ns; /* when it was said last; GF_NEVER: no connection is ready */
};

struct gf_sdk_health *gf_sdk_health_create(struct gofer_extension *extension) {
    struct gf_sdk_health *health = GF_NEW(struct gf_sdk_health);
    health->extension = extension;
    health->health = GOFER_HEALTH_OK;
    health->description = gf_strdup("");
    health->last_mono_ns = GF_NEVER;
    gf_mutex_init(&health->mutex, GF_RANK_EXTENSION_HEALTH);
    return health;
}

void gf_sdk_health_destroy(struct gf_sdk_health *health) {
    if (health == NULL) {
        return;
    }
    for (size_t i = 0; i < health->metric_count; i++) {
        free(health->metrics[i].name);
    }
    free(health->description);
    free(health->problem);
    gf_mutex_fini(&health->mutex);
    free(health);
}

static void say(struct gf_sdk_health *health) {
    Gofer__Extension__V1__HealthReport report = GOFER__EXTENSION__V1__HEALTH_REPORT__INIT;
    const int64_t connection = gf_sdk_outbox_connection(health->extension->outbox);
    GF_MUTEX_GUARD(&health->mutex);
    Gofer__V1__ExtensionMetric metrics[GF_SDK_METRICS_MAX];
    Gofer__V1__ExtensionMetric *pointers[GF_SDK_METRICS_MAX];
    for (size_t i = 0; i < health->metric_count; i++) {
        gofer__v1__extension_metric__init(&metrics[i]);
        metrics[i].name = health->metrics[i].name;
        metrics[i].value = health->metrics[i].value;
        pointers[i] = &metrics[i];
    }
    report.health = (Gofer__V1__ExtensionHealth)(health->problem != NULL ? GOFER_HEALTH_FAILED
                                                                         : health->health);
    report.description = health->problem != NULL ? health->problem : health->description;
    report.metrics = pointers;
    report.n_metrics = health->metric_count;
    health->last_mono_ns = gf_mono_ns();
    gf_sdk_outbox_say(health->extension->outbox, connection, HEALTH_FIELD, &report.base);
}

void gofer_extension_set_health(struct gofer_extension *extension, enum gofer_health value,
                                const char *format, ...) {
    struct gf_sdk_health *health = extension->health;
    struct gf_strbuf text;
    gf_strbuf_init(&text, GF_SDK_DESCRIPTION_BYTES_MAX);
    if (format != NULL) {
        va_list args;
        va_start(args, format);
        gf_strbuf_vprintf(&text, format, args);
        va_end(args);
    }
    if (value < GOFER_HEALTH_OK || value > GOFER_HEALTH_FAILED ||
        !gf_utf8_valid(gf_strbuf_view(&text))) {
        gf_sdk_say(extension, GOFER_ERROR,
                   "gofer_extension_set_health: no such health, or the "
                   "reason is no UTF-8");
        gf_strbuf_fini(&text);
        return;
    }
    if (text.len == 0 && value != GOFER_HEALTH_OK) {
        gf_strbuf_append_cstr(&text, "the extension does not say why");
    }
    char *old = NULL;
    {
        GF_MUTEX_GUARD(&health->mutex);
        old = health->description;
        health->health = value;
        health->description = gf_strdup(text.len == 0 ? "" : text.ptr);
    }
    free(old);
    gf_strbuf_fini(&text);
    if (atomic_load(&extension->is_ready)) {
        say(health);
    }
}

static bool name_is_valid(const char *name) {
    if (name == NULL || name[0] == '\0' || strlen(name) > METRIC_NAME_BYTES_MAX ||
        (name[0] >= '0' && name[0] <= '9')) {
        return false;
    }
    return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:") ==
           strlen(name);
}

enum gofer_result gofer_extension_set_metric(struct gofer_extension *extension, const char *name,
                                             double value) {
    struct gf_sdk_health *health = extension->health;
    if (!name_is_valid(name)) {
        gf_sdk_say(extension, GOFER_ERROR,
                   "gofer_extension_set_metric: a name is letters, digits and underscores");
        return GOFER_INVALID;
    }
    GF_MUTEX_GUARD(&health->mutex);
    for (size_t i = 0; i < health->metric_count; i++) {
        if (strcmp(health->metrics[i].name, name) == 0) {
            health->metrics[i].value = value;
            return GOFER_OK;
        }
    }
    if (health->metric_count == GF_SDK_METRICS_MAX) {
        return GOFER_INVALID;
    }
    health->metrics[health->metric_count++] =
        (struct metric){.name = gf_strdup(name), .value = value};
    return GOFER_OK;
}

void gf_sdk_health_set_problem(struct gf_sdk_health *health, const char *problem) {
    char *old = NULL;
    {
        GF_MUTEX_GUARD(&health->mutex);
        old = health->problem;
        health->problem = gf_strdup(problem);
        health->last_mono_ns = GF_NEVER;
    }
    free(old);
}

void gf_sdk_health_ready(struct gf_sdk_health *health) {
    say(health);
}

/* How often it is said: as declared, and where there are figures. */
static int64_t interval_ns(struct gf_sdk_health *health) {
    const int64_t declared_ms = health->extension->definition.health_interval_ms;
    GF_MUTEX_GUARD(&health->mutex);
    int64_t ms = declared_ms > 0 ? declared_ms / 2 + 1 : INT64_MAX;
    if (health->metric_count > 0 && ms > METRICS_INTERVAL_MS) {
        ms = METRICS_INTERVAL_MS;
    }
    return ms == INT64_MAX ? GF_NEVER : ms * GF_NS_PER_MS;
}

int64_t gf_sdk_health_advance(struct gf_sdk_health *health, int64_t now_mono_ns) {
    const int64_t interval = interval_ns(health);
    int64_t last = 0;
    {
        GF_MUTEX_GUARD(&health->mutex);
        last = health->last_mono_ns;
    }
    if (interval == GF_NEVER || last == GF_NEVER || !atomic_load(&health->extension->is_ready)) {
        return GF_NEVER;
    }
    if (now_mono_ns < last + interval) {
        return last + interval;
    }
    say(health);
    return now_mono_ns + interval;
}
