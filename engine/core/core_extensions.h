/*
 * What the files of the core about extensions call of each other.
 *
 *     extension_objects.c              installed extensions: finding, adding, changing their texts
 *     extensions.c, extension_life.c   what is done with them, and their containers
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

/* ---- extension_objects.c ---- */

/* By id; NULL where it is not installed, or is there for an installer dialog alone. */
struct core_extension *gf_core__find_extension(const struct gf_core *core,
                                               struct gf_str extension_id);
/* By key, also one of an installer dialog. NULL where it was uninstalled. */
struct core_extension *gf_core__find_extension_key(const struct gf_core *core,
                                                   int64_t extension_key);
/*
 * Gives a text of the row (`field` points into it) other contents, which are copied to the heap.
 * The old ones are gone at once: nothing of the batch may point to them.
 */
void gf_core__set_extension_text(struct gf_core *core, struct core_extension *extension,
                                 struct gf_str *field, struct gf_str text);
/* Likewise its roles; they count who has them. */
void gf_core__set_extension_roles(struct gf_core *core, struct core_extension *extension,
                                  const struct gf_str *role_ids, size_t count);
/* Adds one; copies the texts of the row. Roles of users are there before. */
struct core_extension *gf_core__add_extension(struct gf_core *core, const struct gf_extension *row);
/* Removes one that has no subscriptions; it is freed with the batch. */
void gf_core__bury_extension(struct gf_core *core, struct core_extension *extension);
void gf_core__free_extension(struct core_extension *extension);

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
