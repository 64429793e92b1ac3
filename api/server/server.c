/*
 * Design: parts are made one after another, each from those before it, and freed in the reverse
 * order by one function that accepts a server at any stage of its making. Stopping has two phases:
 * first everything that runs comes to rest (calls, engine, scheduler, reactor, pools), then all is
 * freed.
 */
#include "api/server/server_internal.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "engine/core/limits.h"
#include "engine/scheduler/native/images/settings_copy.h"
#include "engine/store/sqlite/store.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    POOL_THREADS = 4,
    POOL_QUEUE = 4096,
    LONG_POOL_THREADS = 2,
    LONG_POOL_QUEUE = 64,
    READERS = POOL_THREADS + 3, /* one more for the engine, one for each sweep */
};

/* On the engine thread. */
static void on_fatal(void *ctx, const struct gf_error *error) {
    struct gf_server *server = ctx;
    const uint64_t one = 1;
    atomic_store(&server->store_failed, true);
    gf_log_error("store_failed", GF_KV_ERROR(error));
    (void)!write(server->fatal_fd, &one, sizeof(one));
}

static enum gf_code make_threads(struct gf_server *server, struct gf_error *err) {
    const struct gf_pool_opts pool = {
        .thread_count = POOL_THREADS, .queue_limit = POOL_QUEUE, .name = "gf-work"};
    const struct gf_pool_opts long_pool = {
        .thread_count = LONG_POOL_THREADS, .queue_limit = LONG_POOL_QUEUE, .name = "gf-long"};
    server->fatal_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (server->fatal_fd < 0) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "eventfd");
    }
    const enum gf_code rc = gf_reactor_create("gf-reactor", &server->reactor, err);
    if (rc == GF_OK) {
        server->pool = gf_pool_create(&pool);
        server->long_pool = gf_pool_create(&long_pool);
    }
    return rc;
}

static enum gf_code open_stores(struct gf_server *server, const struct gf_server_options *options,
                                struct gf_error *err) {
    const struct gf_sqlite_options sqlite = {.reader_count = READERS};
    enum gf_code rc = gf_sqlite_store_open(server->dir.store_path, &sqlite, &server->store, err);
    if (rc == GF_OK) {
        rc = gf_log_store_open(server->dir.logs_path, server->reactor, &server->logs, err);
    }
    if (rc == GF_OK && options->scheduler == GF_SERVER_SCHEDULER_NATIVE) {
        rc = gf_server__open_images(server, options, err);
    }
    return rc;
}

/* Zero leaves the default, a negative number means no limit, which is 0 there. */
static void override(int64_t *limit, int64_t given) {
    if (given != 0) {
        *limit = given < 0 ? 0 : given;
    }
}

static void override_resources(struct gf_resources *limits, const struct gf_resources *given) {
    override(&limits->cpu_millis, given->cpu_millis);
    override(&limits->memory_bytes, given->memory_bytes);
    override(&limits->pid_count, given->pid_count);
    override(&limits->disk_bytes, given->disk_bytes);
}

/* What the configuration says of containers. */
static void take_settings(struct gf_native_options *native,
                          const struct gf_server_options *options) {
    const struct gf_server_network *network = &options->network;
    native->network = (struct gf_native_network){
        .default_mode = network->default_mode,
        .allow_host = network->allow_host,
        .bridge_name = network->bridge_name,
        .bridge_subnet = network->bridge_subnet,
        .dns_servers = network->dns_servers,
        .dns_server_count = network->dns_server_count,
        .ready_count = (int32_t)network->ready_count,
    };
    native->maximums = options->task_max;
    override_resources(&native->defaults, &options->task_default);
    override(&native->log_bytes_max, options->task_log_bytes);
    native->user_id_first = options->user_id_first;
    native->user_ranges = (int32_t)options->user_ranges;
    native->required_protections = options->required_protections;
    native->debugging_disabled = options->debugging_disabled;
    int64_t count = native->keep_failed_count;
    override(&count, options->keep_failed_count);
    native->keep_failed_count = (int32_t)count;
    override(&native->keep_failed_ms, options->keep_failed_ms);
}

