/*
 * The services of the API: what they need, and how they get onto a server.
 *
 * A call is checked and converted here; commands go to the engine, reads run on the worker pool
 * with a reader of the store, streams are stepped on the worker pool (stream.h). Nothing here
 * blocks a thread of the rpc server.
 */
#ifndef GOFER_API_SERVICE_SERVICES_H_
#define GOFER_API_SERVICE_SERVICES_H_

#include "api/rpc/server.h"
#include "api/service/findings.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/pool.h"
#include "base/sync.h"
#include "engine/engine.h"
#include "engine/events/hub.h"
#include "engine/logs/log_store.h"
#include "engine/scheduler/scheduler.h"
#include "engine/secrets/master_key.h"
#include "engine/store/store.h"

#include <stdatomic.h>
#include <stdbool.h>

enum {
    GF_SERVICES_ARENA_BYTES_MAX = 1 << 30, /* of one read or one command */
    /* Of one request message: a spec has up to 16 MiB. */
    GF_SERVICES_REQUEST_BYTES_MAX = 17 << 20,
    GF_SERVICES_SMALL_REQUEST_BYTES_MAX = 4 << 20, /* of methods that take no spec */
    GF_SERVICES_SESSIONS_MAX = 1024,               /* in containers, at the same time */
};

/* What GetMetrics answers. In the arena that was given, or static. */
struct gf_services_metrics {
    const char *text;
    const char *content_type;
};

struct gf_extension_hub;
struct gf_gate;
struct gf_image_pulls;
struct gf_image_store;
struct gf_vault;

/* One way in, but for tasks. */
struct gf_services_listener {
    const char *address;
    const char *purpose; /* "gRPC", "HTTP" */
    bool is_local;       /* only this machine reaches it */
    bool has_tls;
};

/* Of the listeners for HTTP and for events from outside; 0: no limit. */
struct gf_services_http_limits {
    int64_t connections_max;
    int64_t external_connections_max;
    int64_t external_address_connections_max;
    int64_t external_address_rate_max;
    int64_t external_body_bytes_max;
};

/* What DiagnoseSystem tells of besides. Texts may be NULL: what is not known is not checked. */
struct gf_services_host {
    const char *data_path;
    const char *fetch_program;     /* path of gofer-fetch */
    const char *master_key_source; /* as "the environment variable GOFER_MASTER_KEY" */
    const char *master_key_path;   /* of the file, where it is from one */
    const struct gf_services_listener *listeners;
    size_t listener_count;
    bool allow_anonymous; /* callers without a token are let in */
};

/* All is borrowed and outlives the server. The caller fills the first part. */
struct gf_services {
    struct gf_store *store;
    struct gf_engine *engine;
    struct gf_event_hub *hub;
    struct gf_log_store *logs;
    struct gf_scheduler scheduler;
    struct gf_image_store *images;          /* NULL: the scheduler has no images */
    struct gf_image_pulls *pulls;           /* NULL: likewise */
    struct gf_vault *vault;                 /* secrets and tokens of runs */
    struct gf_extension_hub *extension_hub; /* connections of extensions */
    struct gf_gate *gate;                   /* who calls; streams are kicked when it says so */
    struct gf_pool *pool;                   /* reads and steps of streams: short jobs */
    struct gf_pool *long_pool;              /* imports of images: jobs of seconds and minutes */
    const struct gf_clock *clock;
    const char *version;
    const char *commit; /* may be empty */
    bool development_mode;
    bool debugging_disabled;      /* nobody gets into containers */
    bool host_network_allowed;    /* containers may have the network of the machine */
    int64_t start_time;           /* of the process */
    const char *spool_path;       /* directory for uploads; emptied at the start of the server */
    int64_t upload_bytes_max;     /* of one upload */
    int64_t calls_max;            /* under way at the same time; 0: the default of api/rpc */
    struct gf_core_limits limits; /* that the engine has */
    struct gf_services_http_limits http_limits;
    /* Where files are, for who wants to know how large they are. */
    const char *store_path;
    const char *images_path;
    const char *logs_path;
    struct gf_services_host host;
    /*
     * Loads the master keys anew from where they came from; the caller owns them. NULL: they cannot
     * change while the server runs. Blocks.
     */
    enum gf_code (*reload_master_keys)(void *ctx, struct gf_master_keys **out_keys,
                                       struct gf_error *err);
    void *reload_ctx;
    /*
     * What there is to say of containers, their networks and images: up to GF_FINDINGS_MAX. NULL:
     * there are no containers. Blocks for some tens of milliseconds.
     */
    size_t (*check_containers)(void *ctx, struct gf_arena *arena, struct gf_named_finding *out);
    void *check_ctx;
    /* What there is to say of the extensions that come with gofer. NULL: none is asked for. */
    struct gf_finding (*check_extensions)(void *ctx, struct gf_arena *arena);
    void *check_extensions_ctx;

    /* Collects the figures of the whole server. NULL: GetMetrics is GF_UNIMPLEMENTED. May block for
     * some milliseconds. */
    enum gf_code (*collect_metrics)(void *ctx, struct gf_arena *arena,
                                    struct gf_services_metrics *out, struct gf_error *err);
    void *metrics_ctx;

    /* Private to api/service. */
    struct gf_mutex mutex; /* guards streams and terminals */
    struct gf_list streams;
    struct gf_list terminals; /* terminal.c */
    _Atomic bool stopping;
    _Atomic bool attach_disabled; /* the preference was turned on: who is in a container leaves */
    _Atomic int session_count;
    _Atomic int installer_count; /* extension_installer.c */
    _Atomic int reencryption;    /* secret_keys.c */
    unsigned char place_key[32]; /* of this process: page_seal.h */
};

/* Initialises the private part. */
void gf_services_init(struct gf_services *services);
/* No call may be left. */
void gf_services_fini(struct gf_services *services);

/* Every service of the API, also those without a handler yet. Static storage. */
const struct gf_rpc_service *const *gf_services_list(size_t *out_count);

/* Says in the events that the service has started. Once, after the engine was started. */
void gf_services_announce(struct gf_services *services);

/*
 * Encrypts in the background, portion by portion, what lies under older keys of secrets: after a
 * rotation, after a start, and from time to time, because keys that are kept for a while go too.
 * Does nothing where that is under way. Thread: any.
 */
void gf_services_renew_secrets(struct gf_services *services);

/* Adds every service of the API, but what extensions connect to (api/extension/hub.h). `services`
 * is borrowed until the server is destroyed. */
void gf_services_add_to_server(struct gf_services *services, struct gf_rpc_server *server);

/*
 * For the interceptor of a server, behind the gate, so that strangers learn nothing of methods (ctx
 * is not used): answers calls that this version does not have with GF_UNIMPLEMENTED.
 */
enum gf_code gf_services_intercept(struct gf_rpc_call *call, void *ctx, struct gf_error *err);

/* How large a request of this method may be; as above. */
size_t gf_services_request_bytes_max(const struct gf_rpc_method *method);

/* Has all streams take a step, in which they end if their caller has lost them. Thread: any. */
void gf_services_kick_streams(struct gf_services *services);

/* Ends all streams with GF_UNAVAILABLE, now and later ones too: before the server stops. */
void gf_services_end_streams(struct gf_services *services);

#endif /* GOFER_API_SERVICE_SERVICES_H_ */
