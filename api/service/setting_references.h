/*
 * References to secrets in settings of extensions and subscriptions: whether their values may be
 * used, by whoever gives the settings, and where they are to be used.
 *
 * Thread: a worker.
 */
#ifndef GOFER_API_SERVICE_SETTING_REFERENCES_H_
#define GOFER_API_SERVICE_SETTING_REFERENCES_H_

#include "api/access/principal.h"
#include "api/extension/settings.h"
#include "engine/secrets/vault.h"

/*
 * `settings` are normalized. References to secrets of the pipeline need USE_SECRET on
 * PIPELINE_SECRETS of it, each one to a global secret USE_SECRET on that one of GLOBAL_SECRETS; and
 * every one is looked up once, to see that it can be. `user` says where they are used; NULL: by
 * an extension, as with gf_vault_resolve. Codes, on `settings["NAME"]`:
 * GF_PERMISSION_DENIED, GF_FAILED_PRECONDITION (reason REFERENCE_BROKEN), those of the vault that
 * are no fault of the settings.
 */
enum gf_code gf_setting_references_check(const struct gf_principal *principal,
                                         struct gf_vault *vault, const struct gf_vault_user *user,
                                         struct gf_str pipeline_id,
                                         const struct gf_setting *settings, size_t count,
                                         struct gf_error *err) GF_MUST_USE;

/*
 * The same for what is kept, and was found when it was given: rights alone are asked for, as what
 * is broken meanwhile must not keep anybody from mending it. Code, on no field:
 * GF_PERMISSION_DENIED.
 */
enum gf_code gf_setting_references_check_rights(const struct gf_principal *principal,
                                                const struct gf_vault_user *user,
                                                struct gf_str pipeline_id,
                                                const struct gf_setting *settings, size_t count,
                                                struct gf_error *err) GF_MUST_USE;

/*
 * As gf_setting_references_check, for who fetches the image of an extension: whoever has it fetched
 * with a secret must be allowed to use that. Codes: those, on "registry_auth." fields.
 */
enum gf_code gf_registry_references_check(const struct gf_principal *principal,
                                          struct gf_vault *vault,
                                          const struct gf_registry_auth *auth,
                                          struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_API_SERVICE_SETTING_REFERENCES_H_ */
