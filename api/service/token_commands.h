/*
 * The handlers of TokenService that make tokens, for the table in token.c. Thread: rpc.
 */
#ifndef GOFER_API_SERVICE_TOKEN_COMMANDS_H_
#define GOFER_API_SERVICE_TOKEN_COMMANDS_H_

#include "api/service/read_call.h"
#include "gofer/v1/token.gofer.h"

void gf_token_bootstrap(struct gf_rpc_call *call, const Gofer__V1__BootstrapTokenRequest *request,
                        void *ctx);
void gf_token_create(struct gf_rpc_call *call, const Gofer__V1__CreateTokenRequest *request,
                     void *ctx);

/*
 * Whether the caller may hand out a token with these roles: none allows more than it may do itself.
 * On a worker. Codes: GF_NOT_FOUND (no such role), GF_PERMISSION_DENIED, with the field of the role
 * where `field` is not NULL ("role_ids" gives "role_ids[2]").
 */
enum gf_code gf_token_check_roles(struct gf_read *read, const struct gf_str *role_ids, size_t count,
                                  const char *field, struct gf_error *err) GF_MUST_USE;

/*
 * The same for a token of an extension, which has the roles of the extension and the one that every
 * extension has, besides its own. Other tokens pass. Codes: also GF_NOT_FOUND (no such extension),
 * with the field "extension_id" where `field` is not NULL.
 */
enum gf_code gf_token_check_extension(struct gf_read *read, const struct gf_token *token,
                                      const char *field, struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_API_SERVICE_TOKEN_COMMANDS_H_ */
