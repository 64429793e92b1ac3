/*
 * What registries say: headers with a grammar, and manifests, indexes and configurations. The input
 * is, up to the first NUL, a media type, then the document of a name; further pieces are what the
 * registry has for whatever is asked of it.
 */
#include "engine/scheduler/native/fetch/found.h"
#include "engine/scheduler/native/fetch/registry/headers.h"
#include "engine/scheduler/native/fetch/sha256.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum gf_code read_any(void *ctx, const struct gf_digest *digest, int64_t size_bytes,
                             bool is_manifest, struct gf_strbuf *out, struct gf_error *err) {
    struct gf_str *rest = ctx;
    struct gf_str piece;
    (void)digest;
    (void)size_bytes;
    (void)is_manifest;
    (void)gf_str_cut(*rest, '\0', &piece, rest);
    if (piece.len == 0) {
        return gf_fail(err, GF_NOT_FOUND, "nothing");
    }
    gf_strbuf_append(out, piece);
    return GF_OK;
}

static void check_headers(struct gf_str text) {
    struct gf_challenge challenge = {GF_CHALLENGE_NONE};
    struct gf_str address;
    int64_t start = 0;
    if (gf_challenge_add(&challenge, text)) {
        gf_assert(challenge.kind != GF_CHALLENGE_BEARER || challenge.realm[0] != '\0');
        gf_assert(strlen(challenge.realm) <= GF_REGISTRY_URL_CHARS_MAX);
    }
    if (gf_link_next(text, &address)) {
        gf_assert(address.len > 0 && memchr(address.ptr, '>', address.len) == NULL);
    }
    gf_assert(!gf_content_range_start(text, &start) || start >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct gf_str rest = {(const char *)data, size};
    struct gf_str media_type;
    struct gf_str text;
    char type[128];
    struct gf_error err = {.message = ""};
    check_headers(rest);
    (void)gf_str_cut(rest, '\0', &media_type, &rest);
    (void)gf_str_cut(rest, '\0', &text, &rest);
    (void)snprintf(type, sizeof(type), "%.*s", (int)(media_type.len < 100 ? media_type.len : 100),
                   media_type.len > 0 ? media_type.ptr : "");
    const struct gf_found_root root = {text, gf_sha256_of(text), type};
    const struct gf_source_registry registry = {&rest, read_any};
    GF_CLEANUP(gf_source_close_p)
    struct gf_source *source = gf_source_open_registry(&registry);
    GF_CLEANUP(gf_found_images_fini) struct gf_found_images images = {0};
    if (gf_find_pulled(source, &root, &images, &err) == GF_OK) {
        gf_assert(images.count == 1 && images.items[0]->record.layer_count > 0);
        gf_assert(images.items[0]->layers[0].size_bytes >= 0);
    } else {
        gf_assert(gf_utf8_valid(gf_str_from(err.message)));
    }
    return 0;
}
