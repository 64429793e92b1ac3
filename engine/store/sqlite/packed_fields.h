/*
 * Packed columns of fields, and the lists that stand in them.
 *
 * A packed column holds what few rows have and nothing searches for; a row that has none of it has
 * no bytes. Otherwise: a format number (1), then the fields that are not at their default, each as
 * its number (one byte) and its content, in rising order. packed.h has the forms of numbers and
 * texts; a list is how many it has, then each of them.
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_STORE_SQLITE_PACKED_FIELDS_H_
#define GOFER_ENGINE_STORE_SQLITE_PACKED_FIELDS_H_

#include "base/arena.h"
#include "base/error.h"
#include "engine/core/model.h"
#include "engine/store/sqlite/packed.h"

/* ---- Writing ---- */

/* Begins a field of the column that begins at `start` of the buffer; the first brings the format.
 */
void gf_sqlite__put_field(struct gf_strbuf *out, size_t start, unsigned char field);
void gf_sqlite__put_texts(struct gf_strbuf *out, const struct gf_str *texts, size_t count);
/* Sorted by key, keys unique. */
void gf_sqlite__put_labels(struct gf_strbuf *out, const struct gf_label *labels, size_t count);

/* ---- Reading ---- */

/* A column that is being read: a copy of its bytes in the arena, which all texts are part of. */
struct gf_sqlite_fields {
    struct gf_sqlite_cursor cursor;
    struct gf_arena *arena;
    bool exhausted; /* the arena's cap is reached */
};

/* Takes the content of one field into the item. False: that is no such field. */
typedef bool gf_sqlite_take_field(struct gf_sqlite_fields *fields, unsigned char field, void *item);

/*
 * Reads a column; any bytes are safe. `what` names it in errors ("the options").
 *
 * Codes: GF_DATA_LOSS (not what was written), GF_RESOURCE_EXHAUSTED (the arena's cap). The item may
 * have been changed then: give a copy.
 */
enum gf_code gf_sqlite__fields_decode(struct gf_str bytes, const char *what, struct gf_arena *arena,
                                      gf_sqlite_take_field *take, void *item,
                                      struct gf_error *err) GF_MUST_USE;

/* Memory of the arena; NULL, and the column is exhausted, at its cap. */
void *gf_sqlite__fields_alloc(struct gf_sqlite_fields *fields, size_t count, size_t size);

/* How many items follow, of bytes_min or more each: at most `max`. */
bool gf_sqlite__take_count(struct gf_sqlite_fields *fields, size_t bytes_min, size_t max,
                           size_t *out_count) GF_MUST_USE;
/* A list of up to `max` texts, which may have none (then *out_texts is NULL). */
bool gf_sqlite__take_texts(struct gf_sqlite_fields *fields, size_t max,
                           const struct gf_str **out_texts, size_t *out_count) GF_MUST_USE;
/* One or more, sorted by key; keys are unique and not empty. */
bool gf_sqlite__take_labels(struct gf_sqlite_fields *fields, const struct gf_label **out_labels,
                            size_t *out_count) GF_MUST_USE;

#endif /* GOFER_ENGINE_STORE_SQLITE_PACKED_FIELDS_H_ */
