/*
 * Design: what somebody gave is held against the declaration twice: with its references, and with
 * the values that they stand for. Defaults are the extension's own words and are never looked at
 * for references: else whoever writes an extension could ask for any secret.
 */
#include "api/extension/hub_internal.h"
#include "engine/secrets/interpolate.h"

enum {
    VALUE_BYTES_MAX = 256 << 10, /* of one value with what was filled in */
};

struct resolving {
    struct gf_vault *vault;
    const struct gf_vault_user *user; /* NULL: an extension */
};

static enum gf_code resolve(void *ctx, const struct gf_text_part *reference,
                            struct gf_secret_buffer *out, struct gf_error *err) {
    const struct resolving *self = ctx;
    return gf_vault_resolve(self->vault, self->user, reference->kind, reference->key, out, err);
}

static bool has_problem(const struct gf_settings_check *check, struct gf_str name) {
    for (size_t i = 0; i < check->problem_count; i++) {
        if (gf_str_eq_nocase(check->problems[i].parameter_name, name)) {
            return true;
        }
    }
    return false;
}

static void add_problem(struct gf_settings_check *check, const struct gf_setting_problem *problem) {
    if (check->problem_count < GF_SETTING_PROBLEMS_MAX) {
        check->problems[check->problem_count++] = *problem;
    }
}

/* False: a reference is broken, *out_why says how. */
static bool fill_in(struct resolving *resolving, unsigned kinds, struct gf_str value,
                    struct gf_arena *arena, struct gf_str *out_value, struct gf_str *out_why) {
    if (memmem(value.ptr, value.len, "{{", 2) == NULL) {
        *out_value = value;
        return true;
    }
    struct gf_secret_buffer buffer;
    struct gf_error error = {0};
    gf_secret_buffer_init(&buffer, VALUE_BYTES_MAX);
    const enum gf_code rc = gf_interpolate(value, kinds, resolve, resolving, &buffer, &error);
    if (rc == GF_OK) {
        *out_value = gf_arena_str(arena, gf_secret_buffer_view(&buffer));
    } else {
        *out_why = gf_str_from(gf_arena_printf(arena, "cannot be filled in: %s", error.message));
    }
    gf_secret_buffer_fini(&buffer);
    return rc == GF_OK;
}

void gf_settings__prepare(struct gf_extension_hub *hub,
                          Gofer__V1__ExtensionParameter *const *parameters, size_t parameter_count,
                          const struct gf_setting *given, size_t given_count,
                          const struct gf_vault_user *user, struct gf_arena *arena,
                          struct gf_hub_settings *out) {
    struct gf_settings_check first;
    gf_settings_check(parameters, parameter_count, given, given_count, GF_SETTINGS_GIVEN,
                      user != NULL, arena, &first);
    struct resolving resolving = {.vault = hub->options.vault, .user = user};
    unsigned kinds = GF_REFERENCE_BIT(GF_REFERENCE_GLOBAL_SECRET);
    if (user != NULL) {
        kinds |= GF_REFERENCE_BIT(GF_REFERENCE_PIPELINE_SECRET);
    }
    *out = (struct gf_hub_settings){.reason = GF_SUBSCRIPTION_REASON_SETTINGS_INVALID};
    struct gf_setting *filled = GF_ARENA_ARRAY(arena, given_count, struct gf_setting);
    size_t filled_count = 0;
    size_t filled_bytes = 0;
    const size_t wrong_count = first.problem_count;
    for (size_t i = 0; i < given_count; i++) {
        struct gf_setting *setting = &filled[filled_count];
        struct gf_str why = GF_STR("");
        if (has_problem(&first, given[i].name)) {
            continue;
        }
        setting->name = given[i].name;
        if (filled_bytes > GF_HUB_SETTINGS_BYTES_MAX - VALUE_BYTES_MAX) {
            why = GF_STR("does not fit: the secrets that the settings refer to are too large");
        } else if (fill_in(&resolving, kinds, given[i].value, arena, &setting->value, &why)) {
            filled_bytes += setting->value.len;
            filled_count++;
            continue;
        }
        const Gofer__V1__ExtensionParameter *parameter =
            gf_parameter_find(parameters, parameter_count, given[i].name);
        const struct gf_str name = parameter != NULL ? gf_str_from(parameter->name) : given[i].name;
        add_problem(&first, &(struct gf_setting_problem){name, why});
    }
    if (wrong_count == 0 && first.problem_count > 0) {
        out->reason = GF_SUBSCRIPTION_REASON_REFERENCE_BROKEN;
    }
    gf_settings_check(parameters, parameter_count, filled, filled_count, GF_SETTINGS_RESOLVED,
                      user != NULL, arena, &out->check);
    /* What was left out above is not missing a second time. */
    struct gf_settings_check second = out->check;
    out->check.problem_count = 0;
    out->check.problems = GF_ARENA_ARRAY(arena, GF_SETTING_PROBLEMS_MAX, struct gf_setting_problem);
    for (size_t i = 0; i < first.problem_count; i++) {
        add_problem(&out->check, &first.problems[i]);
    }
    for (size_t i = 0; i < second.problem_count; i++) {
        if (!has_problem(&first, second.problems[i].parameter_name)) {
            add_problem(&out->check, &second.problems[i]);
        }
    }
}
