/*
 * Design: it outlives the call that made it, because a command that is under way cannot be called
 * back. Whoever comes last of two removes it: the call that does not need it any more, or the
 * engine's answer that it is there.
 */
#include "api/service/extension_installer.h"

#include "base/alloc.h"
#include "base/random.h"
#include "base/reactor.h"
#include "engine/core/copy_extensions.h"
#include "engine/core/limits.h"

#include <stdio.h>

enum {
    SPEC_BYTES_MAX = 1 << 20,
    ID_BYTES = sizeof("installer-") + GF_UUID_BYTES,
};

struct gf_installer {
    struct gf_services *services;
    struct gf_reactor *reactor;
    void (*changed)(void *ctx);
    void *ctx;
    struct gf_arena arena;
    struct gf_extension_spec spec;
    char id[ID_BYTES];
    struct gf_command command; /* the installation, then the removal */

    struct gf_mutex mutex; /* of all below */
    struct gf_cond idle;
    int running; /* calls of `changed` */
    bool left;   /* the owner has gone */
    bool answered;
    int64_t key;
    struct gf_error error;
};

static void free_installer(struct gf_installer *self) {
    (void)atomic_fetch_sub(&self->services->installer_count, 1);
    gf_cond_fini(&self->idle);
    gf_mutex_fini(&self->mutex);
    gf_arena_wipe(&self->arena); /* a password may be in it */
    gf_arena_fini(&self->arena);
    free(self);
}

/* ---- Removing ---- */

static void remove_it(struct gf_installer *self);

static void removed(struct gf_command *command, GF_UNUSED const struct gf_reply *reply) {
    /* Where it could not be removed the engine stops: then the next start does it. */
    free_installer(GF_CONTAINER_OF(command, struct gf_installer, command));
}

/* Room comes with the engine's next batch; until then others of the reactor have their turns. */
static void try_again(void *ctx) {
    remove_it(ctx);
}

static void remove_it(struct gf_installer *self) {
    self->command = (struct gf_command){
        .input = {.kind = GF_INPUT_UNINSTALL_EXTENSION},
        .done = removed,
    };
    self->command.input.u.choice =
        (struct gf_extension_choice){.extension_id = gf_str_from(self->id), .force = true};
    struct gf_error error = {0};
    const enum gf_code rc = gf_engine_submit(self->services->engine, &self->command, &error);
    if (rc == GF_OK) {
        return;
    }
    if (rc != GF_RESOURCE_EXHAUSTED || !gf_reactor_post(self->reactor, try_again, self)) {
        free_installer(self);
    }
}

/* ---- Installing ---- */

/* Thread: engine. */
static void installed(struct gf_command *command, const struct gf_reply *reply) {
    struct gf_installer *self = GF_CONTAINER_OF(command, struct gf_installer, command);
    const bool is_there = reply->error.code == GF_OK;
    gf_mutex_lock(&self->mutex);
    self->answered = true;
    self->key = is_there ? reply->extension->extension_key : 0;
    self->error = reply->error;
    const bool left = self->left;
    self->running += !left;
    gf_mutex_unlock(&self->mutex);
    if (!left) {
        self->changed(self->ctx);
        gf_mutex_lock(&self->mutex);
        self->running--;
        gf_cond_broadcast(&self->idle);
        gf_mutex_unlock(&self->mutex);
    } else if (is_there) {
        remove_it(self);
    } else {
        free_installer(self);
    }
}

enum gf_code gf_installer_create(const struct gf_installer_options *options,
                                 struct gf_installer **out_installer, struct gf_error *err) {
    struct gf_services *services = options->services;
    char uuid[GF_UUID_BYTES];
    if (atomic_fetch_add(&services->installer_count, 1) >= GF_INSTALLERS_MAX) {
        (void)atomic_fetch_sub(&services->installer_count, 1);
        return gf_fail(err, GF_RESOURCE_EXHAUSTED,
                       "there are %d dialogs of installation under way, no more are possible",
                       GF_INSTALLERS_MAX);
    }
    struct gf_installer *self = GF_NEW(struct gf_installer);
    self->services = services;
    self->reactor = options->reactor;
    self->changed = options->changed;
    self->ctx = options->ctx;
    gf_arena_init(&self->arena, SPEC_BYTES_MAX);
    gf_extension_spec_copy(options->spec, &self->arena, &self->spec);
    (void)snprintf(self->id, sizeof(self->id), "installer-%s", gf_uuid_v4(uuid));
    gf_mutex_init(&self->mutex, GF_RANK_SERVICE);
    gf_cond_init(&self->idle);
    self->command.input.kind = GF_INPUT_INSTALL_EXTENSION;
    self->command.done = installed;
    self->command.input.u.extension.change = (struct gf_extension_change){
        .extension_id = gf_str_from(self->id),
        .spec = &self->spec,
        .update_policy = GF_EXTENSION_UPDATE_NEVER,
        .installer = true,
    };
    const enum gf_code rc = gf_engine_submit(services->engine, &self->command, err);
    if (rc != GF_OK) {
        free_installer(self);
        return rc;
    }
    *out_installer = self;
    return GF_OK;
}

void gf_installer_destroy(struct gf_installer *self) {
    if (self == NULL) {
        return;
    }
    gf_mutex_lock(&self->mutex);
    self->left = true;
    while (self->running > 0) {
        gf_cond_wait(&self->idle, &self->mutex);
    }
    const bool answered = self->answered;
    const bool is_there = answered && self->error.code == GF_OK;
    gf_mutex_unlock(&self->mutex);
    if (is_there) {
        remove_it(self);
    } else if (answered) {
        free_installer(self);
    }
}

enum gf_code gf_installer_key(struct gf_installer *self, int64_t *out_key, struct gf_error *err) {
    GF_MUTEX_GUARD(&self->mutex);
    if (self->answered && self->error.code != GF_OK) {
        if (err != NULL) {
            *err = self->error;
        }
        return self->error.code;
    }
    *out_key = self->key;
    return GF_OK;
}

struct gf_str gf_installer_id(const struct gf_installer *self) {
    return gf_str_from(self->id);
}
