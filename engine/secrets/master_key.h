/*
 * Master keys: the keys that wrap all others. They come from outside of the store, so that who has
 * the store has nothing. The service loads them when it starts and again when it is told that there
 * is a new one; the keyring (keyring.h) wraps and unwraps with them.
 *
 * As text a master key is `gofer-master-key-1:` and 44 characters of base64: 32 random bytes. A
 * file has one on each line; empty lines and lines that begin with '#' do not count. The first key
 * that is added is the newest: it wraps. All others unwrap what they have wrapped, so that keys can
 * be changed while the service runs: put the new key in front of the old one, let the data keys be
 * wrapped anew, take the old one away.
 *
 * Keys that somebody made up are refused: text, repetitions, series, too few different bytes. Where
 * that is so, and where others could read a key, the error says what to do. No error holds a byte
 * of a key.
 *
 * Every key has an id, 16 hexadecimal digits of a keyed hash, that tells nothing of the key.
 *
 * Codes: GF_FAILED_PRECONDITION (readable by others, weak, malformed, wrong owner, no plain file,
 * too large), GF_NOT_FOUND (no such file), GF_RESOURCE_EXHAUSTED (GF_MASTER_KEYS_MAX).
 */
#ifndef GOFER_ENGINE_SECRETS_MASTER_KEY_H_
#define GOFER_ENGINE_SECRETS_MASTER_KEY_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "engine/secrets/guarded.h"

#include <stddef.h>

#define GF_MASTER_KEY_PREFIX "gofer-master-key-1:"

enum {
    GF_MASTER_KEY_BYTES = 32,
    GF_MASTER_KEYS_MAX = 8,
    GF_MASTER_KEY_FILE_BYTES_MAX = 4096,
    GF_MASTER_KEY_ID_BYTES = 17, /* with the final NUL */
    GF_MASTER_KEY_DIFFERENT_BYTES_MIN = 16,
};

/* Heap object. Adding: one thread, before others know of it. Reading: any. */
struct gf_master_keys;

struct gf_master_keys *gf_master_keys_create(void) GF_MUST_USE;
/* Wipes the keys. Accepts NULL. */
void gf_master_keys_destroy(struct gf_master_keys *keys);
void gf_master_keys_destroy_p(struct gf_master_keys **keys);

/* Adding a key that is there already changes nothing. On an error none of the source is added. */

/*
 * The keys of a text, as of an environment variable. `source` names it in errors ("environment
 * variable GOFER_MASTER_KEY"). Borrowed: text; the caller wipes it where it came from.
 */
enum gf_code gf_master_keys_add_text(struct gf_master_keys *keys, struct gf_str text,
                                     const char *source, struct gf_error *err) GF_MUST_USE;

/*
 * The keys of a file: a plain one (a symbolic link is not followed) that belongs to this user or to
 * root and that nobody else may read or write.
 */
enum gf_code gf_master_keys_add_file(struct gf_master_keys *keys, int dir_fd, const char *path,
                                     struct gf_error *err) GF_MUST_USE;

/*
 * The keys of a systemd credential: the file `name` in the directory that systemd gave to the
 * service ($CREDENTIALS_DIRECTORY). As a file, but that systemd lets a user in by an access list,
 * which looks as if the group could read.
 */
enum gf_code gf_master_keys_add_credential(struct gf_master_keys *keys, const char *directory,
                                           const char *name, struct gf_error *err) GF_MUST_USE;

size_t gf_master_keys_count(const struct gf_master_keys *keys);
/* The id of the key at index, 0 being the one that wraps. Borrowed until destroy. */
struct gf_str gf_master_keys_id(const struct gf_master_keys *keys, size_t index);
/* True, and where it is, if a key has this id. */
bool gf_master_keys_find(const struct gf_master_keys *keys, struct gf_str id, size_t *out_index);

/*
 * The bytes of the key at index, readable until gf_master_keys_close. For keyring.c alone. Thread:
 * any.
 */
const unsigned char *gf_master_keys__open(struct gf_master_keys *keys, size_t index) GF_MUST_USE;
void gf_master_keys__close(struct gf_master_keys *keys);

/* Appends the text of a new random key to out, which has room for GF_MASTER_KEY_FILE_BYTES_MAX. */
void gf_master_key_generate(struct gf_secret_buffer *out);

/*
 * Makes a file with a new key, for its owner alone (mode 0600), synced, and never over another one:
 * GF_ALREADY_EXISTS. Whoever looks sees the whole file or none.
 */
enum gf_code gf_master_key_make_file(int dir_fd, const char *path,
                                     struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SECRETS_MASTER_KEY_H_ */
