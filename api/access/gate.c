/*
 * Design: everything that is asked of a call with a token is answered from memory, without a lock
 * that others hold for long, and without a store: the digest of the text is looked up, and the
 * roles that it leads to were compiled before. What is refused may cost more than what is let in:
 * it is counted, held back and written down.
 *
 * A call is admitted before it is counted as open, and everything that is counted is noted in the
 * call at once, so that gf_gate_ended undoes just that, wherever the call ended.
 */
#include "api/access/gate.h"

#include "api/access/credential.h"
#include "api/access/gate_internal.h"
#include "base/alloc.h"

#include <string.h>

/* One sentence for all, so that nothing is told of tokens. */
#define INVALID_SENTENCE "the token does not let in: it is unknown, disabled or expired"

/* ---- who ---- */

static enum gf_code invalid(struct gf_error *err) {
    return gf_fail_reason(err, GF_UNAUTHENTICATED, GF_REASON_TOKEN_INVALID, INVALID_SENTENCE);
}

static enum gf_code barred(struct gf_error *err) {
    return gf_fail_reason(err, GF_PERMISSION_DENIED, GF_REASON_EXTENSION_DISABLED,
                          "the extension is disabled");
}

/* The one value of `authorization`; empty without one. */
static enum gf_code find_authorization(const struct gf_rpc_call *call, struct gf_str *out_value,
                                       struct gf_error *err) {
    const struct gf_str first = gf_rpc_call_metadata_at(call, "authorization", 0);
    for (size_t i = 1; first.ptr != NULL; i++) {
        const struct gf_str next = gf_rpc_call_metadata_at(call, "authorization", i);
        if (next.ptr == NULL) {
            break;
        }
        if (!gf_str_eq(first, next)) {
            return gf_fail_reason(err, GF_UNAUTHENTICATED, GF_REASON_TOKEN_MALFORMED,
                                  "the call has more than one value of `authorization`");
        }
    }
    *out_value = first;
    return GF_OK;
}

/* The run that the text is the token of, counted, or NULL. */
static struct gf_access_entry *find_run(struct gf_gate *gate, struct gf_str text) {
    int64_t run_key = 0;
    if (gate->options.vault == NULL || gf_run_token_key(text, &run_key, NULL) != GF_OK) {
        return NULL;
    }
    struct gf_access_entry *entry = gf_access_table_find_run(gate->table, run_key);
    if (entry != NULL &&
        gf_vault_verify_run_token(gate->options.vault, &entry->run, text, NULL) != GF_OK) {
        gf_access_entry_unref(entry);
        return NULL;
    }
    return entry;
}

/* The container that the text is the token of, likewise. */
static struct gf_access_entry *find_container(struct gf_gate *gate, struct gf_str text) {
    int64_t extension_key = 0;
    int32_t attempt = 0;
    if (gate->options.vault == NULL ||
        gf_extension_token_claim(text, &extension_key, &attempt, NULL) != GF_OK) {
        return NULL;
    }
    struct gf_access_entry *entry =
        gf_access_table_find_container(gate->table, extension_key, attempt);
    if (entry != NULL && gf_vault_verify_extension_token(gate->options.vault, &entry->extension,
                                                         text, NULL) != GF_OK) {
        gf_access_entry_unref(entry);
        return NULL;
    }
    return entry;
}

static struct gf_access_entry *find_entry(struct gf_gate *gate,
                                          const struct gf_credential *credential) {
    if (credential->kind == GF_TOKEN_KIND_RUN) {
        return find_run(gate, credential->text);
    }
    if (credential->kind == GF_TOKEN_KIND_CONTAINER) {
        return find_container(gate, credential->text);
    }
    struct gf_token_digest digest;
    gf_token_digest(credential->text, &digest);
    return gf_access_table_find_token(gate->table, &digest);
}

/* Makes the principal that of the entry, which is counted for it from now on. */
static void set_entry(struct gf_gate_call *self, struct gf_access_entry *entry) {
    struct gf_principal *principal = &self->principal;
    principal->kind = entry->kind;
    principal->token_kind = entry->token_kind;
    principal->token_id = entry->token_id;
    principal->user = entry->user;
    principal->run = entry->run;
    principal->extension_id = entry->extension.extension_id;
    principal->extension_key = atomic_load(&entry->extension_key);
    principal->attempt = entry->extension.attempt;
    principal->entry = entry;
}

