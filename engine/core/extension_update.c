/*
 * Updating an extension in place.
 *
 * Design: an update under way is a row with has_fallback, and has a container in the successor's
 * seat that is launched or runs; the other way round, too. While it lasts, the serving container
 * lives its own life by the fallback: it may fail and be started again, or wait for that. The
 * successor's Ready ends the update one way, everything else that may become of it the other way.
 * So does disabling: without anything that serves there is nothing to be kept, and the new one has
 * not shown that it works.
 */
#include "base/alloc.h"
#include "engine/core/core_checks.h"
#include "engine/core/core_internal.h"

/* ---- How it ends ---- */

/* Texts go along: of *to nothing is left, *from is empty. */
static void move_spec(struct gf_core *core, struct core_extension *extension,
                      struct gf_extension_spec *from, struct gf_extension_spec *to) {
    const struct gf_extension_spec old = *to;
    *to = *from;
    *from = old;
    gf_core__set_extension_spec(core, extension, from, &(struct gf_extension_spec){0});
}

void gf_core__update_give_up(struct gf_core *core, struct core_extension *extension,
                             struct gf_str why) {
    struct gf_extension *row = &extension->row;
    struct gf_strbuf text;
    gf_assert(row->has_fallback);
    const struct core_extension_facts facts = {.image = row->spec.image, .reason = why};
    gf_core__tell_extension(
        core, gf_core__event_extension(core, GF_EVENT_EXTENSION_UPDATE_FAILED, extension), &facts);
    gf_strbuf_init(&text, GF_REASON_BYTES_MAX * 2);
    gf_strbuf_printf(&text, "the update was given up: %" GF_STR_FMT, GF_STR_ARG(why));
    gf_core__set_extension_text(core, extension, &row->last_trouble, gf_strbuf_view(&text));
    gf_strbuf_fini(&text);
    move_spec(core, extension, &row->fallback, &row->spec);
    row->has_fallback = false;
    row->update_time = core->now;
    gf_core__mark_extension(core, extension);
}

void gf_core__update_complete(struct gf_core *core, struct core_extension *extension) {
    struct gf_extension *row = &extension->row;
    struct core_instance *serving = &extension->instances[CORE_SEAT_SERVING];
    struct core_instance *successor = &extension->instances[CORE_SEAT_SUCCESSOR];
    struct core_instance *leaving = &extension->instances[CORE_SEAT_LEAVING];
    gf_assert(row->has_fallback && row->leaving.attempt == 0);
    if (row->serving.attempt > 0) {
        gf_core__instance_move(core, serving, leaving);
        gf_core__instance_leave(core, leaving);
    }
    if (successor->registration.ptr != NULL) {
        gf_core__set_extension_text(core, extension, &row->registration, successor->registration);
        free((char *)successor->registration.ptr);
        successor->registration = (struct gf_str){NULL, 0};
    }
    gf_core__instance_move(core, successor, serving);
    gf_core__set_extension_spec(core, extension, &row->fallback, &(struct gf_extension_spec){0});
    gf_core__set_extension_text(core, extension, &row->last_trouble, GF_STR(""));
    row->has_fallback = false;
    row->restart_count = 0;
    extension->failures = 0;
    extension->connected_by_hand = false; /* it is connected by another one */
    /* The old one may have waited to be started again. */
    gf_core__extension_clear_start(core, extension);
}

/* ---- How it begins ---- */

/* What the row is to be after the update, and what of that is new. Borrowed from both. */
struct wanted {
    struct gf_extension_spec spec;
    bool new_spec;
    bool new_roles;
    bool new_policy;
    bool launch; /* a container of that spec takes the place of the serving one */
};

static bool has_same_roles(const struct gf_extension *row,
                           const struct gf_extension_change *change) {
    bool same = row->role_count == change->role_count;
    for (size_t i = 0; same && i < row->role_count; i++) {
        same = gf_str_eq(row->role_ids[i], change->role_ids[i]);
    }
    return same;
}

static struct gf_extension_spec wanted_spec(const struct gf_extension *row,
                                            const struct gf_extension_change *change) {
    struct gf_extension_spec spec = row->spec;
    if (change->set_image) {
        spec.image = change->spec->image;
    }
    if (change->set_registry_auth) {
        spec.registry_auth = change->spec->registry_auth;
    }
    if (change->set_network) {
        spec.network = change->spec->network;
    }
    if (change->set_settings) {
        spec.settings = change->spec->settings;
    }
    return spec;
}

static struct wanted want(const struct gf_extension *row,
                          const struct gf_extension_change *change) {
    const bool sets_nothing = !change->set_image && !change->set_registry_auth &&
                              !change->set_network && !change->set_settings && !change->set_roles &&
                              !change->set_policy;
    struct wanted wanted = {.spec = wanted_spec(row, change)};
    wanted.new_spec = !gf_core__is_same_spec(&wanted.spec, &row->spec);
    wanted.new_roles = change->set_roles && !has_same_roles(row, change);
    wanted.new_policy = change->set_policy && change->update_policy != row->update_policy;
    wanted.launch = (wanted.new_spec || change->relaunch || sets_nothing) && !row->disabled &&
                    wanted.spec.image.len > 0;
    return wanted;
}

