/*
 * CRC-32C (Castagnoli), as in iSCSI and ext4: finds damage, proves nothing against an attacker.
 *
 * Also part of the shim. Thread: any.
 */
#ifndef GOFER_BASE_CRC32C_H_
#define GOFER_BASE_CRC32C_H_

#include <stddef.h>
#include <stdint.h>

/* Continues a checksum, which starts with crc 0, over more bytes. "123456789" gives 0xe3069283. */
uint32_t gf_crc32c(uint32_t crc, const void *bytes, size_t size);

#endif /* GOFER_BASE_CRC32C_H_ */