/* Notes the use of a token, once in a minute. */
static void note_use(struct gf_gate_call *self, int64_t wall_ns) {
    struct gf_access_entry *entry = self->principal.entry;
    const int64_t minute = wall_ns / GF_NS_PER_MIN;
    int64_t last = atomic_load_explicit(&entry->use_minute, memory_order_relaxed);
    if (entry->kind != GF_PRINCIPAL_TOKEN || last == minute ||
        !atomic_compare_exchange_strong(&entry->use_minute, &last, minute)) {
        return;
    }
    struct gf_gate *gate = self->gate;
    const struct gf_str peer = self->principal.peer;
    const size_t size = peer.len < sizeof(entry->use_peer) ? peer.len : sizeof(entry->use_peer) - 1;
    GF_MUTEX_GUARD(&gate->mutex);
    entry->use_time = wall_ns;
    memcpy(entry->use_peer, peer.ptr, size);
    entry->use_peer[size] = '\0';
    if (!gf_list_linked(&entry->use_link)) {
        (void)atomic_fetch_add(&entry->ref_count, 1);
        gf_list_push_back(&gate->uses, &entry->use_link);
    }
}

static enum gf_code limited(struct gf_error *err, const char *what) {
    return gf_fail_reason(err, GF_RESOURCE_EXHAUSTED, GF_REASON_RATE_LIMITED, "%s", what);
}

/* A call without a token: one more of its address. */
static enum gf_code count_stranger(struct gf_gate_call *self, struct gf_error *err) {
    struct gf_access_limits *limits = self->gate->limits;
    const struct gf_peer peer = gf_gate__peer(self);
    const struct gf_str key = gf_peer_key(&peer);
    if (!gf_access_limits_take_address(limits, key, gf_clock_mono_ns(self->gate->options.clock))) {
        return limited(err, "too many calls without a token from this address; try again later");
    }
    if (!gf_access_limits_open(limits, key)) {
        return limited(err, "too many open calls without a token from this address");
    }
    self->counts_as_open = true;
    return GF_OK;
}

/* Nobody in particular, where none is asked for. */
static enum gf_code identify_stranger(struct gf_gate_call *self, bool with_rights,
                                      struct gf_error *err) {
    self->principal.kind = GF_PRINCIPAL_ANONYMOUS;
    if (with_rights) {
        set_entry(self, gf_access_table_anonymous(self->gate->table));
    }
    return count_stranger(self, err);
}

/* A refused caller is slowed down, and counts as one without a token. */
static enum gf_code refuse_login(struct gf_gate_call *self, struct gf_rpc_call *call,
                                 struct gf_error *err) {
    struct gf_access_limits *limits = self->gate->limits;
    const struct gf_peer peer = gf_gate__peer(self);
    const struct gf_str key = gf_peer_key(&peer);
    const int64_t now_ns = gf_clock_mono_ns(self->gate->options.clock);
    gf_rpc_call_delay_refusal(call, gf_access_limits_failed_login(limits, key, now_ns));
    if (!gf_access_limits_take_address(limits, key, now_ns)) {
        return limited(err, "too many calls without a token from this address; try again later");
    }
    return GF_UNAUTHENTICATED;
}

static enum gf_code count_token(struct gf_gate_call *self, const struct gf_rpc_method *method,
                                struct gf_error *err) {
    const struct gf_gate_options *options = &self->gate->options;
    struct gf_access_entry *entry = self->principal.entry;
    if (!gf_rate_take(&entry->rate_time_ns, options->token_rate_max,
                      gf_clock_mono_ns(options->clock))) {
        return limited(err, "too many calls with this token in a second; try again later");
    }
    if (method->kind == GF_RPC_UNARY) {
        return GF_OK;
    }
    self->counts_as_stream = true;
    gf_gauge_add(&self->gate->streams, 1);
    const int64_t most = options->token_streams_max;
    if (atomic_fetch_add(&entry->stream_count, 1) >= most && most >= 0) {
        return limited(err, "too many open streams with this token");
    }
    return GF_OK;
}

