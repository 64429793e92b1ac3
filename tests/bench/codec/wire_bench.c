/*
 * What the check of wire bytes costs beside the unpacking by protobuf-c, for a pipeline config of a
 * dozen tasks. Prints one line per figure.
 */
#include "api/codec/wire/wire.h"
#include "base/clock.h"
#include "gofer/testing/shapes.pb-c.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    TASKS = 12,
    ROUNDS = 100000,
    REPEATS = 5,
};

static Shapes__V1__Config *make_config(struct gf_arena *arena) {
    Shapes__V1__Config *config = GF_ARENA_NEW(arena, Shapes__V1__Config);
    shapes__v1__config__init(config);
    config->id = (char *)"nightly-build";
    config->display_name = (char *)"Nightly build";
    config->n_tasks = TASKS;
    config->tasks = GF_ARENA_ARRAY(arena, TASKS, Shapes__V1__Task *);
    static char *command[] = {(char *)"sh", (char *)"-c", (char *)"make -j4 all && make check"};
    for (size_t i = 0; i < TASKS; i++) {
        Shapes__V1__Task *task = GF_ARENA_NEW(arena, Shapes__V1__Task);
        shapes__v1__task__init(task);
        task->id = gf_arena_printf(arena, "step-number-%02zu", i);
        task->image = (char *)"docker.io/library/debian:bookworm-slim";
        task->n_command = GF_ARRAY_COUNT(command);
        task->command = command;
        Shapes__V1__Task__VariablesEntry *entry =
            GF_ARENA_NEW(arena, Shapes__V1__Task__VariablesEntry);
        shapes__v1__task__variables_entry__init(entry);
        entry->key = (char *)"BUILD_TYPE";
        entry->value = (char *)"release";
        task->n_variables = 1;
        task->variables = GF_ARENA_ARRAY(arena, 1, Shapes__V1__Task__VariablesEntry *);
        task->variables[0] = entry;
        config->tasks[i] = task;
    }
    return config;
}

static double check_ns(const uint8_t *bytes, size_t size) {
    int64_t start_ns = gf_mono_ns();
    for (int i = 0; i < ROUNDS; i++) {
        if (gf_wire_check(&shapes__v1__config__descriptor, bytes, size, NULL) != GF_OK) {
            abort();
        }
    }
    return (double)(gf_mono_ns() - start_ns) / ROUNDS;
}

static double decode_ns(const uint8_t *bytes, size_t size) {
    struct gf_arena arena;
    gf_arena_init(&arena, 1 << 20);
    int64_t start_ns = gf_mono_ns();
    for (int i = 0; i < ROUNDS; i++) {
        ProtobufCMessage *message = NULL;
        if (gf_wire_decode(&shapes__v1__config__descriptor, bytes, size, &arena, &message, NULL) !=
            GF_OK) {
            abort();
        }
        gf_arena_reset(&arena);
    }
    double ns = (double)(gf_mono_ns() - start_ns) / ROUNDS;
    gf_arena_fini(&arena);
    return ns;
}

static double unpack_ns(const uint8_t *bytes, size_t size) {
    int64_t start_ns = gf_mono_ns();
    for (int i = 0; i < ROUNDS; i++) {
        Shapes__V1__Config *config = shapes__v1__config__unpack(NULL, size, bytes);
        shapes__v1__config__free_unpacked(config, NULL);
    }
    return (double)(gf_mono_ns() - start_ns) / ROUNDS;
}

static void keep_least(double *least, double value) {
    *least = *least == 0 || value < *least ? value : *least;
}

int main(void) {
    struct gf_arena arena;
    gf_arena_init(&arena, 1 << 20);
    Shapes__V1__Config *config = make_config(&arena);
    size_t size = gf_wire_encoded_size(&config->base);
    uint8_t *bytes = gf_arena_alloc(&arena, size);
    (void)gf_wire_encode(&config->base, bytes);
    double check = 0;
    double decode = 0;
    double unpack = 0;
    for (int i = 0; i < REPEATS; i++) {
        keep_least(&check, check_ns(bytes, size));
        keep_least(&decode, decode_ns(bytes, size));
        keep_least(&unpack, unpack_ns(bytes, size));
    }
    printf("wire_check        %8.0f ns (message of %zu bytes)\n", check, size);
    printf("wire_decode       %8.0f ns (check and unpack into an arena)\n", decode);
    printf("protobuf_c unpack %8.0f ns (unpack and free on the heap, without checks)\n", unpack);
    gf_arena_fini(&arena);
    return 0;
}
