/*
 * The masker once more, as simple as its contract: every pattern is compared at every place. For
 * tests and fuzzing, which compare the real one with it.
 */
#ifndef GOFER_BASE_MASK_REFERENCE_H_
#define GOFER_BASE_MASK_REFERENCE_H_

#include "base/mask.h"

/* Appends the masked text of a whole stream. */
void gf_mask_reference(const struct gf_mask_set *set, struct gf_str text, struct gf_strbuf *out);

/*
 * The same of a stream in which bytes were shown: these come out as they are.
 * gf_mask_reference_show marks those that gf_mask_show gives out when the text is all that has
 * come.
 */
void gf_mask_reference_shown(const struct gf_mask_set *set, struct gf_str text, const bool *shown,
                             struct gf_strbuf *out);
void gf_mask_reference_show(const struct gf_mask_set *set, struct gf_str text, bool *shown);

/* How many bytes at the end of the text are the longest beginning of a pattern without its end. */
size_t gf_mask_reference_held(const struct gf_mask_set *set, struct gf_str text);

#endif /* GOFER_BASE_MASK_REFERENCE_H_ */
