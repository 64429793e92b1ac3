/*
 * Where a server may listen. Thread: any.
 */
#ifndef GOFER_API_SERVER_ADDRESS_H_
#define GOFER_API_SERVER_ADDRESS_H_

#include <stdbool.h>

/* Whether only this machine can reach the address: a unix socket, or a loopback host. */
bool gf_address_is_local(const char *address);

/* The path of "unix:/path"; NULL for others. */
const char *gf_address_unix_path(const char *address);

#endif /* GOFER_API_SERVER_ADDRESS_H_ */
