/*
 * Design: a problem names its parameter and says what would be right, so that a caller can list
 * all of them at once and a form can show each beside its field. No sentence holds a value.
 */
#include "api/extension/parameters.h"

#include "base/time.h"
#include "engine/secrets/references.h"

#include <stdio.h>
#include <sys/stat.h>

#define ZONE_DIRECTORY "/usr/share/zoneinfo"

static const char *text_of(const char *text) {
    return text != NULL ? text : "";
}

static bool is_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

const Gofer__V1__ExtensionParameter *
gf_parameter_find(Gofer__V1__ExtensionParameter *const *parameters, size_t count,
                  struct gf_str name) {
    for (size_t i = 0; i < count; i++) {
        if (gf_str_eq_nocase(gf_str_from(parameters[i]->name), name)) {
            return parameters[i];
        }
    }
    return NULL;
}

/* ---- Types ---- */

static bool is_time_zone(struct gf_str value) {
    if (value.len == 0 || value.len > GF_TIME_ZONE_BYTES_MAX || value.ptr[0] == '/' ||
        value.ptr[0] == '.') {
        return false;
    }
    for (size_t i = 0; i < value.len; i++) {
        const char c = value.ptr[i];
        const bool after_slash = i > 0 && value.ptr[i - 1] == '/';
        if (!is_alphanumeric(c) && (i == 0 || strchr("/_+-", c) == NULL || after_slash)) {
            return false;
        }
    }
    if (value.ptr[value.len - 1] == '/') {
        return false;
    }
    /* Where there is a database at all, the name is in it. */
    struct stat status;
    if (gf_str_eq(value, GF_STR("UTC")) || stat(ZONE_DIRECTORY "/UTC", &status) != 0) {
        return true;
    }
    char path[sizeof(ZONE_DIRECTORY) + 1 + GF_TIME_ZONE_BYTES_MAX];
    (void)snprintf(path, sizeof(path), ZONE_DIRECTORY "/%" GF_STR_FMT, GF_STR_ARG(value));
    return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

static bool is_url(struct gf_str value) {
    if (value.len > GF_PARAMETER_URL_BYTES_MAX) {
        return false;
    }
    for (size_t i = 0; i < value.len; i++) {
        const unsigned char c = (unsigned char)value.ptr[i];
        if (c <= ' ' || c == 0x7f || c == '"' || c == '<' || c == '>' || c == '\\') {
            return false;
        }
    }
    static const struct gf_str schemes[] = {GF_STR("http://"), GF_STR("https://")};
    for (size_t i = 0; i < GF_ARRAY_COUNT(schemes); i++) {
        const size_t len = schemes[i].len;
        if (value.len > len && gf_str_eq_nocase((struct gf_str){value.ptr, len}, schemes[i])) {
            return strchr("/?#:@", value.ptr[len]) == NULL;
        }
    }
    return false;
}

static bool is_choice(const Gofer__V1__ExtensionParameter *parameter, struct gf_str value) {
    for (size_t i = 0; i < parameter->n_choices; i++) {
        if (gf_str_eq(gf_str_from(parameter->choices[i]), value)) {
            return true;
        }
    }
    return false;
}

static struct gf_str choices_text(const Gofer__V1__ExtensionParameter *parameter,
                                  struct gf_arena *arena) {
    struct gf_strbuf text;
    gf_strbuf_init(&text, 1000);
    gf_strbuf_append_cstr(&text, "must be one of: ");
    for (size_t i = 0; i < parameter->n_choices; i++) {
        gf_strbuf_printf(&text, "%s%s", i == 0 ? "" : ", ", parameter->choices[i]);
    }
    const struct gf_str copy = gf_arena_str(
        arena, text.overflowed ? GF_STR("must be one of its choices") : gf_strbuf_view(&text));
    gf_strbuf_fini(&text);
    return copy;
}

bool gf_parameter_takes(const Gofer__V1__ExtensionParameter *parameter, struct gf_str value,
                        struct gf_arena *arena, struct gf_str *out_sentence) {
    int64_t number = 0;
    bool fits = true;
    struct gf_str sentence = GF_STR("");
    switch ((int)parameter->type) {
    case GOFER__V1__EXTENSION_PARAMETER_TYPE__EXTENSION_PARAMETER_TYPE_INTEGER:
        fits = gf_parse_i64(value, &number);
        sentence = GF_STR("must be a whole number of 64 bits, as 42");
        break;
    case GOFER__V1__EXTENSION_PARAMETER_TYPE__EXTENSION_PARAMETER_TYPE_BOOLEAN:
        fits = gf_str_eq(value, GF_STR("true")) || gf_str_eq(value, GF_STR("false"));
        sentence = GF_STR("must be `true` or `false`");
        break;
    case GOFER__V1__EXTENSION_PARAMETER_TYPE__EXTENSION_PARAMETER_TYPE_DURATION:
        fits = gf_duration_parse(value, &number, NULL) == GF_OK;
        sentence = GF_STR("must be a length of time, as 90s, 5m or 1h30m");
        break;
    case GOFER__V1__EXTENSION_PARAMETER_TYPE__EXTENSION_PARAMETER_TYPE_CHOICE:
        fits = is_choice(parameter, value);
        sentence = fits ? sentence : choices_text(parameter, arena);
        break;
    case GOFER__V1__EXTENSION_PARAMETER_TYPE__EXTENSION_PARAMETER_TYPE_TIME_ZONE:
        fits = is_time_zone(value);
        sentence = GF_STR("must be the name of a time zone, as Europe/Berlin");
        break;
    case GOFER__V1__EXTENSION_PARAMETER_TYPE__EXTENSION_PARAMETER_TYPE_URL:
        fits = is_url(value);
        sentence = GF_STR("must be an absolute URL of http or https");
        break;
    default: /* STRING, UNSPECIFIED, and types of later versions, whose form nobody here knows */
        break;
    }
    if (!fits) {
        *out_sentence = sentence;
    }
    return fits;
}

/* ---- Settings ---- */

struct checking {
    Gofer__V1__ExtensionParameter *const *parameters;
    size_t parameter_count;
    enum gf_settings_form form;
    unsigned reference_kinds;
    struct gf_arena *arena;
    struct gf_settings_check *out;
};

static void add_problem(struct checking *self, struct gf_str name, struct gf_str description) {
    struct gf_settings_check *out = self->out;
    if (out->problem_count < GF_SETTING_PROBLEMS_MAX) {
        out->problems[out->problem_count++] = (struct gf_setting_problem){name, description};
    }
}

/* The form of references, where they may stand. *out_has: there are some. */
static bool references_are_good(struct checking *self, struct gf_str name, struct gf_str value,
                                bool *out_has) {
    struct gf_text_part *references = NULL;
    size_t count = 0;
    struct gf_error error = {0};
    *out_has = false;
    if (gf_references_list(value, self->reference_kinds, self->arena, &references, &count,
                           &error) != GF_OK) {
        add_problem(self, name,
                    gf_str_from(gf_arena_printf(
                        self->arena, "has a reference that is not right: %s", error.message)));
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (references[i].kind == GF_REFERENCE_PIPELINE_OBJECT) {
            add_problem(self, name, GF_STR("refers to an object; this server keeps no objects"));
            return false;
        }
    }
    *out_has = count > 0;
    return true;
}

static void take(struct checking *self, const Gofer__V1__ExtensionParameter *parameter,
                 struct gf_str value) {
    const struct gf_str name = gf_str_from(parameter->name);
    bool has_reference = false;
    if (self->form == GF_SETTINGS_GIVEN &&
        !references_are_good(self, name, value, &has_reference)) {
        return;
    }
    struct gf_str sentence = GF_STR("");
    if (!has_reference && !gf_parameter_takes(parameter, value, self->arena, &sentence)) {
        add_problem(self, name, sentence);
        return;
    }
    self->out->settings[self->out->count++] = (struct gf_setting){name, value};
}

enum {
    NAME_DISTANCE_MAX = 3, /* of what is taken for a slip */
};

/* The declared name that was probably meant; NULL where none is alike. */
static const char *guess(const struct checking *self, struct gf_str name) {
    const char *best = NULL;
    size_t best_distance = NAME_DISTANCE_MAX + 1;
    for (size_t i = 0; i < self->parameter_count; i++) {
        const struct gf_str candidate = gf_str_from(self->parameters[i]->name);
        const size_t distance = gf_str_distance(candidate, name);
        /* A name of which every letter would have to change was not meant. */
        if (distance < best_distance && distance < name.len) {
            best = candidate.ptr;
            best_distance = distance;
        }
    }
    return best;
}

static void check_unknown(struct checking *self, const struct gf_setting *given, size_t count) {
    static const char what[] = "is not a setting of this extension";
    for (size_t i = 0; i < count; i++) {
        if (gf_parameter_find(self->parameters, self->parameter_count, given[i].name) != NULL) {
            continue;
        }
        const char *near = guess(self, given[i].name);
        add_problem(
            self, given[i].name,
            gf_str_from(near == NULL
                            ? what
                            : gf_arena_printf(self->arena, "%s; did you mean '%s'?", what, near)));
    }
}

static void check_declared(struct checking *self, const Gofer__V1__ExtensionParameter *parameter,
                           const struct gf_setting *given, size_t count) {
    const struct gf_str name = gf_str_from(parameter->name);
    const struct gf_setting *found = NULL;
    for (size_t i = 0; i < count; i++) {
        if (!gf_str_eq_nocase(given[i].name, name)) {
            continue;
        }
        if (found != NULL) {
            add_problem(self, name, GF_STR("is given twice"));
            return;
        }
        found = &given[i];
    }
    if (found != NULL) {
        take(self, parameter, found->value);
    } else if (parameter->required) {
        add_problem(self, name, GF_STR("is required"));
    } else if (text_of(parameter->default_value)[0] != '\0') {
        self->out->settings[self->out->count++] =
            (struct gf_setting){name, gf_str_from(parameter->default_value)};
    }
}

void gf_settings_check(Gofer__V1__ExtensionParameter *const *parameters, size_t parameter_count,
                       const struct gf_setting *given, size_t given_count,
                       enum gf_settings_form form, bool subscription, struct gf_arena *arena,
                       struct gf_settings_check *out) {
    *out = (struct gf_settings_check){
        .settings = GF_ARENA_ARRAY(arena, parameter_count, struct gf_setting),
        .problems = GF_ARENA_ARRAY(arena, GF_SETTING_PROBLEMS_MAX, struct gf_setting_problem),
    };
    struct checking self = {
        .parameters = parameters,
        .parameter_count = parameter_count,
        .form = form,
        .reference_kinds = GF_REFERENCE_BIT(GF_REFERENCE_GLOBAL_SECRET),
        .arena = arena,
        .out = out,
    };
    if (subscription) {
        self.reference_kinds |= GF_REFERENCE_BIT(GF_REFERENCE_PIPELINE_SECRET) |
                                GF_REFERENCE_BIT(GF_REFERENCE_PIPELINE_OBJECT);
    }
    check_unknown(&self, given, given_count);
    for (size_t i = 0; i < parameter_count; i++) {
        check_declared(&self, parameters[i], given, given_count);
    }
}

enum gf_code gf_settings_fail(const struct gf_settings_check *check, struct gf_error *err) {
    gf_assert(check->problem_count > 0);
    const struct gf_setting_problem *first = &check->problems[0];
    char field[GF_ERROR_FIELD_BYTES_MAX];
    (void)snprintf(field, sizeof(field), "settings[\"%" GF_STR_FMT "\"]",
                   GF_STR_ARG(first->parameter_name));
    if (check->problem_count == 1) {
        return gf_fail_field(err, field, "setting '%" GF_STR_FMT "' %" GF_STR_FMT,
                             GF_STR_ARG(first->parameter_name), GF_STR_ARG(first->description));
    }
    /* Two, because what is misspelt is often also what is missing. */
    const struct gf_setting_problem *second = &check->problems[1];
    char more[64] = "";
    if (check->problem_count > 2) {
        (void)snprintf(more, sizeof(more), " (and %zu more)", check->problem_count - 2);
    }
    return gf_fail_field(err, field,
                         "setting '%" GF_STR_FMT "' %" GF_STR_FMT "; setting '%" GF_STR_FMT
                         "' %" GF_STR_FMT "%s",
                         GF_STR_ARG(first->parameter_name), GF_STR_ARG(first->description),
                         GF_STR_ARG(second->parameter_name), GF_STR_ARG(second->description), more);
}

/* ---- Declarations ---- */

static enum gf_code check_name(const char *name, const char *path, struct gf_error *err) {
    const size_t length = strlen(name);
    if (length == 0 || length > GF_PARAMETER_NAME_CHARS_MAX) {
        return gf_fail_field(err, path, "a name has 1 to %d characters, this one has %zu",
                             GF_PARAMETER_NAME_CHARS_MAX, length);
    }
    for (size_t i = 0; i < length; i++) {
        if (!is_alphanumeric(name[i]) && name[i] != '-' && name[i] != '_') {
            return gf_fail_field(err, path,
                                 "character %zu is none of letters, digits, hyphens and "
                                 "underscores",
                                 i + 1);
        }
    }
    return GF_OK;
}

static enum gf_code check_choices(const Gofer__V1__ExtensionParameter *parameter, const char *path,
                                  struct gf_error *err) {
    const bool is_choice_type =
        parameter->type == GOFER__V1__EXTENSION_PARAMETER_TYPE__EXTENSION_PARAMETER_TYPE_CHOICE;
    if (is_choice_type != (parameter->n_choices > 0)) {
        return gf_fail_field(err, path, "a parameter of type CHOICE has choices, and no other has");
    }
    if (parameter->n_choices > GF_PARAMETER_CHOICES_MAX) {
        return gf_fail_field(err, path, "there are %zu choices, expected up to %d",
                             parameter->n_choices, GF_PARAMETER_CHOICES_MAX);
    }
    for (size_t i = 0; i < parameter->n_choices; i++) {
        const size_t length = strlen(parameter->choices[i]);
        if (length == 0 || length > GF_PARAMETER_CHOICE_BYTES_MAX) {
            return gf_fail_field(err, path, "a choice has 1 to %d bytes",
                                 GF_PARAMETER_CHOICE_BYTES_MAX);
        }
    }
    return GF_OK;
}

static enum gf_code check_default(const Gofer__V1__ExtensionParameter *parameter, const char *path,
                                  struct gf_error *err) {
    const char *text = text_of(parameter->default_value);
    if (text[0] == '\0') {
        return GF_OK;
    }
    if (parameter->required) {
        return gf_fail_field(err, path, "what is required has no default");
    }
    struct gf_arena arena;
    gf_arena_init(&arena, 1 << 16);
    struct gf_str sentence = GF_STR("");
    enum gf_code rc = GF_OK;
    if (!gf_parameter_takes(parameter, gf_str_from(text), &arena, &sentence)) {
        rc = gf_fail_field(err, path, "the default value %" GF_STR_FMT, GF_STR_ARG(sentence));
    }
    gf_arena_fini(&arena);
    return rc;
}

static enum gf_code check_parameter(Gofer__V1__ExtensionParameter *const *parameters, size_t index,
                                    const char *field, struct gf_error *err) {
    const Gofer__V1__ExtensionParameter *parameter = parameters[index];
    char path[GF_ERROR_FIELD_BYTES_MAX];
    (void)snprintf(path, sizeof(path), "%s[%zu].name", field, index);
    enum gf_code rc = check_name(text_of(parameter->name), path, err);
    if (rc == GF_OK && gf_parameter_find(parameters, index, gf_str_from(parameter->name)) != NULL) {
        rc = gf_fail_field(err, path, "'%s' is declared twice", parameter->name);
    }
    if (rc == GF_OK) {
        (void)snprintf(path, sizeof(path), "%s[%zu].choices", field, index);
        rc = check_choices(parameter, path, err);
    }
    if (rc == GF_OK) {
        (void)snprintf(path, sizeof(path), "%s[%zu].default_value", field, index);
        rc = check_default(parameter, path, err);
    }
    if (rc == GF_OK && strlen(text_of(parameter->help)) > GF_PARAMETER_HELP_BYTES_MAX) {
        (void)snprintf(path, sizeof(path), "%s[%zu].help", field, index);
        rc = gf_fail_field(err, path, "the help has more than %d bytes",
                           GF_PARAMETER_HELP_BYTES_MAX);
    }
    return rc;
}

enum gf_code gf_parameters_check(Gofer__V1__ExtensionParameter *const *parameters, size_t count,
                                 const char *field, struct gf_error *err) {
    if (count > GF_PARAMETERS_MAX) {
        return gf_fail_field(err, field, "there are %zu parameters, expected up to %d", count,
                             GF_PARAMETERS_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        const enum gf_code rc = check_parameter(parameters, i, field, err);
        if (rc != GF_OK) {
            return rc;
        }
    }
    return GF_OK;
}
