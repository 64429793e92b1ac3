/*
 * Installing, removing and switching extensions. What becomes of their containers then is decided
 * in extension_life.c.
 *
 * Rows of installers are those of extensions of which nobody is told: they have a container while
 * their dialog lasts, no events, no tokens and no subscriptions, and only UNINSTALL_EXTENSION knows
 * them.
 */
#include "base/vec.h"
#include "engine/core/copy.h"
#include "engine/core/core_checks.h"
#include "engine/core/core_internal.h"

#include <inttypes.h>

/* ---- What the commands share ---- */

static void refuse_unknown(struct gf_core *core, const struct gf_input *input,
                           struct gf_str extension_id) {
    struct gf_error err = {0};
    (void)gf_fail(&err, GF_NOT_FOUND, "extension '%" GF_STR_FMT "' is not installed",
                  GF_STR_ARG(extension_id));
    (void)gf_core__refuse(core, input, &err);
}

struct core_extension *gf_core__resolve_extension(struct gf_core *core,
                                                  const struct gf_input *input,
                                                  struct gf_str extension_id) {
    struct core_extension *extension = gf_core__find_extension(core, extension_id);
    if (extension == NULL) {
        refuse_unknown(core, input, extension_id);
    }
    return extension;
}

enum gf_code gf_core__check_extension_bytes(const struct gf_core *core, size_t more,
                                            struct gf_error *err) {
    if (core->extension_bytes + more > GF_EXTENSIONS_BYTES_MAX) {
        return gf_fail(err, GF_RESOURCE_EXHAUSTED,
                       "extensions would take up more than %d MiB: no more is possible",
                       GF_EXTENSIONS_BYTES_MAX >> 20);
    }
    return GF_OK;
}

/* ---- Installing ---- */

static int64_t fingerprint_of(const struct gf_extension_change *change) {
    const int64_t numbers[] = {change->fingerprint, (int64_t)change->spec->network,
                               (int64_t)change->update_policy, (int64_t)change->role_count,
                               change->installer};
    GF_VEC(struct gf_str) texts = {0};
    gf_vec_push(&texts, change->extension_id);
    gf_vec_push(&texts, change->spec->image);
    gf_vec_push(&texts, change->spec->registry_auth.secret_key);
    gf_vec_push(&texts, change->spec->registry_auth.user);
    gf_vec_push(&texts, change->spec->registry_auth.password);
    for (size_t i = 0; i < change->role_count; i++) {
        gf_vec_push(&texts, change->role_ids[i]);
    }
    const int64_t fingerprint =
        gf_core__fingerprint(texts.items, texts.count, numbers, GF_ARRAY_COUNT(numbers));
    gf_vec_fini(&texts);
    return fingerprint;
}

static enum gf_code check_new(const struct gf_core *core, const struct gf_extension_change *change,
                              struct gf_error *err) {
    if (gf_map_get(&core->extensions, change->extension_id) != NULL) {
        return gf_fail(err, GF_ALREADY_EXISTS,
                       "extension '%" GF_STR_FMT "' is installed: update it instead",
                       GF_STR_ARG(change->extension_id));
    }
    if (gf_map_count(&core->extensions) >= GF_EXTENSIONS_MAX) {
        return gf_fail(err, GF_RESOURCE_EXHAUSTED, "there are %d extensions, no more are possible",
                       GF_EXTENSIONS_MAX);
    }
    const enum gf_code rc = gf_core__check_roles(core, change->role_ids, change->role_count, err);
    return rc == GF_OK
               ? gf_core__check_extension_bytes(
                     core, gf_core__spec_bytes(change->spec) + change->extension_id.len, err)
               : rc;
}

static struct core_extension *create(struct gf_core *core,
                                     const struct gf_extension_change *change) {
    const struct gf_extension row = {
        .extension_key = core->next.next_run_key++,
        .extension_id = change->extension_id,
        .installer = change->installer,
        .spec = *change->spec,
        .role_ids = change->role_ids,
        .role_count = change->role_count,
        .update_policy = change->update_policy == GF_EXTENSION_UPDATE_UNSPECIFIED
                             ? GF_EXTENSION_UPDATE_NEVER
                             : change->update_policy,
        .create_time = core->now,
        .update_time = core->now,
    };
    struct core_extension *extension = gf_core__add_extension(core, &row);
    gf_core__mark_extension(core, extension);
    if (!row.installer) {
        const struct core_extension_facts facts = {.image = row.spec.image};
        gf_core__tell_extension(
            core, gf_core__event_extension(core, GF_EVENT_EXTENSION_INSTALLED, extension), &facts);
    }
    return extension;
}

