/*
 * Registrations: what an extension says of itself when it connects, checked field by field.
 *
 * Thread: any.
 */
#ifndef GOFER_API_EXTENSION_REGISTRATION_H_
#define GOFER_API_EXTENSION_REGISTRATION_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "gofer/extension/v1/extension.pb-c.h"

enum {
    GF_REGISTRATION_VERSIONS_MAX = 16, /* of the protocol */
    GF_REGISTRATION_VERSION_CHARS_MAX = 64,
    GF_REGISTRATION_DOCUMENTATION_BYTES_MAX = 256 << 10,
    GF_REGISTRATION_WINDOW_MAX = 10000,
    GF_REGISTRATION_WINDOW_DEFAULT = 100,
    GF_REGISTRATION_FILTERS_MAX = 16,
    GF_REGISTRATION_HEADER_CHARS_MAX = 64,
    GF_REGISTRATION_TOLERANCE_MS_MAX = 3600 * 1000,
    GF_REGISTRATION_HEALTH_MS_MIN = 1000,
    GF_REGISTRATION_HEALTH_MS_MAX = 3600 * 1000,
};

/* What was read of one besides. */
struct gf_registration_facts {
    int32_t protocol_major; /* the highest that both know */
    int32_t window;
    int64_t health_interval_ms; /* 0 = it promises no HealthReports */
};

/*
 * Codes: GF_INVALID_ARGUMENT, on a field from "registration." on; GF_FAILED_PRECONDITION (reason
 * PROTOCOL_VERSION: no major version is common to both).
 */
enum gf_code gf_registration_check(const Gofer__Extension__V1__Registration *registration,
                                   struct gf_registration_facts *out_facts,
                                   struct gf_error *err) GF_MUST_USE;

/* The bytes of one, as the row of its extension keeps them, in the arena. Code:
 * GF_INVALID_ARGUMENT (more than GF_REGISTRATION_BYTES_MAX). */
enum gf_code gf_registration_write(const Gofer__Extension__V1__Registration *registration,
                                   struct gf_arena *arena, struct gf_str *out_bytes,
                                   struct gf_error *err) GF_MUST_USE;

/* Reads what gf_registration_write gave; NULL where `bytes` is empty or nothing that it gives. In
 * the arena. */
Gofer__Extension__V1__Registration *gf_registration_read(struct gf_str bytes,
                                                         struct gf_arena *arena);

#endif /* GOFER_API_EXTENSION_REGISTRATION_H_ */
