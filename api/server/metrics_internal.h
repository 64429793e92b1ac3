/*
 * The metrics of the server: each theme has a file, which asks the modules for their figures and
 * writes them as families. What is named here is told to people in docs/reference/metrics.md, by a
 * test that compares the two.
 *
 * Rules: every family is written by every server, whether it has samples or not; a limit stands
 * beside its use as ..._limit, 0 or no sample where there is none; labels have few values; nothing
 * here waits for the engine.
 *
 * Thread: a worker's.
 */
#ifndef GOFER_API_SERVER_METRICS_INTERNAL_H_
#define GOFER_API_SERVER_METRICS_INTERNAL_H_

#include "api/metrics/text.h"
#include "api/server/server_internal.h"

enum {
    GF_SERVER__METRIC_WORD_BYTES = 64,
};

/* metrics.c: the name of an enum's value as that of a label's: in small letters. Gives `out`. */
const char *gf_server__metric_word(const char *name, char out[GF_SERVER__METRIC_WORD_BYTES]);

/* metrics_process.c: what the process takes of the machine. */
void gf_server__process_metrics(const struct gf_server *server, struct gf_metrics *metrics);

/* metrics_engine.c: the engine. */
void gf_server__engine_metrics(const struct gf_server *server, struct gf_metrics *metrics);

/* metrics_store.c: the database, and followers of events. */
void gf_server__store_metrics(const struct gf_server *server, struct gf_metrics *metrics);

/* metrics_threads.c: pools of workers, and the reactor. */
void gf_server__thread_metrics(const struct gf_server *server, struct gf_metrics *metrics);

/* metrics_containers.c: the native scheduler, images, logs. */
void gf_server__container_metrics(const struct gf_server *server, struct gf_metrics *metrics);

/* metrics_access.c: the gate and the vault. */
void gf_server__access_metrics(const struct gf_server *server, struct gf_metrics *metrics);

/* metrics_extensions.c: connections of extensions, and what is delivered. */
void gf_server__extension_metrics(const struct gf_server *server, struct gf_metrics *metrics);

/* metrics_rpc.c: calls. */
void gf_server__rpc_metrics(const struct gf_server *server, struct gf_metrics *metrics);

/* metrics_http.c: the gateway, and events from outside. */
void gf_server__http_metrics(const struct gf_server *server, struct gf_metrics *metrics);

#endif /* GOFER_API_SERVER_METRICS_INTERNAL_H_ */
