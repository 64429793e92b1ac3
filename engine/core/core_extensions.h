/*
 * What the files of the core about extensions call of each other.
 *
 *     extensions.c, extension_life.c   installed extensions and their containers
 *     subscriptions.c                  subscriptions, checkpoints, reports
 *     extension_starts.c               runs that extensions want, by key
 *     deliveries.c                     what waits to be delivered, and dead letters
 */
#ifndef GOFER_ENGINE_CORE_CORE_EXTENSIONS_H_
#define GOFER_ENGINE_CORE_CORE_EXTENSIONS_H_

#include "engine/core/core_objects.h"

/* ---- Steps: the inputs of inputs_extensions.h ---- */

enum gf_step gf_core__extension_step(struct gf_core *core, const struct gf_input *input,
                                     struct gf_need *out_need);
enum gf_step gf_core__subscription_step(struct gf_core *core, const struct gf_input *input,
                                        struct gf_need *out_need);
enum gf_step gf_core__start_extension_runs(struct gf_core *core, const struct gf_input *input,
                                           struct gf_need *out_need);
enum gf_step gf_core__delivery_step(struct gf_core *core, const struct gf_input *input,
                                    struct gf_need *out_need);

#endif /* GOFER_ENGINE_CORE_CORE_EXTENSIONS_H_ */