static enum gf_code make_native(struct gf_server *server, const struct gf_server_options *options,
                                struct gf_error *err) {
    struct gf_native_options native = GF_NATIVE_OPTIONS_DEFAULT;
    native.dir = server->dir.native_path;
    native.images = server->images;
    native.pulls = server->pulls;
    native.logs = server->logs;
    native.reactor = server->reactor;
    native.pool = server->pool;
    native.events = gf_engine_scheduler_events(server->engine);
    native.task_api_dir = server->dir.tasks_path;
    take_settings(&native, options);
    const enum gf_code rc = gf_native_create(&native, &server->native, err);
    if (rc == GF_OK) {
        server->scheduler = gf_native_scheduler(server->native);
    }
    return rc;
}

static struct gf_core_limits limits_of(const struct gf_server_options *options) {
    return (struct gf_core_limits){
        .runs_active_max = options->runs_active_max != 0 ? options->runs_active_max
                                                         : GF_SERVER_RUNS_ACTIVE_MAX_DEFAULT,
        .runs_running_max = options->runs_running_max,
        .namespace_runs_max = options->namespace_runs_max,
        .pipeline_runs_max = options->pipeline_runs_max,
        .pipeline_queue_max = options->pipeline_queue_max,
        .attempts_running_max = options->containers_max != 0 ? options->containers_max
                                                             : GF_SERVER_CONTAINERS_MAX_DEFAULT,
        .run_timeout_ms_max = options->run_timeout_ms_max,
        .task_timeout_ms_max = options->task_timeout_ms_max,
        .launch_lease_ms = gf_server__launch_lease_ms(options),
        .stop_timeout_ms =
            options->stop_timeout_ms != 0 ? options->stop_timeout_ms : GF_STOP_TIMEOUT_MS_DEFAULT,
        .task_maximums = options->task_max,
    };
}

/* What extensions write is kept beside the logs of their containers. */
static void make_extensions(struct gf_server *server, const struct gf_server_options *options) {
    server->extension_logs =
        gf_extension_logs_create(server->logs, server->pool, gf_clock_system());
    const struct gf_extension_hub_options hub = {
        .store = server->store,
        .vault = server->vault,
        .gate = server->gate,
        .events = server->hub,
        .pool = server->pool,
        .reactor = server->reactor,
        .clock = gf_clock_system(),
        .gofer_version = server->version,
        .development_mode = options->development_mode,
        .log_line = gf_extension_logs_add,
        .ctx = server->extension_logs,
    };
    server->extensions = gf_extension_hub_create(&hub);
    gf_listeners_add(&server->listeners, gf_gate_listener(server->gate));
    gf_listeners_add(&server->listeners, gf_extension_hub_listener(server->extensions));
    gf_listeners_add(&server->listeners, gf_extension_logs_listener(server->extension_logs));
}

static enum gf_code start_engine(struct gf_server *server, const struct gf_server_options *options,
                                 struct gf_error *err) {
    struct gf_server_keys least = {0};
    enum gf_code rc = gf_server__least_keys(server, &least, err);
    if (rc != GF_OK) {
        return rc;
    }
    server->hub = gf_event_hub_create();
    make_extensions(server, options);
    rc = gf_server__make_external(server, options, err);
    if (rc != GF_OK) {
        return rc;
    }
    const struct gf_engine_options engine = {
        .store = server->store,
        .hub = server->hub,
        .clock = gf_clock_system(),
        .pool = server->pool,
        .limits = limits_of(options),
        .listener = gf_listeners_as_one(&server->listeners),
        .vault = server->vault,
        .namespace_key_min = least.ns,
        .pipeline_key_min = least.pipeline,
        .run_key_min = least.run,
        .allow_bootstrap = options->allow_bootstrap,
        .on_fatal = on_fatal,
        .ctx = server,
    };
    server->engine = gf_engine_create(&engine);
    if (options->scheduler == GF_SERVER_SCHEDULER_NATIVE) {
        rc = make_native(server, options, err);
    } else if (options->scheduler == GF_SERVER_SCHEDULER_GIVEN) {
        server->scheduler = options->make_scheduler(options->make_scheduler_ctx,
                                                    gf_engine_scheduler_events(server->engine));
    } else {
        server->null =
            gf_null_scheduler_create(gf_engine_scheduler_events(server->engine), gf_clock_system());
        server->scheduler = gf_null_scheduler_port(server->null);
    }
    struct gf_server_keys next = {0};
    if (rc == GF_OK) {
        rc = gf_server__next_keys(server, &next, err);
    }
    if (rc == GF_OK) {
        gf_engine_set_scheduler(server->engine, server->scheduler);
        rc = gf_engine_start(server->engine, err);
        server->engine_started = rc == GF_OK;
    }
    if (rc == GF_OK) {
        rc = gf_extension_hub_start(server->extensions, server->engine, err);
        server->extensions_started = rc == GF_OK;
    }
    return rc == GF_OK ? gf_server__start_sweeps(server, &next, err) : rc;
}

