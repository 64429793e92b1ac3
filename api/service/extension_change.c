/*
 * Installing, changing and removing extensions.
 *
 * What somebody wants is checked on a worker, because it reads the store and compares roles; then
 * it goes to the engine, and what came of it is read from the store.
 *
 * Whoever changes what program an extension is, or what it is told, acts with the rights that the
 * extension has: so its roles are compared with the caller's each time, those that stay too, and
 * the same goes for the secrets that its settings and its credentials refer to.
 */
#include "api/service/extension_change.h"

#include "api/codec/model/config.h"
#include "api/codec/model/message.h"
#include "api/codec/model/references.h"
#include "api/extension/settings.h"
#include "api/service/command_call.h"
#include "api/service/extension_calls.h"
#include "api/service/extension_message.h"
#include "api/service/extension_secrets.h"
#include "api/service/lookup.h"
#include "api/service/setting_references.h"
#include "api/service/token_commands.h"
#include "base/identifier.h"
#include "engine/auth/system_roles.h"
#include "engine/core/limits.h"
#include "engine/scheduler/native/images/image_store.h"

#include <stdio.h>

/* ---- What is wanted ---- */

enum gf_code gf_extension_check_image(struct gf_services *services, struct gf_str image,
                                      struct gf_error *err) {
    const struct gf_scheduler scheduler = services->scheduler;
    struct gf_error error = {0};
    const enum gf_code rc =
        scheduler.ops->check_image(scheduler.self, image, GF_PULL_UNSPECIFIED, &error);
    if (rc == GF_OK) {
        return GF_OK;
    }
    (void)snprintf(error.field, sizeof(error.field), "image");
    if (rc == GF_NOT_FOUND && error.reason[0] == '\0') {
        (void)snprintf(error.reason, sizeof(error.reason), "IMAGE_NOT_FOUND");
    }
    *err = error;
    return rc;
}

enum gf_code gf_extension_read_registry_auth(const Gofer__V1__RegistryAuth *message,
                                             struct gf_registry_auth *out, struct gf_error *err) {
    if (message == NULL) {
        return GF_OK;
    }
    static const unsigned kinds = GF_REFERENCE_BIT(GF_REFERENCE_GLOBAL_SECRET);
    const struct gf_registry_auth auth = {.user = gf_str_from(message->user),
                                          .password = gf_str_from(message->password)};
    if (message->secret_key[0] != '\0') {
        return gf_fail_field(err, "registry_auth.secret_key",
                             "an extension belongs to no pipeline: give user and password, which "
                             "may be global_secret{{KEY}}");
    }
    if (auth.user.len == 0 && auth.password.len > 0) {
        return gf_fail_field(err, "registry_auth.user", "there is a password, but no user");
    }
    if (gf_str_eq(auth.password, GF_STR(GF_PASSWORD_SHOWN))) {
        return gf_fail_field(err, "registry_auth.password",
                             "'" GF_PASSWORD_SHOWN "' is what is shown instead of a password");
    }
    struct gf_arena scratch;
    gf_arena_init(&scratch, GF_REFERENCES_MAX * sizeof(struct gf_text_part) + (4 << 10));
    struct gf_text_part *references = NULL;
    size_t count = 0;
    enum gf_code rc = gf_references_list(auth.user, kinds, &scratch, &references, &count, err);
    if (rc != GF_OK) {
        (void)gf_wrap_field(err, "registry_auth.user");
    } else {
        gf_arena_reset(&scratch);
        rc = gf_references_list(auth.password, kinds, &scratch, &references, &count, err);
        if (rc != GF_OK) {
            (void)gf_wrap_field(err, "registry_auth.password");
        }
    }
    gf_arena_fini(&scratch);
    if (rc == GF_OK) {
        *out = auth;
    }
    return rc;
}

static enum gf_code read_network(const struct gf_services *services, const char *network,
                                 enum gf_network_mode *out, struct gf_error *err) {
    const struct gf_str text = gf_str_from(network);
    if (gf_str_eq_nocase(text, GF_STR("none"))) {
        *out = GF_NETWORK_NONE;
    } else if (gf_str_eq_nocase(text, GF_STR("bridge"))) {
        *out = GF_NETWORK_BRIDGE;
    } else if (gf_str_eq_nocase(text, GF_STR("host"))) {
        if (!services->host_network_allowed) {
            return gf_fail_field(err, "network",
                                 "this server does not let containers have its own network");
        }
        *out = GF_NETWORK_HOST;
    } else if (text.len > 0) {
        return gf_fail_field(err, "network", "'%.64s' is no network, expected none, bridge or host",
                             network);
    }
    return GF_OK;
}

