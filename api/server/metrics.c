#include "api/server/metrics_internal.h"

#include <ctype.h>

const char *gf_server__metric_word(const char *name, char out[GF_SERVER__METRIC_WORD_BYTES]) {
    size_t i = 0;
    for (; name[i] != '\0' && i < GF_SERVER__METRIC_WORD_BYTES - 1; i++) {
        out[i] = (char)tolower((unsigned char)name[i]);
    }
    out[i] = '\0';
    return out;
}

static void add_build_info(const struct gf_server *server, struct gf_metrics *metrics) {
    gf_metrics_begin(metrics, GF_METRICS_GAUGE, "gofer_build_info",
                     "Always 1: its labels tell which gofer runs.");
    gf_metrics_add(metrics, 1, GF_LABELS({"version", server->version}, {"commit", server->commit}));
}

enum gf_code gf_server__collect_metrics(void *ctx, struct gf_arena *arena,
                                        struct gf_services_metrics *out, struct gf_error *err) {
    const struct gf_server *server = ctx;
    struct gf_metrics metrics;
    gf_metrics_init(&metrics, GF_METRICS_TEXT_BYTES_MAX);
    add_build_info(server, &metrics);
    gf_server__process_metrics(server, &metrics);
    gf_server__thread_metrics(server, &metrics);
    gf_server__engine_metrics(server, &metrics);
    gf_server__store_metrics(server, &metrics);
    gf_server__container_metrics(server, &metrics);
    gf_server__access_metrics(server, &metrics);
    gf_server__extension_metrics(server, &metrics);
    gf_server__rpc_metrics(server, &metrics);
    gf_server__http_metrics(server, &metrics);
    struct gf_str text = {0}; /* ends in a NUL: it is that of a string buffer */
    const enum gf_code rc = gf_metrics_text(&metrics, &text, err);
    if (rc == GF_OK) {
        *out = (struct gf_services_metrics){
            .text = gf_arena_strdup(arena, text.ptr),
            .content_type = GF_METRICS_CONTENT_TYPE,
        };
    }
    gf_metrics_fini(&metrics);
    return rc;
}
