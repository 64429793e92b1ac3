/* The engine: what waits, what it does, and what runs. */
#include "api/server/metrics_internal.h"

void gf_server__engine_metrics(const struct gf_server *server, struct gf_metrics *metrics) {
    const struct gf_engine_stats stats = gf_engine_get_stats(server->engine);
    gf_metrics_gauge(metrics, "gofer_runs_active", "Runs that have not ended.",
                     stats.core.runs_active);
    gf_metrics_gauge(metrics, "gofer_runs_queued", "Runs that wait until a limit lets them begin.",
                     stats.core.runs_queued);
}