static void renew_secrets(void *services) {
    gf_services_renew_secrets(services);
}

static void start_upkeep(struct gf_server *server) {
    const struct gf_upkeep_options options = {
        .gate = server->gate,
        .vault = server->vault,
        .journal = server->journal,
        .engine = server->engine,
        .reactor = server->reactor,
        .pool = server->pool,
        .clock = gf_clock_system(),
        .renew_secrets = renew_secrets,
        .renew_ctx = &server->services,
    };
    gf_secret_journal_start(server->journal, server->vault, server->engine, server->pool);
    server->upkeep = gf_upkeep_start(&options);
}

static int64_t or_default(int64_t limit, int64_t fallback) {
    return limit == 0 ? fallback : (limit < 0 ? 0 : limit);
}

static struct gf_services_http_limits http_limits_of(const struct gf_server_options *options) {
    const struct gf_server_external *external = &options->external;
    return (struct gf_services_http_limits){
        .connections_max =
            or_default(options->gateway.connections_max, GF_HTTP_CONNECTIONS_MAX_DEFAULT),
        .external_connections_max =
            or_default(external->connections_max, GF_EXTERNAL_CONNECTIONS_MAX_DEFAULT),
        .external_address_connections_max = or_default(external->address_connections_max,
                                                       GF_EXTERNAL_ADDRESS_CONNECTIONS_MAX_DEFAULT),
        .external_address_rate_max =
            or_default(external->address_rate_max, GF_EXTERNAL_ADDRESS_RATE_MAX_DEFAULT),
        .external_body_bytes_max =
            or_default(external->body_bytes_max, GF_EXTERNAL_BODY_BYTES_MAX_DEFAULT),
    };
}

/* What the services tell of the machine (DiagnoseSystem). */
static struct gf_services_host host_of(const struct gf_server *server, bool allow_anonymous) {
    return (struct gf_services_host){
        .data_path = server->dir.path,
        .fetch_program = server->fetch_program,
        .master_key_source = server->master_keys.description,
        .master_key_path = server->master_keys.path,
        .listeners = server->told_listeners,
        .listener_count = server->told_listener_count,
        .allow_anonymous = allow_anonymous,
    };
}

static enum gf_code reload_master_keys(void *ctx, struct gf_master_keys **out_keys,
                                       struct gf_error *err) {
    const struct gf_server *server = ctx;
    return gf_master_key_source_load(&server->master_keys, out_keys, err);
}

/* Streams may have to end: they are looked at again. Thread: any. */
static void kick_streams(void *ctx) {
    struct gf_server *server = ctx;
    gf_services_kick_streams(&server->services);
    gf_extension_hub_check_tokens(server->extensions);
}

static void make_doctor(struct gf_server *server, const struct gf_server_options *options) {
    server->doctor = (struct gf_doctor){
        .native = server->native,
        .required_protections = options->required_protections,
        .default_network = options->network.default_mode,
        .images = &server->image_settings,
    };
}

static void make_services(struct gf_server *server, const struct gf_server_options *options) {
    make_doctor(server, options);
    server->commit = gf_strdup(options->commit != NULL ? options->commit : "");
    server->fetch_program = gf_strdup(options->fetch_program);
    server->services = (struct gf_services){
        .store = server->store,
        .engine = server->engine,
        .hub = server->hub,
        .extension_hub = server->extensions,
        .logs = server->logs,
        .scheduler = server->scheduler,
        .images = server->images,
        .pulls = server->pulls,
        .vault = server->vault,
        .gate = server->gate,
        .pool = server->pool,
        .long_pool = server->long_pool,
        .clock = gf_clock_system(),
        .version = server->version,
        .commit = server->commit,
        .development_mode = options->development_mode,
        .debugging_disabled = options->debugging_disabled,
        .host_network_allowed =
            options->scheduler != GF_SERVER_SCHEDULER_NATIVE || options->network.allow_host,
        .start_time = gf_wall_ns(),
        .spool_path = server->dir.spool_path,
        .limits = limits_of(options),
        .http_limits = http_limits_of(options),
        .store_path = server->dir.store_path,
        .images_path = server->dir.images_path,
        .logs_path = server->dir.logs_path,
        .calls_max = options->calls_max,
        .upload_bytes_max = options->upload_bytes_max != 0 ? options->upload_bytes_max
                                                           : GF_SERVER_UPLOAD_BYTES_MAX_DEFAULT,
        .host = host_of(server, options->allow_anonymous),
        .reload_master_keys = reload_master_keys,
        .reload_ctx = server,
        .check_containers = server->native != NULL ? gf_doctor_check : NULL,
        .check_ctx = &server->doctor,
        .collect_metrics = gf_server__collect_metrics,
        .metrics_ctx = server,
    };
    gf_services_init(&server->services);
    gf_gate_set_changed(server->gate, kick_streams, server);
    server->has_services = true;
}

