/*
 * Tables that describe services: generated from the .proto files, read by the server (routing) and
 * by the client (what to call and how to decode the answer). All of it is constant and of static
 * storage.
 *
 * Thread: any.
 */
#ifndef GOFER_API_RPC_METHOD_H_
#define GOFER_API_RPC_METHOD_H_

#include <stdbool.h>
#include <stddef.h>

#include <protobuf-c/protobuf-c.h>

/* The four shapes of a method. */
enum gf_rpc_kind {
    GF_RPC_UNARY,         /* one request, one response */
    GF_RPC_CLIENT_STREAM, /* many requests, one response */
    GF_RPC_SERVER_STREAM, /* one request, many responses */
    GF_RPC_BIDI_STREAM,   /* many requests, many responses, interleaved as the two sides like */
};

struct gf_rpc_method {
    const char *path;    /* "/gofer.v1.RunService/GetRun" */
    const char *service; /* "gofer.v1.RunService" */
    const char *name;    /* "GetRun" */
    enum gf_rpc_kind kind;
    const ProtobufCMessageDescriptor *request;
    const ProtobufCMessageDescriptor *response;
};

struct gf_rpc_service {
    const char *name; /* "gofer.v1.RunService" */
    const struct gf_rpc_method *methods;
    size_t method_count;
};

/* True when the client sends a stream of requests. */
static inline bool gf_rpc_kind_streams_requests(enum gf_rpc_kind kind) {
    return kind == GF_RPC_CLIENT_STREAM || kind == GF_RPC_BIDI_STREAM;
}

/* True when the server sends a stream of responses. */
static inline bool gf_rpc_kind_streams_responses(enum gf_rpc_kind kind) {
    return kind == GF_RPC_SERVER_STREAM || kind == GF_RPC_BIDI_STREAM;
}

#endif /* GOFER_API_RPC_METHOD_H_ */
