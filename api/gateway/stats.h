/*
 * Figures of the gateway.
 *
 * Thread: any.
 */
#ifndef GOFER_API_GATEWAY_STATS_H_
#define GOFER_API_GATEWAY_STATS_H_

#include <stdint.h>

enum gf_gateway_protocol {
    GF_GATEWAY_CONNECT,        /* unary, POST */
    GF_GATEWAY_CONNECT_GET,    /* unary, GET */
    GF_GATEWAY_CONNECT_STREAM, /* server streams */
    GF_GATEWAY_GRPC_WEB,
    GF_GATEWAY_GRPC_WEB_TEXT, /* the same in base64 */
    GF_GATEWAY_PROTOCOL_COUNT,
};

enum gf_gateway_codec {
    GF_GATEWAY_PROTO,
    GF_GATEWAY_JSON,
    GF_GATEWAY_CODEC_COUNT,
};

enum {
    GF_GATEWAY_STATUS_CLASS_COUNT = 6
};

/* "connect", "connect_get", ...; "proto", "json". Static storage. */
const char *gf_gateway_protocol_name(enum gf_gateway_protocol protocol);
const char *gf_gateway_codec_name(enum gf_gateway_codec codec);

/* What there was since the start, and is now. How calls end is told by the rpc server's. */
struct gf_gateway_stats {
    uint64_t calls_total[GF_GATEWAY_PROTOCOL_COUNT][GF_GATEWAY_CODEC_COUNT];
    uint64_t responses_total[GF_GATEWAY_STATUS_CLASS_COUNT]; /* of all; [2]: status 200 to 299 */
    uint64_t refused_total; /* requests with a host or an origin that may not come in */
    int64_t streams;        /* open ones */
};

#endif /* GOFER_API_GATEWAY_STATS_H_ */
