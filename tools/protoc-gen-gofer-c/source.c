/* X.gofer.c: the tables of a service, and the thunks from untyped callbacks to typed ones and back.
 */
#include "tools/protoc-gen-gofer-c/generate.h"
#include "tools/protoc-gen-gofer-c/signature.h"

static void write_tables(struct gen_writer *writer, const struct gen_service *service) {
    static const char *const kinds[] = {
        [GEN_UNARY] = "GF_RPC_UNARY",
        [GEN_CLIENT_STREAM] = "GF_RPC_CLIENT_STREAM",
        [GEN_SERVER_STREAM] = "GF_RPC_SERVER_STREAM",
        [GEN_BIDI_STREAM] = "GF_RPC_BIDI_STREAM",
    };
    gen_emit(writer, "static const struct gf_rpc_method $service$_methods[] = {\n");
    for (size_t i = 0; i < service->proto->n_method; i++) {
        gen_set_method(writer, service, i);
        gen_set(writer, "kind", kinds[gen_shape_of(service->proto->method[i])]);
        gen_emit(writer, "    [$SERVICE$_$RPC$] =\n"
                         "        {\n"
                         "            .path = \"/$service_path$/$rpc_name$\",\n"
                         "            .service = \"$service_path$\",\n"
                         "            .name = \"$rpc_name$\",\n"
                         "            .kind = $kind$,\n"
                         "            .request = &$request$__descriptor,\n"
                         "            .response = &$response$__descriptor,\n"
                         "        },\n");
    }
    gen_emit(writer, "};\n\n"
                     "const struct gf_rpc_service $service$ = {\n"
                     "    .name = \"$service_path$\",\n"
                     "    .methods = $service$_methods,\n"
                     "    .method_count = $SERVICE$_METHOD_COUNT,\n"
                     "};\n\n");
}

/* From the callbacks of a slot to the typed ones behind it. */
static void write_thunks(struct gen_writer *writer, enum gen_shape shape) {
    static const char *const parameters[] = {"struct gf_rpc_call *call",
                                             "const ProtobufCMessage *request", "void *ctx"};
    const char *find = "    const struct $service$_$rpc$_handler *handler =\n"
                       "        gf_rpc_call_handler(call)->typed;\n";
    gen_emit_function(writer, "static void $service$_$rpc$_on_start", parameters, 3, " {\n");
    gen_emit(writer, find);
    if (shape == GEN_UNARY || shape == GEN_SERVER_STREAM) {
        gen_emit(writer, "    handler->start(call, (const $Request$ *)request, ctx);\n}\n\n");
        return;
    }
    gen_emit(writer, "    (void)request;\n"
                     "    handler->start(call, ctx);\n}\n\n");
    gen_emit_function(writer, "static void $service$_$rpc$_on_message", parameters, 3, " {\n");
    gen_emit(writer, find);
    gen_emit(writer, "    handler->message(call, (const $Request$ *)request, ctx);\n}\n\n");
}

static void write_answer(struct gen_writer *writer, enum gen_shape shape) {
    if (shape == GEN_UNARY || shape == GEN_CLIENT_STREAM) {
        gen_sign_reply(writer, " {\n"
                               "    gf_rpc_reply(call, &response->base);\n"
                               "}\n\n");
    } else {
        gen_sign_send(writer, " {\n"
                              "    return gf_rpc_send(call, &message->base, err);\n"
                              "}\n\n");
    }
}

static void write_client_unary(struct gen_writer *writer) {
    gen_sign_unary(writer, " {\n"
                           "    const struct gf_rpc_method *method =\n"
                           "        &$service$_methods[$SERVICE$_$RPC$];\n"
                           "    ProtobufCMessage *message = NULL;\n"
                           "    enum gf_code code = gf_rpc_unary(channel, method, opts, "
                           "&request->base, arena, &message, err);\n"
                           "    if (code == GF_OK) {\n"
                           "        *out_response = ($Response$ *)message;\n"
                           "    }\n"
                           "    return code;\n"
                           "}\n\n");
}

