#include "api/codec/model/message.h"
#include "api/service/secret_calls.h"

struct gf_vault_caller gf_secret_caller(const struct gf_principal *principal) {
    return (struct gf_vault_caller){
        .token_id = principal->token_id,
        .user = principal->user,
        .peer = principal->peer,
    };
}

struct gf_secret_input *gf_secret_input_attach(struct gf_rpc_call *call) {
    struct gf_secret_input *value = GF_ARENA_NEW(gf_rpc_call_arena(call), struct gf_secret_input);
    gf_secret_buffer_init(&value->plaintext, GF_SECRET_VALUE_BYTES_MAX);
    gf_rpc_call_set_data(call, value);
    return value;
}

void gf_secret_input_take(struct gf_rpc_call *call, const Gofer__V1__SecretValue *message) {
    struct gf_secret_input *value = gf_secret_input_attach(call);
    if (message == NULL || message->form_case == GOFER__V1__SECRET_VALUE__FORM__NOT_SET) {
        value->is_missing = true;
    } else if (message->form_case == GOFER__V1__SECRET_VALUE__FORM_SEALED) {
        value->sealed = message->sealed;
    } else {
        const ProtobufCBinaryData bytes = message->plaintext;
        value->is_too_large = bytes.len > GF_SECRET_VALUE_BYTES_MAX;
        if (!value->is_too_large) {
            gf_secret_buffer_append(&value->plaintext,
                                    (struct gf_str){(const char *)bytes.data, bytes.len});
        }
        if (bytes.len > 0) {
            explicit_bzero(bytes.data, bytes.len);
        }
    }
}

void gf_secret_input_done(struct gf_rpc_call *call, void *ctx) {
    struct gf_secret_input *value = gf_rpc_call_get_data(call);
    (void)ctx;
    if (value != NULL) {
        gf_secret_buffer_fini(&value->plaintext);
    }
}

enum gf_code gf_secret_input_open(struct gf_read *read, struct gf_str *out_value,
                                  struct gf_error *err) {
    struct gf_secret_input *value = gf_rpc_call_get_data(read->call);
    if (value->is_missing) {
        return gf_fail_field(err, "value", "there is no value");
    }
    if (value->is_too_large) {
        return gf_fail_field(err, "value.plaintext",
                             "the value is too large, expected up to %d "
                             "bytes",
                             GF_SECRET_VALUE_BYTES_MAX);
    }
    if (value->sealed != NULL && value->plaintext.len == 0) {
        const ProtobufCBinaryData box = value->sealed->ciphertext;
        struct gf_error error = {0};
        const enum gf_code rc = gf_vault_open_box(
            read->services->vault, gf_str_from(value->sealed->key_id),
            (struct gf_str){(const char *)box.data, box.len}, &value->plaintext, &error);
        if (rc == GF_INVALID_ARGUMENT) {
            return gf_fail_field(err, "value.sealed", "%s", error.message);
        }
        if (rc != GF_OK) {
            *err = error;
            return rc;
        }
    }
    const struct gf_str text = gf_secret_buffer_view(&value->plaintext);
    const enum gf_code rc = gf_secret_check_value(
        text, value->sealed != NULL ? "value.sealed" : "value.plaintext", err);
    if (rc == GF_OK) {
        *out_value = text;
    }
    return rc;
}

char **gf_secret_warnings(const char *warning, struct gf_arena *arena, size_t *out_count) {
    char **warnings = NULL;
    *out_count = 0;
    if (warning != NULL) {
        warnings = GF_ARENA_ARRAY(arena, 1, char *);
        warnings[0] = gf_message_text(gf_str_from(warning), arena);
        *out_count = 1;
    }
    return warnings;
}
