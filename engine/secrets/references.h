/*
 * References in texts: `pipeline_secret{{KEY}}`, `global_secret{{KEY}}`, `pipeline_object{{KEY}}`,
 * `run_object{{KEY}}`, as a whole text or anywhere in it. The checks of configs and settings list
 * them; interpolate.h puts values in their place.
 *
 * What is a reference: one of the four words, as they are written here, `{{`, the key, `}}`.
 * Blanks and tabs around the key do not count. What stands before the word does not matter:
 * `AKIA_global_secret{{KEY}}` is `AKIA_` and a reference. Keys of secrets are identifiers; those of
 * objects have 1 to 255 letters, digits and `-_./`, do not begin or end with `/`, and have no empty
 * and no `..` part.
 *
 * What is an error: a word that ends in `secret`, `secrets`, `object` or `objects`, in any case,
 * directly before `{{`, that does not end in one of the four; one of the four without a good key
 * and `}}`; one that the place does not allow.
 *
 * What stays as it is: everything else, also `{{...}}` behind other words, as templates of other
 * programs have. For a literal `pipeline_secret{{`, and behind every word that would be an error,
 * double the braces: `pipeline_secret{{{{` stands for `pipeline_secret{{`, and what follows is text
 * again. `}}` is never doubled.
 *
 * Errors are GF_INVALID_ARGUMENT and name the place in the text, counted in bytes from 1. They show
 * nothing of the text but the end of the word and what gf_identifier_check shows of the key.
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_SECRETS_REFERENCES_H_
#define GOFER_ENGINE_SECRETS_REFERENCES_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

/* X(NAME, number, word) */
#define GF_REFERENCE_KINDS(X)                                                                      \
    X(PIPELINE_SECRET, 1, "pipeline_secret")                                                       \
    X(GLOBAL_SECRET, 2, "global_secret")                                                           \
    X(PIPELINE_OBJECT, 3, "pipeline_object")                                                       \
    X(RUN_OBJECT, 4, "run_object")

enum gf_reference_kind {
    GF_REFERENCE_UNSPECIFIED = 0,
#define GF_X(name, number, word) GF_REFERENCE_##name = (number),
    GF_REFERENCE_KINDS(GF_X)
#undef GF_X
};

/* Sets of kinds. */
#define GF_REFERENCE_BIT(kind) (1U << (kind))
#define GF_REFERENCES_ALL                                                                          \
    (GF_REFERENCE_BIT(GF_REFERENCE_PIPELINE_SECRET) |                                              \
     GF_REFERENCE_BIT(GF_REFERENCE_GLOBAL_SECRET) |                                                \
     GF_REFERENCE_BIT(GF_REFERENCE_PIPELINE_OBJECT) | GF_REFERENCE_BIT(GF_REFERENCE_RUN_OBJECT))

enum {
    GF_REFERENCES_MAX = 256, /* in one text */
    GF_OBJECT_KEY_BYTES_MAX = 255,
};

/* A part of a text. Borrowed from the text. */
struct gf_text_part {
    enum gf_reference_kind kind; /* UNSPECIFIED: text that stays as it is */
    struct gf_str key;           /* of a reference */
    struct gf_str text; /* what the part becomes where it stays, else the whole reference */
    size_t offset;      /* of the part, from 0 */
};

/* The word of a kind, "pipeline_secret"; "" for UNSPECIFIED. Static storage. */
const char *gf_reference_word(enum gf_reference_kind kind);

/*
 * Reads the part that begins at *position (0 at first) and moves *position behind it. *out_more is
 * false at the end of the text: then there is no part. `kinds` are those that the place allows.
 * Text that stays may come in several parts. Reading a whole text takes time in proportion to its
 * length.
 */
enum gf_code gf_text_next(struct gf_str text, unsigned kinds, size_t *position, bool *out_more,
                          struct gf_text_part *out_part, struct gf_error *err) GF_MUST_USE;

/*
 * All references of a text, in their order, in the arena: for checks, and for fetching what they
 * name. Code: GF_INVALID_ARGUMENT (as above, or more than GF_REFERENCES_MAX).
 */
enum gf_code gf_references_list(struct gf_str text, unsigned kinds, struct gf_arena *arena,
                                struct gf_text_part **out_references, size_t *out_count,
                                struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SECRETS_REFERENCES_H_ */
