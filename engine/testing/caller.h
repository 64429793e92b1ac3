/*
 * Commands to an engine as a test gives them: submitted, and waited for.
 *
 * Thread: the test's.
 */
#ifndef GOFER_ENGINE_TESTING_CALLER_H_
#define GOFER_ENGINE_TESTING_CALLER_H_

#include "base/sync.h"
#include "engine/engine.h"

/* A command and what became of it. */
struct caller {
    struct gf_command command;
    struct gf_latch done;
    /* Called inside `done`, on the engine's thread, before the caller is told; may be NULL. */
    void (*on_done)(void *ctx, const struct gf_reply *reply);
    void *ctx;
    struct gf_error error;
    int64_t run_id;
    int64_t run_key;
    int64_t version;
    enum gf_run_state run_state;
    bool unchanged;
    int done_count;
};

/* Fills in the command; texts are borrowed until it is done. */
void caller_start_run(struct caller *caller, const char *pipeline_id);
void caller_cancel_run(struct caller *caller, const char *pipeline_id, int64_t run_id, bool force);
void caller_retry_run(struct caller *caller, const char *pipeline_id, int64_t run_id,
                      bool failed_tasks_only);
/* CANCEL_ALL_RUNS, CANCEL_TASK or REPAIR_RUN; the task may be NULL for the other two. */
void caller_end(struct caller *caller, enum gf_input_kind kind, const char *pipeline_id,
                int64_t run_id, const char *task_id);
void caller_pause_run_starts(struct caller *caller, bool paused);
void caller_up(struct caller *caller, const struct gf_config *config);
void caller_delete_pipeline(struct caller *caller, const char *pipeline_id);
/* A command for a token; the row is borrowed. */
void caller_token(struct caller *caller, enum gf_input_kind kind, const struct gf_token *row);
/* INSTALL_EXTENSION or UPDATE_EXTENSION with all of the spec, which is borrowed. */
void caller_extension(struct caller *caller, enum gf_input_kind kind, const char *extension_id,
                      const struct gf_extension_spec *spec);
/* UNINSTALL_EXTENSION, ENABLE_EXTENSION, DISABLE_EXTENSION */
void caller_extension_choice(struct caller *caller, enum gf_input_kind kind,
                             const char *extension_id);
/* EXTENSION_REGISTERED, _READY, _DRAINED, _GONE */
void caller_extension_word(struct caller *caller, enum gf_input_kind kind, int64_t extension_key,
                           int32_t attempt);
void caller_create_namespace(struct caller *caller, const char *namespace_id);

void caller_submit(struct caller *caller, struct gf_engine *engine); /* must be accepted */
/* Waits for the answer and gives its code. Ends the caller. */
enum gf_code caller_wait(struct caller *caller);
/* Both. */
enum gf_code caller_call(struct caller *caller, struct gf_engine *engine);

#endif /* GOFER_ENGINE_TESTING_CALLER_H_ */