/* Finds out who shows this. */
static enum gf_code identify_token(struct gf_gate_call *self, struct gf_rpc_call *call,
                                   struct gf_str authorization, struct gf_error *err) {
    struct gf_credential credential;
    if (gf_credential_parse(authorization, &credential, err) != GF_OK) {
        return refuse_login(self, call, err);
    }
    struct gf_access_entry *entry = find_entry(self->gate, &credential);
    const int64_t wall_ns = gf_clock_wall_ns(self->gate->options.clock);
    if (entry != NULL) {
        set_entry(self, entry);
    }
    if (entry == NULL || !gf_access_entry_valid(entry, wall_ns)) {
        (void)invalid(err);
        return refuse_login(self, call, err);
    }
    const enum gf_code rc = count_token(self, gf_rpc_call_method(call), err);
    if (rc != GF_OK) {
        return rc;
    }
    note_use(self, wall_ns);
    return gf_access_entry_barred(entry) ? barred(err) : GF_OK;
}

static enum gf_code identify(struct gf_gate_call *self, struct gf_rpc_call *call,
                             const struct gf_door *door, struct gf_error *err) {
    const bool people = door->kind == GF_DOOR_PEOPLE;
    const enum gf_method_access access = gf_method_rule(self->method)->access;
    if (people && self->gate->options.development_mode) {
        self->principal.kind = GF_PRINCIPAL_DEVELOPMENT;
        return GF_OK;
    }
    if (people && (access == GF_METHOD_OPEN || access == GF_METHOD_LOCAL)) {
        return identify_stranger(self, /* with_rights= */ false, err);
    }
    struct gf_str authorization;
    const enum gf_code rc = find_authorization(call, &authorization, err);
    if (rc != GF_OK) {
        return refuse_login(self, call, err);
    }
    if (authorization.ptr != NULL) {
        return identify_token(self, call, authorization, err);
    }
    if (people && self->gate->options.allow_anonymous) {
        return identify_stranger(self, /* with_rights= */ true, err);
    }
    const struct gf_peer peer = gf_gate__peer(self);
    if (!gf_access_limits_take_address(self->gate->limits, gf_peer_key(&peer),
                                       gf_clock_mono_ns(self->gate->options.clock))) {
        return limited(err, "too many calls without a token from this address; try again later");
    }
    return gf_fail_reason(err, GF_UNAUTHENTICATED, GF_REASON_TOKEN_REQUIRED,
                          "a token is required: send it as `authorization: Bearer TOKEN`");
}

/* ---- may they ---- */

static enum gf_code denied(struct gf_error *err, const char *what) {
    return gf_fail_reason(err, GF_PERMISSION_DENIED, GF_REASON_PERMISSION_MISSING, "%s", what);
}

enum gf_code gf_gate__missing(const struct gf_gate *gate, const struct gf_access_query *query,
                              struct gf_error *err) {
    struct gf_error error;
    const enum gf_code rc = gf_access_check(gate->nothing, query, &error);
    gf_assert(rc == GF_PERMISSION_DENIED);
    return denied(err, error.message);
}

/* Whether the caller may call the method for anything at all. */
static enum gf_code admit(const struct gf_gate_call *self, const struct gf_rpc_call *call,
                          const struct gf_door *door, struct gf_error *err) {
    const struct gf_method_rule *rule = gf_method_rule(self->method);
    const struct gf_principal *principal = &self->principal;
    const bool development = principal->kind == GF_PRINCIPAL_DEVELOPMENT;
    switch (rule->access) {
    case GF_METHOD_OPEN:
    case GF_METHOD_TOKEN:
        return GF_OK;
    case GF_METHOD_LOCAL:
        /* Over HTTP all the world is of this machine, where a proxy on it passes requests on. */
        return door->kind == GF_DOOR_PEOPLE && gf_gate__peer(self).local &&
                       gf_rpc_call_transport(call) == GF_RPC_TRANSPORT_GRPC
                   ? GF_OK
                   : denied(err,
                            "this may be called by gRPC and from the machine of the server only");
    case GF_METHOD_EXTENSION:
        return development || principal->token_kind == GF_TOKEN_KIND_EXTENSION
                   ? GF_OK
                   : gf_fail_reason(err, GF_UNAUTHENTICATED, GF_REASON_TOKEN_OF_NO_EXTENSION,
                                    "needs the token of an extension");
    case GF_METHOD_PERMISSION:
        break;
    }
    const struct gf_access_query query = {.resource = rule->resource, .action = rule->action};
    return development ||
                   gf_access_table_allows_some(self->gate->table, principal->entry, rule->resource,
                                               rule->action, query.namespace_id)
               ? GF_OK
               : gf_gate__missing(self->gate, &query, err);
}

