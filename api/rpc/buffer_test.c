/* The bytes of messages that hold secrets. */
#include "api/rpc/core_internal.h"
#include "gofer/testing/echo.pb-c.h"

#include <string.h>

#include <criterion/criterion.h>
#include <grpc/byte_buffer.h>
#include <grpc/slice.h>

static bool is_zero(const grpc_slice *slice) {
    const struct gf_str bytes = gf_rpc__slice_view(slice);
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.ptr[i] != 0) {
            return false;
        }
    }
    return true;
}

Test(rpc_buffer, wiped_message_has_no_byte_left) {
    gf_rpc__core_init();
    char text[4000];
    memset(text, 's', sizeof(text));
    /* One that is inside of its slice, and one that is shared. */
    grpc_slice slices[2] = {gf_rpc__slice_from((struct gf_str){text, 10}),
                            gf_rpc__slice_from((struct gf_str){text, sizeof(text)})};
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(slices, 2);
    gf_rpc__wipe(buffer);
    cr_assert(is_zero(&buffer->data.raw.slice_buffer.slices[0]));
    cr_assert(is_zero(&buffer->data.raw.slice_buffer.slices[1]));
    grpc_byte_buffer_destroy(buffer);
    grpc_slice_unref(slices[0]);
    grpc_slice_unref(slices[1]);
}

Test(rpc_buffer, secret_messages_are_encoded_like_others) {
    gf_rpc__core_init();
    char id[500];
    memset(id, 'k', sizeof(id) - 1);
    id[sizeof(id) - 1] = '\0';
    Gofer__Testing__EchoRequest request = GOFER__TESTING__ECHO_REQUEST__INIT;
    request.id = id;
    grpc_slice plain;
    grpc_slice secret;
    cr_assert_eq(gf_rpc__encode(&request.base, false, &plain, NULL), GF_OK);
    cr_assert_eq(gf_rpc__encode(&request.base, true, &secret, NULL), GF_OK);
    cr_assert(gf_str_eq(gf_rpc__slice_view(&plain), gf_rpc__slice_view(&secret)));
    grpc_slice_unref(plain);
    grpc_slice_unref(secret);
    request.id = "";
    cr_assert_eq(gf_rpc__encode(&request.base, true, &secret, NULL), GF_OK);
    cr_assert_eq(GRPC_SLICE_LENGTH(secret), 0);
    grpc_slice_unref(secret);
}
