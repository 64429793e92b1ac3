/*
 * The keys that leave a program that goes on: a sequence of bytes that is looked for in what is
 * typed. "ctrl-p,ctrl-q" is the two keys one after the other.
 *
 * Thread: any; one matcher by one thread at a time.
 */
#ifndef GOFER_CLI_DETACH_KEYS_H_
#define GOFER_CLI_DETACH_KEYS_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    GF_DETACH_KEYS_MAX = 8,
};
#define GF_DETACH_KEYS_DEFAULT "ctrl-p,ctrl-q"

struct gf_detach_keys {
    uint8_t keys[GF_DETACH_KEYS_MAX];
    size_t count;   /* 0: nothing leaves */
    size_t matched; /* of them, at the end of what was typed */
};

/*
 * Reads "KEY[,KEY...]", where a key is one printable character or ctrl- and one of a to z, @, [, \,
 * ], ^ and _; an empty text is no keys. Code: GF_INVALID_ARGUMENT.
 */
enum gf_code gf_detach_keys_parse(struct gf_str text, struct gf_detach_keys *out,
                                  struct gf_error *err) GF_MUST_USE;

/*
 * Takes what was typed and gives what is to be sent: keys that may yet become the sequence are held
 * back. `out` has room for size + GF_DETACH_KEYS_MAX bytes; *out_size is what is in it. True: the
 * sequence was typed, and what stands behind it is dropped.
 */
bool gf_detach_keys_take(struct gf_detach_keys *keys, const uint8_t *bytes, size_t size,
                         uint8_t *out, size_t *out_size);

#endif /* GOFER_CLI_DETACH_KEYS_H_ */
