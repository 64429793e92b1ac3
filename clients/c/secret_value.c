#include "clients/c/secret_value.h"

#include "base/alloc.h"
#include "base/file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

_Static_assert(GF_SEALING_PUBLIC_KEY_SIZE == crypto_box_PUBLICKEYBYTES, "public key");

enum {
    PIECE_BYTES = 4096,
};

void gf_secret_value_init(struct gf_secret_value *value) {
    gf_assert(sodium_init() >= 0);
    char *bytes = sodium_malloc(GF_SECRET_VALUE_SIZE_MAX + 1);
    if (bytes == NULL) {
        gf_oom();
    }
    *value = (struct gf_secret_value){.bytes = bytes};
    bytes[0] = '\0';
}

void gf_secret_value_fini(struct gf_secret_value *value) {
    sodium_free(value->bytes); /* wipes it */
    *value = (struct gf_secret_value){0};
}

bool gf_secret_value_append(struct gf_secret_value *value, struct gf_str bytes) {
    if (bytes.len > GF_SECRET_VALUE_SIZE_MAX - value->size) {
        return false;
    }
    if (bytes.len > 0) {
        memcpy(value->bytes + value->size, bytes.ptr, bytes.len);
        value->size += bytes.len;
    }
    value->bytes[value->size] = '\0';
    return true;
}

void gf_secret_value_truncate(struct gf_secret_value *value, size_t size) {
    gf_assert(size <= value->size);
    sodium_memzero(value->bytes + size, value->size - size + 1);
    value->size = size;
}

enum gf_code gf_secret_value_read(struct gf_secret_value *value, int fd, const char *source,
                                  struct gf_error *err) {
    char piece[PIECE_BYTES];
    enum gf_code rc = GF_OK;
    for (;;) {
        const ssize_t got = read(fd, piece, sizeof(piece));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            rc = gf_fail_errno(err, gf_code_from_errno(errno), errno, "%s", source);
        } else if (!gf_secret_value_append(value, (struct gf_str){piece, (size_t)got})) {
            rc = gf_fail(err, GF_INVALID_ARGUMENT, "%s: a secret has at most %d bytes", source,
                         GF_SECRET_VALUE_SIZE_MAX);
        }
        if (rc != GF_OK || got == 0) {
            sodium_memzero(piece, sizeof(piece));
            return rc;
        }
    }
}

enum gf_code gf_secret_value_seal(const struct gf_secret_value *value, struct gf_str public_key,
                                  struct gf_arena *arena, struct gf_str *out_box,
                                  struct gf_error *err) {
    if (public_key.len != GF_SEALING_PUBLIC_KEY_SIZE) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "the server's key for sealing has %zu bytes, and this gofer knows those of "
                       "%d",
                       public_key.len, GF_SEALING_PUBLIC_KEY_SIZE);
    }
    const size_t size = value->size + crypto_box_SEALBYTES;
    unsigned char *box = gf_arena_alloc(arena, size);
    if (crypto_box_seal(box, (const unsigned char *)value->bytes, value->size,
                        (const unsigned char *)public_key.ptr) != 0) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "the server's key for sealing is none");
    }
    *out_box = (struct gf_str){(const char *)box, size};
    return GF_OK;
}
