/*
 * The version of gofer: semantic versioning, the same for the server, the CLI and the clients in C.
 */
#ifndef GOFER_BASE_VERSION_H_
#define GOFER_BASE_VERSION_H_

#define GF_VERSION "0.1.0"

#endif /* GOFER_BASE_VERSION_H_ */
