/*
 * Records of named fields: the one format in which the server and its shims write things down for
 * each other (specs, messages, records on disk).
 *
 *     record = field+
 *     field  = key '=' value NUL
 *
 * A key is 1 to 32 characters of a-z, 0-9 and '_'; a value is any bytes but NUL. The first field
 * names the kind of the record and its version ("exit=1"). A sealed record ends in a field "crc"
 * with the CRC-32C of all bytes before it, in eight hexadecimal digits: it tells a whole file from
 * the remains of one. `tr '\0' '\n'` makes a record readable.
 *
 * What a record holds is said by a table (struct gf_record_def), from which it is both encoded and
 * decoded. Compatibility: fields may be added to a kind, and a reader skips keys that it does not
 * know, except in kinds that are `strict`. The version changes only when an old reader must refuse.
 *
 * Also part of the shim. Thread: any.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_FIELDS_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_FIELDS_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    GF_FIELD_KEY_BYTES_MAX = 32
};

/* How a field lies in its struct, and what `min` and `max` bound. */
enum gf_field_type {
    GF_FIELD_TEXT,   /* const char *, never NULL after decoding; bytes without the NUL */
    GF_FIELD_NUMBER, /* int64_t; the number */
    GF_FIELD_FLAG,   /* bool, written as 0 or 1; the bounds are not used */
    GF_FIELD_LIST,   /* struct gf_field_list, one field each; the count of items */
};

/*
 * Strings in order. `items` ends with a NULL behind the last one, so that it serves as argv or
 * envp. Encoding reads `items` and `count` only and treats {NULL, 0} as empty.
 */
struct gf_field_list {
    const char **items;
    size_t count;
};

/* Wipes the texts, which must be in memory that may be written to; they are "" then. */
void gf_field_list_wipe(const struct gf_field_list *list);

struct gf_field_def {
    const char *key;
    enum gf_field_type type;
    size_t offset; /* of the field in its struct */
    int64_t min;
    int64_t max;
};

struct gf_record_def {
    const char *kind;
    int64_t version;
    bool strict; /* an unknown key is an error */
    bool sealed;
    const struct gf_field_def *fields;
    size_t field_count;
};

/*
 * Appends the record of *object to out. Absent texts (NULL), numbers that are 0, flags that are
 * false and empty lists are left out. All values must be within the bounds of the table and without
 * NUL bytes: the code is GF_INVALID_ARGUMENT (which key, which bound), or GF_RESOURCE_EXHAUSTED
 * when the record does not fit into out; then out holds a part of it.
 */
enum gf_code gf_record_encode(const struct gf_record_def *def, const void *object,
                              struct gf_strbuf *out, struct gf_error *err) GF_MUST_USE;

/*
 * Decodes a whole record into *object, which the caller has zeroed; after a failure what it holds
 * has no meaning. Texts and items are borrowed from `bytes`; fields that are missing stay 0, false,
 * "" or an empty list. The arrays of lists are on the heap: gf_record_release frees them, after a
 * success only. Code: GF_INVALID_ARGUMENT (not such a record, damaged, a bound passed, a single
 * field twice).
 */
enum gf_code gf_record_decode(const struct gf_record_def *def, struct gf_str bytes, void *object,
                              struct gf_error *err) GF_MUST_USE;
void gf_record_release(const struct gf_record_def *def, void *object);

/* The kind of an encoded record: the key of its first field; empty where there is none. */
struct gf_str gf_record_kind(struct gf_str bytes);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_FIELDS_H_ */
