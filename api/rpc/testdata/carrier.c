#include "api/rpc/testdata/carrier.h"

#include "api/codec/wire/wire.h"
#include "base/alloc.h"
#include "base/clock.h"

#include <string.h>

void gf_echo_carrier_init(struct gf_echo_carrier *carrier) {
    *carrier = (struct gf_echo_carrier){.wake_count = 0};
    gf_mutex_init(&carrier->mutex, GF_RANK_TEST_INNER);
    gf_cond_init(&carrier->cond);
}

void gf_echo_carrier_fini(struct gf_echo_carrier *carrier) {
    gf_cond_fini(&carrier->cond);
    gf_mutex_fini(&carrier->mutex);
}

int gf_echo_carrier_wakes(struct gf_echo_carrier *carrier) {
    GF_MUTEX_GUARD(&carrier->mutex);
    return carrier->wake_count;
}

void gf_echo_carrier_await(struct gf_echo_carrier *carrier) {
    GF_MUTEX_GUARD(&carrier->mutex);
    while (carrier->wake_count == 0) {
        gf_cond_wait(&carrier->cond, &carrier->mutex);
    }
    carrier->wake_count--;
}

static void wake(void *ctx) {
    struct gf_echo_carrier *carrier = ctx;
    GF_MUTEX_GUARD(&carrier->mutex);
    carrier->wake_count++;
    gf_cond_signal(&carrier->cond);
}

struct gf_rpc_arrival gf_echo_arrival(struct gf_echo_carrier *carrier, enum gf_echo_method method) {
    return (struct gf_rpc_arrival){
        .method = &gf_echo_methods[method],
        .transport = GF_RPC_TRANSPORT_CONNECT,
        .peer = GF_STR("ipv4:127.0.0.1:4711"),
        .deadline_ns = GF_NEVER,
        .wake = wake,
        .ctx = carrier,
    };
}

struct gf_rpc_call *gf_echo_carry(struct gf_rpc_server *server, struct gf_echo_carrier *carrier,
                                  enum gf_echo_method method) {
    const struct gf_rpc_arrival arrival = gf_echo_arrival(carrier, method);
    return gf_rpc_carried_begin(server, &arrival);
}

void gf_echo_carry_request(struct gf_rpc_call *call, const char *id, size_t size, int count) {
    gf_echo_request message = gf_echo_request_make(id, size, count);
    const size_t bytes = gf_wire_encoded_size(&message.base);
    uint8_t *wire = gf_malloc(bytes + 1);
    (void)gf_wire_encode(&message.base, wire);
    gf_rpc_carried_request(call, (struct gf_str){(const char *)wire, bytes});
    memset(wire, 0xAA, bytes);
    free(wire);
    free(message.payload.data);
}

enum gf_rpc_carried_kind gf_echo_carry_next(struct gf_echo_carrier *carrier,
                                            struct gf_rpc_call *call,
                                            struct gf_rpc_carried_item *out_item) {
    for (;;) {
        const enum gf_rpc_carried_kind kind = gf_rpc_carried_take(call, out_item);
        if (kind != GF_RPC_CARRIED_NOTHING) {
            return kind;
        }
        gf_echo_carrier_await(carrier);
    }
}

enum gf_code gf_echo_carry_finish(struct gf_echo_carrier *carrier, struct gf_rpc_call *call) {
    struct gf_rpc_carried_item item;
    while (gf_echo_carry_next(carrier, call, &item) != GF_RPC_CARRIED_END) {
    }
    gf_rpc_carried_release(call);
    return item.code;
}
