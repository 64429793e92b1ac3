/*
 * Secrets that go with an update of an extension: to the registry that its image is fetched from,
 * and to the program that it becomes.
 *
 * Thread: a worker.
 */
#ifndef GOFER_API_SERVICE_EXTENSION_SECRETS_H_
#define GOFER_API_SERVICE_EXTENSION_SECRETS_H_

#include "api/access/principal.h"
#include "engine/core/inputs_extensions.h"
#include "engine/secrets/vault.h"

/*
 * Whether the caller may use the secrets that the credentials refer to, new ones or those that
 * stay, and those of settings that stay; new settings are checked by who takes them. Credentials
 * stay with their registry. Codes: GF_PERMISSION_DENIED; on "registry_auth." fields those of
 * gf_registry_references_check; GF_INVALID_ARGUMENT on "registry_auth" (the image is of another
 * registry than credentials that stay).
 */
enum gf_code gf_extension_check_secrets(const struct gf_principal *principal,
                                        struct gf_vault *vault, const struct gf_extension *row,
                                        const struct gf_extension_change *change,
                                        struct gf_arena *arena, struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_API_SERVICE_EXTENSION_SECRETS_H_ */
