/*
 * What each RPC asks of its caller: one table, of every method that a server of gofer serves. The
 * gate (gate.h) holds calls against it, and RoleService.ListMethodPermissions shows it. A method
 * that is not in it is closed to everybody; a test compares it with the services.
 *
 * Thread: any; nothing here changes after gf_methods_create.
 */
#ifndef GOFER_API_ACCESS_METHODS_H_
#define GOFER_API_ACCESS_METHODS_H_

#include "api/rpc/method.h"
#include "base/macros.h"
#include "engine/auth/access.h"

#include <stdbool.h>
#include <stddef.h>

enum gf_method_access {
    GF_METHOD_OPEN = 1,   /* everybody; a token that is shown is not looked at */
    GF_METHOD_LOCAL,      /* likewise, but only from this machine, and never for tasks */
    GF_METHOD_TOKEN,      /* everybody who was let in */
    GF_METHOD_EXTENSION,  /* tokens of extensions */
    GF_METHOD_PERMISSION, /* who may do `action` to `resource` */
};

/*
 * A row. Fields of the request are named as in the .proto file, with dots between the levels; NULL
 * = the request has none. They are looked for in the message that `root` names (of two by "a|b" the
 * one that is set), or in the request itself where that is NULL.
 */
struct gf_method_rule {
    const char *method; /* "gofer.v1.RunService/StartRun" */
    enum gf_method_access access;
    enum gf_permission_resource resource; /* of PERMISSION, as `action` */
    enum gf_permission_action action;
    /* It shows or uses only that part of many things that the handler finds allowed: it is let in
     * by gf_access_allows_some, in the namespace of the request. */
    bool filtered;
    bool secret;            /* its requests or responses hold secrets */
    bool default_namespace; /* an empty namespace means `default` */
    const char *root;
    const char *namespace_field;
    const char *id_field;
    const char *run_field;
};

/* All rows, ordered by method. Static storage. */
const struct gf_method_rule *gf_method_rules(size_t *out_count);

/* Every service that the rows are of. Static storage. */
const struct gf_rpc_service *const *gf_method_services(size_t *out_count);

/* The table with its field names resolved to places in the decoded messages. */
struct gf_methods;

/* A field that does not exist, or is of another type, is a programmer's error (asserted). */
struct gf_methods *gf_methods_create(void) GF_MUST_USE;
/* Accepts NULL. */
void gf_methods_destroy(struct gf_methods *methods);

/* One row of it. Lives as long as the table. */
struct gf_method;

/* By the path of the method; NULL where it has no row. */
const struct gf_method *gf_methods_find(const struct gf_methods *methods,
                                        const struct gf_rpc_method *method);
const struct gf_method_rule *gf_method_rule(const struct gf_method *method);

/*
 * What a request of a method with PERMISSION asks for. The query borrows from the request. False:
 * nothing, because it is a later message of a stream, whose first one said what it is about.
 */
bool gf_method_query(const struct gf_method *method, const ProtobufCMessage *request,
                     struct gf_access_query *out_query);

#endif /* GOFER_API_ACCESS_METHODS_H_ */
