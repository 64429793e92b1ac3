/*
 * Settings against what an extension declares: for CreateSubscription and its kin before anybody is
 * asked, and for Welcome and Subscribe before the extension gets them.
 *
 * Names of settings and parameters are compared without case. What is wrong is listed, setting by
 * setting, each with a sentence for people that never shows a value: it may be a secret.
 *
 * Which text is a right value of a type:
 *
 *     STRING      any
 *     INTEGER     a whole number of 64 bits, in decimal, with an optional "-"
 *     BOOLEAN     "true" or "false"
 *     DURATION    as gf_duration_parse reads it: "90s", "1h30m"
 *     CHOICE      one of the choices, as it is written there
 *     TIME_ZONE   "UTC" or a name such as "Europe/Berlin"; where this machine has a database of
 *                 time zones, one that is in it
 *     URL         an absolute one of http or https with a host, without blanks and control
 *                 characters
 *
 * Thread: any. Looking for a time zone reads the file system.
 */
#ifndef GOFER_API_EXTENSION_PARAMETERS_H_
#define GOFER_API_EXTENSION_PARAMETERS_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "gofer/v1/extension.pb-c.h"

enum {
    GF_PARAMETERS_MAX = 100, /* of an extension, and as many of its subscriptions */
    GF_PARAMETER_NAME_CHARS_MAX = 64,
    GF_PARAMETER_HELP_BYTES_MAX = 4096,
    GF_PARAMETER_CHOICES_MAX = 100,
    GF_PARAMETER_CHOICE_BYTES_MAX = 255,
    GF_PARAMETER_URL_BYTES_MAX = 8192,
    GF_TIME_ZONE_BYTES_MAX = 64,
    GF_SETTING_PROBLEMS_MAX = 100, /* more are not listed */
};

struct gf_setting {
    struct gf_str name;
    struct gf_str value;
};

struct gf_setting_problem {
    struct gf_str parameter_name; /* as declared, or as given where it is not declared */
    struct gf_str description;    /* a sentence, without a value */
};

enum gf_settings_form {
    /* As somebody gave them: values may hold references to secrets, whose form is checked; what
     * they stand for is not known yet, so that the type of such a value is not looked at. */
    GF_SETTINGS_GIVEN = 1,
    /* References are filled in: every value is checked as it is. */
    GF_SETTINGS_RESOLVED,
};

struct gf_settings_check {
    /* One for each declared parameter that has a value, given or by default, by the names as
     * declared and in that order; where there are problems, those that fit. */
    struct gf_setting *settings;
    size_t count;
    struct gf_setting_problem *problems; /* none: all fit */
    size_t problem_count;
};

/*
 * Holds what was given against the declaration: unknown names, names given twice, required ones
 * that are missing, values that are none of their type; fills in defaults. All of *out is in the
 * arena, but for texts, which are borrowed from both. `subscription` says whose settings they are
 * (references to a pipeline's own secrets are for subscriptions only).
 */
void gf_settings_check(Gofer__V1__ExtensionParameter *const *parameters, size_t parameter_count,
                       const struct gf_setting *given, size_t given_count,
                       enum gf_settings_form form, bool subscription, struct gf_arena *arena,
                       struct gf_settings_check *out);

/* The problems as one error, GF_INVALID_ARGUMENT on `settings["NAME"]` of the first one; the
 * message tells how many more there are. problem_count is above 0. */
enum gf_code gf_settings_fail(const struct gf_settings_check *check, struct gf_error *err);

/*
 * Whether a declaration is one: names of 1 to GF_PARAMETER_NAME_CHARS_MAX letters, digits, hyphens
 * and underscores, unique without case; CHOICE with choices, others without; defaults that fit
 * their type, and none for what is required. `field` is the path of the list. Code:
 * GF_INVALID_ARGUMENT on "FIELD[3].name".
 */
enum gf_code gf_parameters_check(Gofer__V1__ExtensionParameter *const *parameters, size_t count,
                                 const char *field, struct gf_error *err) GF_MUST_USE;

/* The one of this name, without case; NULL = none is declared. */
const Gofer__V1__ExtensionParameter *
gf_parameter_find(Gofer__V1__ExtensionParameter *const *parameters, size_t count,
                  struct gf_str name);

/*
 * Whether a text is a value of the parameter. Where not, *out_sentence says what would be right (in
 * the arena).
 */
bool gf_parameter_takes(const Gofer__V1__ExtensionParameter *parameter, struct gf_str value,
                        struct gf_arena *arena, struct gf_str *out_sentence);

#endif /* GOFER_API_EXTENSION_PARAMETERS_H_ */