static enum gf_code read_policy(Gofer__V1__ExtensionUpdatePolicy policy,
                                enum gf_extension_update_policy *out, struct gf_error *err) {
    if (policy != GOFER__V1__EXTENSION_UPDATE_POLICY__EXTENSION_UPDATE_POLICY_UNSPECIFIED &&
        !gf_extension_update_policy_valid((int64_t)policy)) {
        return gf_fail_field(err, "update_policy", "%d is no policy", (int)policy);
    }
    *out = (enum gf_extension_update_policy)policy;
    return GF_OK;
}

/* Of a request: at most GF_TOKEN_ROLES_MAX, none that is the first token's alone. */
static enum gf_code read_roles(char *const *role_ids, size_t count, const char *field,
                               struct gf_arena *arena, struct gf_extension_change *change,
                               struct gf_error *err) {
    if (count > GF_TOKEN_ROLES_MAX) {
        return gf_fail_field(err, field, "there are %zu roles, expected up to %d", count,
                             GF_TOKEN_ROLES_MAX);
    }
    struct gf_str *ids = GF_ARENA_ARRAY(arena, count, struct gf_str);
    for (size_t i = 0; i < count; i++) {
        ids[i] = gf_str_from(role_ids[i]);
        if (gf_str_eq(ids[i], GF_STR(GF_ROLE_BOOTSTRAP))) {
            return gf_fail(err, GF_PERMISSION_DENIED,
                           "role '" GF_ROLE_BOOTSTRAP "' is that of the first token alone");
        }
    }
    change->role_ids = ids;
    change->role_count = count;
    return GF_OK;
}

/* What the handlers of this file share: in the call's arena. */
struct change_call {
    struct gf_command_call *base;
    struct gf_extension_spec spec;
    struct gf_setting *settings; /* as given */
    size_t setting_count;
    int64_t replayed_key; /* of the extension that this call made before; 0 = it did not */
    bool changed;
    int64_t subscription_count;
};

static struct gf_extension_change *change_of(struct change_call *self) {
    return &self->base->command.input.u.extension.change;
}

static enum gf_code take_settings(struct change_call *self, struct gf_error *err) {
    struct gf_command_call *base = self->base;
    enum gf_code rc = gf_settings_normalize(self->settings, self->setting_count,
                                            /* subscription= */ false, base->arena, err);
    if (rc == GF_OK) {
        rc = gf_setting_references_check(gf_principal_of(base->call), base->services->vault,
                                         /* user= */ NULL, GF_STR(""), self->settings,
                                         self->setting_count, err);
    }
    if (rc == GF_OK) {
        gf_settings_seal(base->services->vault,
                         gf_settings_place_of_extension(change_of(self)->extension_id, base->arena),
                         self->settings, self->setting_count, base->arena, &self->spec.settings,
                         &change_of(self)->fingerprint);
    }
    return rc;
}

static struct change_call *begin(struct gf_rpc_call *call, const ProtobufCMessage *request,
                                 void *ctx, enum gf_input_kind kind, gf_respond_fn *respond,
                                 const char *extension_id) {
    struct gf_command_call *base = gf_command_call_create(call, request, ctx, kind, respond);
    struct change_call *self = GF_ARENA_NEW(base->arena, struct change_call);
    struct gf_extension_change *change = &base->command.input.u.extension.change;
    base->data = self;
    self->base = base;
    change->extension_id = gf_str_from(extension_id);
    change->spec = &self->spec;
    return self;
}

/* ---- InstallExtension ---- */

