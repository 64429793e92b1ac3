/*
 * How often refused callers are written down, and how long they wait.
 *
 * The audit log has denied calls and failed logins; without a limit whoever is refused could fill
 * the disk with it. gf_audit_limit lets each key (a token's id, or an address) write a burst and
 * then a rate, and all keys together another rate, so that a crowd of addresses is bounded too;
 * what was left out is counted and told with the next line.
 *
 * gf_login_delay tells how long the answer to a failed login is held back: longer with each failure
 * of an address, forgiven with time. Only refusals wait: a good token is let in at once, also from
 * an address that others misuse. (A token cannot be guessed anyhow; this is for who tries it.)
 *
 * Both keep at most a given number of keys; the least recently seen go first. The caller gives the
 * time, of a clock that does not go back (base/clock.h, gf_mono_ns); if it does, no time has
 * passed. An address of IPv6 should be given as its network of 64 bits, as a host has all of that.
 *
 * For the edge of the API.
 *
 * Thread: one at a time.
 */
#ifndef GOFER_ENGINE_AUTH_AUDIT_LIMIT_H_
#define GOFER_ENGINE_AUTH_AUDIT_LIMIT_H_

#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    GF_AUDIT_KEYS_MAX = 16384,
    GF_AUDIT_KEY_BYTES_MAX = 64, /* of longer keys the rest does not count */
    GF_AUDIT_RATE_MAX = 1000000, /* lines at once, and per minute */
    GF_LOGIN_FAILURES_MAX = 32,  /* behind the free ones; more are not counted */
};

/* ---- audit ---- */

/* keys: 1 to GF_AUDIT_KEYS_MAX; all others 1 to GF_AUDIT_RATE_MAX. */
struct gf_audit_limit_opts {
    size_t keys;
    int64_t burst;      /* lines of a key at once */
    int64_t per_minute; /* lines of a key after that */
    int64_t total_burst;
    int64_t total_per_minute;
};

/* Good for a server: 1,024 keys, 10 at once and 6 per minute each, 100 and 300 in all. */
extern const struct gf_audit_limit_opts gf_audit_limit_defaults;

struct gf_audit_limit;

struct gf_audit_limit *gf_audit_limit_create(const struct gf_audit_limit_opts *opts) GF_MUST_USE;

/* Accepts NULL. */
void gf_audit_limit_destroy(struct gf_audit_limit *limit);

/*
 * Whether a line may be written for this key now. If so, *out_left_out is how many were left out
 * since the last line of any key, to be told with it; else it is untouched.
 */
bool gf_audit_limit_take(struct gf_audit_limit *limit, struct gf_str key, int64_t now_ns,
                         int64_t *out_left_out);

size_t gf_audit_limit_key_count(const struct gf_audit_limit *limit);

/* ---- failed logins ---- */

struct gf_login_delay_opts {
    size_t keys;        /* 1 to GF_AUDIT_KEYS_MAX */
    int64_t free_count; /* failures without a delay; 0 to GF_LOGIN_FAILURES_MAX */
    int64_t first_ms;   /* after that; doubles with each failure; 1 or more */
    int64_t longest_ms; /* first_ms or more, an hour at most */
    int64_t forget_ms;  /* one failure is forgiven in this time; 1 or more, a day at most */
};

/* Good for a server: 4,096 keys, 3 free, 250 ms doubling up to 5 s (callers give up after ten or
 * so), one forgiven in a minute. */
extern const struct gf_login_delay_opts gf_login_delay_defaults;

struct gf_login_delay;

struct gf_login_delay *gf_login_delay_create(const struct gf_login_delay_opts *opts) GF_MUST_USE;

/* Accepts NULL. */
void gf_login_delay_destroy(struct gf_login_delay *delay);

/* Counts a failed login of this key. How long its answer is to be held back, in ms. */
int64_t gf_login_delay_failed(struct gf_login_delay *delay, struct gf_str key, int64_t now_ns);

/* How long the failures that are not forgiven yet hold an answer back, in ms; counts none. */
int64_t gf_login_delay_now(struct gf_login_delay *delay, struct gf_str key, int64_t now_ns);

size_t gf_login_delay_key_count(const struct gf_login_delay *delay);

#endif /* GOFER_ENGINE_AUTH_AUDIT_LIMIT_H_ */
