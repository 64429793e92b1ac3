/*
 * References in texts: the parts of a text are the text, in their order and without a gap; what is
 * read again is the same; with every reference filled in by itself the text comes out again but for
 * doubled braces; nothing crashes.
 */
#include "base/arena.h"
#include "engine/secrets/interpolate.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    ARENA_BYTES_MAX = 1 << 20,
    OUT_BYTES_MAX = 1 << 16,
};

static void check_part(struct gf_str text, const struct gf_text_part *part, size_t from,
                       size_t to) {
    gf_assert(part->offset == from);
    gf_assert(part->text.ptr == text.ptr + from);
    if (part->kind == GF_REFERENCE_UNSPECIFIED) {
        /* Two of doubled braces are left out. */
        gf_assert(part->text.len == to - from || part->text.len + 2 == to - from);
        gf_assert(part->text.len == to - from || memcmp(text.ptr + to - 4, "{{{{", 4) == 0);
        return;
    }
    const struct gf_str word = gf_str_from(gf_reference_word(part->kind));
    gf_assert(part->text.len == to - from);
    gf_assert(gf_str_has_prefix(part->text, word));
    gf_assert(gf_str_has_suffix(part->text, GF_STR("}}")));
    gf_assert(part->key.len > 0 && part->key.ptr > part->text.ptr + word.len);
    gf_assert(part->key.ptr + part->key.len <= part->text.ptr + part->text.len - 2);
}

/* The code of reading all parts; what they become goes to out, references as they are. */
static enum gf_code read_parts(struct gf_str text, unsigned kinds, struct gf_strbuf *out,
                               size_t *out_references) {
    size_t position = 0;
    size_t references = 0;
    for (;;) {
        const size_t from = position;
        struct gf_text_part part;
        struct gf_error err = {0};
        bool more = false;
        const enum gf_code rc = gf_text_next(text, kinds, &position, &more, &part, &err);
        if (rc != GF_OK) {
            gf_assert(rc == GF_INVALID_ARGUMENT && position == from && err.message[0] != '\0');
            return rc;
        }
        if (!more) {
            gf_assert(from == text.len);
            *out_references = references;
            return GF_OK;
        }
        gf_assert(position > from && position <= text.len);
        check_part(text, &part, from, position);
        gf_strbuf_append(out, part.text);
        references += part.kind == GF_REFERENCE_UNSPECIFIED ? 0 : 1;
    }
}

static enum gf_code itself(GF_UNUSED void *ctx, const struct gf_text_part *reference,
                           struct gf_secret_buffer *out, GF_UNUSED struct gf_error *err) {
    gf_secret_buffer_append(out, reference->text);
    return GF_OK;
}

static void run(struct gf_str text, unsigned kinds) {
    struct gf_arena arena;
    struct gf_strbuf expected;
    struct gf_secret_buffer actual;
    struct gf_text_part *references = NULL;
    size_t count = 0;
    size_t read_count = 0;
    gf_arena_init(&arena, ARENA_BYTES_MAX);
    gf_strbuf_init(&expected, text.len);
    gf_secret_buffer_init(&actual, OUT_BYTES_MAX);
    const enum gf_code rc = read_parts(text, kinds, &expected, &read_count);
    const enum gf_code list_rc = gf_references_list(text, kinds, &arena, &references, &count, NULL);
    const enum gf_code fill_rc = gf_interpolate(text, kinds, itself, NULL, &actual, NULL);
    if (rc != GF_OK) {
        gf_assert(list_rc == rc && fill_rc != GF_OK && actual.len == 0);
    } else if (read_count <= GF_REFERENCES_MAX) {
        gf_assert(list_rc == GF_OK && count == read_count);
        if (memchr(text.ptr, '\0', text.len) == NULL && expected.len <= OUT_BYTES_MAX) {
            gf_assert(fill_rc == GF_OK);
            gf_assert(gf_str_eq(gf_secret_buffer_view(&actual), gf_strbuf_view(&expected)));
        }
    } else {
        gf_assert(list_rc == GF_INVALID_ARGUMENT);
    }
    gf_secret_buffer_fini(&actual);
    gf_strbuf_fini(&expected);
    gf_arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct gf_str text = {size == 0 ? "" : (const char *)data, size};
    run(text, GF_REFERENCES_ALL);
    run(text, GF_REFERENCE_BIT(GF_REFERENCE_GLOBAL_SECRET));
    return 0;
}
