/*
 * SipHash-1-3: a fast hash of byte strings under a secret key. Without the key nobody can choose
 * inputs that collide; with a fixed key it is a good hash that is the same on every machine.
 *
 * Thread: any.
 */
#ifndef GOFER_BASE_SIPHASH_H_
#define GOFER_BASE_SIPHASH_H_

#include <stddef.h>
#include <stdint.h>

uint64_t gf_siphash(const uint64_t key[2], const void *bytes, size_t size);

#endif /* GOFER_BASE_SIPHASH_H_ */
