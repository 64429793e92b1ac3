#include "api/external/takers.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "engine/core/limits.h"

enum {
    TAKERS_MAX = 2 * GF_EXTENSIONS_MAX, /* then those of extensions that are gone go, too */
};

static void forget(struct gf_external_taker *taker) {
    gf_hmac_key_destroy((struct gf_hmac_key *)(uintptr_t)taker->check.key);
    gf_extension_intake_unref(taker->intake);
    taker->check = (struct gf_external_check){0};
    taker->intake = NULL;
}

static void drop_idle(struct gf_external_takers *takers) {
    size_t position = 0;
    int64_t key = 0;
    void *value = NULL;
    while (gf_map_i64_next(&takers->by_key, &position, &key, &value)) {
        struct gf_external_taker *taker = value;
        if (taker->storing == 0) {
            (void)gf_map_i64_remove(&takers->by_key, key);
            forget(taker);
            free(taker);
        }
    }
}

static void set(struct gf_external_taker *taker, struct gf_extension_intake *intake) {
    const Gofer__Extension__V1__ExternalEventVerification *declared = intake->verification;
    gf_extension_intake_ref(intake);
    taker->intake = intake;
    if (declared == NULL) {
        return;
    }
    const Google__Protobuf__Duration *tolerance = declared->timestamp_tolerance;
    taker->check = (struct gf_external_check){
        .key = gf_hmac_key_create((enum gf_hmac_algorithm)(int)declared->algorithm, intake->key),
        .prefix = gf_str_from(declared->signature_prefix),
        .base64 = declared->encoding ==
                  GOFER__EXTENSION__V1__SIGNATURE_ENCODING__SIGNATURE_ENCODING_BASE64,
        .timestamp = declared->timestamp_header[0] != '\0',
        /* It was checked with the registration: at most an hour. */
        .tolerance_ns =
            tolerance == NULL ? 0 : tolerance->seconds * GF_NS_PER_SEC + tolerance->nanos,
    };
}

struct gf_external_taker *gf_external_takers_get(struct gf_external_takers *takers,
                                                 struct gf_extension_intake *intake) {
    struct gf_external_taker *taker = gf_map_i64_get(&takers->by_key, intake->extension_key);
    if (taker == NULL) {
        if (gf_map_i64_count(&takers->by_key) >= TAKERS_MAX) {
            drop_idle(takers);
        }
        taker = GF_NEW(struct gf_external_taker);
        (void)gf_map_i64_put(&takers->by_key, intake->extension_key, taker);
    }
    if (taker->intake != intake) {
        forget(taker);
        set(taker, intake);
    }
    return taker;
}

void gf_external_takers_fini(struct gf_external_takers *takers) {
    drop_idle(takers);
    gf_assert(gf_map_i64_count(&takers->by_key) == 0);
    gf_map_i64_fini(&takers->by_key);
}
