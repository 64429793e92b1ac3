#include "tools/protoc-gen-gofer-c/signature.h"

void gen_sign_reply(struct gen_writer *writer, const char *tail) {
    static const char *const parameters[] = {
        "struct gf_rpc_call *call",
        "const $Response$ *response",
    };
    gen_emit_function(writer, "void $service$_$rpc$_reply", parameters, GF_ARRAY_COUNT(parameters),
                      tail);
}

void gen_sign_send(struct gen_writer *writer, const char *tail) {
    static const char *const parameters[] = {
        "struct gf_rpc_call *call",
        "const $Response$ *message",
        "struct gf_error *err",
    };
    gen_emit_function(writer, "enum gf_code $service$_$rpc$_send", parameters,
                      GF_ARRAY_COUNT(parameters), tail);
}

void gen_sign_add_to_server(struct gen_writer *writer, const char *tail) {
    static const char *const parameters[] = {
        "struct gf_rpc_server *server",
        "const struct $service$_handlers *handlers",
        "void *ctx",
    };
    gen_emit_function(writer, "void $service$_add_to_server", parameters,
                      GF_ARRAY_COUNT(parameters), tail);
}

void gen_sign_unary(struct gen_writer *writer, const char *tail) {
    static const char *const parameters[] = {
        "struct gf_rpc_channel *channel", "const struct gf_rpc_call_opts *opts",
        "const $Request$ *request",       "struct gf_arena *arena",
        "$Response$ **out_response",      "struct gf_error *err",
    };
    gen_emit_function(writer, "enum gf_code $service$_$rpc$", parameters,
                      GF_ARRAY_COUNT(parameters), tail);
}

void gen_sign_stream_open(struct gen_writer *writer, enum gen_shape shape, const char *tail) {
    const char *parameters[5];
    size_t count = 0;
    parameters[count++] = "struct gf_rpc_channel *channel";
    parameters[count++] = "const struct gf_rpc_call_opts *opts";
    if (shape == GEN_SERVER_STREAM) {
        parameters[count++] = "const $Request$ *request";
    }
    parameters[count++] = "struct gf_rpc_stream **out_stream";
    parameters[count++] = "struct gf_error *err";
    gen_emit_function(writer, "enum gf_code $service$_$rpc$_stream_open", parameters, count, tail);
}

void gen_sign_stream_send(struct gen_writer *writer, const char *tail) {
    static const char *const parameters[] = {
        "struct gf_rpc_stream *stream",
        "const $Request$ *message",
        "struct gf_error *err",
    };
    gen_emit_function(writer, "enum gf_code $service$_$rpc$_stream_send", parameters,
                      GF_ARRAY_COUNT(parameters), tail);
}

void gen_sign_stream_recv(struct gen_writer *writer, const char *tail) {
    static const char *const parameters[] = {
        "struct gf_rpc_stream *stream", "int64_t timeout_ms",   "struct gf_arena *arena",
        "$Response$ **out_message",     "struct gf_error *err",
    };
    gen_emit_function(writer, "enum gf_code $service$_$rpc$_stream_recv", parameters,
                      GF_ARRAY_COUNT(parameters), tail);
}
