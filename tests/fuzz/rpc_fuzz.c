/*
 * What api/rpc reads from people and peers by itself: addresses, and the details of a status. The
 * first byte chooses.
 */
#include "api/rpc/core_internal.h"
#include "api/rpc/status_internal.h"
#include "base/address.h"
#include "base/alloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run_address(struct gf_str text) {
    char *copy = gf_str_dup(text);
    struct gf_address address;
    struct gf_error err;
    if (gf_address_parse(copy, &address, &err) == GF_OK) {
        gf_assert((address.path.len > 0) != (address.host.len > 0));
        gf_assert(address.port >= 0 && address.port <= 65535);
    }
    free(copy);
}

/* What was taken from details is sent on the same by us. */
static void run_details(struct gf_str details) {
    struct gf_error error;
    (void)gf_rpc__status_to_error((int)GF_ABORTED, GF_STR("message"), details, &error);
    grpc_slice slice = gf_rpc__status_details(&error);
    struct gf_error again;
    const bool ours = gf_rpc__status_to_error((int)GF_ABORTED, GF_STR("message"),
                                              gf_rpc__slice_view(&slice), &again);
    gf_assert(ours && strcmp(error.reason, again.reason) == 0);
    gf_assert(strcmp(error.field, again.field) == 0);
    grpc_slice_unref(slice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) {
        return 0;
    }
    const struct gf_str rest = {(const char *)data + 1, size - 1};
    if (data[0] == 'a') {
        run_address(rest);
    } else {
        run_details(rest);
    }
    return 0;
}
