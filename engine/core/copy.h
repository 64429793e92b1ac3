/*
 * Deep copies of resources into an arena: for those who keep what they were lent.
 *
 * After a copy nothing of *out points into *from, and it lives as long as the arena. Thread: any.
 */
#ifndef GOFER_ENGINE_CORE_COPY_H_
#define GOFER_ENGINE_CORE_COPY_H_

#include "base/arena.h"
#include "engine/core/model.h"

void gf_namespace_copy(const struct gf_namespace *from, struct gf_arena *arena,
                       struct gf_namespace *out);
void gf_pipeline_copy(const struct gf_pipeline *from, struct gf_arena *arena,
                      struct gf_pipeline *out);
/* With what its check has filled in: the indexes of parents and pools, and the children. */
void gf_config_copy(const struct gf_config *from, struct gf_arena *arena, struct gf_config *out);
void gf_deployment_copy(const struct gf_deployment *from, struct gf_arena *arena,
                        struct gf_deployment *out);
void gf_run_copy(const struct gf_run *from, struct gf_arena *arena, struct gf_run *out);
void gf_task_execution_copy(const struct gf_task_execution *from, struct gf_arena *arena,
                            struct gf_task_execution *out);
void gf_preferences_copy(const struct gf_preferences *from, struct gf_arena *arena,
                         struct gf_preferences *out);
void gf_request_copy(const struct gf_request *from, struct gf_arena *arena, struct gf_request *out);
void gf_actor_copy(const struct gf_actor *from, struct gf_arena *arena, struct gf_actor *out);
void gf_event_copy(const struct gf_event *from, struct gf_arena *arena, struct gf_event *out);
void gf_token_copy(const struct gf_token *from, struct gf_arena *arena, struct gf_token *out);
void gf_role_copy(const struct gf_role *from, struct gf_arena *arena, struct gf_role *out);

/* The arrays are in the arena too; NULL where count is 0. */
struct gf_variable *gf_variables_copy(const struct gf_variable *from, size_t count,
                                      struct gf_arena *arena);
struct gf_label *gf_labels_copy(const struct gf_label *from, size_t count, struct gf_arena *arena);
struct gf_str *gf_texts_copy(const struct gf_str *from, size_t count, struct gf_arena *arena);
struct gf_kept_tasks *gf_kept_tasks_copy(const struct gf_kept_tasks *from, size_t count,
                                         struct gf_arena *arena);

/* Text in the arena; an empty one takes no memory. Cut at a character at bytes_max. */
struct gf_str gf_text_copy(struct gf_str from, struct gf_arena *arena);
struct gf_str gf_text_copy_cut(struct gf_str from, size_t bytes_max, struct gf_arena *arena);

#endif /* GOFER_ENGINE_CORE_COPY_H_ */