static enum gf_code show_installed(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__InstallExtensionRequest *request = (const void *)read->request;
    const struct change_call *self = read->data;
    struct gf_extension row = {0};
    Gofer__V1__InstallExtensionResponse *response = GF_MESSAGE_NEW(
        read->arena, Gofer__V1__InstallExtensionResponse, gofer__v1__install_extension_response);
    enum gf_code rc = gf_find_extension(read, request->extension_id, &row, err);
    if (rc == GF_OK && self->replayed_key != 0) {
        rc = gf_check_resource("extension", row.extension_id, row.extension_key, self->replayed_key,
                               err);
    }
    if (rc == GF_OK) {
        rc = gf_extension_to_message(read, &row, /* full= */ true, &response->extension, err);
    }
    read->response = &response->base;
    return rc;
}

static const ProtobufCMessage *respond_installed(struct gf_command_call *base,
                                                 const struct gf_reply *reply) {
    struct change_call *self = base->data;
    if (reply->replayed != NULL) {
        self->replayed_key = reply->replayed->resource_key;
    }
    return gf_command_call_read(base, show_installed, self);
}

static enum gf_code read_install(struct change_call *self,
                                 const Gofer__V1__InstallExtensionRequest *request,
                                 struct gf_error *err) {
    struct gf_extension_change *change = change_of(self);
    self->spec.image = gf_str_from(request->image);
    self->base->command.input.u.extension.request.request_id = gf_str_from(request->request_id);
    enum gf_code rc = gf_identifier_check(change->extension_id, "extension_id", err);
    if (rc == GF_OK) {
        rc = gf_check_request_id(request->request_id, err);
    }
    if (rc == GF_OK) {
        rc =
            gf_extension_read_registry_auth(request->registry_auth, &self->spec.registry_auth, err);
    }
    if (rc == GF_OK) {
        rc = read_network(self->base->services, request->network, &self->spec.network, err);
    }
    if (rc == GF_OK) {
        rc = read_policy(request->update_policy, &change->update_policy, err);
    }
    if (rc == GF_OK) {
        rc = read_roles(request->role_ids, request->n_role_ids, "role_ids", self->base->arena,
                        change, err);
    }
    GF_SETTINGS_READ(request, self->base->arena, &self->settings, &self->setting_count);
    return rc;
}

/* An image, a role and a secret need not be there any more where the call was made before. */
static enum gf_code check_install(struct change_call *self, struct gf_read *read,
                                  struct gf_error *err) {
    const struct gf_extension_change *change = change_of(self);
    const struct gf_request_ref *request = &self->base->command.input.u.extension.request;
    enum gf_code rc = take_settings(self, err);
    if (rc != GF_OK || gf_was_given_before(read, request->caller, request->request_id)) {
        return rc;
    }
    rc = gf_registry_references_check(read->principal, self->base->services->vault,
                                      &self->spec.registry_auth, err);
    if (rc == GF_OK && self->spec.image.len > 0) {
        rc = gf_extension_check_image(self->base->services, self->spec.image, err);
    }
    if (rc == GF_OK) {
        rc = gf_token_check_roles(read, change->role_ids, change->role_count, "role_ids", err);
    }
    return rc;
}

/* On a worker. */
static void prepare_install(void *ctx) {
    struct change_call *self = ctx;
    struct gf_error error = {0};
    struct gf_arena arena;
    struct gf_read read;
    gf_arena_init(&arena, GF_SERVICES_ARENA_BYTES_MAX);
    gf_read_open(&read, self->base->services, &arena);
    read.principal = gf_principal_of(self->base->call);
    const enum gf_code rc = check_install(self, &read, &error);
    gf_read_close(&read);
    gf_arena_fini(&arena);
    gf_command_call_submit_checked(self->base, rc, &error);
}

void gf_extension_install(struct gf_rpc_call *call,
                          const Gofer__V1__InstallExtensionRequest *request, void *ctx) {
    struct change_call *self = begin(call, &request->base, ctx, GF_INPUT_INSTALL_EXTENSION,
                                     respond_installed, request->extension_id);
    struct gf_error error = {0};
    enum gf_code rc = read_install(self, request, &error);
    if (rc == GF_OK) {
        rc = gf_pool_submit(self->base->services->pool, prepare_install, self, &error);
    }
    if (rc != GF_OK) {
        gf_command_call_fail(self->base, &error);
    }
}

/* ---- UpdateExtension ---- */