/* Whether another container can be launched beside the serving one. */
static enum gf_code check_time(const struct gf_extension *row, const struct wanted *wanted,
                               struct gf_error *err) {
    if (row->has_fallback) {
        return gf_fail_reason(err, GF_FAILED_PRECONDITION, "UPDATE_RUNNING",
                              "extension '%" GF_STR_FMT "' is being updated: wait for the end",
                              GF_STR_ARG(row->extension_id));
    }
    const bool takes_seat = wanted->launch || (wanted->spec.image.len == 0 &&
                                               row->serving.attempt > 0 && !row->disabled);
    if (takes_seat && (row->successor.attempt > 0 || row->leaving.attempt > 0)) {
        return gf_fail_reason(err, GF_FAILED_PRECONDITION, "UPDATE_RUNNING",
                              "extension '%" GF_STR_FMT
                              "' was updated, and a container of that is not over yet: try again",
                              GF_STR_ARG(row->extension_id));
    }
    return GF_OK;
}

static enum gf_code check(const struct gf_core *core, const struct core_extension *extension,
                          const struct gf_extension_change *change, const struct wanted *wanted,
                          struct gf_error *err) {
    enum gf_code rc = check_time(&extension->row, wanted, err);
    if (rc == GF_OK && change->set_roles) {
        rc = gf_core__check_roles(core, change->role_ids, change->role_count, err);
    }
    if (rc == GF_OK && (wanted->new_spec || wanted->launch)) {
        rc = gf_core__check_extension_bytes(core, gf_core__spec_bytes(&wanted->spec), err);
    }
    return rc;
}

/* The serving container goes on by what was until now, and the new one starts beside it. */
static void begin(struct gf_core *core, struct core_extension *extension,
                  const struct gf_extension_spec *spec, bool image_is_here) {
    struct gf_extension *row = &extension->row;
    gf_core__set_extension_spec(core, extension, &row->fallback, &row->spec);
    gf_core__set_extension_spec(core, extension, &row->spec, spec);
    row->has_fallback = true;
    extension->instances[CORE_SEAT_SUCCESSOR].image_is_here = image_is_here;
    gf_core__instance_launch(core, &extension->instances[CORE_SEAT_SUCCESSOR]);
}

/* From now on it is run by hand, or it is disabled: no container starts. */
static void set_spec(struct gf_core *core, struct core_extension *extension,
                     const struct gf_extension_spec *spec) {
    struct gf_extension *row = &extension->row;
    gf_core__set_extension_spec(core, extension, &row->spec, spec);
    gf_core__set_extension_text(core, extension, &row->last_trouble, GF_STR(""));
    if (row->spec.image.len == 0) {
        gf_core__extension_clear_start(core, extension);
    }
    if (row->spec.image.len == 0 && row->serving.attempt > 0 && !row->disabled) {
        gf_core__instance_move(core, &extension->instances[CORE_SEAT_SERVING],
                               &extension->instances[CORE_SEAT_LEAVING]);
        gf_core__instance_leave(core, &extension->instances[CORE_SEAT_LEAVING]);
    }
}

static void apply(struct gf_core *core, struct core_extension *extension,
                  const struct gf_extension_change *change, const struct wanted *wanted) {
    struct gf_extension *row = &extension->row;
    if (wanted->new_roles) {
        gf_core__set_extension_roles(core, extension, change->role_ids, change->role_count);
    }
    if (wanted->new_policy) {
        row->update_policy = change->update_policy;
    }
    if (wanted->launch) {
        begin(core, extension, &wanted->spec, change->image_is_here);
    } else if (wanted->new_spec) {
        set_spec(core, extension, &wanted->spec);
    }
    row->restart_count = 0;
    row->update_time = core->now;
    gf_core__mark_extension(core, extension);
    const struct core_extension_facts facts = {.image = row->spec.image};
    gf_core__tell_extension(
        core, gf_core__event_extension(core, GF_EVENT_EXTENSION_UPDATED, extension), &facts);
}

enum gf_step gf_core__update_extension(struct gf_core *core, const struct gf_input *input) {
    const struct gf_extension_change *change = &input->u.extension.change;
    struct gf_error err = {0};
    if (gf_core__check_extension(input, &err) != GF_OK) {
        return gf_core__refuse(core, input, &err);
    }
    struct core_extension *extension =
        gf_core__resolve_extension(core, input, change->extension_id);
    if (extension == NULL) {
        return GF_STEP_DONE;
    }
    const struct wanted wanted = want(&extension->row, change);
    const bool changed = wanted.new_spec || wanted.new_roles || wanted.new_policy || wanted.launch;
    if (changed && check(core, extension, change, &wanted, &err) != GF_OK) {
        return gf_core__refuse(core, input, &err);
    }
    if (changed) {
        apply(core, extension, change, &wanted);
    }
    struct gf_reply *reply = gf_core__reply(core, input);
    reply->extension = &extension->row;
    reply->unchanged = !changed;
    return GF_STEP_DONE;
}
