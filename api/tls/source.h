/*
 * The files of one listener's certificate, and what was last read of them: a source of certificates
 * that change while the listener serves.
 *
 * Thread: any.
 */
#ifndef GOFER_API_TLS_SOURCE_H_
#define GOFER_API_TLS_SOURCE_H_

#include "api/tls/files.h"
#include "api/tls/pem.h"
#include "base/error.h"
#include "base/macros.h"

#include <stdbool.h>

struct gf_tls_source;

/*
 * Reads and checks the files, whose names are copied. Owned by the caller. Code:
 * GF_INVALID_ARGUMENT, with a message that names the file.
 */
enum gf_code gf_tls_source_create(const struct gf_tls_files *files,
                                  struct gf_tls_source **out_source,
                                  struct gf_error *err) GF_MUST_USE;
/* After all that asks it is gone. Accepts NULL. */
void gf_tls_source_destroy(struct gf_tls_source *source);

/* Borrowed until destroy. */
const struct gf_tls_files *gf_tls_source_files(const struct gf_tls_source *source);

/*
 * For the begin of a handshake: looks at the files, once a second at most, and gives what is new
 * since it was asked last. False: nothing is. *out, which is empty, is then to be finished by the
 * caller. What is given can be used; what cannot is logged.
 */
bool gf_tls_source_fetch(struct gf_tls_source *source, struct gf_tls_pem *out);

/* Reads the files now, whether they look new or not. Code: GF_INVALID_ARGUMENT; then what was good
 * stays. Blocks. */
enum gf_code gf_tls_source_reload(struct gf_tls_source *source, struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_API_TLS_SOURCE_H_ */
