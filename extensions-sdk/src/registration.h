/*
 * What an extension says about itself: checked, as a message, and as JSON for --describe.
 *
 * Thread: any.
 */
#ifndef GOFER_EXTENSIONS_SDK_SRC_REGISTRATION_H_
#define GOFER_EXTENSIONS_SDK_SRC_REGISTRATION_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "gofer/extension/v1/extension.pb-c.h"

#include <gofer/extension.h>

enum {
    GF_SDK_REGISTRATION_BYTES_MAX = 4 << 20,
    GF_SDK_DOCUMENTATION_BYTES_MAX = 256 * 1024,
    GF_SDK_EVENT_FILTERS_MAX = 16,
    GF_SDK_CHOICES_MAX = 1000,
};

/*
 * Copies a definition of any version, with what that version does not have as 0, and checks it.
 * Code: GF_INVALID_ARGUMENT says what is wrong, for the author.
 */
enum gf_code gf_sdk_definition_read(const struct gofer_extension_definition *from,
                                    struct gofer_extension_definition *out,
                                    struct gf_error *err) GF_MUST_USE;

/* The message for a definition that was checked. In the arena; text is borrowed. */
Gofer__Extension__V1__Registration *
gf_sdk_registration(const struct gofer_extension_definition *definition, const char *extension_id,
                    struct gf_arena *arena);

/* Appends the definition as an object of JSON, indented, with a newline at its end. */
void gf_sdk_describe(const struct gofer_extension_definition *definition, struct gf_strbuf *out);

#endif /* GOFER_EXTENSIONS_SDK_SRC_REGISTRATION_H_ */
