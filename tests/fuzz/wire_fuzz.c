/*
 * The check of wire bytes: nothing may crash, what passes it must unpack, every text that comes out
 * must be one, and what is packed again must pass again.
 */
#include "api/codec/wire/wire.h"
#include "base/str.h"
#include "gofer/testing/shapes.pb-c.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    ARENA_BYTES_MAX = 16 << 20
};

static void check_text(const char *text) {
    gf_assert(text == NULL || gf_utf8_valid(gf_str_from(text)));
}

static void check_config(const Shapes__V1__Config *config) {
    if (config == NULL) {
        return;
    }
    check_text(config->id);
    for (size_t i = 0; i < config->n_tasks; i++) {
        check_text(config->tasks[i]->image);
        for (size_t j = 0; j < config->tasks[i]->n_command; j++) {
            check_text(config->tasks[i]->command[j]);
        }
    }
}

static void run(const ProtobufCMessageDescriptor *descriptor, const uint8_t *data, size_t size,
                void (*inspect)(const ProtobufCMessage *message)) {
    struct gf_arena arena;
    gf_arena_init(&arena, ARENA_BYTES_MAX);
    struct gf_error err = {0};
    ProtobufCMessage *message = NULL;
    enum gf_code code = gf_wire_decode(descriptor, data, size, &arena, &message, &err);
    if (code == GF_OK) {
        inspect(message);
        size_t again_size = gf_wire_encoded_size(message);
        uint8_t *again = gf_arena_try_alloc(&arena, again_size + 1);
        if (again != NULL) {
            gf_assert(gf_wire_encode(message, again) == again_size);
            gf_assert(gf_wire_check(descriptor, again, again_size, NULL) == GF_OK);
        }
    } else {
        gf_assert(code == GF_INVALID_ARGUMENT || code == GF_RESOURCE_EXHAUSTED);
        gf_assert(err.message[0] != '\0');
    }
    gf_arena_fini(&arena);
}

static void inspect_everything(const ProtobufCMessage *message) {
    const Shapes__V1__Everything *everything = (const Shapes__V1__Everything *)message;
    check_config(everything->config);
    check_text(everything->default_);
    if (everything->choice_case == SHAPES__V1__EVERYTHING__CHOICE_CHOSEN_TEXT) {
        check_text(everything->chosen_text);
    }
    if (everything->choice_case == SHAPES__V1__EVERYTHING__CHOICE_CHOSEN_CONFIG) {
        check_config(everything->chosen_config);
    }
}

static void inspect_lists(const ProtobufCMessage *message) {
    const Shapes__V1__Lists *lists = (const Shapes__V1__Lists *)message;
    for (size_t i = 0; i < lists->n_strings; i++) {
        check_text(lists->strings[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    run(&shapes__v1__everything__descriptor, data, size, inspect_everything);
    run(&shapes__v1__lists__descriptor, data, size, inspect_lists);
    return 0;
}
