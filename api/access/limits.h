/*
 * How often and how much: rates of tokens and of addresses, open calls of addresses, waits after
 * failed logins, and lines of the audit log. For api/access and api/external.
 *
 * Thread: any.
 */
#ifndef GOFER_API_ACCESS_LIMITS_H_
#define GOFER_API_ACCESS_LIMITS_H_

#include "base/macros.h"
#include "base/str.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gf_access_limits;

/* Calls in a second, which may also come at once; open calls. < 0: no limit. */
struct gf_access_limits_opts {
    int64_t address_rate_max;
    int64_t address_calls_max;
};

struct gf_access_limits *
gf_access_limits_create(const struct gf_access_limits_opts *opts) GF_MUST_USE;
/* Accepts NULL. */
void gf_access_limits_destroy(struct gf_access_limits *limits);

/*
 * Takes one from a bucket that fills with rate_max in a second and holds as many. The bucket is the
 * time at which it will be full again, 0 at first. No lock.
 */
bool gf_rate_take(_Atomic int64_t *bucket_ns, int64_t rate_max, int64_t now_ns);

/* One call without a valid token more; false: too many in this second. */
bool gf_access_limits_take_address(struct gf_access_limits *limits, struct gf_str address,
                                   int64_t now_ns);

/* One open call of the address more; false: it has as many as it may. */
bool gf_access_limits_open(struct gf_access_limits *limits, struct gf_str address);
/* One less that was opened. */
void gf_access_limits_close(struct gf_access_limits *limits, struct gf_str address);

/* A failed login: for how many ms its answer is to be held back. */
int64_t gf_access_limits_failed_login(struct gf_access_limits *limits, struct gf_str address,
                                      int64_t now_ns);

/* Whether a line may be written about this token or address; *out_left_out as of
 * gf_audit_limit_take. */
bool gf_access_limits_audit(struct gf_access_limits *limits, struct gf_str key, int64_t now_ns,
                            int64_t *out_left_out);

/* How many addresses are remembered, and how many of them have open calls. */
void gf_access_limits_count(struct gf_access_limits *limits, size_t *out_known, size_t *out_open);

#endif /* GOFER_API_ACCESS_LIMITS_H_ */