/* The rest of what admit has begun: there, and not only somewhere. */
static bool allows(const struct gf_gate_call *self, const struct gf_access_query *query) {
    struct gf_access_table *table = self->gate->table;
    struct gf_access_entry *entry = self->principal.entry;
    return gf_method_rule(self->method)->filtered
               ? gf_access_table_allows_some(table, entry, query->resource, query->action,
                                             query->namespace_id)
               : gf_access_table_allows(table, entry, query);
}

enum gf_code gf_gate_intercept(struct gf_rpc_call *call, void *ctx, struct gf_error *err) {
    const struct gf_door *door = ctx;
    struct gf_gate *gate = door->gate;
    const struct gf_rpc_method *method = gf_rpc_call_method(call);
    struct gf_gate_call *self = GF_ARENA_NEW(gf_rpc_call_arena(call), struct gf_gate_call);
    self->gate = gate;
    self->door = door->kind;
    self->method = gf_methods_find(gate->methods, method);
    self->principal.table = gate->table;
    self->principal.kind = GF_PRINCIPAL_ANONYMOUS;
    self->principal.peer = gf_str_from(gf_rpc_call_peer(call));
    if (method->kind != GF_RPC_UNARY) {
        /* Here, because from its start on the arena is the handler's. */
        self->ids = GF_ARENA_NEW(gf_rpc_call_arena(call), struct gf_gate_ids);
    }
    gf_rpc_call_set_principal(call, self);
    struct gf_error error;
    enum gf_code rc = GF_OK;
    if (self->method == NULL) {
        rc = denied(&error, "this method is closed");
    } else {
        if (gf_method_rule(self->method)->secret) {
            gf_rpc_call_set_secret(call);
        }
        rc = identify(self, call, door, &error);
    }
    if (rc == GF_OK && self->principal.extension_id.len > 0) {
        /* The entry may go before the last line about the call. */
        gf_rpc_call_log_context(call)->extension_id =
            gf_arena_str(gf_rpc_call_arena(call), self->principal.extension_id);
    }
    if (rc == GF_OK) {
        rc = admit(self, call, door, &error);
    }
    if (rc != GF_OK) {
        gf_gate__audit(self, method->path + 1, &error);
        *err = error;
    }
    return rc;
}

/* ---- requests ---- */

static struct gf_str keep_id(struct gf_str id, char *buffer, size_t size) {
    const size_t len = id.len < size ? id.len : size;
    if (len > 0) {
        memcpy(buffer, id.ptr, len);
    }
    return (struct gf_str){buffer, len};
}

static bool is_of_pipeline(enum gf_permission_resource resource) {
    static const bool of_pipeline[GF_PERMISSION_RESOURCE_END] = {
        [GF_PERMISSION_RESOURCE_PIPELINES] = true,
        [GF_PERMISSION_RESOURCE_PIPELINE_CONFIGS] = true,
        [GF_PERMISSION_RESOURCE_DEPLOYMENTS] = true,
        [GF_PERMISSION_RESOURCE_RUNS] = true,
        [GF_PERMISSION_RESOURCE_TASK_EXECUTIONS] = true,
        [GF_PERMISSION_RESOURCE_OBJECTS] = true,
        [GF_PERMISSION_RESOURCE_PIPELINE_SECRETS] = true,
        [GF_PERMISSION_RESOURCE_SUBSCRIPTIONS] = true,
    };
    return of_pipeline[resource];
}

/*
 * What the call is about, for its lines of the log. What is no id is left out. The texts are those
 * of a request that is there until the call is over, or kept ones.
 */
static void tell_log(struct gf_rpc_call *call, const struct gf_access_query *query) {
    struct gf_log_context *context = gf_rpc_call_log_context(call);
    if (query->namespace_id.len <= GF_IDENTIFIER_CHARS_MAX) {
        context->namespace_id = query->namespace_id;
    }
    if (is_of_pipeline(query->resource) && query->id.len <= GF_IDENTIFIER_CHARS_MAX) {
        context->pipeline_id = query->id;
        context->run_id = query->run_id;
    } else if (query->resource == GF_PERMISSION_RESOURCE_EXTENSIONS &&
               query->id.len <= GF_IDENTIFIER_CHARS_MAX) {
        context->extension_id = query->id;
    }
}

