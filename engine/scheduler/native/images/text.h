/*
 * Text that comes from outside, on its way into records and messages.
 *
 * Escaped text is one line: a backslash is "\\", a newline "\n", every other control character and
 * DEL is "\xHH" with two lower-case digits. All other bytes stand for themselves.
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_TEXT_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_TEXT_H_

#include "base/arena.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>

enum {
    GF_SHOWN_BYTES = 120, /* with the final NUL */
};

/* Appends the escaped text. */
void gf_text_escape(struct gf_str text, struct gf_strbuf *out);

/*
 * Reads escaped text. *out_text is NUL-terminated and lives in arena. False when it is malformed:
 * an unknown escape, a bare control character, or a NUL (escaped ones too).
 */
bool gf_text_unescape(struct gf_str escaped, struct gf_arena *arena,
                      struct gf_str *out_text) GF_MUST_USE;

/* Untrusted text made fit for a message. */
struct gf_shown {
    char text[GF_SHOWN_BYTES];
};

/*
 * The text in printable ASCII: other bytes as "\xHH", long text cut with "...". Made for use within
 * one expression: gf_fail(err, GF_INVALID_ARGUMENT, "no such entry '%s'", gf_show(name).text).
 */
struct gf_shown gf_show(struct gf_str text);
struct gf_shown gf_show_cstr(const char *text);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_TEXT_H_ */
