#include "base/base64.h"

#include <string.h>

enum {
    BLOCK_BYTES = 3 * 64, /* encoded at a time */
};

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void gf_base64_encode(const void *bytes, size_t size, char *out) {
    const unsigned char *in = bytes;
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t group = (uint32_t)in[i] << 16;
        group |= left > 1 ? (uint32_t)in[i + 1] << 8 : 0;
        group |= left > 2 ? (uint32_t)in[i + 2] : 0;
        *out++ = alphabet[group >> 18];
        *out++ = alphabet[group >> 12 & 63];
        *out++ = left > 1 ? alphabet[group >> 6 & 63] : '=';
        *out++ = left > 2 ? alphabet[group & 63] : '=';
    }
}

void gf_base64_append(struct gf_str bytes, bool padded, struct gf_strbuf *out) {
    char text[BLOCK_BYTES / 3 * 4];
    for (size_t at = 0; at < bytes.len; at += BLOCK_BYTES) {
        const size_t left = bytes.len - at;
        const size_t size = left < BLOCK_BYTES ? left : BLOCK_BYTES;
        gf_base64_encode(bytes.ptr + at, size, text);
        gf_strbuf_append_bytes(out, text,
                               padded ? gf_base64_encoded_size(size) : (size * 4 + 2) / 3);
    }
    explicit_bzero(text, sizeof(text));
}

/* The six bits of a character, or -1. */
static int value_of(char c) {
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    if (c == '+' || c == '-') {
        return 62;
    }
    return c == '/' || c == '_' ? 63 : -1;
}

bool gf_base64_decode(struct gf_str text, void *out, size_t *out_size) {
    if (text.len % 4 == 0) {
        for (int i = 0; i < 2 && text.len > 0 && text.ptr[text.len - 1] == '='; i++) {
            text.len--;
        }
    }
    /* One character left over has but six bits of a byte. */
    if (text.len % 4 == 1) {
        return false;
    }
    unsigned char *bytes = out;
    size_t size = 0;
    uint32_t bits = 0;
    unsigned bit_count = 0;
    for (size_t i = 0; i < text.len; i++) {
        int value = value_of(text.ptr[i]);
        if (value < 0) {
            return false;
        }
        bits = bits << 6 | (uint32_t)value;
        bit_count += 6;
        if (bit_count >= 8) {
            bit_count -= 8;
            bytes[size++] = (unsigned char)(bits >> bit_count);
        }
    }
    *out_size = size;
    return true;
}
