#include "engine/secrets/interpolate.h"

static enum gf_code fail_size(const struct gf_secret_buffer *out, struct gf_error *err) {
    return gf_fail(err, GF_FAILED_PRECONDITION,
                   "with its references filled in the text has more than %zu bytes", out->limit);
}

static enum gf_code put_value(const struct gf_text_part *part, gf_interpolate_fn *fn, void *ctx,
                              struct gf_secret_buffer *out, struct gf_error *err) {
    const size_t before = out->len;
    enum gf_code rc = fn(ctx, part, out, err);
    gf_assert(out->len >= before);
    if (out->overflowed) {
        /* Whatever fn made of it: this is the reason. */
        rc = fail_size(out, err);
    } else if (rc == GF_OK && out->len != before &&
               memchr(out->ptr + before, '\0', out->len - before) != NULL) {
        rc = gf_fail(err, GF_FAILED_PRECONDITION,
                     "the value has a zero byte, which a text cannot "
                     "hold; encode it, in base64 for example");
    }
    if (rc != GF_OK) {
        (void)gf_wrap(err, "%s{{%" GF_STR_FMT "}}", gf_reference_word(part->kind),
                      GF_STR_ARG(part->key));
    }
    return rc;
}

static enum gf_code put_part(const struct gf_text_part *part, gf_interpolate_fn *fn, void *ctx,
                             struct gf_secret_buffer *out, struct gf_error *err) {
    if (part->kind != GF_REFERENCE_UNSPECIFIED) {
        return put_value(part, fn, ctx, out, err);
    }
    gf_secret_buffer_append(out, part->text);
    return out->overflowed ? fail_size(out, err) : GF_OK;
}

enum gf_code gf_interpolate(struct gf_str text, unsigned kinds, gf_interpolate_fn *fn, void *ctx,
                            struct gf_secret_buffer *out, struct gf_error *err) {
    const size_t before = out->len;
    size_t position = 0;
    size_t reference_count = 0;
    for (;;) {
        struct gf_text_part part;
        bool more = false;
        enum gf_code rc = gf_text_next(text, kinds, &position, &more, &part, err);
        if (rc == GF_OK && !more) {
            return GF_OK;
        }
        if (rc == GF_OK && part.kind != GF_REFERENCE_UNSPECIFIED &&
            ++reference_count > GF_REFERENCES_MAX) {
            rc = gf_fail(err, GF_INVALID_ARGUMENT,
                         "position %zu: more than %d references in one text", part.offset + 1,
                         GF_REFERENCES_MAX);
        }
        if (rc == GF_OK) {
            rc = put_part(&part, fn, ctx, out, err);
        }
        if (rc != GF_OK) {
            gf_secret_buffer_truncate(out, before);
            return rc;
        }
    }
}
