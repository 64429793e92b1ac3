#include "api/codec/model/references.h"

#include "api/codec/model/unsupported.h"
#include "base/map.h"
#include "base/vec.h"

#include <stdio.h>
#include <string.h>

/* Nearly all values have none, and this tells so at the speed of memory. */
static bool may_have_references(struct gf_str value) {
    return value.len > 0 && memmem(value.ptr, value.len, "{{", 2) != NULL;
}

static bool is_secret(enum gf_reference_kind kind) {
    return kind == GF_REFERENCE_PIPELINE_SECRET || kind == GF_REFERENCE_GLOBAL_SECRET;
}

static enum gf_code list_secrets(struct gf_str value, const char *field, struct gf_arena *arena,
                                 struct gf_text_part **out_references, size_t *out_count,
                                 struct gf_error *err) {
    struct gf_text_part *references = NULL;
    size_t count = 0;
    const enum gf_code rc =
        gf_references_list(value, GF_REFERENCES_ALL, arena, &references, &count, err);
    if (rc != GF_OK) {
        (void)gf_wrap_field(err, field);
        return rc;
    }
    for (size_t i = 0; i < count; i++) {
        if (!is_secret(references[i].kind)) {
            char what[64];
            (void)snprintf(what, sizeof(what), "%s{{...}}", gf_reference_word(references[i].kind));
            return gf_fail_unsupported(err, field, what);
        }
    }
    *out_references = references;
    *out_count = count;
    return GF_OK;
}

enum gf_code gf_references_check(struct gf_str value, const char *field, struct gf_error *err) {
    if (!may_have_references(value)) {
        return GF_OK;
    }
    struct gf_arena scratch;
    gf_arena_init(&scratch, GF_REFERENCES_MAX * sizeof(struct gf_text_part) + (4 << 10));
    struct gf_text_part *references = NULL;
    size_t count = 0;
    const enum gf_code rc = list_secrets(value, field, &scratch, &references, &count, err);
    gf_arena_fini(&scratch);
    return rc;
}

bool gf_references_is_one(struct gf_str value) {
    struct gf_text_part part = {0};
    size_t position = 0;
    bool more = false;
    return gf_text_next(value, GF_REFERENCES_ALL, &position, &more, &part, NULL) == GF_OK && more &&
           part.kind != GF_REFERENCE_UNSPECIFIED && position == value.len;
}

/* ---- Of a whole config ---- */

struct lister {
    struct gf_arena *arena;
    struct gf_map seen; /* kind and key -> something */
    GF_VEC(struct gf_secret_reference) references;
};

/* Whether this is its first place. */
static bool is_first(struct lister *self, const struct gf_text_part *reference) {
    char id[GF_OBJECT_KEY_BYTES_MAX + 1];
    gf_assert(reference->key.len < sizeof(id));
    id[0] = (char)reference->kind;
    memcpy(id + 1, reference->key.ptr, reference->key.len);
    return gf_map_put(&self->seen, (struct gf_str){id, reference->key.len + 1}, self) == NULL;
}

static void add_reference(struct lister *self, const struct gf_text_part *part, const char *field) {
    if (is_first(self, part)) {
        const struct gf_secret_reference reference = {
            part->kind, part->key, gf_arena_str(self->arena, gf_str_from(field)).ptr};
        gf_vec_push(&self->references, reference);
    }
}

static enum gf_code add_value(struct lister *self, struct gf_str value, const char *field,
                              struct gf_error *err) {
    struct gf_text_part *references = NULL;
    size_t count = 0;
    const enum gf_code rc = list_secrets(value, field, self->arena, &references, &count, err);
    for (size_t i = 0; i < count && rc == GF_OK; i++) {
        add_reference(self, &references[i], field);
    }
    return rc;
}

/* `task` is -1 for the config's own. */
static enum gf_code add_variable(struct lister *self, int64_t task,
                                 const struct gf_variable *variable, struct gf_error *err) {
    if (!may_have_references(variable->value)) {
        return GF_OK;
    }
    char place[32] = "";
    char field[GF_ERROR_FIELD_BYTES_MAX];
    if (task >= 0) {
        (void)snprintf(place, sizeof(place), "tasks[%lld].", (long long)task);
    }
    const struct gf_str shown = {variable->key.ptr,
                                 variable->key.len < 64 ? variable->key.len : 64};
    (void)snprintf(field, sizeof(field), "%svariables[\"%" GF_STR_FMT "\"]", place,
                   GF_STR_ARG(shown));
    return add_value(self, variable->value, field, err);
}

/* The text of a field of a task's credentials for a registry. */
static enum gf_code add_credential(struct lister *self, size_t task, struct gf_str value,
                                   const char *name, struct gf_error *err) {
    char field[64];
    (void)snprintf(field, sizeof(field), "tasks[%zu].registry_auth.%s", task, name);
    return may_have_references(value) ? add_value(self, value, field, err) : GF_OK;
}

static enum gf_code add_registry_auth(struct lister *self, size_t task,
                                      const struct gf_registry_auth *auth, struct gf_error *err) {
    if (auth->secret_key.len > 0) {
        char field[64];
        (void)snprintf(field, sizeof(field), "tasks[%zu].registry_auth.secret_key", task);
        const struct gf_text_part part = {.kind = GF_REFERENCE_PIPELINE_SECRET,
                                          .key = auth->secret_key};
        add_reference(self, &part, field);
    }
    const enum gf_code rc = add_credential(self, task, auth->user, "user", err);
    return rc == GF_OK ? add_credential(self, task, auth->password, "password", err) : rc;
}

static enum gf_code add_all(struct lister *self, int64_t task, const struct gf_variable *variables,
                            size_t count, struct gf_error *err) {
    enum gf_code rc = GF_OK;
    for (size_t i = 0; i < count && rc == GF_OK; i++) {
        rc = add_variable(self, task, &variables[i], err);
    }
    return rc;
}

enum gf_code gf_config_secret_references(const struct gf_config *config, struct gf_arena *arena,
                                         const struct gf_secret_reference **out_references,
                                         size_t *out_count, struct gf_error *err) {
    struct lister self = {.arena = arena};
    enum gf_code rc = add_all(&self, -1, config->variables, config->variable_count, err);
    for (size_t i = 0; i < config->task_count && rc == GF_OK; i++) {
        rc = add_all(&self, (int64_t)i, config->tasks[i].variables, config->tasks[i].variable_count,
                     err);
        if (rc == GF_OK) {
            rc = add_registry_auth(&self, i, &config->tasks[i].registry_auth, err);
        }
    }
    if (rc == GF_OK) {
        const size_t count = self.references.count;
        *out_references = count == 0 ? NULL
                                     : gf_arena_memdup(arena, self.references.items,
                                                       count * sizeof(self.references.items[0]));
        *out_count = count;
    }
    gf_vec_fini(&self.references);
    gf_map_fini(&self.seen);
    return rc;
}