/* Keeps what a stream was allowed at first, to be asked again. */
static void keep_query(struct gf_rpc_call *call, struct gf_gate_call *self,
                       const struct gf_access_query *query) {
    struct gf_gate_ids *ids = self->ids;
    if (ids == NULL || atomic_load(&self->has_query)) {
        return;
    }
    self->query = *query;
    self->query.namespace_id =
        keep_id(query->namespace_id, ids->namespace_id, sizeof(ids->namespace_id));
    self->query.id = keep_id(query->id, ids->id, sizeof(ids->id));
    atomic_store(&self->has_query, true);
    if (gf_rpc_kind_streams_requests(gf_rpc_call_method(call)->kind)) {
        tell_log(call, &self->query);
    }
}

/* Whether who was let in would be let in again. */
static enum gf_code check_entry(const struct gf_gate_call *self, struct gf_error *err) {
    const struct gf_access_entry *entry = self->principal.entry;
    if (!gf_access_entry_valid(entry, gf_clock_wall_ns(self->gate->options.clock))) {
        return invalid(err);
    }
    return gf_access_entry_barred(entry) ? barred(err) : GF_OK;
}

enum gf_code gf_gate_authorize(struct gf_rpc_call *call, const ProtobufCMessage *request,
                               void *door, struct gf_error *err) {
    (void)door;
    struct gf_gate_call *self = gf_rpc_call_principal(call);
    const struct gf_rpc_method *method = gf_rpc_call_method(call);
    const struct gf_access_entry *entry = self->principal.entry;
    const bool streams_requests = gf_rpc_kind_streams_requests(method->kind);
    struct gf_error error;
    struct gf_access_query query;
    const bool asks = gf_method_rule(self->method)->access == GF_METHOD_PERMISSION &&
                      gf_method_query(self->method, request, &query);
    if (asks && !streams_requests) {
        tell_log(call, &query);
    }
    if (self->principal.kind == GF_PRINCIPAL_DEVELOPMENT) {
        return GF_OK;
    }
    enum gf_code rc = GF_OK;
    if (streams_requests && entry != NULL) {
        rc = check_entry(self, &error);
    }
    if (rc == GF_OK && asks) {
        if (!allows(self, &query)) {
            rc = gf_gate__missing(self->gate, &query, &error);
        } else {
            keep_query(call, self, &query);
        }
    }
    if (rc != GF_OK) {
        gf_gate__audit(self, method->path + 1, &error);
        *err = error;
    }
    return rc;
}

static enum gf_code check_stream(const struct gf_gate_call *self, struct gf_gate_watch *watch,
                                 struct gf_error *err) {
    const struct gf_access_entry *entry = self->principal.entry;
    if (entry == NULL) {
        return GF_OK; /* Nothing was asked for that could be lost. */
    }
    const enum gf_code rc = check_entry(self, err);
    if (rc != GF_OK) {
        return rc;
    }
    /* Read before it is asked: what changes meanwhile is asked again. */
    const uint64_t version = atomic_load(&self->gate->version);
    if (watch->version == version) {
        return GF_OK;
    }
    const struct gf_method_rule *rule = gf_method_rule(self->method);
    if (rule->access == GF_METHOD_PERMISSION) {
        const struct gf_access_query any = {.resource = rule->resource, .action = rule->action};
        const bool known = atomic_load(&self->has_query);
        const bool allowed =
            known ? allows(self, &self->query)
                  : gf_access_table_allows_some(self->gate->table, self->principal.entry,
                                                rule->resource, rule->action, any.namespace_id);
        if (!allowed) {
            return gf_gate__missing(self->gate, known ? &self->query : &any, err);
        }
    }
    watch->version = version;
    return GF_OK;
}

enum gf_code gf_gate_check_stream(const struct gf_rpc_call *call, struct gf_gate_watch *watch,
                                  struct gf_error *err) {
    const struct gf_gate_call *self = gf_rpc_call_principal(call);
    const enum gf_code rc = check_stream(self, watch, err);
    gf_counter_add(&self->gate->streams_ended, rc != GF_OK);
    return rc;
}

void gf_gate_ended(struct gf_rpc_call *call, void *door) {
    (void)door;
    struct gf_gate_call *self = gf_rpc_call_principal(call);
    if (self->counts_as_open) {
        const struct gf_peer peer = gf_gate__peer(self);
        gf_access_limits_close(self->gate->limits, gf_peer_key(&peer));
    }
    if (self->counts_as_stream) {
        gf_gauge_add(&self->gate->streams, -1);
        (void)atomic_fetch_sub(&self->principal.entry->stream_count, 1);
    }
    gf_access_entry_unref(self->principal.entry);
}
