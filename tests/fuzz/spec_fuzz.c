/*
 * Pipeline specs from the wire: what is refused says why, and what is accepted is shown in a form
 * that is accepted again and says the same, also to who compares the two.
 */
#include "api/codec/model/config.h"
#include "api/codec/model/message.h"
#include "api/codec/model/references.h"
#include "api/codec/model/spec_diff.h"
#include "api/codec/wire/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    ARENA_BYTES_MAX = 64 << 20
};

/* Of two specs that say the same, and of one with one that has nothing else in common. */
static void check_diff(const Gofer__V1__PipelineSpec *spec, const Gofer__V1__PipelineSpec *same,
                       struct gf_arena *arena) {
    Gofer__V1__PipelineSpec other = GOFER__V1__PIPELINE_SPEC__INIT;
    Gofer__V1__ConfigChange **changes = NULL;
    size_t count = 0;
    gf_assert(gf_spec_diff(spec, same, arena, &changes, &count, NULL) == GF_OK && count == 0);
    gf_assert(gf_spec_diff(spec, &other, arena, &changes, &count, NULL) == GF_OK && count >= 2);
    for (size_t i = 0; i < count; i++) {
        gf_assert(changes[i]->before[0] != '\0' && changes[i]->after[0] == '\0');
        gf_assert(gf_utf8_valid(gf_str_from(changes[i]->field)));
        gf_assert(i == 0 || strcmp(changes[i - 1]->field, changes[i]->field) <= 0);
    }
}

/* What a config refers to was checked: it can be listed, and each is there once. */
static void check_references(const struct gf_config *config, struct gf_arena *arena) {
    const struct gf_secret_reference *references = NULL;
    size_t count = 0;
    gf_assert(gf_config_secret_references(config, arena, &references, &count, NULL) == GF_OK);
    for (size_t i = 1; i < count; i++) {
        gf_assert(references[i].kind != references[i - 1].kind ||
                  !gf_str_eq(references[i].key, references[i - 1].key));
    }
}

static bool hides_password(const Gofer__V1__PipelineSpec *spec) {
    for (size_t i = 0; i < spec->n_tasks; i++) {
        const Gofer__V1__RegistryAuth *auth = spec->tasks[i]->registry_auth;
        if (auth != NULL && strcmp(auth->password, GF_PASSWORD_SHOWN) == 0) {
            return true;
        }
    }
    return false;
}

static void check_spec(const Gofer__V1__PipelineSpec *spec, struct gf_arena *arena) {
    struct gf_config config = {0};
    struct gf_config again = {0};
    struct gf_error err = {0};
    const enum gf_code rc = gf_config_from_spec(spec, arena, &config, &err);
    if (rc != GF_OK) {
        gf_assert(rc == GF_INVALID_ARGUMENT || rc == GF_UNIMPLEMENTED);
        gf_assert(err.message[0] != '\0' && gf_utf8_valid(gf_str_from(err.message)));
        gf_assert(gf_utf8_valid(gf_str_from(err.field)));
        return;
    }
    check_references(&config, arena);
    const Gofer__V1__PipelineConfig *shown =
        gf_config_to_message(&config, /* with_tasks= */ true, arena);
    if (hides_password(shown->spec)) {
        /* It is not what was handed in, and is not taken for it. */
        gf_assert(gf_config_from_spec(shown->spec, arena, &again, &err) == GF_INVALID_ARGUMENT);
        return;
    }
    gf_assert(gf_config_from_spec(shown->spec, arena, &again, &err) == GF_OK);
    gf_assert(gf_str_eq(config.content_hash, again.content_hash));
    check_diff(shown->spec, gf_config_to_message(&again, true, arena)->spec, arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    gf_model_codec_init();
    struct gf_arena arena;
    gf_arena_init(&arena, ARENA_BYTES_MAX);
    ProtobufCMessage *message = NULL;
    if (gf_wire_decode(&gofer__v1__pipeline_spec__descriptor, data, size, &arena, &message, NULL) ==
        GF_OK) {
        check_spec((const Gofer__V1__PipelineSpec *)message, &arena);
    }
    gf_arena_fini(&arena);
    return 0;
}
