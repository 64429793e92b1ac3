/*
 * The parts of a server, in the order in which they are made. For api/server alone.
 *
 *     server.c   making, freeing, the fatal error
 *     doors.c    who calls and what is secret: master keys, vault, gate; the two rpc servers
 *     listen.c   addresses
 *     http_doors.c   the gateway and the listener for events from outside
 *     run.c      the whole service, with its signals
 */
#ifndef GOFER_API_SERVER_SERVER_INTERNAL_H_
#define GOFER_API_SERVER_SERVER_INTERNAL_H_

#include "api/access/gate.h"
#include "api/extension/hub.h"
#include "api/extension/log.h"
#include "api/external/listener.h"
#include "api/gateway/gateway.h"
#include "api/http/server.h"
#include "api/reflection/reflection.h"
#include "api/rpc/health/health.h"
#include "api/rpc/server.h"
#include "api/server/data_dir.h"
#include "api/server/doctor.h"
#include "api/server/extension_care.h"
#include "api/server/listeners.h"
#include "api/server/log_sweep.h"
#include "api/server/master_key_source.h"
#include "api/server/server.h"
#include "api/server/upkeep.h"
#include "api/service/secret_journal.h"
#include "api/service/secret_sweep.h"
#include "api/service/services.h"
#include "base/reactor.h"
#include "engine/engine.h"
#include "engine/logs/log_store.h"
#include "engine/scheduler/native/images/image_store.h"
#include "engine/scheduler/native/images/pulls.h"
#include "engine/scheduler/native/native.h"
#include "engine/scheduler/null/null.h"
#include "engine/secrets/vault.h"

enum {
    GF_SERVER_SOCKET_UMASK = 0177, /* unix sockets get the mode 0600 */
};

/* Where one kind of callers comes in. */
struct gf_server_addresses {
    const char *setting; /* the path of the setting */
    const char *purpose; /* for people */
    char *items[GF_SERVER_LISTENERS_MAX];
    size_t count;
};

struct gf_server {
    struct gf_data_dir dir;
    int fatal_fd; /* an eventfd */
    _Atomic bool store_failed;
    _Atomic bool stopping;
    struct gf_reactor *reactor;
    struct gf_pool *pool;      /* reads and streams */
    struct gf_pool *long_pool; /* imports of images, removal of logs */
    struct gf_store *store;
    struct gf_secret_store *secret_store;
    struct gf_master_key_source master_keys;
    struct gf_secret_journal *journal;
    struct gf_vault *vault;
    struct gf_gate *gate;
    struct gf_log_store *logs;
    struct gf_image_store *images;           /* with the native scheduler only */
    struct gf_image_pulls *pulls;            /* likewise */
    struct gf_image_settings image_settings; /* in the arena */
    struct gf_doctor doctor;
    struct gf_arena arena; /* what lives as long as the server */
    struct gf_event_hub *hub;
    struct gf_listeners listeners;
    struct gf_extension_logs *extension_logs;
    struct gf_extension_hub *extensions;
    bool extensions_started;
    struct gf_engine *engine;
    bool engine_started;
    struct gf_native *native;
    struct gf_null_scheduler *null;
    struct gf_log_sweep *log_sweep;
    struct gf_secret_sweep *secret_sweep;
    struct gf_upkeep *upkeep;
    struct gf_extension_care *extension_care;
    struct gf_scheduler scheduler; /* zeroed before there is one */
    struct gf_services services;
    bool has_services;
    char *version;
    char *commit;
    struct gf_reflection *reflection;
    struct gf_rpc_health *health;
    struct gf_rpc_server *rpc; /* for people */
    struct gf_door people;
    struct gf_rpc_server *task_rpc;
    struct gf_door tasks;
    int tasks_fd;                          /* the directory of the socket for tasks */
    struct gf_gateway *gateway;            /* NULL: none */
    struct gf_http_server *http;           /* the gateway's */
    struct gf_external_listener *external; /* NULL: none */
    struct gf_server_addresses addresses;  /* of rpc */
    struct gf_server_addresses http_addresses;
    struct gf_server_addresses external_addresses;
    /* All of them, for people. */
    struct gf_services_listener told_listeners[3 * GF_SERVER_LISTENERS_MAX];
    size_t told_listener_count;
    char *fetch_program;
};