/* Those of gRPC last: whoever waits for a server waits for that file. */
static enum gf_code write_addresses(const struct gf_server *server, struct gf_error *err) {
    const struct {
        enum gf_data_dir_file file;
        const struct gf_server_addresses *addresses;
    } lists[] = {
        {GF_DATA_DIR_EXTERNAL_ADDRESSES, &server->external_addresses},
        {GF_DATA_DIR_HTTP_ADDRESSES, &server->http_addresses},
        {GF_DATA_DIR_ADDRESSES, &server->addresses},
    };
    enum gf_code rc = GF_OK;
    for (size_t i = 0; rc == GF_OK && i < GF_ARRAY_COUNT(lists); i++) {
        const struct gf_server_addresses *addresses = lists[i].addresses;
        if (addresses->count > 0) {
            rc = gf_data_dir_write_addresses(&server->dir, lists[i].file, addresses->items,
                                             addresses->count, err);
        }
    }
    return rc;
}

static enum gf_code make(struct gf_server *server, const struct gf_server_options *options,
                         struct gf_error *err) {
    server->version = gf_strdup(options->version != NULL ? options->version : "0.0.0-dev");
    enum gf_code rc = gf_data_dir_open(options->data_dir, &server->dir, err);
    if (rc == GF_OK) {
        rc = make_threads(server, err);
    }
    if (rc == GF_OK) {
        rc = open_stores(server, options, err);
    }
    if (rc == GF_OK) {
        rc = gf_server__make_gate(server, options, err);
    }
    /* Addresses that are in use are known before containers are touched. */
    if (rc == GF_OK) {
        rc = gf_server__make_rpc(server, options, err);
    }
    if (rc == GF_OK) {
        rc = gf_server__make_gateway(server, options, err);
    }
    if (rc == GF_OK) {
        rc = start_engine(server, options, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    make_services(server, options);
    start_upkeep(server);
    gf_server__start_extension_care(server, options);
    gf_services_announce(&server->services);
    gf_server__start_rpc(server);
    rc = gf_server__start_http(server, err);
    return rc == GF_OK ? write_addresses(server, err) : rc;
}

enum gf_code gf_server_create(const struct gf_server_options *options,
                              struct gf_server **out_server, struct gf_error *err) {
    const enum gf_code checked = gf_server_check_addresses(options, err);
    if (checked != GF_OK) {
        return checked;
    }
    struct gf_server *server = GF_NEW(struct gf_server);
    gf_arena_init(&server->arena, GF_IMAGE_SETTINGS_ARENA_BYTES_MAX);
    server->image_settings = gf_image_settings_copy(&options->images, &server->arena);
    server->dir.fd = -1;
    server->dir.lock_fd = -1;
    server->fatal_fd = -1;
    server->tasks_fd = -1;
    server->addresses.setting = GF_SETTING_LISTENERS;
    server->addresses.purpose = "gRPC";
    server->http_addresses.setting = GF_SETTING_GATEWAY_LISTENERS;
    server->http_addresses.purpose = "HTTP";
    server->external_addresses.setting = GF_SETTING_EXTERNAL_LISTENERS;
    server->external_addresses.purpose = "events from outside";
    const enum gf_code rc = make(server, options, err);
    if (rc != GF_OK) {
        gf_server_destroy(server, 0);
        return rc;
    }
    *out_server = server;
    return GF_OK;
}

/* Everything that runs comes to rest, in the reverse order of the start. */
static void stop(struct gf_server *server, int64_t grace_ms) {
    const int64_t deadline_ns = gf_mono_ns() + grace_ms * GF_NS_PER_MS;
    atomic_store(&server->stopping, true);
    gf_data_dir_remove_addresses(&server->dir);
    gf_log_sweep_stop(server->log_sweep);
    gf_secret_sweep_stop(server->secret_sweep);
    if (server->health != NULL) {
        gf_rpc_health_shutdown(server->health);
    }
    if (server->has_services) {
        gf_services_end_streams(&server->services);
    }
    gf_server__stop_http(server, deadline_ns);
    if (server->extensions_started) {
        gf_extension_hub_stop(server->extensions);
    }
    if (server->images != NULL) {
        gf_image_store_stop(server->images);
    }
    if (server->rpc != NULL) {
        const int64_t left_ns = deadline_ns - gf_mono_ns();
        gf_rpc_server_stop(server->rpc, left_ns > 0 ? left_ns / GF_NS_PER_MS : 0);
    }
    if (server->task_rpc != NULL) {
        gf_rpc_server_stop(server->task_rpc, 0); /* the grace has been given above */
    }
    gf_extension_care_stop(server->extension_care);
    gf_upkeep_stop(server->upkeep);
    gf_secret_journal_stop(server->journal);
    if (server->engine_started) {
        gf_engine_stop(server->engine);
    }
    if (server->scheduler.ops != NULL) {
        server->scheduler.ops->stop_reporting(server->scheduler.self);
    }
    if (server->pulls != NULL) {
        gf_image_pulls_stop(server->pulls); /* launches that wait are made again by the next */
    }
    /* What the reactor sees goes to the pool as a job; what a job then posts to it is dropped. */
    if (server->reactor != NULL) {
        gf_reactor_stop(server->reactor);
    }
    if (server->pool != NULL) {
        gf_pool_join(server->long_pool);
        gf_pool_join(server->pool);
    }
}

static void free_addresses(struct gf_server_addresses *addresses) {
    for (size_t i = 0; i < addresses->count; i++) {
        free(addresses->items[i]);
    }
}

void gf_server_destroy(struct gf_server *server, int64_t grace_ms) {
    if (server == NULL) {
        return;
    }
    stop(server, grace_ms);
    gf_server__destroy_http(server);
    gf_rpc_server_destroy(server->task_rpc);
    gf_close(&server->tasks_fd);
    gf_rpc_server_destroy(server->rpc);
    gf_reflection_destroy(server->reflection);
    gf_rpc_health_destroy(server->health);
    if (server->has_services) {
        gf_services_fini(&server->services);
    }
    gf_native_destroy(server->native);
    gf_null_scheduler_destroy(server->null);
    if (server->engine != NULL) {
        gf_engine_destroy(server->engine);
    }
    gf_extension_hub_destroy(server->extensions);
    gf_extension_logs_destroy(server->extension_logs);
    gf_upkeep_destroy(server->upkeep);
    gf_extension_care_destroy(server->extension_care);
    gf_secret_journal_destroy(server->journal);
    gf_secret_sweep_destroy(server->secret_sweep);
    gf_log_sweep_destroy(server->log_sweep);
    gf_gate_destroy(server->gate);
    gf_vault_destroy(server->vault);
    if (server->secret_store != NULL) {
        server->secret_store->ops->destroy(server->secret_store);
    }
    gf_master_key_source_close(&server->master_keys);
    gf_event_hub_destroy(server->hub);
    gf_image_pulls_destroy(server->pulls);
    if (server->images != NULL) {
        gf_image_store_close(server->images);
    }
    gf_log_store_destroy(server->logs);
    if (server->store != NULL) {
        server->store->ops->destroy(server->store);
    }
    gf_pool_destroy(server->long_pool);
    gf_pool_destroy(server->pool);
    gf_reactor_destroy(server->reactor);
    gf_close(&server->fatal_fd);
    free_addresses(&server->addresses);
    free_addresses(&server->http_addresses);
    free_addresses(&server->external_addresses);
    free(server->version);
    free(server->commit);
    free(server->fetch_program);
    gf_data_dir_close(&server->dir);
    gf_arena_fini(&server->arena);
    free(server);
}

size_t gf_server_address_count(const struct gf_server *server) {
    return server->addresses.count;
}

const char *gf_server_address(const struct gf_server *server, size_t index) {
    gf_assert(index < server->addresses.count);
    return server->addresses.items[index];
}

int gf_server_fatal_fd(const struct gf_server *server) {
    return server->fatal_fd;
}