static enum gf_code show_updated(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__UpdateExtensionRequest *request = (const void *)read->request;
    const struct change_call *self = read->data;
    struct gf_extension row = {0};
    Gofer__V1__UpdateExtensionResponse *response = GF_MESSAGE_NEW(
        read->arena, Gofer__V1__UpdateExtensionResponse, gofer__v1__update_extension_response);
    enum gf_code rc = gf_find_extension(read, request->extension_id, &row, err);
    if (rc == GF_OK) {
        rc = gf_extension_to_message(read, &row, /* full= */ true, &response->extension, err);
    }
    response->changed = self->changed;
    read->response = &response->base;
    return rc;
}

static const ProtobufCMessage *respond_updated(struct gf_command_call *base,
                                               const struct gf_reply *reply) {
    struct change_call *self = base->data;
    self->changed = !reply->unchanged;
    return gf_command_call_read(base, show_updated, self);
}

static enum gf_code read_update(struct change_call *self,
                                const Gofer__V1__UpdateExtensionRequest *request,
                                struct gf_error *err) {
    struct gf_extension_change *change = change_of(self);
    self->spec.image = gf_str_from(request->image);
    change->set_image = self->spec.image.len > 0;
    change->set_registry_auth = request->registry_auth != NULL;
    change->set_network = request->network[0] != '\0';
    change->set_settings = request->settings != NULL;
    change->set_roles = request->roles != NULL;
    change->set_policy = request->update_policy !=
                         GOFER__V1__EXTENSION_UPDATE_POLICY__EXTENSION_UPDATE_POLICY_UNSPECIFIED;
    enum gf_code rc = gf_identifier_check(change->extension_id, "extension_id", err);
    if (rc == GF_OK) {
        rc =
            gf_extension_read_registry_auth(request->registry_auth, &self->spec.registry_auth, err);
    }
    if (rc == GF_OK) {
        rc = read_network(self->base->services, request->network, &self->spec.network, err);
    }
    if (rc == GF_OK) {
        rc = read_policy(request->update_policy, &change->update_policy, err);
    }
    if (rc == GF_OK && change->set_roles) {
        rc = read_roles(request->roles->role_ids, request->roles->n_role_ids, "roles.role_ids",
                        self->base->arena, change, err);
    }
    if (change->set_settings) {
        GF_SETTINGS_READ(request->settings, self->base->arena, &self->settings,
                         &self->setting_count);
    }
    return rc;
}

/* Whether the settings say what those of the row say. Those that do not open say something else. */
static bool has_same_settings(const struct change_call *self, const struct gf_extension *row) {
    GF_CLEANUP(gf_settings_close) struct gf_open_settings opened = {0};
    const struct gf_str place =
        gf_settings_place_of_extension(row->extension_id, self->base->arena);
    return gf_settings_open(self->base->services->vault, place, row->spec.settings, &opened,
                            NULL) == GF_OK &&
           gf_settings_same(opened.items, opened.count, self->settings, self->setting_count);
}

/* Held against what the program declares, unless another one is to come that may declare others. */
static enum gf_code check_declared(const struct change_call *self, const struct gf_extension *row,
                                   struct gf_error *err) {
    const struct gf_extension_change *change = &self->base->command.input.u.extension.change;
    const Gofer__Extension__V1__Registration *declaration =
        gf_extension_declares(row, self->base->arena);
    const bool other_image = change->set_image && !gf_str_eq(self->spec.image, row->spec.image);
    if (row->registration.len == 0 || other_image) {
        return GF_OK;
    }
    struct gf_settings_check check = {0};
    gf_settings_check(declaration->config_parameters, declaration->n_config_parameters,
                      self->settings, self->setting_count, GF_SETTINGS_GIVEN,
                      /* subscription= */ false, self->base->arena, &check);
    return check.problem_count > 0 ? gf_settings_fail(&check, err) : GF_OK;
}

static enum gf_code check_update_settings(struct change_call *self, const struct gf_extension *row,
                                          struct gf_error *err) {
    struct gf_extension_change *change = change_of(self);
    enum gf_code rc = take_settings(self, err);
    if (rc == GF_OK) {
        rc = check_declared(self, row, err);
    }
    /* They are sealed with a nonce: the engine cannot tell that they are the same. */
    if (rc == GF_OK && has_same_settings(self, row)) {
        change->set_settings = false;
        self->spec.settings = GF_STR("");
    } else if (rc != GF_OK && err->field[0] != '\0') {
        (void)gf_wrap_field(err, "settings.");
    }
    return rc;
}

