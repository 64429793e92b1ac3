/*
 * The files of a certificate, for every listener with TLS, whatever protocol it speaks.
 */
#ifndef GOFER_API_TLS_FILES_H_
#define GOFER_API_TLS_FILES_H_

#include <stdbool.h>

/*
 * PEM files. cert_file and key_file are required; client_ca_file turns on client certificates: a
 * client without one that this file vouches for is refused, or with clients_optional one that shows
 * a bad one. TLS 1.2 and later.
 *
 * The key belongs to this user or to root, nobody beyond its owner and its group may read it, and
 * nobody but its owner may write it.
 *
 * The files are looked at again at handshakes, once a second at most, and when the server is asked
 * to. New ones count from that handshake on, for connections that begin; what cannot be used is
 * logged, and the old ones stay.
 */
struct gf_tls_files {
    const char *cert_file; /* NULL: no TLS */
    const char *key_file;
    const char *client_ca_file;
    bool clients_optional;
};

#endif /* GOFER_API_TLS_FILES_H_ */
