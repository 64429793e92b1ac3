/*
 * Keys. A rotation returns when the new keys are in use; what lies under the older ones is
 * encrypted anew in portions by the pool for long work, one job at a time. `reencryption` of the
 * services says what that job does: NONE is there, it RUNS, or it is to look AGAIN when it thinks
 * that it is done, because keys were renewed meanwhile.
 */
#include "api/codec/model/message.h"
#include "api/service/lookup.h"
#include "api/service/secret_calls.h"
#include "base/log.h"

enum {
    NONE,
    RUNS,
    AGAIN,
};

/* ---- The sealing key ---- */

static enum gf_code get_sealing_key(struct gf_read *read, struct gf_error *err) {
    struct gf_vault_sealing_key key = {0};
    const enum gf_code rc = gf_vault_sealing_key(read->services->vault, &key, err);
    if (rc != GF_OK) {
        return rc;
    }
    Gofer__V1__GetSecretSealingKeyResponse *response =
        GF_MESSAGE_NEW(read->arena, Gofer__V1__GetSecretSealingKeyResponse,
                       gofer__v1__get_secret_sealing_key_response);
    response->key_id = gf_message_text(gf_str_from(key.key_id), read->arena);
    response->algorithm = GOFER__V1__SECRET_SEALING_ALGORITHM__SECRET_SEALING_ALGORITHM_SEALED_BOX;
    response->public_key.len = sizeof(key.public_key);
    response->public_key.data =
        gf_arena_memdup(read->arena, key.public_key, sizeof(key.public_key));
    read->response = &response->base;
    return GF_OK;
}

void gf_secret_get_sealing_key(struct gf_rpc_call *call,
                               const Gofer__V1__GetSecretSealingKeyRequest *request, void *ctx) {
    gf_read_start(call, &request->base, ctx, get_sealing_key);
}

/* ---- Encrypting anew ---- */

/* On a worker for long work: a portion, then others have their turn. */
static void reencrypt(void *ctx) {
    struct gf_services *services = ctx;
    struct gf_error error = {0};
    bool more = false;
    if (atomic_load(&services->stopping)) {
        return; /* it goes on after the next start */
    }
    if (gf_vault_reencrypt(services->vault, &more, &error) != GF_OK) {
        gf_log_warn("secret_reencryption_failed", GF_KV_ERROR(&error));
        more = false;
    }
    int runs = RUNS;
    if (!more && atomic_compare_exchange_strong(&services->reencryption, &runs, NONE)) {
        return;
    }
    atomic_store(&services->reencryption, RUNS);
    gf_pool_submit_reserved(services->long_pool, reencrypt, services);
}

void gf_services_renew_secrets(struct gf_services *services) {
    int state = atomic_load(&services->reencryption);
    for (;;) {
        const int next = state == NONE ? RUNS : AGAIN;
        if (atomic_compare_exchange_weak(&services->reencryption, &state, next)) {
            if (next == RUNS) {
                gf_pool_submit_reserved(services->long_pool, reencrypt, services);
            }
            return;
        }
    }
}

/* ---- Rotating ---- */

/* What is asked for. `masters` belongs to the vault once it has rotated. */
struct rotation {
    enum gf_vault_scope scope;
    int64_t namespace_key;
    struct gf_str namespace_id;
    struct gf_master_keys *masters;
};

static enum gf_code find_namespace(struct gf_read *read, const char *namespace_id,
                                   struct rotation *rotation, struct gf_error *err) {
    struct gf_namespace ns = {0};
    rotation->namespace_key = -1;
    if (namespace_id[0] == '\0') {
        return GF_OK;
    }
    enum gf_code rc = gf_check_namespace_id(namespace_id, err);
    if (rc == GF_OK) {
        rc = read->store->get_namespace(read->reader, gf_str_from(namespace_id), read->arena, &ns,
                                        err);
    }
    if (rc == GF_OK) {
        rotation->namespace_key = ns.namespace_key;
        rotation->namespace_id = ns.namespace_id;
    }
    return rc;
}

/* A source that is gone has no new key either. */
static enum gf_code load_masters(const struct gf_services *services,
                                 struct gf_master_keys **out_masters, struct gf_error *err) {
    struct gf_error error = {0};
    if (services->reload_master_keys == NULL) {
        return gf_fail_reason(err, GF_FAILED_PRECONDITION, "NO_NEW_MASTER_KEY",
                              "the master key of this server cannot be loaded anew");
    }
    const enum gf_code rc = services->reload_master_keys(services->reload_ctx, out_masters, &error);
    if (rc == GF_NOT_FOUND) {
        return gf_fail_reason(err, GF_FAILED_PRECONDITION, "NO_NEW_MASTER_KEY", "%s",
                              error.message);
    }
    if (rc != GF_OK) {
        *err = error;
    }
    return rc;
}

static enum gf_code read_rotation(struct gf_read *read, struct rotation *out,
                                  struct gf_error *err) {
    const Gofer__V1__RotateSecretKeysRequest *request = (const void *)read->request;
    if (request->namespace_id[0] != '\0' &&
        request->scope != GOFER__V1__SECRET_KEY_SCOPE__SECRET_KEY_SCOPE_NAMESPACE) {
        return gf_fail_field(err, "namespace_id", "is for the scope NAMESPACE only");
    }
    switch ((int)request->scope) {
    case GOFER__V1__SECRET_KEY_SCOPE__SECRET_KEY_SCOPE_MASTER:
        out->scope = GF_VAULT_SCOPE_MASTER;
        return load_masters(read->services, &out->masters, err);
    case GOFER__V1__SECRET_KEY_SCOPE__SECRET_KEY_SCOPE_NAMESPACE:
        out->scope = GF_VAULT_SCOPE_NAMESPACE;
        return find_namespace(read, request->namespace_id, out, err);
    case GOFER__V1__SECRET_KEY_SCOPE__SECRET_KEY_SCOPE_SEALING:
        out->scope = GF_VAULT_SCOPE_SEALING;
        return GF_OK;
    default:
        return gf_fail_field(err, "scope", "expected MASTER, NAMESPACE or SEALING");
    }
}

static enum gf_code rotate(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__RotateSecretKeysRequest *request = (const void *)read->request;
    const struct gf_vault_caller caller = gf_secret_caller(read->principal);
    struct rotation rotation = {0};
    int64_t pending = 0;
    enum gf_code rc = gf_check_request_id(request->request_id, err);
    if (rc == GF_OK) {
        rc = read_rotation(read, &rotation, err);
    }
    if (rc == GF_OK) {
        rc = gf_vault_rotate(read->services->vault, rotation.scope, rotation.namespace_key,
                             rotation.namespace_id, rotation.masters,
                             gf_str_from(request->request_id), &caller, &pending, err);
        if (rc != GF_OK) {
            gf_master_keys_destroy(rotation.masters);
        }
    }
    if (rc != GF_OK) {
        return rc;
    }
    gf_services_renew_secrets(read->services);
    Gofer__V1__RotateSecretKeysResponse *response = GF_MESSAGE_NEW(
        read->arena, Gofer__V1__RotateSecretKeysResponse, gofer__v1__rotate_secret_keys_response);
    response->pending_count = pending;
    read->response = &response->base;
    return GF_OK;
}

void gf_secret_rotate_keys(struct gf_rpc_call *call,
                           const Gofer__V1__RotateSecretKeysRequest *request, void *ctx) {
    gf_read_start(call, &request->base, ctx, rotate);
}
