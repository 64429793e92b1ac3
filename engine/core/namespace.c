#include "base/alloc.h"
#include "base/identifier.h"
#include "engine/core/core_checks.h"
#include "engine/core/core_internal.h"

#include <inttypes.h>

/* A namespace without a name is called by its id. */
static struct gf_str name_or_id(struct gf_str name, struct gf_str id) {
    return name.len > 0 ? name : id;
}

static enum gf_code check_new(const struct gf_core *core, const struct gf_input *input,
                              struct gf_error *err) {
    const struct gf_str id = input->u.ns.namespace_id;
    if (gf_core__find_namespace(core, id) != NULL) {
        return gf_fail(err, GF_ALREADY_EXISTS, "namespace '%" GF_STR_FMT "' already exists",
                       GF_STR_ARG(id));
    }
    if (gf_map_count(&core->namespaces) >= GF_NAMESPACES_MAX) {
        return gf_fail(err, GF_RESOURCE_EXHAUSTED, "there are %d namespaces, no more are possible",
                       GF_NAMESPACES_MAX);
    }
    return GF_OK;
}

static int64_t create_fingerprint(const struct gf_input *input) {
    const struct gf_str texts[] = {input->u.ns.namespace_id, input->u.ns.name,
                                   input->u.ns.description};
    return gf_core__fingerprint(texts, 3, &input->u.ns.run_parallelism, 1);
}

enum gf_step gf_core__create_namespace(struct gf_core *core, const struct gf_input *input,
                                       struct gf_need *out_need) {
    const int64_t fingerprint = create_fingerprint(input);
    enum gf_step result = GF_STEP_DONE;
    struct gf_error err = {0};
    if (gf_identifier_check(input->u.ns.namespace_id, "namespace_id", &err) != GF_OK ||
        gf_core__check_namespace(input, &err) != GF_OK) {
        return gf_core__refuse(core, input, &err);
    }
    if (gf_core__replay(core, input, &input->u.ns.request, GF_REQUEST_CREATE_NAMESPACE, fingerprint,
                        out_need, &result)) {
        return result;
    }
    if (check_new(core, input, &err) != GF_OK) {
        return gf_core__refuse(core, input, &err);
    }
    const struct gf_namespace row = {
        .namespace_key = core->next.next_namespace_key++,
        .namespace_id = input->u.ns.namespace_id,
        .name = name_or_id(input->u.ns.name, input->u.ns.namespace_id),
        .description = input->u.ns.description,
        .run_parallelism = input->u.ns.run_parallelism,
        .create_time = core->now,
        .update_time = core->now,
    };
    struct core_namespace *ns = gf_core__add_namespace(core, &row);
    gf_core__mark_namespace(core, ns);
    gf_core__event_namespace(core, GF_EVENT_NAMESPACE_CREATED, ns);
    gf_core__reply(core, input)->ns = &ns->row;
    const struct gf_request outcome = {
        .kind = GF_REQUEST_CREATE_NAMESPACE,
        .fingerprint = fingerprint,
        .namespace_id = ns->row.namespace_id,
        .resource_key = ns->row.namespace_key,
        .changed = true,
    };
    gf_core__record(core, &input->u.ns.request, &outcome);
    return GF_STEP_DONE;
}

/* Refuses and gives NULL where the namespace does not exist. */
static struct core_namespace *resolve(struct gf_core *core, const struct gf_input *input) {
    struct core_namespace *ns = gf_core__find_namespace(core, input->u.ns.namespace_id);
    if (ns == NULL) {
        struct gf_error err = {0};
        (void)gf_fail(&err, GF_NOT_FOUND, "namespace '%" GF_STR_FMT "' not found",
                      GF_STR_ARG(input->u.ns.namespace_id));
        (void)gf_core__refuse(core, input, &err);
    }
    return ns;
}

/* Sets a text on the heap. False when it was the same before. */
static bool set_text(struct gf_str *text, struct gf_str value) {
    if (gf_str_eq(*text, value)) {
        return false;
    }
    const struct gf_str copy = {gf_str_dup(value), value.len};
    free((char *)text->ptr);
    *text = copy;
    return true;
}

enum gf_step gf_core__update_namespace(struct gf_core *core, const struct gf_input *input) {
    struct gf_error err = {0};
    if (gf_core__check_namespace(input, &err) != GF_OK) {
        return gf_core__refuse(core, input, &err);
    }
    struct core_namespace *ns = resolve(core, input);
    if (ns == NULL) {
        return GF_STEP_DONE;
    }
    bool changed = false;
    if (input->u.ns.set_name) {
        changed = set_text(&ns->row.name, name_or_id(input->u.ns.name, ns->row.namespace_id));
    }
    if (input->u.ns.set_description) {
        changed = set_text(&ns->row.description, input->u.ns.description) || changed;
    }
    if (input->u.ns.set_run_parallelism && ns->row.run_parallelism != input->u.ns.run_parallelism) {
        ns->row.run_parallelism = input->u.ns.run_parallelism;
        gf_core__namespace_limit_changed(core, ns);
        changed = true;
    }
    if (changed) {
        ns->row.update_time = core->now;
        gf_core__mark_namespace(core, ns);
        gf_core__event_namespace(core, GF_EVENT_NAMESPACE_UPDATED, ns);
    }
    struct gf_reply *reply = gf_core__reply(core, input);
    reply->ns = &ns->row;
    reply->unchanged = !changed;
    return GF_STEP_DONE;
}

enum gf_step gf_core__delete_namespace(struct gf_core *core, const struct gf_input *input,
                                       struct gf_need *out_need) {
    struct gf_error err = {0};
    struct core_namespace *ns = resolve(core, input);
    if (ns == NULL) {
        return GF_STEP_DONE;
    }
    const struct gf_str id = ns->row.namespace_id;
    if (gf_str_eq(id, GF_STR("default"))) {
        (void)gf_fail(&err, GF_FAILED_PRECONDITION, "namespace 'default' cannot be deleted");
        return gf_core__refuse(core, input, &err);
    }
    if (ns->runs_active > 0) {
        (void)gf_fail_reason(&err, GF_FAILED_PRECONDITION, "NAMESPACE_HAS_ACTIVE_RUNS",
                             "namespace '%" GF_STR_FMT "' has %lld runs that have not ended: "
                             "cancel them first",
                             GF_STR_ARG(id), (long long)ns->runs_active);
        return gf_core__refuse(core, input, &err);
    }
    const enum core_found found =
        input->u.ns.cascade ? CORE_ABSENT : gf_core__find_any_pipeline(core, ns, out_need);
    if (found == CORE_NEED) {
        return GF_STEP_NEED;
    }
    if (found == CORE_FOUND) {
        (void)gf_fail_reason(&err, GF_FAILED_PRECONDITION, "NAMESPACE_NOT_EMPTY",
                             "namespace '%" GF_STR_FMT "' has pipelines: delete them with it by "
                             "asking for it (cascade)",
                             GF_STR_ARG(id));
        return gf_core__refuse(core, input, &err);
    }
    (void)gf_core__drop_namespace_subscriptions(core, ns);
    gf_core__event_namespace(core, GF_EVENT_NAMESPACE_DELETED, ns);
    gf_core__batch_drop_namespace(core, ns);
    gf_vec_push(&core->batch.deleted_namespaces, ns->row.namespace_key);
    gf_core__bury_namespace(core, ns);
    (void)gf_core__reply(core, input);
    return GF_STEP_DONE;
}
