/* A reference that is accepted has one short form, which reads as itself. */
#include "engine/scheduler/native/images/reference.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct gf_reference reference;
    struct gf_reference again;
    struct gf_error err = {.message = ""};
    char text[GF_REFERENCE_BYTES];
    char text_again[GF_REFERENCE_BYTES];
    const struct gf_str input = {(const char *)data, size};
    if (gf_reference_parse(input, &reference, &err) != GF_OK) {
        gf_assert(err.message[0] != '\0');
        gf_assert(gf_utf8_valid(gf_str_from(err.message)));
        return 0;
    }
    (void)gf_reference_format(&reference, text);
    gf_assert(gf_reference_parse(gf_str_from(text), &again, &err) == GF_OK);
    gf_assert(gf_str_eq(gf_str_from(gf_reference_format(&again, text_again)), gf_str_from(text)));
    return 0;
}
