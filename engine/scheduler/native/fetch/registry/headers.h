/*
 * The headers of a registry's answers that have a grammar of their own.
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_REGISTRY_HEADERS_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_REGISTRY_HEADERS_H_

#include "base/macros.h"
#include "base/str.h"
#include "engine/scheduler/native/fetch/registry/limits.h"

#include <stdbool.h>
#include <stdint.h>

enum gf_challenge_kind {
    GF_CHALLENGE_NONE,
    GF_CHALLENGE_BASIC,
    GF_CHALLENGE_BEARER,
};

/* How a registry wants to be asked, a value. Zeroed: none. */
struct gf_challenge {
    enum gf_challenge_kind kind;
    char realm[GF_REGISTRY_URL_CHARS_MAX + 1]; /* address of the token service */
    char service[GF_REGISTRY_VALUE_CHARS_MAX + 1];
    char scope[GF_REGISTRY_VALUE_CHARS_MAX + 1];
};

/*
 * Reads the value of WWW-Authenticate (RFC 9110, 11.6.1), which may hold several challenges: takes
 * the best one, where it is better than what *challenge holds already. Bearer is better than Basic;
 * schemes that are not known are left out. False: malformed or too long, *challenge is as before.
 */
bool gf_challenge_add(struct gf_challenge *challenge, struct gf_str value) GF_MUST_USE;

/*
 * Reads the value of Link (RFC 8288): the address of the first link with rel="next", borrowed from
 * it. False: there is none.
 */
bool gf_link_next(struct gf_str value, struct gf_str *out_address) GF_MUST_USE;

/* Reads "bytes 100-199/200" up to the first number. False: malformed. */
bool gf_content_range_start(struct gf_str value, int64_t *out_start) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_REGISTRY_HEADERS_H_ */
