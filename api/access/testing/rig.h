/*
 * A gate with servers behind it that answer every RPC of gofer with an empty response: for tests
 * and measurements of who is let in. Tokens and roles come as from an engine, without one.
 *
 * Everything aborts where it fails. Thread: the test's, but for what servers call.
 */
#ifndef GOFER_API_ACCESS_TESTING_RIG_H_
#define GOFER_API_ACCESS_TESTING_RIG_H_

#include "api/access/gate.h"
#include "api/rpc/client.h"
#include "api/rpc/server.h"
#include "base/clock.h"

#include <stdatomic.h>

enum {
    GF_GATE_RIG_ROLES_MAX = 40,
};

struct gf_gate_rig_server {
    struct gf_door door;
    struct gf_rpc_server *server;
    struct gf_rpc_channel *channel; /* without a token */
    int64_t timeout_ms;             /* of gf_gate_rig_call; 30 s at first */
    char target[64];
};

struct gf_gate_rig {
    struct gf_fake_clock clock; /* stands still until it is moved */
    struct gf_gate *gate;
    struct gf_engine_listener listener;
    struct gf_gate_rig_server people;
    struct gf_gate_rig_server tasks;
    atomic_int reached; /* calls whose handler was started */
    /* Instead of the empty answer: called for each start, and ends the call itself or, for a
     * stream, when it is cancelled. NULL: the empty answer. Set before the first call. */
    void (*on_start)(struct gf_rpc_call *call, const ProtobufCMessage *request, void *rig);
    void *user; /* of on_start */
};

/* The clock of options is the rig's where it has none; server_opts gives limits alone, or NULL. */
void gf_gate_rig_start(struct gf_gate_rig *rig, const struct gf_gate_options *options,
                       const struct gf_rpc_server_opts *server_opts);
void gf_gate_rig_stop(struct gf_gate_rig *rig);

/* A token of the kind with these roles, made of `seed`; the text is what lets in. */
struct gf_gate_rig_token {
    struct gf_token_text text;
    struct gf_token_id id;
    struct gf_token row;
    struct gf_str role_ids[GF_GATE_RIG_ROLES_MAX];
};
void gf_gate_rig_make_token(uint64_t seed, enum gf_token_kind kind, const char *const *role_ids,
                            size_t role_count, struct gf_gate_rig_token *out_token);

/* What the engine would tell: a token or a role was written (as it is now), or removed. */
void gf_gate_rig_put_token(struct gf_gate_rig *rig, const struct gf_gate_rig_token *token);
void gf_gate_rig_remove_token(struct gf_gate_rig *rig, const struct gf_gate_rig_token *token);
void gf_gate_rig_put_role(struct gf_gate_rig *rig, const struct gf_role *role);
void gf_gate_rig_remove_role(struct gf_gate_rig *rig, const char *role_id);
/* A task with inject_token of the run was launched; the run has ended. */
void gf_gate_rig_launch(struct gf_gate_rig *rig, const struct gf_run *run, bool inject_token);
void gf_gate_rig_complete(struct gf_gate_rig *rig, const struct gf_run *run);
/* An extension was installed or changed; it was uninstalled. */
void gf_gate_rig_put_extension(struct gf_gate_rig *rig, const struct gf_extension *row);
void gf_gate_rig_remove_extension(struct gf_gate_rig *rig, int64_t extension_key);

/* A role that may do everything in one namespace, and with what is in none. */
void gf_gate_rig_put_namespace_role(struct gf_gate_rig *rig, const char *role_id,
                                    const char *namespace_id);

/*
 * A call of any shape with one request, with the value of `authorization` that is given (NULL:
 * without), to its end. request may be NULL for an empty one.
 */
enum gf_code gf_gate_rig_call(const struct gf_gate_rig_server *server,
                              const struct gf_rpc_method *method, const char *authorization,
                              const ProtobufCMessage *request, struct gf_error *err);
/* The same with "Bearer TEXT". */
enum gf_code gf_gate_rig_call_as(const struct gf_gate_rig_server *server,
                                 const struct gf_rpc_method *method,
                                 const struct gf_gate_rig_token *token,
                                 const ProtobufCMessage *request, struct gf_error *err);

/* By its name, as "gofer.v1.RunService/GetRun". */
const struct gf_rpc_method *gf_gate_rig_method(const char *name);

#endif /* GOFER_API_ACCESS_TESTING_RIG_H_ */
