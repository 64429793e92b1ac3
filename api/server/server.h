/*
 * The gofer service: everything that it is made of, put together in one place.
 *
 *     DATA_DIR/            mode 0700
 *       lock               held while a server runs
 *       addresses          where it listens, one address a line, while it serves
 *       http_addresses     likewise for HTTP (the gateway), where it does
 *       external_addresses likewise for events from outside
 *       gofer.db           the store
 *       secrets.db         secrets, encrypted
 *       master.key         the key to them, unless it comes from somewhere else (master_key.h)
 *       images/            container images
 *       logs/              output of tasks
 *       native/            what the native scheduler keeps of its containers
 *       spool/             uploads under way; emptied at the start
 *       tasks/             the socket for tasks, gofer.sock; mounted into containers
 *
 * Never fork after a server was created (posix_spawn is fine): gRPC runs threads.
 */
#ifndef GOFER_API_SERVER_SERVER_H_
#define GOFER_API_SERVER_SERVER_H_

#include "api/rpc/server.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "engine/core/model.h"
#include "engine/scheduler/native/images/settings.h"
#include "engine/scheduler/scheduler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    GF_SERVER_LISTENERS_MAX = 16,   /* of each kind */
    GF_SERVER_STOP_GRACE_MS = 5000, /* for calls in progress */
    GF_SERVER_RUNS_ACTIVE_MAX_DEFAULT = 100000,
    GF_SERVER_CONTAINERS_MAX_DEFAULT = 256,
};
#define GF_SERVER_UPLOAD_BYTES_MAX_DEFAULT (INT64_C(16) << 30)
#define GF_SERVER_CREDENTIAL "gofer-master-key"
/* Paths of settings, for errors about addresses. */
#define GF_SETTING_LISTENERS "listeners"
#define GF_SETTING_GATEWAY_LISTENERS "gateway.listeners"
#define GF_SETTING_EXTERNAL_LISTENERS "external_events.listeners"

enum gf_server_scheduler {
    GF_SERVER_SCHEDULER_NATIVE = 0,
    GF_SERVER_SCHEDULER_NULL,
    GF_SERVER_SCHEDULER_GIVEN, /* by the options */
};

/* One way in for people. */
struct gf_server_listener {
    const char *address;     /* "host:port" (port 0: a free one) or "unix:/path" */
    struct gf_tls_files tls; /* cert_file NULL: without TLS */
    /* Without TLS only this machine is served, but where this says otherwise. */
    bool allow_plaintext_beyond_this_machine;
};

/* The API over HTTP; lists as in struct gf_gateway_options. Zero limits mean their defaults. */
struct gf_server_gateway {
    const struct gf_server_listener *listeners;
    size_t listener_count;  /* 0: no gateway; at most GF_SERVER_LISTENERS_MAX */
    const char *static_dir; /* NULL: no files */
    const char *const *origins;
    size_t origin_count;
    const char *const *hosts;
    size_t host_count;
    int64_t connections_max;
};

/* Events from outside (api/external/listener.h). Zero limits mean their defaults. */
struct gf_server_external {
    const struct gf_server_listener *listeners;
    size_t listener_count; /* 0: none are taken; at most GF_SERVER_LISTENERS_MAX */
    int64_t body_bytes_max;
    int64_t address_rate_max;        /* < 0: no limit */
    int64_t address_connections_max; /* likewise */
    int64_t connections_max;
};

/* Networks of tasks, as struct gf_native_network has them. */
struct gf_server_network {
    enum gf_network_mode default_mode;
    bool allow_host;
    const char *bridge_name;
    const char *bridge_subnet;
    const char *const *dns_servers;
    size_t dns_server_count;
    int64_t ready_count; /* < 0: none */
};

