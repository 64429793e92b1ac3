/*
 * Runs as messages. Thread: any.
 */
#ifndef GOFER_API_CODEC_MODEL_RUN_H_
#define GOFER_API_CODEC_MODEL_RUN_H_

#include "base/arena.h"
#include "engine/core/model.h"
#include "gofer/v1/run.pb-c.h"

/* Without task_counts, and without the content of the input. */
Gofer__V1__Run *gf_run_to_message(const struct gf_run *run, struct gf_arena *arena);

/* Adds the content to the input, which the message must have. Borrowed: content. */
void gf_run_message_set_content(Gofer__V1__Run *message, struct gf_str content);

/* Variables as messages, in their order; *out_messages is NULL where count is 0. */
void gf_variables_to_messages(const struct gf_variable *variables, size_t count,
                              struct gf_arena *arena, size_t *out_count,
                              Gofer__V1__Variable ***out_messages);

#endif /* GOFER_API_CODEC_MODEL_RUN_H_ */
