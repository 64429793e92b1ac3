/* Checks of a definition: faults of the author are found when the program starts, not by a server.
 */
#include "base/identifier.h"
#include "base/time.h"
#include "extensions-sdk/src/message.h"
#include "extensions-sdk/src/registration.h"

#include <ctype.h>
#include <string.h>

enum {
    VERSION_BYTES_MAX = 64,
    PARAMETER_NAME_BYTES_MAX = 64,
    HELP_BYTES_MAX = 16 * 1024,
    VALUE_BYTES_MAX = 64 * 1024,
    WINDOW_MAX = 10000,
};

/* Takes digits without a leading zero. */
static bool take_number(const char **text) {
    const char *start = *text;
    while (isdigit((unsigned char)**text)) {
        (*text)++;
    }
    return *text > start && (*start != '0' || *text == start + 1);
}

/* MAJOR.MINOR.PATCH, and "-..." or "+..." behind it. */
static bool version_is_valid(const char *version) {
    if (version == NULL || strlen(version) > VERSION_BYTES_MAX) {
        return false;
    }
    const bool numbers = take_number(&version) && *version++ == '.' && take_number(&version) &&
                         *version++ == '.' && take_number(&version);
    if (!numbers || (*version != '\0' && *version != '-' && *version != '+')) {
        return false;
    }
    return strspn(version, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-+") ==
           strlen(version);
}

static bool name_is_valid(const char *name) {
    return name != NULL && name[0] != '\0' && strlen(name) <= PARAMETER_NAME_BYTES_MAX &&
           strspn(name, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_") ==
               strlen(name);
}

static bool choice_is_known(const struct gofer_parameter *parameter, const char *value) {
    for (size_t i = 0; parameter->choices[i] != NULL; i++) {
        if (strcmp(parameter->choices[i], value) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether a default is one of its type, as far as that can be told without a table of zones. */
static bool default_fits(const struct gofer_parameter *parameter) {
    const struct gf_str value = gf_str_from(parameter->default_value);
    int64_t number = 0;
    switch (parameter->type) {
    case GOFER_INTEGER:
        return gf_parse_i64(value, &number);
    case GOFER_BOOLEAN:
        return gf_str_eq(value, GF_STR("true")) || gf_str_eq(value, GF_STR("false"));
    case GOFER_DURATION:
        return gf_duration_parse(value, &number, NULL) == GF_OK;
    case GOFER_CHOICE:
        return choice_is_known(parameter, parameter->default_value);
    case GOFER_URL:
        return gf_str_has_prefix(value, GF_STR("https://")) ||
               gf_str_has_prefix(value, GF_STR("http://"));
    case GOFER_STRING:
    case GOFER_TIME_ZONE:
        return true;
    }
    return true; /* 0: text */
}

static enum gf_code check_choices(const struct gofer_parameter *parameter, const char *where,
                                  struct gf_error *err) {
    size_t count = 0;
    while (parameter->choices != NULL && parameter->choices[count] != NULL) {
        if (++count > GF_SDK_CHOICES_MAX ||
            !gf_sdk_text_fits(parameter->choices[count - 1], VALUE_BYTES_MAX)) {
            return gf_fail(err, GF_INVALID_ARGUMENT,
                           "%s '%s': a choice is no UTF-8, or there are "
                           "too many",
                           where, parameter->name);
        }
    }
    if ((count > 0) != (parameter->type == GOFER_CHOICE)) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "%s '%s': GOFER_CHOICE, and no other type, has choices", where,
                       parameter->name);
    }
    return GF_OK;
}

static enum gf_code check_parameter(const struct gofer_parameter *parameter, const char *where,
                                    struct gf_error *err) {
    if (!name_is_valid(parameter->name)) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "%s '%s': a name is 1 to 64 letters, digits, hyphens and underscores", where,
                       gf_sdk_or_empty(parameter->name));
    }
    if ((int)parameter->type < 0 || parameter->type > GOFER_URL) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "%s '%s': there is no type %d", where,
                       parameter->name, (int)parameter->type);
    }
    if (!gf_sdk_text_fits(parameter->help, HELP_BYTES_MAX) ||
        !gf_sdk_text_fits(parameter->default_value, VALUE_BYTES_MAX)) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "%s '%s': the help or the default is too long or no UTF-8", where,
                       parameter->name);
    }
    const enum gf_code rc = check_choices(parameter, where, err);
    if (rc != GF_OK) {
        return rc;
    }
    const bool has_default =
        parameter->default_value != NULL && parameter->default_value[0] != '\0';
    if (has_default && parameter->required) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "%s '%s': one that is required has no use for a default", where,
                       parameter->name);
    }
    if (has_default && !default_fits(parameter)) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "%s '%s': the default '%s' is none of its type",
                       where, parameter->name, parameter->default_value);
    }
    return GF_OK;
}

