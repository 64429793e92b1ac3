#include "extensions-sdk/conformance/declaration.h"

#include "base/str.h"
#include "base/time.h"
#include "extensions-sdk/conformance/suite.h"

#include <string.h>

enum {
    PARAMETERS_MAX = 100,
    DOCUMENTATION_BYTES_MAX = 256 * 1024,
    WINDOW_MAX = 10000,
    FILTERS_MAX = 16,
    NAME_BYTES_MAX = 64,
};

static const char NAME_CHARACTERS[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

#define TYPE(name) GOFER__V1__EXTENSION_PARAMETER_TYPE__EXTENSION_PARAMETER_TYPE_##name

/* Three numbers with dots, and anything behind a hyphen or a plus. */
static bool is_version(const char *text) {
    for (int part = 0; part < 3; part++) {
        const size_t digits = strspn(text, "0123456789");
        if (digits == 0 || (digits > 1 && text[0] == '0')) {
            return false;
        }
        text += digits;
        if (part < 2 && *text++ != '.') {
            return false;
        }
    }
    return *text == '\0' || *text == '-' || *text == '+';
}

static bool default_fits(const Gofer__V1__ExtensionParameter *parameter) {
    const struct gf_str value = gf_str_from(parameter->default_value);
    int64_t number = 0;
    switch ((int)parameter->type) {
    case TYPE(INTEGER):
        return gf_parse_i64(value, &number);
    case TYPE(BOOLEAN):
        return gf_str_eq(value, GF_STR("true")) || gf_str_eq(value, GF_STR("false"));
    case TYPE(DURATION):
        return gf_duration_parse(value, &number, NULL) == GF_OK;
    case TYPE(URL):
        return gf_str_has_prefix(value, GF_STR("http://")) ||
               gf_str_has_prefix(value, GF_STR("https://"));
    case TYPE(CHOICE):
        for (size_t i = 0; i < parameter->n_choices; i++) {
            if (strcmp(parameter->choices[i], parameter->default_value) == 0) {
                return true;
            }
        }
        return false;
    default:
        return true;
    }
}

/* The first fault of a parameter; NULL: none. */
static const char *fault_of(const Gofer__V1__ExtensionParameter *parameter) {
    const size_t length = strlen(parameter->name);
    if (length < 1 || length > NAME_BYTES_MAX ||
        strspn(parameter->name, NAME_CHARACTERS) != length) {
        return "its name is not 1 to 64 letters, digits, hyphens and underscores";
    }
    if (parameter->help[0] == '\0') {
        return "it has no help";
    }
    if (((int)parameter->type == TYPE(CHOICE)) != (parameter->n_choices > 0)) {
        return "CHOICE, and no other type, has choices";
    }
    if (parameter->default_value[0] != '\0' && parameter->required) {
        return "it is required and has a default";
    }
    if (parameter->default_value[0] != '\0' && !default_fits(parameter)) {
        return "its default is none of its type";
    }
    if (parameter->default_value[0] != '\0' && parameter->secret) {
        return "it is a secret that everybody can read: it has a default";
    }
    return NULL;
}

static void check_parameters(struct gf_suite *suite, const char *which,
                             Gofer__V1__ExtensionParameter *const *parameters, size_t count) {
    if (count > PARAMETERS_MAX) {
        gf_case_fail(suite, "there are %zu %s, at most 100 are allowed", count, which);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const char *fault = fault_of(parameters[i]);
        if (fault != NULL) {
            gf_case_fail(suite, "%s '%s': %s", which, parameters[i]->name, fault);
        }
        for (size_t before = 0; before < i; before++) {
            if (gf_str_eq_nocase(gf_str_from(parameters[before]->name),
                                 gf_str_from(parameters[i]->name))) {
                gf_case_fail(suite, "%s '%s' is there twice (names are compared without case)",
                             which, parameters[i]->name);
            }
        }
    }
}

/* Settings of the command line that the extension does not declare would test nothing. */
static void check_given(struct gf_suite *suite, const char *which,
                        Gofer__V1__ExtensionParameter *const *parameters, size_t count,
                        const struct gf_suite_pairs *given) {
    for (size_t i = 0; i < given->count; i++) {
        bool declared = false;
        for (size_t k = 0; k < count; k++) {
            declared = declared || gf_str_eq_nocase(gf_str_from(parameters[k]->name),
                                                    gf_str_from(given->items[i].name));
        }
        if (!declared) {
            gf_case_fail(suite, "the command line gives '%s', which is none of its %s",
                         given->items[i].name, which);
        }
    }
    for (size_t k = 0; k < count; k++) {
        bool is_given = !parameters[k]->required;
        for (size_t i = 0; i < given->count; i++) {
            is_given = is_given || gf_str_eq_nocase(gf_str_from(parameters[k]->name),
                                                    gf_str_from(given->items[i].name));
        }
        if (!is_given) {
            gf_case_fail(suite, "the command line does not give '%s', which is required of %s",
                         parameters[k]->name, which);
        }
    }
}

static void check_verification(struct gf_suite *suite) {
    const Gofer__Extension__V1__Registration *registration = suite->registration;
    const Gofer__Extension__V1__ExternalEventVerification *verification =
        registration->external_event_verification;
    if (verification == NULL) {
        return;
    }
    for (size_t i = 0; i < registration->n_config_parameters; i++) {
        if (gf_str_eq_nocase(gf_str_from(registration->config_parameters[i]->name),
                             gf_str_from(verification->key_parameter_name))) {
            return;
        }
    }
    gf_case_fail(suite,
                 "the key of external_event_verification, '%s', is none of its "
                 "config_parameters",
                 verification->key_parameter_name);
}

void gf_declaration_check(struct gf_suite *suite) {
    const Gofer__Extension__V1__Registration *registration = suite->registration;
    if (!is_version(registration->version)) {
        gf_case_fail(suite, "its version '%s' is none of semantic versioning",
                     registration->version);
    }
    if (registration->documentation[0] == '\0') {
        gf_case_fail(suite, "it has no documentation");
    }
    if (strlen(registration->documentation) > DOCUMENTATION_BYTES_MAX) {
        gf_case_fail(suite, "its documentation is larger than 256 KiB");
    }
    if (registration->window < 0 || registration->window > WINDOW_MAX) {
        gf_case_fail(suite, "its window is %d, 1 to 10,000 is right (0: 100)",
                     registration->window);
    }
    if (registration->n_event_filters > FILTERS_MAX) {
        gf_case_fail(suite, "it has %zu event_filters, at most 16 are allowed",
                     registration->n_event_filters);
    }
    for (size_t i = 0; i < registration->n_event_filters; i++) {
        if (registration->event_filters[i]->start_time != NULL ||
            registration->event_filters[i]->end_time != NULL) {
            gf_case_fail(suite, "event_filters[%zu] has a time", i);
        }
    }
    check_parameters(suite, "config_parameters", registration->config_parameters,
                     registration->n_config_parameters);
    check_parameters(suite, "subscription_parameters", registration->subscription_parameters,
                     registration->n_subscription_parameters);
    check_given(suite, "config_parameters", registration->config_parameters,
                registration->n_config_parameters, &suite->options->config);
    check_given(suite, "subscription_parameters", registration->subscription_parameters,
                registration->n_subscription_parameters, &suite->options->settings);
    check_verification(suite);
}
