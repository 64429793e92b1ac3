/*
 * Design: tasks have a server of their own, as one server has one interceptor: whoever comes over
 * the socket in a container needs a token, in development mode too, and is never taken for somebody
 * on this machine.
 */
#include "api/codec/json/schema.h"
#include "api/server/server_internal.h"
#include "base/alloc.h"
#include "engine/secrets/sqlite/secret_store.h"

enum {
    DECODED_BYTES_MAX = 256 << 20, /* more than was received */
    ARENA_BYTES_MAX = 256 << 20,
    TASK_CALLS_MAX = 2000,
};

/* ---- Secrets and the gate ---- */

static enum gf_code make_vault(struct gf_server *server, struct gf_master_keys *masters,
                               struct gf_error *err) {
    server->journal = gf_secret_journal_create();
    const struct gf_vault_options vault = {
        .store = server->secret_store,
        .masters = masters,
        .clock = gf_clock_system(),
        .changed = gf_secret_journal_changed,
        .ctx = server->journal,
    };
    const enum gf_code rc = gf_vault_create(&vault, &server->vault, err);
    if (rc != GF_OK) {
        gf_master_keys_destroy(masters);
        (void)gf_wrap(err, "secrets in '%s', with the master key of %s", server->dir.secrets_path,
                      server->master_keys.description);
    }
    return rc;
}

static enum gf_code make_gate(struct gf_server *server, const struct gf_server_options *options,
                              struct gf_error *err) {
    const struct gf_gate_options gate = {
        .vault = server->vault,
        .clock = gf_clock_system(),
        .development_mode = options->development_mode,
        .allow_anonymous = options->allow_anonymous,
        .token_rate_max = options->token_rate_max,
        .address_rate_max = options->address_rate_max,
        .address_streams_max = options->address_streams_max,
        .token_streams_max = options->token_streams_max,
    };
    server->gate = gf_gate_create(&gate);
    return gf_gate_load(server->gate, server->store, err);
}

enum gf_code gf_server__make_gate(struct gf_server *server, const struct gf_server_options *options,
                                  struct gf_error *err) {
    struct gf_master_keys *masters = NULL;
    enum gf_code rc =
        gf_master_key_source_open(options, &server->dir, &server->master_keys, &masters, err);
    if (rc != GF_OK) {
        return rc;
    }
    rc = gf_sqlite_secret_store_open(server->dir.secrets_path, &server->secret_store, err);
    if (rc != GF_OK) {
        gf_master_keys_destroy(masters);
        return rc;
    }
    rc = make_vault(server, masters, err);
    return rc == GF_OK ? make_gate(server, options, err) : rc;
}

/* ---- The rpc servers ---- */

/* Who calls comes first, so that a stranger does not even learn what this version has. */
static enum gf_code intercept(struct gf_rpc_call *call, void *door, struct gf_error *err) {
    const enum gf_code rc = gf_gate_intercept(call, door, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_rpc_call_limit_requests(call, gf_services_request_bytes_max(gf_rpc_call_method(call)));
    return gf_services_intercept(call, NULL, err);
}

static struct gf_rpc_server_opts rpc_opts(struct gf_door *door) {
    return (struct gf_rpc_server_opts){
        .receive_bytes_max = GF_SERVICES_REQUEST_BYTES_MAX,
        .decoded_bytes_max = DECODED_BYTES_MAX,
        .arena_bytes_max = ARENA_BYTES_MAX,
        .interceptor = intercept,
        .authorizer = gf_gate_authorize,
        .ended = gf_gate_ended,
        .interceptor_ctx = door,
    };
}

enum gf_code gf_server__make_rpc(struct gf_server *server, const struct gf_server_options *options,
                                 struct gf_error *err) {
    server->people = (struct gf_door){.gate = server->gate, .kind = GF_DOOR_PEOPLE};
    server->tasks = (struct gf_door){.gate = server->gate, .kind = GF_DOOR_TASKS};
    struct gf_rpc_server_opts opts = rpc_opts(&server->people);
    opts.calls_max = (size_t)options->calls_max;
    enum gf_code rc = gf_rpc_server_create(&opts, &server->rpc, err);
    if (rc == GF_OK) {
        rc = gf_server__listen(server, options, err);
    }
    if (rc == GF_OK) {
        opts = rpc_opts(&server->tasks);
        opts.calls_max = TASK_CALLS_MAX;
        rc = gf_rpc_server_create(&opts, &server->task_rpc, err);
    }
    return rc == GF_OK ? gf_server__listen_for_tasks(server, err) : rc;
}

/* What is served is told by the last of them. */
static void tell_serving(struct gf_server *server) {
    size_t count = 0;
    const struct gf_rpc_service *const *services = gf_services_list(&count);
    gf_rpc_health_set(server->health, "", true);
    for (size_t i = 0; i < count; i++) {
        gf_rpc_health_set(server->health, services[i]->name, true);
    }
}

void gf_server__start_rpc(struct gf_server *server) {
    size_t count = 0;
    const struct gf_rpc_service *const *services = gf_services_list(&count);
    gf_services_add_to_server(&server->services, server->rpc);
    gf_services_add_to_server(&server->services, server->task_rpc);
    gf_extension_hub_add_to_server(server->extensions, server->rpc);
    gf_extension_hub_add_to_server(server->extensions, server->task_rpc);
    server->health = gf_rpc_health_create(server->rpc);
    server->reflection = gf_reflection_create(gf_schema_gofer(), services, count);
    gf_reflection_add_to_server(server->reflection, server->rpc);
    gf_rpc_server_start(server->rpc);
    gf_rpc_server_start(server->task_rpc);
    tell_serving(server);
}
