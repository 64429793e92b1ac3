/*
 * The names of calls.
 *
 * DESIGN. A name of ours is a number that no other call of the server has (the lane and how many it
 * has named), scrambled by a bijection with a random start: cheap, different from those of other
 * servers and of earlier runs, and nothing that could be guessed to mean anything. It is no secret.
 */
#include "api/rpc/server_internal.h"
#include "base/request_name.h"

enum {
    LANE_SHIFT = 56, /* a lane never names so many calls */
};

/* Each input has an output of its own, and neighbours have nothing in common. */
static uint64_t scramble(uint64_t number) {
    number ^= number >> 30;
    number *= UINT64_C(0xbf58476d1ce4e5b9);
    number ^= number >> 27;
    number *= UINT64_C(0x94d049bb133111eb);
    return number ^ number >> 31;
}

static void make_id(struct gf_rpc_call *call) {
    struct gf_rpc_server *server = call->server;
    struct gf_rpc__lane *lane = call->lane;
    const uint64_t lane_bits = (uint64_t)(lane - server->lanes) << LANE_SHIFT;
    const uint64_t count = atomic_fetch_add_explicit(&lane->id_count, 1, memory_order_relaxed);
    uint64_t rest = scramble(server->id_start + (lane_bits | count));
    for (size_t i = 0; i < sizeof(call->own_id); i++) {
        call->own_id[i] = "0123456789abcdef"[rest & 0xF];
        rest >>= 4;
    }
    call->request_id = (struct gf_str){call->own_id, sizeof(call->own_id)};
}

void gf_rpc__call_identify(struct gf_rpc_call *call) {
    call->request_id = gf_rpc_call_metadata(call, GF_RPC_REQUEST_ID_KEY);
    if (!gf_request_name_is_fit(call->request_id)) {
        make_id(call);
    }
    call->log_context = (struct gf_log_context){.request = call->request_id};
}
