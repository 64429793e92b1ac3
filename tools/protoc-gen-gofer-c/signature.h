/*
 * The signatures of generated functions, declared in X.gofer.h and defined in X.gofer.c.
 *
 * Each function writes one signature of the RPC whose variables are set, and behind its bracket the
 * tail: " GF_MUST_USE;\n" for a declaration, " {\n" for a definition. Thread: one at a time.
 */
#ifndef GOFER_TOOLS_PROTOC_GEN_GOFER_C_SIGNATURE_H_
#define GOFER_TOOLS_PROTOC_GEN_GOFER_C_SIGNATURE_H_

#include "tools/protoc-gen-gofer-c/generate.h"

/* Server: what ends a call with one response, and what sends a message of a stream. */
void gen_sign_reply(struct gen_writer *writer, const char *tail);
void gen_sign_send(struct gen_writer *writer, const char *tail);

/* Server: what adds the service. */
void gen_sign_add_to_server(struct gen_writer *writer, const char *tail);

/* Client: a unary call. */
void gen_sign_unary(struct gen_writer *writer, const char *tail);

/* Client: a stream. Only a server stream is opened with its request. */
void gen_sign_stream_open(struct gen_writer *writer, enum gen_shape shape, const char *tail);
void gen_sign_stream_send(struct gen_writer *writer, const char *tail);
void gen_sign_stream_recv(struct gen_writer *writer, const char *tail);

#endif /* GOFER_TOOLS_PROTOC_GEN_GOFER_C_SIGNATURE_H_ */