/* ---- doors.c ---- */

/* Opens the secret store, loads the master keys, and makes the vault and the gate. */
enum gf_code gf_server__make_gate(struct gf_server *server, const struct gf_server_options *options,
                                  struct gf_error *err) GF_MUST_USE;

/* Makes both rpc servers and binds their addresses, so that what is in use is known early. */
enum gf_code gf_server__make_rpc(struct gf_server *server, const struct gf_server_options *options,
                                 struct gf_error *err) GF_MUST_USE;

/* Adds the services to both of them and starts them. */
void gf_server__start_rpc(struct gf_server *server);

/* ---- listen.c ---- */

/* Binds all of them and notes them with their real ports. */
enum gf_code gf_server__listen(struct gf_server *server, const struct gf_server_options *options,
                               struct gf_error *err) GF_MUST_USE;

/* Notes an address with its real port, once it is bound. */
void gf_server__note_address(struct gf_server *server, struct gf_server_addresses *addresses,
                             const struct gf_server_listener *listener, int port);

/* Binds the socket for tasks. */
enum gf_code gf_server__listen_for_tasks(struct gf_server *server,
                                         struct gf_error *err) GF_MUST_USE;

/* ---- http_doors.c ---- */

/* Make the two where the options want them, and bind their addresses: the gateway once there is the
 * rpc server, the listener for events from outside once there is the hub. */
enum gf_code gf_server__make_gateway(struct gf_server *server,
                                     const struct gf_server_options *options,
                                     struct gf_error *err) GF_MUST_USE;
enum gf_code gf_server__make_external(struct gf_server *server,
                                      const struct gf_server_options *options,
                                      struct gf_error *err) GF_MUST_USE;

/* Start to take connections, after the rpc server has. */
enum gf_code gf_server__start_http(struct gf_server *server, struct gf_error *err) GF_MUST_USE;

/* Stop, while all else runs still; requests have until then (gf_mono_ns). */
void gf_server__stop_http(struct gf_server *server, int64_t deadline_ns);

/* Frees both, before the rpc server and the hub. */
void gf_server__destroy_http(struct gf_server *server);

/* ---- extension_start.c ---- */

/* Begins to care for extensions, after the services were made. */
void gf_server__start_extension_care(struct gf_server *server,
                                     const struct gf_server_options *options);

/* ---- server_images.c ---- */

enum gf_code gf_server__open_images(struct gf_server *server,
                                    const struct gf_server_options *options,
                                    struct gf_error *err) GF_MUST_USE;

/* How long a launch may take, with the fetching of its image. */
int64_t gf_server__launch_lease_ms(const struct gf_server_options *options);

/* ---- metrics.c ---- */

/* For the services: ctx is the server. */
enum gf_code gf_server__collect_metrics(void *ctx, struct gf_arena *arena,
                                        struct gf_services_metrics *out,
                                        struct gf_error *err) GF_MUST_USE;

/* ---- sweeps.c: what lies beside the store, under its keys ---- */

struct gf_server_keys {
    int64_t ns;
    int64_t pipeline;
    int64_t run; /* extensions have theirs of that counter */
};

/* The first keys that the store has not given away. Before the engine runs: it is ours to ask. */
enum gf_code gf_server__next_keys(struct gf_server *server, struct gf_server_keys *out_keys,
                                  struct gf_error *err) GF_MUST_USE;

/* The least keys above those that secrets and logs have: the engine gives away no lower ones. */
enum gf_code gf_server__least_keys(struct gf_server *server, struct gf_server_keys *out_keys,
                                   struct gf_error *err) GF_MUST_USE;

/* `next` is what gf_server__next_keys gave. */
enum gf_code gf_server__start_sweeps(struct gf_server *server, const struct gf_server_keys *next,
                                     struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_API_SERVER_SERVER_INTERNAL_H_ */
