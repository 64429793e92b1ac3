/*
 * Globs of identifiers: `*` stands for any characters or none, `?` for one, everything else for
 * itself, with case. A glob matches a whole identifier, so that "prod" is not "prod-eu" and nothing
 * widens by accident.
 *
 * Time is linear in glob and text, whatever they are: nothing backtracks or recurses.
 *
 * For roles, and for lists of namespaces as global secrets have them.
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_AUTH_GLOB_H_
#define GOFER_ENGINE_AUTH_GLOB_H_

#include "base/error.h"
#include "base/identifier.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>

enum {
    GF_GLOB_CHARS_MAX = GF_IDENTIFIER_CHARS_MAX,
};

/*
 * GF_OK when glob has 1 to GF_GLOB_CHARS_MAX characters, each `*`, `?` or one of an identifier.
 * Else GF_INVALID_ARGUMENT on `field` (borrowed), with what is wrong.
 */
enum gf_code gf_glob_check(struct gf_str glob, const char *field, struct gf_error *err) GF_MUST_USE;

/*
 * Whether the glob matches the whole text, which may be any bytes. Stars alone match the empty
 * text, and nothing else matches one that is too long for an identifier. A glob that gf_glob_check
 * refuses matches nothing.
 */
bool gf_glob_match(struct gf_str glob, struct gf_str text);

/* Whether the glob is of stars alone, so that it matches everything. */
bool gf_glob_matches_all(struct gf_str glob);

/* Whether the glob has more than one run of stars: the parts between them may stand anywhere. */
bool gf_glob_floats(struct gf_str glob);

/*
 * Whether `wide` matches everything that `narrow` matches. False is the answer on the safe side:
 * it is true when the characters and wildcards of `narrow`, in their order, are each taken up by
 * one of `wide`: a character by itself, `?` or `*`; `?` by `?` or `*`; `*` by `*`. (`*?` and `?*`
 * are the same.) For globs that is exact but for odd cases where identifiers are too short or too
 * long to tell the difference.
 */
bool gf_glob_covers(struct gf_str wide, struct gf_str narrow);

#endif /* GOFER_ENGINE_AUTH_GLOB_H_ */
