/*
 * Semantic versions in tags, and ranges of them in references: `name:^1` is the newest 1.x.
 *
 *     version    = ["v"] number "." number "." number ["-" prerelease]
 *     range      = comparator {" " comparator}                all of them must hold
 *     comparator = ["^" | "~" | ">=" | "<=" | ">" | "<" | "="] partial
 *     partial    = "*" | ["v"] number ["." number ["." number ["-" prerelease]]], where the last
 *                  parts may be "x", "X" or "*"
 *
 *     ^1.2.3     1.2.3 and newer up to the next change of the left-most number that is not 0:
 *                below 2.0.0; ^0.2.3 below 0.3.0; ^0.0.3 below 0.0.4; ^1 is ^1.0.0
 *     ~1.2.3     1.2.3 and newer below 1.3.0; ~1 below 2.0.0
 *     1.2.x      as ~1.2; 1.x as ^1; =1.2 as 1.2.x; * any version
 *     >=1.2 <2   1.2.0 and newer below 2.0.0; >1.2 is >=1.3.0, <=1.2 is <1.3.0
 *
 * A partial without operator and without "x" or "*" is no range but a tag: "1.2", "1.2.3". Tags
 * that are no whole version ("latest", "1", "1.2") are never chosen: they move. A tag with a
 * prerelease
 * ("2.0.0-rc.1", and so "1.36.1-alpine") is chosen only where a comparator of the range has a
 * prerelease of the same three numbers. Build metadata cannot stand in a tag.
 *
 * Numbers have no leading zero and at most 18 digits. Prereleases are ordered as semver.org's
 * version 2.0.0 says, rule 11.
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_SEMVER_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_SEMVER_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    GF_SEMVER_RANGE_CHARS_MAX = 128,
    GF_SEMVER_BOUNDS_MAX = 16, /* two for a comparator at most */
};

/* A value; the prerelease is borrowed from the text that was read, "" for none. */
struct gf_semver {
    int64_t major;
    int64_t minor;
    int64_t patch;
    struct gf_str prerelease;
};

/* Reads a whole version. False: it is none. */
bool gf_semver_parse(struct gf_str tag, struct gf_semver *out) GF_MUST_USE;

/* Below 0, 0 or above 0: a is older, of the same precedence, newer. */
int gf_semver_cmp(const struct gf_semver *a, const struct gf_semver *b);

enum gf_semver_relation {
    GF_SEMVER_AT_LEAST,
    GF_SEMVER_ABOVE,
    GF_SEMVER_AT_MOST,
    GF_SEMVER_BELOW,
};

struct gf_semver_bound {
    enum gf_semver_relation relation;
    struct gf_semver version;
    bool admits_prereleases; /* of its three numbers */
};

/* A range as bounds that must all hold. Borrows from the text that was read. */
struct gf_semver_range {
    struct gf_semver_bound bounds[GF_SEMVER_BOUNDS_MAX];
    size_t count;
    bool is_empty; /* nothing can be in it: "<*" */
};

/* Whether a tag's place in a reference holds what is meant as a range: it may be malformed. */
bool gf_semver_is_range(struct gf_str text);

/* Code: GF_INVALID_ARGUMENT, with a sentence that says what is wrong. */
enum gf_code gf_semver_range_parse(struct gf_str text, struct gf_semver_range *out,
                                   struct gf_error *err) GF_MUST_USE;

bool gf_semver_matches(const struct gf_semver_range *range, const struct gf_semver *version);

/*
 * The newest of the tags that is in the range: its index, or -1. Where two have the same precedence
 * ("1.2.3" and "v1.2.3"), the one without "v".
 */
ptrdiff_t gf_semver_newest(const struct gf_semver_range *range, const char *const *tags,
                           size_t count);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_SEMVER_H_ */
