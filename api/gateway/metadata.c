#include "api/gateway/metadata.h"

#include "base/base64.h"

#include <stdbool.h>

/* Headers that are no metadata; those that end in '-' stand for all that begin with them. */
static const char *const left_out[] = {
    /* of the connection and the body */
    "connection",
    "content-",
    "expect",
    "host",
    "keep-alive",
    "proxy-",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    /* of the protocols */
    "accept",
    "accept-",
    "connect-",
    "grpc-",
    "x-grpc-",
    "x-user-agent",
    /* of browsers, and of no use to a call */
    "access-control-",
    "cache-control",
    "cookie",
    "dnt",
    "if-",
    "origin",
    "pragma",
    "priority",
    "range",
    "referer",
    "sec-",
};

/* Both are in lower case. */
static bool is_left_out(struct gf_str key) {
    for (size_t i = 0; i < GF_ARRAY_COUNT(left_out); i++) {
        const struct gf_str entry = gf_str_from(left_out[i]);
        const bool prefix = entry.ptr[entry.len - 1] == '-';
        if (prefix ? gf_str_has_prefix(key, entry) : gf_str_eq(key, entry)) {
            return true;
        }
    }
    return false;
}

static enum gf_code too_many(struct gf_error *err) {
    return gf_fail(err, GF_RESOURCE_EXHAUSTED,
                   "the headers are too many; at most %d bytes and %d headers are taken",
                   GF_GATEWAY__METADATA_BYTES_MAX, GF_GATEWAY__METADATA_MAX);
}

/* In lower case, in `key`, which has room; empty where it cannot be a key of gRPC. */
static struct gf_str key_of(struct gf_str name, char *key) {
    for (size_t i = 0; i < name.len; i++) {
        const char c = name.ptr[i];
        const bool upper = c >= 'A' && c <= 'Z';
        const bool fits = upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
                          c == '-' || c == '.';
        if (!fits) {
            return (struct gf_str){NULL, 0};
        }
        key[i] = upper ? (char)(c | 0x20) : c;
    }
    return (struct gf_str){key, name.len};
}

void gf_gateway__metadata_init(struct gf_gateway__metadata *metadata, struct gf_arena *arena) {
    metadata->arena = arena;
    metadata->count = 0;
    metadata->bytes = 0;
}

static enum gf_code append(struct gf_gateway__metadata *metadata, struct gf_str key,
                           struct gf_str value, struct gf_error *err) {
    const size_t bytes = key.len + value.len + GF_GATEWAY__METADATA_ENTRY_BYTES;
    if (bytes > GF_GATEWAY__METADATA_BYTES_MAX - metadata->bytes ||
        metadata->count == GF_GATEWAY__METADATA_MAX) {
        return too_many(err);
    }
    metadata->entries[metadata->count++] = (struct gf_rpc_header){key, value};
    metadata->bytes += bytes;
    return GF_OK;
}

/* One header may have several values of a "-bin" key, with commas between them. */
static enum gf_code append_binary(struct gf_gateway__metadata *metadata, struct gf_str key,
                                  struct gf_str list, struct gf_error *err) {
    const size_t count = metadata->count;
    const size_t total = metadata->bytes;
    do {
        struct gf_str text;
        (void)gf_str_cut(list, ',', &text, &list);
        text = gf_str_trim(text);
        char *bytes = gf_arena_try_alloc(metadata->arena, gf_base64_decoded_size_max(text.len));
        size_t size = 0;
        enum gf_code code = GF_OK;
        if (bytes == NULL) {
            code = too_many(err);
        } else if (!gf_base64_decode(text, bytes, &size)) {
            code = gf_fail(err, GF_INVALID_ARGUMENT, "the header '%" GF_STR_FMT "' is no base64",
                           GF_STR_ARG(key));
        } else {
            code = append(metadata, key, (struct gf_str){bytes, size}, err);
        }
        if (code != GF_OK) {
            metadata->count = count;
            metadata->bytes = total;
            return code;
        }
    } while (list.len > 0);
    return GF_OK;
}

enum gf_code gf_gateway__metadata_add(struct gf_gateway__metadata *metadata, struct gf_str name,
                                      struct gf_str value, struct gf_error *err) {
    char *memory = gf_arena_try_alloc(metadata->arena, name.len + 1);
    if (memory == NULL) {
        return too_many(err);
    }
    const struct gf_str key = key_of(name, memory);
    if (key.len == 0 || is_left_out(key)) {
        return GF_OK;
    }
    if (gf_str_has_suffix(key, GF_STR("-bin"))) {
        return append_binary(metadata, key, value, err);
    }
    return append(metadata, key, value, err);
}
