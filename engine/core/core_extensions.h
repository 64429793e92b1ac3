/*
 * What the files of the core about extensions call of each other.
 *
 *     extension_objects.c     installed extensions: finding, adding, changing their texts
 *     extension_checks.c      what is checked of the commands before anything is looked up
 *     extensions.c            installing, removing and switching them
 *     extension_update.c      updating one in place
 *     extension_life.c        their containers
 *     extension_reports.c     what the scheduler says of those
 *     extension_words.c       what their connections say of themselves
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
/* Likewise a spec of the row; `spec` may be made of what it was. */
void gf_core__set_extension_spec(struct gf_core *core, struct core_extension *extension,
                                 struct gf_extension_spec *field,
                                 const struct gf_extension_spec *spec);
bool gf_core__is_same_spec(const struct gf_extension_spec *a, const struct gf_extension_spec *b);
/* Size of its texts. */
size_t gf_core__spec_bytes(const struct gf_extension_spec *spec);
/* Likewise its roles; they count who has them. */
void gf_core__set_extension_roles(struct gf_core *core, struct core_extension *extension,
                                  const struct gf_str *role_ids, size_t count);
/* Adds one; copies the texts of the row. Roles of users are there before. */
struct core_extension *gf_core__add_extension(struct gf_core *core, const struct gf_extension *row);
/* Removes one that has no subscriptions; it is freed with the batch. */
void gf_core__bury_extension(struct gf_core *core, struct core_extension *extension);
void gf_core__free_extension(struct core_extension *extension);

/* ---- extensions.c ---- */

/* Finds the extension of a command, or refuses it and gives NULL. */
struct core_extension *gf_core__resolve_extension(struct gf_core *core,
                                                  const struct gf_input *input,
                                                  struct gf_str extension_id);
/* Refuses texts of so many more bytes where extensions would take up too much. */
enum gf_code gf_core__check_extension_bytes(const struct gf_core *core, size_t more,
                                            struct gf_error *err);

/* ---- extension_life.c ---- */

struct gf_extension_instance *gf_core__instance_row(const struct core_instance *instance);
/* The container of an attempt; NULL = it has none such. */
struct core_instance *gf_core__find_instance(struct core_extension *extension, int32_t attempt);
/* What the serving container is made of, or would be. */
const struct gf_extension_spec *gf_core__serving_spec(const struct gf_extension *row);
/* Takes a seat that is free with the next attempt. */
void gf_core__instance_launch(struct gf_core *core, struct core_instance *instance);
void gf_core__instance_stop(struct gf_core *core, struct core_instance *instance, bool force);
/* It is not wanted any more: it drains where it is connected, else it is stopped; or goes on with
 * what it does of both. The seat may be free. */
void gf_core__instance_leave(struct gf_core *core, struct core_instance *instance);
/* Moves a container to a seat that is free. */
void gf_core__instance_move(struct gf_core *core, struct core_instance *from,
                            struct core_instance *to);
/* Sets the timer by what its row says: the patience begins anew. */
void gf_core__instance_watch(struct gf_core *core, struct core_instance *instance);
/* Its connection is over, if there was one. */
void gf_core__instance_disconnected(struct gf_core *core, struct core_instance *instance,
                                    struct gf_str why);
/* Launches what should serve and is not there. The last that is done to a row in a step. */
void gf_core__extension_settle(struct gf_core *core, struct core_extension *extension);
/* It does not wait to be started again. */
void gf_core__extension_clear_start(struct gf_core *core, struct core_extension *extension);
/* Timers. */
void gf_core__instance_due(struct gf_core *core, struct core_instance *instance);
void gf_core__start_due(struct gf_core *core, struct core_extension *extension);
/* The container is over, or is given up: its seat is free. What it was needed for is done. */
void gf_core__instance_ended(struct gf_core *core, struct core_instance *instance,
                             struct gf_str why);
/* Tells the scheduler to launch the container that is in the row. */
void gf_core__tell_launch(struct gf_core *core, const struct core_instance *instance);
/* After a restore: see gf_core_resume. */
void gf_core__resume_extensions(struct gf_core *core, struct gf_attempt_vec *out_attempts);

/* ---- extension_reports.c ---- */

/* A report about a container; false = it is about none that is there. */
bool gf_core__extension_report(struct gf_core *core, struct gf_attempt attempt,
                               const struct gf_input *input);

/* ---- extension_update.c ---- */

enum gf_step gf_core__update_extension(struct gf_core *core, const struct gf_input *input);
/* The update under way has failed: the row is as it was before. The successor is not touched. */
void gf_core__update_give_up(struct gf_core *core, struct core_extension *extension,
                             struct gf_str why);
/* The successor is ready: it serves from now on, and the one that did so leaves. */
void gf_core__update_complete(struct gf_core *core, struct core_extension *extension);

/* ---- extension_words.c ---- */

enum gf_step gf_core__extension_word(struct gf_core *core, const struct gf_input *input);
void gf_core__tell_disconnected(struct gf_core *core, const struct core_extension *extension,
                                struct gf_str why);

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
