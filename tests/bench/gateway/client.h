/*
 * What the loads of this folder share: connections to a port of this machine, with or without TLS;
 * a file; durations and their percentiles. Each function ends the program when it fails.
 */
#ifndef GOFER_TESTS_BENCH_GATEWAY_CLIENT_H_
#define GOFER_TESTS_BENCH_GATEWAY_CLIENT_H_

#include "base/str.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

_Noreturn void client_die(const char *what);

/* Of an argument, at least `min`. */
int64_t client_number(const char *text, int64_t min);

/* A whole file, in memory of its own. */
struct gf_str client_read_file(const char *path);

/* Allows as many descriptors as the hard limit does. */
void client_raise_descriptors(void);

/* ---- Connections ---- */

struct client_connection {
    int fd;
    SSL *tls; /* NULL without */
};

/* Of a client that trusts every certificate. */
SSL_CTX *client_tls_context(void);

/* Connects and shakes hands; non-blocking afterwards. Without context: no TLS. */
struct client_connection client_connect_to(int64_t port, SSL_CTX *context);

/* Sends all of it, at once: what is sent here fits into an empty socket. */
void client_send(struct client_connection *connection, struct gf_str bytes);

/* What is there, up to `size`; 0 where nothing is. */
size_t client_receive(struct client_connection *connection, char *out, size_t size);

/* ---- Durations ---- */

struct client_samples {
    uint32_t *us;
    size_t count;
    size_t count_max; /* further ones are dropped */
};

struct client_samples client_samples_make(size_t count_max);
void client_samples_add(struct client_samples *samples, int64_t ns);
/* Orders them. */
void client_samples_sort(struct client_samples *samples);
/* Of sorted ones, in us: 500 is the median. 0 where there are none. */
uint32_t client_samples_per_mille(const struct client_samples *samples, size_t per_mille);

#endif /* GOFER_TESTS_BENCH_GATEWAY_CLIENT_H_ */
