/*
 * Addresses as users write them: "host:port", "[::1]:8080", "unix:/path".
 *
 * Thread: any.
 */
#ifndef GOFER_BASE_ADDRESS_H_
#define GOFER_BASE_ADDRESS_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>

enum {
    GF_ADDRESS_PATH_BYTES_MAX = 107, /* without the final NUL: the kernel's limit */
    GF_ADDRESS_HOST_BYTES_MAX = 253,
};

/* Views into the text that was parsed. */
struct gf_address {
    struct gf_str path; /* of a unix socket; empty for host and port */
    struct gf_str host; /* without brackets */
    int port;           /* 0 to 65535 */
};

/* Code: GF_INVALID_ARGUMENT, with a message that names the text and says what is wrong with it. */
enum gf_code gf_address_parse(const char *text, struct gf_address *out_address,
                              struct gf_error *err) GF_MUST_USE;

/*
 * Looks whether somebody listens on the unix socket, or something that is no socket stands there,
 * before a listener takes its place.
 * Codes: GF_FAILED_PRECONDITION, GF_PERMISSION_DENIED.
 */
enum gf_code gf_address_check_path(const char *path, struct gf_error *err) GF_MUST_USE;

/*
 * Finds out why an address could not be bound, by trying to bind it. GF_OK: it can be bound, the
 * reason is another. Codes: GF_FAILED_PRECONDITION (in use, not of this machine),
 * GF_PERMISSION_DENIED, GF_INVALID_ARGUMENT (unknown host, or no such directory).
 */
enum gf_code gf_address_diagnose(const char *text, struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_BASE_ADDRESS_H_ */
