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

/* ---- subscriptions.c ---- */

/*
 * Remove subscriptions, with an event each: those of a pipeline or of a namespace that is about to
 * be deleted, and those of an extension that is uninstalled (with its deliveries and reports that
 * are in the batch; its own rows are not touched). Gives how many there were.
 */
int64_t gf_core__drop_pipeline_subscriptions(struct gf_core *core,
                                             const struct core_pipeline *pipeline);
int64_t gf_core__drop_namespace_subscriptions(struct gf_core *core,
                                              const struct core_namespace *ns);
int64_t gf_core__drop_extension_subscriptions(struct gf_core *core, int64_t extension_key);

#endif /* GOFER_ENGINE_CORE_CORE_EXTENSIONS_H_ */
