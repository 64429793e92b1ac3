/* X.gofer.h: what handlers and clients of a service include. */
#include "tools/protoc-gen-gofer-c/generate.h"
#include "tools/protoc-gen-gofer-c/names.h"
#include "tools/protoc-gen-gofer-c/signature.h"

static void write_guard_name(struct gen_writer *writer, const struct gen_schema *schema,
                             const gen_file_proto *file) {
    char *guard = gen_upper(schema->arena, gen_strip_proto(schema->arena, file->name));
    for (size_t i = 0; guard[i] != '\0'; i++) {
        bool plain = (guard[i] >= 'A' && guard[i] <= 'Z') || (guard[i] >= '0' && guard[i] <= '9');
        guard[i] = plain ? guard[i] : '_';
    }
    gen_set(writer, "guard", gf_arena_printf(schema->arena, "%s_GOFER_H_", guard));
}

/* What a handler of the shape is told. */
static void write_handler(struct gen_writer *writer, enum gen_shape shape) {
    static const char *const parameters[] = {
        "struct gf_rpc_call *call",
        "const $Request$ *request",
        "void *ctx",
    };
    gen_emit(writer, "struct $service$_$rpc$_handler {\n");
    if (shape == GEN_UNARY || shape == GEN_SERVER_STREAM) {
        gen_emit_function(writer, "    void (*start)", parameters, GF_ARRAY_COUNT(parameters),
                          ";\n");
    } else {
        gen_emit(writer, "    void (*start)(struct gf_rpc_call *call, void *ctx);\n");
        gen_emit_function(writer, "    void (*message)", parameters, GF_ARRAY_COUNT(parameters),
                          ";\n");
    }
    if (shape == GEN_SERVER_STREAM || shape == GEN_BIDI_STREAM) {
        gen_emit(writer, "    void (*writable)(struct gf_rpc_call *call, void *ctx);\n");
    }
    gen_emit(writer, "    void (*cancelled)(struct gf_rpc_call *call, void *ctx);\n"
                     "    void (*done)(struct gf_rpc_call *call, void *ctx);\n"
                     "};\n\n");
}

/* How a handler answers. */
static void write_answer(struct gen_writer *writer, enum gen_shape shape) {
    if (shape == GEN_UNARY || shape == GEN_CLIENT_STREAM) {
        gen_emit_comment(writer, "Server: ends the call with its response (gf_rpc_reply).", NULL);
        gen_sign_reply(writer, ";\n\n");
    } else {
        gen_emit_comment(writer, "Server: sends one message of the stream (gf_rpc_send).", NULL);
        gen_sign_send(writer, " GF_MUST_USE;\n\n");
    }
}

/* How a client calls. */
static void write_client(struct gen_writer *writer, enum gen_shape shape) {
    if (shape == GEN_UNARY) {
        gen_emit_comment(writer, "Client: one call, from request to response (gf_rpc_unary).",
                         NULL);
        gen_sign_unary(writer, " GF_MUST_USE;\n\n");
        return;
    }
    gen_emit_comment(writer, "Client: opens a stream and exchanges messages (gf_rpc_stream_*).",
                     NULL);
    gen_sign_stream_open(writer, shape, " GF_MUST_USE;\n");
    if (shape != GEN_SERVER_STREAM) {
        gen_sign_stream_send(writer, " GF_MUST_USE;\n");
    }
    gen_sign_stream_recv(writer, " GF_MUST_USE;\n\n");
}

static void write_method(struct gen_writer *writer, const struct gen_service *service,
                         size_t index) {
    static const char *const headings[] = {
        [GEN_UNARY] = "$rpc_name$: one request, one response.",
        [GEN_CLIENT_STREAM] = "$rpc_name$: a stream of requests, one response.",
        [GEN_SERVER_STREAM] = "$rpc_name$: one request, a stream of responses.",
        [GEN_BIDI_STREAM] = "$rpc_name$: a stream of requests and one of responses.",
    };
    gen_set_method(writer, service, index);
    enum gen_shape shape = gen_shape_of(service->proto->method[index]);
    gen_emit_comment(writer, headings[shape], gen_method_comment(service, index));
    write_handler(writer, shape);
    write_answer(writer, shape);
    write_client(writer, shape);
}

static void write_service(struct gen_writer *writer, const struct gen_service *service) {
    gen_set_service(writer, service);
    gen_emit(writer, "/* ---- $service_path$ ---- */\n\n");
    gen_emit_comment(writer, "$service_path$", gen_service_comment(service));
    gen_emit(writer, "extern const struct gf_rpc_service $service$;\n\n"
                     "/* Its methods: indexes of the table. */\n"
                     "enum $service$_method {\n");
    for (size_t i = 0; i < service->proto->n_method; i++) {
        gen_set_method(writer, service, i);
        gen_emit(writer, "    $SERVICE$_$RPC$,\n");
    }
    gen_emit(writer, "    $SERVICE$_METHOD_COUNT,\n};\n\n");
    for (size_t i = 0; i < service->proto->n_method; i++) {
        write_method(writer, service, i);
    }
    gen_emit(writer,
             "/*\n"
             " * What serves the service. An RPC whose `start` is NULL answers UNIMPLEMENTED;\n"
             " * api/rpc/call.h tells when each callback is called.\n"
             " */\n"
             "struct $service$_handlers {\n");
    for (size_t i = 0; i < service->proto->n_method; i++) {
        gen_set_method(writer, service, i);
        gen_emit(writer, "    struct $service$_$rpc$_handler $member$;\n");
    }
    gen_emit(writer,
             "};\n\n/*\n"
             " * Adds the service to a server that has not been started. Borrowed until the\n"
             " * server is destroyed: handlers, ctx.\n"
             " */\n");
    gen_sign_add_to_server(writer, ";\n\n");
}

void gen_write_header(struct gen_writer *writer, const struct gen_schema *schema,
                      const gen_file_proto *file) {
    write_guard_name(writer, schema, file);
    gen_emit(writer, "/* Generated by protoc-gen-gofer-c from $file$; do not edit. */\n"
                     "#ifndef $guard$\n#define $guard$\n\n");
    if (file->n_service == 0) {
        gen_emit(writer, "/* The file has no services. */\n\n");
    } else {
        gen_emit(writer, "#include \"api/rpc/call.h\"\n"
                         "#include \"api/rpc/client.h\"\n"
                         "#include \"api/rpc/method.h\"\n"
                         "#include \"api/rpc/server.h\"\n"
                         "#include \"$stem$.pb-c.h\"\n\n");
    }
    for (size_t i = 0; i < file->n_service; i++) {
        struct gen_service service = {schema, file, file->service[i], i};
        write_service(writer, &service);
    }
    gen_emit(writer, "#endif /* $guard$ */\n");
}
