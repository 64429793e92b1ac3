#include "api/extension/dialog_references.h"

#include "base/alloc.h"

#include <stdlib.h>

static bool has(const struct gf_dialog_references *self, const struct gf_text_part *part) {
    for (size_t i = 0; i < self->items.count; i++) {
        const struct gf_dialog_reference *item = &self->items.items[i];
        if (item->kind == part->kind && gf_str_eq(gf_str_from(item->key), part->key)) {
            return true;
        }
    }
    return false;
}

void gf_dialog_references_note(struct gf_dialog_references *self, struct gf_str answer) {
    struct gf_text_part part = {0};
    size_t position = 0;
    bool more = true;
    while (self->items.count < GF_DIALOG_REFERENCES_MAX &&
           gf_text_next(answer, GF_REFERENCES_ALL, &position, &more, &part, NULL) == GF_OK &&
           more) {
        if (part.kind != GF_REFERENCE_UNSPECIFIED && !has(self, &part)) {
            const struct gf_dialog_reference item = {part.kind, gf_str_dup(part.key)};
            gf_vec_push(&self->items, item);
        }
    }
}

static bool allows(const struct gf_dialog_references *self, struct gf_str value) {
    struct gf_text_part part = {0};
    size_t position = 0;
    bool more = true;
    while (gf_text_next(value, GF_REFERENCES_ALL, &position, &more, &part, NULL) == GF_OK) {
        if (!more) {
            return true;
        }
        if (part.kind != GF_REFERENCE_UNSPECIFIED && !has(self, &part)) {
            return false;
        }
    }
    return false;
}

bool gf_dialog_references_allow(const struct gf_dialog_references *self,
                                const Gofer__V1__ExtensionSettings *settings) {
    for (size_t i = 0; i < settings->n_settings; i++) {
        if (!allows(self, gf_str_from(settings->settings[i]->value))) {
            return false;
        }
    }
    return true;
}

void gf_dialog_references_fini(struct gf_dialog_references *self) {
    for (size_t i = 0; i < self->items.count; i++) {
        free(self->items.items[i].key);
    }
    gf_vec_fini(&self->items);
}