static enum gf_step install(struct gf_core *core, const struct gf_input *input,
                            struct gf_need *out_need) {
    const struct gf_extension_change *change = &input->u.extension.change;
    enum gf_step result = GF_STEP_DONE;
    struct gf_error err = {0};
    if (gf_core__check_extension(input, &err) != GF_OK) {
        return gf_core__refuse(core, input, &err);
    }
    const int64_t fingerprint = fingerprint_of(change);
    if (gf_core__replay(core, input, &input->u.extension.request, GF_REQUEST_INSTALL_EXTENSION,
                        fingerprint, out_need, &result)) {
        return result;
    }
    if (check_new(core, change, &err) != GF_OK) {
        return gf_core__refuse(core, input, &err);
    }
    struct core_extension *extension = create(core, change);
    gf_core__extension_settle(core, extension);
    gf_core__reply(core, input)->extension = &extension->row;
    const struct gf_request outcome = {
        .kind = GF_REQUEST_INSTALL_EXTENSION,
        .fingerprint = fingerprint,
        .resource_key = extension->row.extension_key,
        .subject_id = extension->row.extension_id,
        .changed = true,
    };
    gf_core__record(core, &input->u.extension.request, &outcome);
    return GF_STEP_DONE;
}

/* ---- Uninstalling ---- */

/* Nobody watches their ends: what is told of them later is about nobody, and is forgotten. */
static void stop_all(struct gf_core *core, struct core_extension *extension) {
    for (size_t i = 0; i < CORE_SEATS; i++) {
        if (gf_core__instance_row(&extension->instances[i])->attempt > 0) {
            gf_core__instance_stop(core, &extension->instances[i], /* force= */ false);
        }
    }
}

static enum gf_step uninstall(struct gf_core *core, const struct gf_input *input) {
    const struct gf_extension_choice *choice = &input->u.choice;
    struct core_extension *extension = gf_map_get(&core->extensions, choice->extension_id);
    if (extension == NULL) {
        refuse_unknown(core, input, choice->extension_id);
        return GF_STEP_DONE;
    }
    if (extension->subscription_count > 0 && !choice->force) {
        struct gf_error err = {0};
        (void)gf_fail_reason(&err, GF_FAILED_PRECONDITION, "HAS_SUBSCRIPTIONS",
                             "extension '%" GF_STR_FMT "' has %" PRId64
                             " subscriptions: delete them first, or force it",
                             GF_STR_ARG(choice->extension_id), extension->subscription_count);
        return gf_core__refuse(core, input, &err);
    }
    stop_all(core, extension);
    struct gf_reply *reply = gf_core__reply(core, input);
    reply->subscription_count =
        gf_core__drop_extension_subscriptions(core, extension->row.extension_key);
    gf_core__drop_extension_tokens(core, extension->row.extension_id);
    if (!extension->row.installer) {
        (void)gf_core__event_extension(core, GF_EVENT_EXTENSION_UNINSTALLED, extension);
    }
    gf_core__bury_extension(core, extension);
    return GF_STEP_DONE;
}

/* ---- Enabling and disabling ---- */

static void enable(struct gf_core *core, struct core_extension *extension) {
    struct gf_extension *row = &extension->row;
    row->disabled = false;
    row->restart_count = 0;
    extension->failures = 0;
    gf_core__set_extension_text(core, extension, &row->last_trouble, GF_STR(""));
    gf_core__extension_settle(core, extension);
}

/* What is under way ends: an update, a wait, and every container when it has finished. */
static void disable(struct gf_core *core, struct core_extension *extension) {
    extension->row.disabled = true;
    gf_core__extension_clear_start(core, extension);
    if (extension->row.has_fallback) {
        gf_core__update_give_up(core, extension, GF_STR("the extension was disabled"));
    }
    for (size_t i = 0; i < CORE_SEATS; i++) {
        if (gf_core__instance_row(&extension->instances[i])->attempt > 0) {
            gf_core__instance_leave(core, &extension->instances[i]);
        }
    }
}

static enum gf_step switch_extension(struct gf_core *core, const struct gf_input *input) {
    const bool disabled = input->kind == GF_INPUT_DISABLE_EXTENSION;
    struct core_extension *extension =
        gf_core__resolve_extension(core, input, input->u.choice.extension_id);
    if (extension == NULL) {
        return GF_STEP_DONE;
    }
    const bool changed = extension->row.disabled != disabled;
    if (changed) {
        (void)gf_core__event_extension(
            core, disabled ? GF_EVENT_EXTENSION_DISABLED : GF_EVENT_EXTENSION_ENABLED, extension);
        if (disabled) {
            disable(core, extension);
        } else {
            enable(core, extension);
        }
        extension->row.update_time = core->now;
        gf_core__mark_extension(core, extension);
    }
    struct gf_reply *reply = gf_core__reply(core, input);
    reply->extension = &extension->row;
    reply->unchanged = !changed;
    return GF_STEP_DONE;
}

enum gf_step gf_core__extension_step(struct gf_core *core, const struct gf_input *input,
                                     struct gf_need *out_need) {
    if (input->kind == GF_INPUT_INSTALL_EXTENSION) {
        return install(core, input, out_need);
    }
    if (input->kind == GF_INPUT_UPDATE_EXTENSION) {
        return gf_core__update_extension(core, input);
    }
    if (input->kind == GF_INPUT_UNINSTALL_EXTENSION) {
        return uninstall(core, input);
    }
    if (input->kind == GF_INPUT_ENABLE_EXTENSION || input->kind == GF_INPUT_DISABLE_EXTENSION) {
        return switch_extension(core, input);
    }
    return gf_core__extension_word(core, input);
}