/*
 * Without anything to set the image is looked up again. What is here under its name may be another
 * one than runs: then that is taken. An image that nobody fetched from a registry, and that is the
 * one that runs, cannot be another one anywhere else. Gives whether there is something to do.
 */
static bool wants_another_image(struct change_call *self, const struct gf_extension *row) {
    struct gf_image_store *images = self->base->services->images;
    struct gf_image *image = NULL;
    if (row->spec.image.len == 0) {
        return false;
    }
    if (images == NULL || row->serving.image_digest.len == 0 ||
        gf_image_store_resolve(images, row->spec.image, &image, NULL) != GF_OK) {
        return true;
    }
    const bool same = gf_str_eq(gf_str_from(image->record.digest.text), row->serving.image_digest);
    const bool is_pulled = gf_image_store_usage(images, &image->record.digest).is_pulled;
    gf_image_unref(image);
    change_of(self)->image_is_here = !same;
    return !same || is_pulled;
}

static enum gf_code check_update(struct change_call *self, struct gf_read *read,
                                 bool *out_unchanged, struct gf_error *err) {
    const Gofer__V1__UpdateExtensionRequest *request = (const void *)self->base->request;
    struct gf_extension_change *change = change_of(self);
    struct gf_extension row = {0};
    enum gf_code rc = gf_find_extension(read, request->extension_id, &row, err);
    if (rc == GF_OK && change->set_image && !gf_str_eq(self->spec.image, row.spec.image)) {
        rc = gf_extension_check_image(self->base->services, self->spec.image, err);
    }
    if (rc == GF_OK) {
        rc = gf_token_check_roles(read, change->set_roles ? change->role_ids : row.role_ids,
                                  change->set_roles ? change->role_count : row.role_count,
                                  change->set_roles ? "roles.role_ids" : NULL, err);
    }
    if (rc == GF_OK) {
        rc = gf_extension_check_secrets(read->principal, self->base->services->vault, &row, change,
                                        self->base->arena, err);
    }
    const bool sets_nothing = !change->set_image && !change->set_registry_auth &&
                              !change->set_network && !change->set_settings && !change->set_roles &&
                              !change->set_policy;
    if (rc == GF_OK && change->set_settings) {
        rc = check_update_settings(self, &row, err);
    }
    if (rc == GF_OK && sets_nothing) {
        change->relaunch = wants_another_image(self, &row);
        *out_unchanged = !change->relaunch;
    } else if (rc == GF_OK) {
        /* Settings that were the only thing to set, and are the same, are nothing to do: to the
         * engine an update that sets nothing is another launch. */
        *out_unchanged = !change->set_image && !change->set_registry_auth && !change->set_network &&
                         !change->set_settings && !change->set_roles && !change->set_policy;
    }
    return rc;
}

/* On a worker. */
static void prepare_update(void *ctx) {
    struct change_call *self = ctx;
    struct gf_error error = {0};
    struct gf_arena arena;
    struct gf_read read;
    bool unchanged = false;
    gf_arena_init(&arena, GF_SERVICES_ARENA_BYTES_MAX);
    gf_read_open(&read, self->base->services, &arena);
    read.principal = gf_principal_of(self->base->call);
    const enum gf_code rc = check_update(self, &read, &unchanged, &error);
    gf_read_close(&read);
    gf_arena_fini(&arena);
    if (rc == GF_OK && unchanged) {
        (void)gf_command_call_read(self->base, show_updated, self);
        return;
    }
    gf_command_call_submit_checked(self->base, rc, &error);
}

void gf_extension_update(struct gf_rpc_call *call, const Gofer__V1__UpdateExtensionRequest *request,
                         void *ctx) {
    struct change_call *self = begin(call, &request->base, ctx, GF_INPUT_UPDATE_EXTENSION,
                                     respond_updated, request->extension_id);
    struct gf_error error = {0};
    enum gf_code rc = read_update(self, request, &error);
    if (rc == GF_OK) {
        rc = gf_pool_submit(self->base->services->pool, prepare_update, self, &error);
    }
    if (rc != GF_OK) {
        gf_command_call_fail(self->base, &error);
    }
}