static void write_client_stream(struct gen_writer *writer, enum gen_shape shape) {
    gen_set(writer, "first", shape == GEN_SERVER_STREAM ? "&request->base" : "NULL");
    gen_sign_stream_open(writer, shape,
                         " {\n"
                         "    const struct gf_rpc_method *method =\n"
                         "        &$service$_methods[$SERVICE$_$RPC$];\n"
                         "    return gf_rpc_stream_open(channel, method, opts, $first$, "
                         "out_stream, err);\n"
                         "}\n\n");
    if (shape != GEN_SERVER_STREAM) {
        gen_sign_stream_send(writer, " {\n"
                                     "    return gf_rpc_stream_send(stream, &message->base, "
                                     "err);\n"
                                     "}\n\n");
    }
    gen_sign_stream_recv(writer, " {\n"
                                 "    ProtobufCMessage *message = NULL;\n"
                                 "    enum gf_code code = gf_rpc_stream_recv(stream, timeout_ms, "
                                 "arena, &message, err);\n"
                                 "    if (code == GF_OK) {\n"
                                 "        *out_message = ($Response$ *)message;\n"
                                 "    }\n"
                                 "    return code;\n"
                                 "}\n\n");
}

/* The slot of one RPC, which stays empty without `start`. */
static void write_slot(struct gen_writer *writer, enum gen_shape shape) {
    gen_emit(writer, "    if (handlers->$member$.start != NULL) {\n"
                     "        slots[$SERVICE$_$RPC$] = (struct gf_rpc_handler){\n"
                     "            .start = $service$_$rpc$_on_start,\n");
    if (shape == GEN_CLIENT_STREAM || shape == GEN_BIDI_STREAM) {
        gen_emit(writer, "            .message = handlers->$member$.message != NULL\n"
                         "                           ? $service$_$rpc$_on_message\n"
                         "                           : NULL,\n");
    }
    if (shape == GEN_SERVER_STREAM || shape == GEN_BIDI_STREAM) {
        gen_emit(writer, "            .writable = handlers->$member$.writable,\n");
    }
    gen_emit(writer, "            .cancelled = handlers->$member$.cancelled,\n"
                     "            .done = handlers->$member$.done,\n"
                     "            .typed = &handlers->$member$,\n"
                     "        };\n"
                     "    }\n");
}

static void write_add_to_server(struct gen_writer *writer, const struct gen_service *service) {
    gen_sign_add_to_server(writer, " {\n");
    gen_emit(writer, "    struct gf_rpc_handler slots[$SERVICE$_METHOD_COUNT] = {0};\n");
    for (size_t i = 0; i < service->proto->n_method; i++) {
        gen_set_method(writer, service, i);
        write_slot(writer, gen_shape_of(service->proto->method[i]));
    }
    gen_emit(writer, "    gf_rpc_server_add_service(server, &$service$, slots, ctx);\n}\n");
}

static void write_service(struct gen_writer *writer, const struct gen_service *service) {
    gen_set_service(writer, service);
    gen_emit(writer, "\n/* ---- $service_path$ ---- */\n\n");
    write_tables(writer, service);
    for (size_t i = 0; i < service->proto->n_method; i++) {
        enum gen_shape shape = gen_shape_of(service->proto->method[i]);
        gen_set_method(writer, service, i);
        write_thunks(writer, shape);
        write_answer(writer, shape);
        if (shape == GEN_UNARY) {
            write_client_unary(writer);
        } else {
            write_client_stream(writer, shape);
        }
    }
    write_add_to_server(writer, service);
}

void gen_write_source(struct gen_writer *writer, const struct gen_schema *schema,
                      const gen_file_proto *file) {
    gen_emit(writer, "/* Generated by protoc-gen-gofer-c from $file$; do not edit. */\n"
                     "#include \"$stem$.gofer.h\"\n");
    for (size_t i = 0; i < file->n_service; i++) {
        struct gen_service service = {schema, file, file->service[i], i};
        write_service(writer, &service);
    }
}
