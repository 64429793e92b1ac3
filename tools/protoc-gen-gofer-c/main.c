/* protoc-gen-gofer-c: reads protoc's request from standard input, and writes the answer to standard
 * output. */
#include "api/codec/wire/wire.h"
#include "base/file.h"
#include "tools/protoc-gen-gofer-c/generate.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    REQUEST_BYTES_MAX = 128 << 20,
    EXIT_USAGE = 2,
};

/* Enough for the request, unpacked, and all that is made of it. */
static const size_t arena_bytes_max = (size_t)2 << 30;

static const char help[] =
    "protoc-gen-gofer-c: writes the C of services for protoc\n"
    "\n"
    "usage: protoc --plugin=protoc-gen-gofer-c=PATH --gofer-c_out=DIR FILE.proto...\n"
    "\n"
    "For every FILE.proto it writes FILE.gofer.h (handler tables, client stubs) and FILE.gofer.c\n"
    "(method tables and what lies between). The messages themselves are protoc-gen-c's.\n"
    "\n"
    "  --help      this text\n"
    "  --version   the version\n";

static enum gf_code answer(struct gf_strbuf *input, struct gf_arena *arena, struct gf_error *err) {
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
        &gen_generate((const gen_request_proto *)message, arena)->base;
    size_t size = gf_wire_encoded_size(response);
    uint8_t *bytes = gf_arena_alloc(arena, size);
    return gf_write_all(STDOUT_FILENO, bytes, gf_wire_encode(response, bytes), err);
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "--version") == 0) {
        puts("protoc-gen-gofer-c 1");
        return 0;
    }
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        fputs(help, stdout);
        return 0;
    }
    if (argc > 1 || isatty(STDIN_FILENO)) {
        fputs(help, stderr);
        return EXIT_USAGE;
    }
    struct gf_arena arena;
    gf_arena_init(&arena, arena_bytes_max);
    struct gf_strbuf input;
    gf_strbuf_init(&input, REQUEST_BYTES_MAX);
    struct gf_error err;
    enum gf_code code = answer(&input, &arena, &err);
    if (code != GF_OK) {
        fprintf(stderr, "protoc-gen-gofer-c: %s\n", err.message);
    }
    gf_strbuf_fini(&input);
    gf_arena_fini(&arena);
    return code == GF_OK ? 0 : 1;
}
