#include "extensions-sdk/src/settings.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/str.h"
#include "base/time.h"

#include <stdlib.h>
#include <string.h>

struct gofer_settings {
    struct gf_arena arena;
    struct gofer_pair *pairs;
    size_t count;
};

static int by_name(const void *a, const void *b) {
    const struct gofer_pair *left = a;
    const struct gofer_pair *right = b;
    return gf_str_cmp_nocase(gf_str_from(left->name), gf_str_from(right->name));
}

struct gofer_settings *gf_sdk_settings_create(const void *entries, size_t count) {
    struct gofer_settings *settings = GF_NEW(struct gofer_settings);
    const struct gf_sdk_entry *const *from = entries;
    gf_arena_init(&settings->arena, SIZE_MAX); /* A copy of what came in one bounded message. */
    settings->pairs = GF_ARENA_ARRAY(&settings->arena, count, struct gofer_pair);
    for (size_t i = 0; i < count; i++) {
        settings->pairs[i] = (struct gofer_pair){
            .name = gf_arena_strdup(&settings->arena, from[i]->key),
            .value = gf_arena_strdup(&settings->arena, from[i]->value),
        };
    }
    if (count > 0) {
        qsort(settings->pairs, count, sizeof(settings->pairs[0]), by_name);
    }
    for (size_t i = 0; i < count; i++) {
        if (settings->count == 0 ||
            by_name(&settings->pairs[settings->count - 1], &settings->pairs[i]) != 0) {
            settings->pairs[settings->count++] = settings->pairs[i];
        }
    }
    return settings;
}

void gf_sdk_settings_destroy(struct gofer_settings *settings) {
    if (settings == NULL) {
        return;
    }
    gf_arena_wipe(&settings->arena);
    gf_arena_fini(&settings->arena);
    free(settings);
}

bool gf_sdk_settings_equal(const struct gofer_settings *a, const struct gofer_settings *b) {
    if (a->count != b->count) {
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        if (by_name(&a->pairs[i], &b->pairs[i]) != 0 ||
            strcmp(a->pairs[i].value, b->pairs[i].value) != 0) {
            return false;
        }
    }
    return true;
}

const char *gofer_settings_get(const struct gofer_settings *settings, const char *name) {
    const struct gofer_pair wanted = {.name = name};
    if (settings->count == 0 || name == NULL) {
        return NULL;
    }
    const struct gofer_pair *found =
        bsearch(&wanted, settings->pairs, settings->count, sizeof(wanted), by_name);
    return found == NULL ? NULL : found->value;
}

int64_t gofer_settings_integer(const struct gofer_settings *settings, const char *name,
                               int64_t fallback) {
    int64_t value = 0;
    const char *text = gofer_settings_get(settings, name);
    return text != NULL && gf_parse_i64(gf_str_from(text), &value) ? value : fallback;
}

bool gofer_settings_boolean(const struct gofer_settings *settings, const char *name,
                            bool fallback) {
    const struct gf_str text = gf_str_from(gofer_settings_get(settings, name));
    if (gf_str_eq_nocase(text, GF_STR("true"))) {
        return true;
    }
    return gf_str_eq_nocase(text, GF_STR("false")) ? false : fallback;
}

int64_t gofer_settings_duration_ns(const struct gofer_settings *settings, const char *name,
                                   int64_t fallback_ns) {
    int64_t value = 0;
    const char *text = gofer_settings_get(settings, name);
    return text != NULL && gf_duration_parse(gf_str_from(text), &value, NULL) == GF_OK
               ? value
               : fallback_ns;
}

size_t gofer_settings_count(const struct gofer_settings *settings) {
    return settings->count;
}

struct gofer_pair gofer_settings_at(const struct gofer_settings *settings, size_t index) {
    const struct gofer_pair none = {.name = "", .value = ""};
    return index < settings->count ? settings->pairs[index] : none;
}
