#include "base/random.h"

#include "base/macros.h"

#include <errno.h>
#include <sys/random.h>
#include <sys/types.h>

void gf_random_bytes(void *bytes, size_t size) {
    unsigned char *at = bytes;
    while (size > 0) {
        const ssize_t got = getrandom(at, size, 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        gf_assert(got > 0);
        at += got;
        size -= (size_t)got;
    }
}

uint64_t gf_random_u64(void) {
    uint64_t number = 0;
    gf_random_bytes(&number, sizeof(number));
    return number;
}

uint64_t gf_random_below(uint64_t limit) {
    gf_assert(limit > 0);
    /* Numbers below this one would make some remainders likelier than others. */
    const uint64_t refused_below = (0 - limit) % limit;
    uint64_t number = 0;
    do {
        number = gf_random_u64();
    } while (number < refused_below);
    return number % limit;
}

char *gf_uuid_v4(char out[GF_UUID_BYTES]) {
    unsigned char bytes[16];
    gf_random_bytes(bytes, sizeof(bytes));
    bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x40); /* version 4 */
    bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80); /* the variant of RFC 4122 */
    static const char digits[] = "0123456789abcdef";
    char *at = out;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            *at++ = '-';
        }
        *at++ = digits[bytes[i] >> 4];
        *at++ = digits[bytes[i] & 0x0f];
    }
    *at = '\0';
    return out;
}