/* Borrowed until gf_server_create returns. Zero in any field means its default. */
struct gf_server_options {
    const char *data_dir; /* required; made where it is missing */
    const struct gf_server_listener *listeners;
    size_t listener_count; /* 1 to GF_SERVER_LISTENERS_MAX */
    bool development_mode; /* no token is asked for; listens on this machine alone */
    bool allow_bootstrap;  /* BootstrapToken works once more, until it did or the server ends */
    /*
     * Where the master keys come from: the first that is given. The text may be wiped when create
     * has returned; the directory is that of systemd's credentials, and is looked into for
     * GF_SERVER_CREDENTIAL. Without any of them: DATA_DIR/master.key, made on the first start.
     */
    struct gf_str master_key_text;
    const char *credentials_dir;
    const char *master_key_file;
    /* As in struct gf_gate_options. */
    bool allow_anonymous;
    int64_t token_rate_max;
    int64_t address_rate_max;
    int64_t address_streams_max;
    int64_t token_streams_max;
    enum gf_server_scheduler scheduler;
    /* Of SCHEDULER_GIVEN: makes it, before anything is launched; it outlives the server. */
    struct gf_scheduler (*make_scheduler)(void *ctx, const struct gf_scheduler_events *events);
    void *make_scheduler_ctx;
    const char *fetch_program; /* path of gofer-fetch; the native scheduler needs it */
    const char *version;       /* of the program, default "0.0.0-dev" */
    const char *commit;        /* default empty */
    int64_t upload_bytes_max;  /* of one image archive */
    int64_t runs_active_max;   /* runs that have not ended, in queues too; more are refused */
    int64_t containers_max;    /* at once; more tasks wait */
    /* The limits below have none but their users' own by default. */
    int64_t runs_running_max;     /* at once, in the server; more are queued */
    int64_t namespace_runs_max;   /* at once, of one namespace; it may ask for less */
    int64_t pipeline_runs_max;    /* at once, of one pipeline; its config may ask for less */
    int64_t pipeline_queue_max;   /* of one pipeline, waiting; its config may ask for less */
    int64_t run_timeout_ms_max;   /* of every run; its config may ask for less */
    int64_t task_timeout_ms_max;  /* of every attempt; its task may ask for less */
    int64_t stop_timeout_ms;      /* of tasks that do not say; default GF_STOP_TIMEOUT_MS_DEFAULT */
    int64_t calls_max;            /* in progress for people; default GF_RPC_CALLS_MAX_DEFAULT */
    struct gf_resources task_max; /* what a task may ask for; 0: no maximum */
    /* Of the native scheduler (engine/scheduler/native/native.h). */
    struct gf_resources task_default; /* of tasks that do not say; < 0: no limit */
    int64_t task_log_bytes;           /* of one attempt; < 0: no limit */
    uint32_t required_protections;    /* bits of engine/core/protection.h */
    struct gf_server_network network;
    int64_t user_id_first;
    int64_t user_ranges;
    bool debugging_disabled;
    int64_t keep_failed_ms;
    int64_t keep_failed_count; /* < 0: none is kept */
    struct gf_image_settings images;
    /* What the service does about extensions by itself (extension_care.h). */
    const char *const *provided_extensions;
    size_t provided_extension_count;
    const char *extension_image_dir; /* default: that of the program */
    int64_t extension_update_ms;     /* how often newer images are looked for; 0: never */
    struct gf_server_gateway gateway;
    struct gf_server_external external;
};

struct gf_server;

/*
 * Checks where the options want to listen, before anything is made. Codes: GF_INVALID_ARGUMENT (no
 * address, or one twice), GF_FAILED_PRECONDITION (beyond this machine without TLS, or in
 * development mode). The error has the setting as its field ("gateway.listeners").
 * Thread: any.
 */
enum gf_code gf_server_check_addresses(const struct gf_server_options *options,
                                       struct gf_error *err) GF_MUST_USE;

/*
 * Opens everything, starts to serve and writes the addresses. Codes: GF_INVALID_ARGUMENT,
 * GF_FAILED_PRECONDITION (not in development mode, an address beyond this machine, an address or
 * the data directory in use, not gofer's data), GF_PERMISSION_DENIED, GF_DATA_LOSS, GF_UNAVAILABLE.
 * Thread: the owner's.
 */
enum gf_code gf_server_create(const struct gf_server_options *options,
                              struct gf_server **out_server, struct gf_error *err) GF_MUST_USE;

/* Where it listens, with real ports. Borrowed. */
size_t gf_server_address_count(const struct gf_server *server);
const char *gf_server_address(const struct gf_server *server, size_t index);

/* Becomes readable when the server cannot go on, because the store fails. Borrowed. */
int gf_server_fatal_fd(const struct gf_server *server);

/*
 * Reads the certificates of all listeners anew. *out_count is how many have one. As
 * gf_rpc_server_reload_tls. Thread: any; blocks.
 */
enum gf_code gf_server_reload_tls(struct gf_server *server, size_t *out_count,
                                  struct gf_error *err) GF_MUST_USE;

/*
 * Stops and frees all, in the reverse order of the start. Calls in progress have up to grace_ms.
 * Containers run on. Accepts NULL.
 */
void gf_server_destroy(struct gf_server *server, int64_t grace_ms);

/*
 * A whole service, in a process of its own: creates the server and waits for SIGTERM or SIGINT (a
 * second one: stops at once) or a fatal error, and destroys it. SIGHUP reads the certificates anew.
 * Call it from the main thread before other threads are started: it blocks the signals, closes the
 * process to others (process.h), and takes GOFER_MASTER_KEY out of the environment, where the
 * options do not have a key. Codes: those of gf_server_create; GF_INTERNAL (a fatal error, which
 * was logged).
 */
enum gf_code gf_server_run(const struct gf_server_options *options,
                           struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_API_SERVER_SERVER_H_ */
