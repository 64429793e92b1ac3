/*
 * Deep copies of what model_extensions.h holds, by the rules of copy.h.
 */
#ifndef GOFER_ENGINE_CORE_COPY_EXTENSIONS_H_
#define GOFER_ENGINE_CORE_COPY_EXTENSIONS_H_

#include "base/arena.h"
#include "engine/core/model_extensions.h"

void gf_extension_copy(const struct gf_extension *from, struct gf_arena *arena,
                       struct gf_extension *out);
void gf_extension_spec_copy(const struct gf_extension_spec *from, struct gf_arena *arena,
                            struct gf_extension_spec *out);
void gf_subscription_copy(const struct gf_subscription *from, struct gf_arena *arena,
                          struct gf_subscription *out);
void gf_delivery_id_copy(const struct gf_delivery_id *from, struct gf_arena *arena,
                         struct gf_delivery_id *out);
void gf_start_key_copy(const struct gf_start_key *from, struct gf_arena *arena,
                       struct gf_start_key *out);
/* With its content. */
void gf_delivery_copy(const struct gf_delivery *from, struct gf_arena *arena,
                      struct gf_delivery *out);
void gf_report_copy(const struct gf_report *from, struct gf_arena *arena, struct gf_report *out);

#endif /* GOFER_ENGINE_CORE_COPY_EXTENSIONS_H_ */
