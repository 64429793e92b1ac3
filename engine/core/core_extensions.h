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
 *     subscription_objects.c  subscriptions: finding, adding, changing their texts
 *     subscriptions.c         what is done with them
 *     extension_progress.c    checkpoints, and events that were taken in
 *     report_rows.c           what extensions say they did
 *     start_keys.c            what became of keys
 *     delivery_ids.c          under which ids deliveries came
 *     extension_starts.c      runs that extensions want, by key
 *     start_lookup.c          what they are about (core_starts.h)
 *     delivery_rows.c         deliveries of which the batch knows
 *     deliveries.c            what waits to be delivered
 *     dead_letters.c          what was given up
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

/* ---- intake.c: the memory of a batch, and what a step asks for ---- */

void gf_core__intake_init(struct gf_core *core);
/* The batch is done: what it remembered is forgotten, dead subscriptions are freed. */
void gf_core__intake_clean(struct gf_core *core);
void gf_core__intake_free(struct gf_core *core);

/* Adds a need to those of the step. */
void gf_core__ask_also(struct gf_core *core, const struct gf_need *need);
/* Whether the step has asked for something: then *out_need is all of it. */
bool gf_core__asks(struct gf_core *core, struct gf_need *out_need);

/* ---- subscription_objects.c ---- */

/* NULL where there is none of this name with the extension. */
struct core_subscription *gf_core__find_subscription(const struct gf_core *core,
                                                     int64_t extension_key,
                                                     const struct gf_subscription_name *name);
struct core_subscription *gf_core__find_subscription_key(const struct gf_core *core,
                                                         int64_t subscription_key);
/* Copies the texts of the row. Its namespace and its extension are there. */
struct core_subscription *gf_core__add_subscription(struct gf_core *core, struct core_namespace *ns,
                                                    struct core_extension *extension,
                                                    const struct gf_subscription *row);
/* How many a pipeline has. */
int64_t gf_core__subscription_count(const struct gf_core *core, int64_t pipeline_key);
/* Gives a text of the row, but an id, other contents. */
void gf_core__set_subscription_text(struct gf_str *field, struct gf_str text);
void gf_core__mark_subscription(struct gf_core *core, struct core_subscription *subscription);
struct gf_event *gf_core__event_subscription(struct gf_core *core, enum gf_event_kind kind,
                                             const struct core_subscription *subscription);
/* Removes one with its event and all that the batch has of it. */
void gf_core__delete_subscription(struct gf_core *core, struct core_subscription *subscription);
/* Frees one that is in no map and no list any more. */
void gf_core__free_subscription(struct core_subscription *subscription);

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

/* ---- start_keys.c ---- */

/* CORE_FOUND, CORE_ABSENT or CORE_NEED (lookup.c); the need is added to those of the step. *out is
 * set in the first case. */
enum core_found gf_core__find_start_key(struct gf_core *core, int64_t subscription_key,
                                        struct gf_str key, const struct core_start_key **out);
/* What has become of a key: a row of the batch. Texts are in the batch's arena or static. */
void gf_core__put_start_key(struct gf_core *core, const struct gf_start_key *row);
/* Takes the rows of deleted subscriptions out of the batch. */
void gf_core__batch_drop_start_keys(struct gf_core *core);

/* ---- delivery_ids.c ---- */

/* As gf_core__find_start_key, of an id that counts. */
enum core_found gf_core__find_delivery_id(struct gf_core *core,
                                          const struct core_extension *extension, struct gf_str id,
                                          const struct gf_delivery_id **out);
/* The delivery has come in under that id, which is in the batch's arena. */
void gf_core__put_delivery_id(struct gf_core *core, struct core_extension *extension,
                              struct gf_str id, int64_t delivery_key);
/* Takes those of an extension out of the batch. */
void gf_core__batch_drop_delivery_ids(struct gf_core *core, int64_t extension_key);

/* ---- delivery_rows.c ---- */

/* As gf_core__find_start_key. */
enum core_found gf_core__find_delivery(struct gf_core *core, int64_t delivery_key,
                                       struct core_delivery **out);
/* CORE_FOUND when the dead letters of an extension are known: gf_core__list_dead_letters. */
enum core_found gf_core__find_dead_letters(struct gf_core *core, int64_t extension_key);
/* All of them as they are now; on the heap, for the caller to free. */
struct core_delivery_vec GF_VEC_FIELDS(struct core_delivery *);
void gf_core__list_dead_letters(const struct gf_core *core, int64_t extension_key,
                                struct core_delivery_vec *out);
/* Whether so many more may wait, besides those that do; else GF_RESOURCE_EXHAUSTED. */
enum gf_code gf_core__check_delivery_room(const struct core_extension *extension, int64_t count,
                                          int64_t bytes, struct gf_error *err) GF_MUST_USE;
/* Adds one; gives it a key. Texts are in the batch's arena, or static. */
struct core_delivery *gf_core__add_delivery(struct gf_core *core, const struct gf_delivery *row);
/* Its row has changed. */
void gf_core__mark_delivery(struct gf_core *core, struct core_delivery *delivery);
void gf_core__remove_delivery(struct gf_core *core, struct core_delivery *delivery);
/* It waits, or waits no more: for the counts of its extension. */
void gf_core__count_delivery(struct gf_core *core, const struct core_delivery *delivery, int by);
/* Takes all that an extension has out of the batch. */
void gf_core__batch_drop_deliveries(struct gf_core *core, int64_t extension_key);

/* ---- deliveries.c ---- */

/* An attempt has failed: another one follows after `wait_ns` (0 = the back-off), or it is given up.
 * `why` is copied. */
void gf_core__fail_delivery(struct gf_core *core, struct core_delivery *delivery, struct gf_str why,
                            int64_t wait_ns);
/* How long to wait after so many attempts. */
int64_t gf_core__delivery_backoff_ns(int32_t attempt_count);
/* One that is counted no more becomes a dead letter. */
void gf_core__bury_letter(struct gf_core *core, struct core_delivery *delivery);

/* ---- dead_letters.c ---- */

enum gf_step gf_core__replay_deliveries(struct gf_core *core, const struct gf_input *input,
                                        struct gf_need *out_need);
enum gf_step gf_core__delete_deliveries(struct gf_core *core, const struct gf_input *input,
                                        struct gf_need *out_need);

/* ---- extension_progress.c ---- */

/* SET_CHECKPOINT, SET_EVENT_SEQUENCE */
enum gf_step gf_core__set_progress(struct gf_core *core, const struct gf_input *input);
/* False where it is the same. */
bool gf_core__set_extension_checkpoint(struct gf_core *core, struct core_extension *extension,
                                       struct gf_str checkpoint);
bool gf_core__set_subscription_checkpoint(struct gf_core *core,
                                          struct core_subscription *subscription,
                                          struct gf_str checkpoint);
/* Refuses the input and gives NULL where it was uninstalled. */
struct core_extension *gf_core__resolve_extension_key(struct gf_core *core,
                                                      const struct gf_input *input,
                                                      int64_t extension_key);

/* ---- report_rows.c ---- */

enum gf_step gf_core__put_report(struct gf_core *core, const struct gf_input *input,
                                 struct gf_need *out_need);
/* Takes those of an extension out of the batch. */
void gf_core__batch_drop_reports(struct gf_core *core, int64_t extension_key);

#endif /* GOFER_ENGINE_CORE_CORE_EXTENSIONS_H_ */