static enum gf_code check_parameters(const struct gofer_parameter *parameters, size_t count,
                                     const char *where, struct gf_error *err) {
    if (count > GOFER_PARAMETERS_MAX || (count > 0 && parameters == NULL)) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "there are 0 to %d of %s", GOFER_PARAMETERS_MAX,
                       where);
    }
    for (size_t i = 0; i < count; i++) {
        const enum gf_code rc = check_parameter(&parameters[i], where, err);
        if (rc != GF_OK) {
            return rc;
        }
        for (size_t before = 0; before < i; before++) {
            if (gf_str_eq_nocase(gf_str_from(parameters[before].name),
                                 gf_str_from(parameters[i].name))) {
                return gf_fail(err, GF_INVALID_ARGUMENT,
                               "%s '%s' is there twice (names are compared without case)", where,
                               parameters[i].name);
            }
        }
    }
    return GF_OK;
}

static enum gf_code check_filters(const struct gofer_extension_definition *definition,
                                  struct gf_error *err) {
    if (definition->event_filter_count > GF_SDK_EVENT_FILTERS_MAX ||
        (definition->event_filter_count > 0 && definition->event == NULL)) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "there are 0 to %d event_filters, and with any there is `event`",
                       GF_SDK_EVENT_FILTERS_MAX);
    }
    for (size_t i = 0; i < definition->event_filter_count; i++) {
        const struct gofer_event_filter *filter = &definition->event_filters[i];
        for (size_t k = 0; filter->kinds != NULL && filter->kinds[k] != NULL; k++) {
            char name[VERSION_BYTES_MAX * 2];
            (void)snprintf(name, sizeof(name), "EVENT_KIND_%s", filter->kinds[k]);
            if (protobuf_c_enum_descriptor_get_value_by_name(&gofer__v1__event_kind__descriptor,
                                                             name) == NULL) {
                return gf_fail(err, GF_INVALID_ARGUMENT,
                               "event_filters[%zu]: no event is of the kind '%s'", i,
                               filter->kinds[k]);
            }
        }
        if (filter->pipeline_id != NULL && filter->namespace_id == NULL) {
            return gf_fail(err, GF_INVALID_ARGUMENT,
                           "event_filters[%zu]: a pipeline_id needs a namespace_id", i);
        }
    }
    return GF_OK;
}

static enum gf_code check_verification(const struct gofer_extension_definition *definition,
                                       struct gf_error *err) {
    static const char *const algorithms[] = {"SHA256", "SHA512", "SHA1"};
    const struct gofer_verification *verification = definition->verification;
    if (verification == NULL) {
        return GF_OK;
    }
    bool known = false;
    for (size_t i = 0; verification->algorithm != NULL && i < GF_ARRAY_COUNT(algorithms); i++) {
        known = known || strcmp(verification->algorithm, algorithms[i]) == 0;
    }
    if (!known || verification->signature_header == NULL) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "verification: the algorithm is SHA256, SHA512 or SHA1, and there is a "
                       "signature_header");
    }
    for (size_t i = 0; i < definition->config_parameter_count; i++) {
        if (verification->key_parameter != NULL &&
            strcasecmp(definition->config_parameters[i].name, verification->key_parameter) == 0) {
            return GF_OK;
        }
    }
    return gf_fail(err, GF_INVALID_ARGUMENT,
                   "verification: key_parameter names one of config_parameters");
}

enum gf_code gf_sdk_definition_read(const struct gofer_extension_definition *from,
                                    struct gofer_extension_definition *out, struct gf_error *err) {
    if (from == NULL || from->size < offsetof(struct gofer_extension_definition, documentation)) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "`size` is not sizeof(struct gofer_extension_definition)");
    }
    memset(out, 0, sizeof(*out));
    memcpy(out, from, from->size < sizeof(*out) ? from->size : sizeof(*out));
    if (!version_is_valid(out->version)) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "version '%s' is no semantic version, as 1.4.2 is one",
                       gf_sdk_or_empty(out->version));
    }
    if (out->name != NULL) {
        const enum gf_code rc = gf_identifier_check(gf_str_from(out->name), "name", err);
        if (rc != GF_OK) {
            (void)gf_wrap(err, "name");
            return rc;
        }
    }
    if (!gf_sdk_text_fits(out->documentation, GF_SDK_DOCUMENTATION_BYTES_MAX)) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "documentation is up to 256 KiB of UTF-8");
    }
    if (out->window < 0 || out->window > WINDOW_MAX || out->health_interval_ms < 0) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "window is 0 to %d, and health_interval_ms not negative", WINDOW_MAX);
    }
    enum gf_code rc = check_parameters(out->config_parameters, out->config_parameter_count,
                                       "config_parameters", err);
    rc = rc == GF_OK
             ? check_parameters(out->subscription_parameters, out->subscription_parameter_count,
                                "subscription_parameters", err)
             : rc;
    rc = rc == GF_OK ? check_filters(out, err) : rc;
    return rc == GF_OK ? check_verification(out, err) : rc;
}
