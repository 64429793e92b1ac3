#include "tools/protoc-gen-gofer-c/plugin.h"

#include "api/codec/wire/wire.h"
#include "base/file.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    REQUEST_BYTES_MAX = 128 << 20,
    EXIT_USAGE = 2,
};

/* Enough for the request, unpacked, and all that is made of it. */
static const size_t arena_bytes_max = (size_t)2 << 30;

gen_response_proto *gen_response_new(struct gf_arena *arena) {
    gen_response_proto *response = GF_ARENA_NEW(arena, gen_response_proto);
    google__protobuf__compiler__code_generator_response__init(response);
    /* Otherwise protoc itself refuses `optional`, without naming the line. */
    response->has_supported_features = true;
    response->supported_features =
        GOOGLE__PROTOBUF__COMPILER__CODE_GENERATOR_RESPONSE__FEATURE__FEATURE_PROTO3_OPTIONAL;
    return response;
}

gen_response_file_proto *gen_response_file_new(struct gf_arena *arena, char *name, char *content) {
    gen_response_file_proto *file = GF_ARENA_NEW(arena, gen_response_file_proto);
    google__protobuf__compiler__code_generator_response__file__init(file);
    file->name = name;
    file->content = content;
    return file;
}

static enum gf_code answer(const struct gen_plugin *plugin, struct gf_strbuf *input,
                           struct gf_arena *arena, struct gf_error *err) {
    enum gf_code code = gf_read_all(STDIN_FILENO, input, err);
    if (code != GF_OK) {
        return code;
    }
    ProtobufCMessage *message = NULL;
    code = gf_wire_decode(&google__protobuf__compiler__code_generator_request__descriptor,
                          (const uint8_t *)input->ptr, input->len, arena, &message, err);
    if (code != GF_OK) {
        return gf_wrap(err, "request of protoc");
    }
    const ProtobufCMessage *response =
        &plugin->generate((const gen_request_proto *)message, arena)->base;
    size_t size = gf_wire_encoded_size(response);
    uint8_t *bytes = gf_arena_alloc(arena, size);
    return gf_write_all(STDOUT_FILENO, bytes, gf_wire_encode(response, bytes), err);
}

int gen_plugin_main(const struct gen_plugin *plugin, int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "--version") == 0) {
        printf("%s 1\n", plugin->name);
        return 0;
    }
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        fputs(plugin->help, stdout);
        return 0;
    }
    if (argc > 1 || isatty(STDIN_FILENO)) {
        fputs(plugin->help, stderr);
        return EXIT_USAGE;
    }
    struct gf_arena arena;
    gf_arena_init(&arena, arena_bytes_max);
    struct gf_strbuf input;
    gf_strbuf_init(&input, REQUEST_BYTES_MAX);
    struct gf_error err;
    enum gf_code code = answer(plugin, &input, &arena, &err);
    if (code != GF_OK) {
        fprintf(stderr, "%s: %s\n", plugin->name, err.message);
    }
    gf_strbuf_fini(&input);
    gf_arena_fini(&arena);
    return code == GF_OK ? 0 : 1;
}
