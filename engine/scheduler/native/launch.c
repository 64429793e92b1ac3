/*
 * DESIGN
 * A launch is copied on the engine's thread and carried out by a job of the pool. The job makes
 * what a shim is born with (protocol.h): a locked directory, a log, a spec and the run's document
 * in sealed memory, a socket. It takes the lock itself and the shim inherits it, so that whoever
 * finds the lock free later knows that no shim is on its way. The only thing that is done after the
 * start is telling the reactor.
 *
 * Secrets: the environment of a launch that has any, and their values, are copied into guarded
 * memory and from there into memory files that only the shim gets; both files are closed and the
 * memory is wiped as soon as the shim is born or has failed to be. Nothing else ever holds them:
 * neither a name on disk nor a message of an error.
 */
#include "base/alloc.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/file.h"
#include "engine/core/copy.h"
#include "engine/core/protection.h"
#include "engine/scheduler/native/birth.h"
#include "engine/scheduler/native/container_spec.h"
#include "engine/scheduler/native/handover_files.h"
#include "engine/scheduler/native/kept.h"
#include "engine/scheduler/native/launch_image.h"
#include "engine/scheduler/native/launch_network.h"
#include "engine/scheduler/native/native_internal.h"
#include "engine/scheduler/native/shim/spec.h"
#include "engine/secrets/guarded.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    JOB_ARENA_BYTES_MAX = 4 * GF_SPEC_BYTES_MAX,
    USER_RANGE_MS_MAX =
        2000, /* how long to wait for the ids of a container that is being removed */
};

struct job {
    struct gf_native_attempt *attempt;
    struct gf_arena arena; /* of all that follows */
    struct gf_task task;   /* what a container needs of it */
    const char **environment;
    size_t environment_count;
    /* Secrets: what the environment's texts and those below lie in; NULL: there are none, and the
     * environment lies in the arena. */
    char *guarded;
    struct gf_str *masked;
    size_t masked_count;
    bool task_api;
    int64_t timeout_ms;
    int64_t stop_timeout_ms;
    bool has_input;
    struct gf_str input;
    struct gf_log_name log;
    int64_t ring_log_bytes;
    struct gf_launch_image image;
    struct gf_launch_network network;
    bool network_requested; /* and not settled: the job must last until it is */
    int64_t user_id_first;  /* the ids of the container; 0: none */
    /* The outcome: a shim, or an error. */
    struct gf_proc proc;
    int socket;
    struct gf_error error;
};

/* ---- copying ---- */

static const struct gf_str *copy_words(const struct gf_str *words, size_t count,
                                       struct gf_arena *arena) {
    struct gf_str *copy = GF_ARENA_ARRAY(arena, count + 1, struct gf_str);
    for (size_t i = 0; i < count; i++) {
        copy[i] = gf_arena_str(arena, words[i]);
    }
    return copy;
}

static void copy_task(const struct gf_task *from, struct gf_arena *arena, struct gf_task *out) {
    *out = (struct gf_task){
        .task_id = gf_arena_str(arena, from->task_id),
        .image = gf_arena_str(arena, from->image),
        .entrypoint = copy_words(from->entrypoint, from->entrypoint_count, arena),
        .entrypoint_count = from->entrypoint_count,
        .command = copy_words(from->command, from->command_count, arena),
        .command_count = from->command_count,
        .user = gf_arena_str(arena, from->user),
        .working_directory = gf_arena_str(arena, from->working_directory),
        .resources = from->resources,
        .network = from->network,
        .disable_logs = from->disable_logs,
        .keep_failed = from->keep_failed,
        .open_stdin = from->open_stdin,
        .terminal = from->terminal,
    };
}

static size_t words_size(const struct gf_str *words, size_t count) {
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        size += words[i].len + sizeof(words[i]);
    }
    return size;
}

/* What a launch takes, about; the arena has room for a multiple of what a spec may be. */
static size_t launch_size(const struct gf_launch *launch) {
    const struct gf_task *task = launch->task;
    size_t size = words_size(task->entrypoint, task->entrypoint_count) +
                  words_size(task->command, task->command_count) + task->image.len +
                  task->user.len + task->working_directory.len + task->task_id.len;
    for (size_t i = 0; i < launch->environment_count; i++) {
        size += strlen(launch->environment[i]) + sizeof(launch->environment[i]);
    }
    return size + words_size(launch->masked, launch->masked_count);
}

static const char *put_text(char **at, struct gf_str text) {
    char *copy = *at;
    if (text.len != 0) {
        memcpy(copy, text.ptr, text.len);
    }
    copy[text.len] = '\0';
    *at += text.len + 1;
    return copy;
}

/* The environment and the values to mask, into one block of guarded memory. */
static void copy_secrets(const struct gf_launch *launch, struct job *job) {
    size_t size = 0;
    for (size_t i = 0; i < launch->environment_count; i++) {
        size += strlen(launch->environment[i]) + 1;
    }
    for (size_t i = 0; i < launch->masked_count; i++) {
        size += launch->masked[i].len + 1;
    }
    job->guarded = gf_guarded_alloc(size);
    job->masked = GF_ARENA_ARRAY(&job->arena, launch->masked_count, struct gf_str);
    job->masked_count = launch->masked_count;
    char *at = job->guarded;
    for (size_t i = 0; i < launch->environment_count; i++) {
        job->environment[i] = put_text(&at, gf_str_from(launch->environment[i]));
    }
    for (size_t i = 0; i < launch->masked_count; i++) {
        job->masked[i] = (struct gf_str){put_text(&at, launch->masked[i]), launch->masked[i].len};
    }
    gf_assert(at == job->guarded + size);
}

static void copy_environment(const struct gf_launch *launch, struct job *job) {
    job->environment_count = launch->environment_count;
    job->environment = GF_ARENA_ARRAY(&job->arena, launch->environment_count + 1, const char *);
    if (launch->masked_count > 0) {
        copy_secrets(launch, job);
        return;
    }
    for (size_t i = 0; i < launch->environment_count; i++) {
        job->environment[i] = gf_arena_strdup(&job->arena, launch->environment[i]);
    }
}

static struct job *copy_launch(struct gf_native_attempt *attempt, const struct gf_launch *launch) {
    struct job *job = GF_NEW(struct job);
    job->attempt = attempt;
    job->socket = -1;
    job->network.fd = -1;
    job->log = (struct gf_log_name){
        .pipeline_key = launch->pipeline_key,
        .run_id = launch->run_id,
        .task_index = launch->attempt.task_index,
        .attempt = launch->attempt.attempt,
    };
    gf_arena_init(&job->arena, JOB_ARENA_BYTES_MAX);
    if (launch->input != NULL && launch->input->len > GF_SPEC_INPUT_BYTES_MAX) {
        (void)gf_fail(&job->error, GF_INVALID_ARGUMENT, "the input is larger than %d bytes",
                      GF_SPEC_INPUT_BYTES_MAX);
        return job;
    }
    if (launch_size(launch) > GF_SPEC_BYTES_MAX) {
        (void)gf_fail(&job->error, GF_INVALID_ARGUMENT,
                      "command and environment are larger than %d bytes", GF_SPEC_BYTES_MAX);
        return job;
    }
    copy_task(launch->task, &job->arena, &job->task);
    job->task.disable_logs = launch->disable_logs; /* also where the pipeline wants it */
    copy_environment(launch, job);
    gf_launch_image_init(&job->image, launch, job->task.image, attempt->native->options.images,
                         attempt->native->options.pulls);
    job->task_api = launch->task_api;
    job->ring_log_bytes = launch->ring_log_bytes;
    job->timeout_ms = launch->timeout_ms;
    job->stop_timeout_ms = launch->stop_timeout_ms;
    if (launch->input != NULL) {
        job->has_input = true;
        job->input = gf_arena_str(&job->arena, *launch->input);
    }
    return job;
}

/* Nothing of the secrets stays in this process. */
static void wipe_secrets(struct job *job) {
    gf_guarded_free(job->guarded);
    job->guarded = NULL;
    job->environment_count = 0;
    job->masked_count = 0;
}

/* ---- the spec ---- */

static enum gf_code take_ids(struct job *job, struct gf_error *err) {
    struct gf_native *native = job->attempt->native;
    if ((native->protections.missing & GF_PROTECTION_USER_NAMESPACE) != 0) {
        return GF_OK;
    }
    return gf_user_ranges_take(&native->user_ranges,
                               gf_deadline_after_ms(gf_mono_ns(), USER_RANGE_MS_MAX),
                               &job->attempt->launch_cancelled, &job->user_id_first, err);
}

/* A sealed memory file with the spec of the container. */
static enum gf_code make_spec(struct job *job, int *out_fd, struct gf_error *err) {
    const struct gf_native *native = job->attempt->native;
    struct gf_spec spec;
    enum gf_code rc = take_ids(job, err);
    if (rc != GF_OK) {
        return rc;
    }
    const struct gf_container_request request = {
        .name = job->attempt->name,
        .boot_id = native->boot_id,
        .stage = native->stage,
        .uppers = native->uppers,
        .kept = gf_kept_dir(native),
        .task = &job->task,
        .environment = job->environment,
        .environment_count = job->environment_count,
        .timeout_ms = job->timeout_ms,
        .stop_timeout_ms = job->stop_timeout_ms,
        .has_input = job->has_input,
        .has_masks = job->masked_count > 0,
        .ring_log_bytes = job->ring_log_bytes,
        .task_api = job->task_api,
        .task_api_dir = native->task_api_dir,
        .has_network = job->network.fd >= 0,
        .resolv = job->network.resolv,
        .user_id_first = job->user_id_first,
        .missing_protections = native->protections.missing,
        .image = job->image.image,
        .cgroups = &native->cgroups,
        .disks = &native->disks,
        .options = &native->options,
    };
    rc = gf_container_spec_make(&request, &job->arena, &spec, err);
    if (rc != GF_OK) {
        return rc;
    }
    return gf_handover_seal_spec(&spec, /* guarded = */ job->guarded != NULL, out_fd, err);
}

/* ---- the shim ---- */

/* A program without an end may be started any number of times: of its logs only the latest stay. */
static void remove_old_log(const struct job *job) {
    struct gf_log_name old = job->log;
    old.attempt -= GF_RING_LOGS_KEPT;
    if (job->ring_log_bytes > 0 && old.attempt > 0) {
        gf_ignore(gf_log_store_remove(job->attempt->native->options.logs, &old, NULL));
    }
}

static enum gf_code start_shim(struct job *job, struct gf_birth *birth, struct gf_error *err) {
    const struct gf_native *native = job->attempt->native;
    const char *name = job->attempt->name;
    enum gf_code rc = make_spec(job, &birth->spec_fd, err);
    if (rc == GF_OK && job->masked_count > 0) {
        rc = gf_handover_seal_masks(job->masked, job->masked_count, &birth->masks_fd, err);
    }
    if (rc == GF_OK && job->has_input) {
        rc = gf_memfd_sealed("gofer-input", job->input, /* executable = */ false, &birth->input_fd,
                             err);
    }
    if (rc == GF_OK) {
        rc = gf_birth_make_dir(birth, native, name, job->user_id_first, err);
    }
    if (rc == GF_OK && !job->task.disable_logs) {
        remove_old_log(job);
        rc = gf_log_store_create(native->options.logs, &job->log, &birth->log_fd, err);
    }
    birth->network_fd = job->network.fd;
    return rc == GF_OK ? gf_birth_spawn(birth, native, name, &job->proc, &job->socket, err) : rc;
}

/* ---- the job ---- */

static void job_destroy(struct job *job) {
    wipe_secrets(job);
    gf_launch_image_fini(&job->image);
    gf_launch_network_fini(&job->network);
    gf_arena_fini(&job->arena);
    free(job);
}

/* What the attempt answers for from now on. */
static void hand_over(const struct job *job) {
    struct gf_native_attempt *attempt = job->attempt;
    attempt->user_id_first = job->user_id_first;
    attempt->pull_start_time = job->image.pull_start_time;
    attempt->pull_end_time = job->image.pull_end_time;
    snprintf(attempt->held_image, sizeof(attempt->held_image), "%s",
             gf_launch_image_held(&job->image));
}

/* It was stopped or forgotten before anything was started. */
static void end_unstarted(struct gf_native_attempt *attempt, const char *sentence) {
    const struct gf_shim_exit stopped = {
        .image_digest = attempt->held_image, .failure = sentence, .stopped = true};
    attempt->busy = false;
    attempt->gone = true;
    if (attempt->forgotten) {
        attempt->ended = true; /* and nobody wants to know */
    } else {
        gf_native__report_exited(attempt, &stopped);
    }
}

static void launch_done(void *ctx) {
    struct job *job = ctx;
    struct gf_native_attempt *attempt = job->attempt;
    hand_over(job);
    if (job->error.code == GF_OK) {
        gf_native__launched(attempt, job->proc, job->socket);
    } else if (atomic_load(&attempt->launch_cancelled) && job->error.code == GF_CANCELLED) {
        end_unstarted(attempt, "stopped while it waited for user ids");
        if (attempt->forgotten) {
            gf_native__forget(attempt); /* again, as there is nothing to wait for now */
        }
    } else {
        gf_native__launch_failed(attempt,
                                 job->image.error.code != GF_OK ? job->image.failure
                                                                : GF_LAUNCH_FAILURE_SCHEDULER,
                                 gf_str_from(job->error.message));
    }
    job_destroy(job);
}

static void launch(void *ctx);

/* ---- waiting for the image and the network; reactor's thread ---- */

static void image_settled(void *ctx) {
    struct job *job = ctx;
    job->attempt->waiting = NULL;
    gf_pool_submit_reserved(job->attempt->native->options.pool, launch, job);
}

void gf_native__end_waiting(struct gf_native_attempt *attempt) {
    struct job *job = attempt->waiting;
    const char *sentence = job->image.image != NULL ? "stopped while it waited for an address"
                                                    : "stopped while its image was fetched";
    attempt->waiting = NULL;
    gf_launch_image_cancel(&job->image);
    hand_over(job);
    job->attempt = NULL;
    wipe_secrets(job);
    if (!job->network_requested) {
        job_destroy(job);
    } /* else network_settled does */
    end_unstarted(attempt, sentence);
}

static void await_image(void *ctx) {
    struct job *job = ctx;
    struct gf_native_attempt *attempt = job->attempt;
    attempt->waiting = job;
    gf_launch_image_fetch(&job->image, image_settled, job);
    if (attempt->forgotten) {
        gf_native__forget(attempt);
    } else if (attempt->stop_requested) {
        gf_native__end_waiting(attempt);
    }
}

static void network_settled(void *ctx) {
    struct job *job = ctx;
    job->network_requested = false;
    if (job->attempt == NULL) {
        job_destroy(job); /* what it was given comes too late */
        return;
    }
    job->attempt->waiting = NULL;
    gf_pool_submit_reserved(job->attempt->native->options.pool, launch, job);
}

/* The server is ending; the network's thread has, so that this is the reactor's. */
static void network_dropped(void *ctx) {
    struct job *job = ctx;
    if (job->attempt != NULL) {
        job->attempt->waiting = NULL;
    }
    job_destroy(job);
}

static void await_network(void *ctx) {
    struct job *job = ctx;
    struct gf_native_attempt *attempt = job->attempt;
    struct gf_native *native = attempt->native;
    attempt->waiting = job;
    if (attempt->forgotten) {
        gf_native__forget(attempt);
    } else if (attempt->stop_requested) {
        gf_native__end_waiting(attempt);
    } else {
        job->network_requested = true;
        gf_launch_network_request(&job->network, native->network, native->options.reactor,
                                  network_settled, network_dropped, job);
    }
}

/* All must be gone before the failure is reported: the engine knows nothing of it then. */
static void clean_up_failed(struct job *job, const struct gf_birth *birth) {
    const struct gf_native *native = job->attempt->native;
    gf_birth_undo(birth, native, job->attempt->name);
    if (birth->log_fd >= 0) {
        (void)!gf_log_store_remove(native->options.logs, &job->log, NULL);
    }
}

static void launch(void *ctx) {
    struct job *job = ctx;
    const struct gf_native_options *options = &job->attempt->native->options;
    GF_NATIVE_LOG_SCOPE(job->attempt);
    if (job->error.code == GF_OK && !gf_launch_image_find(&job->image)) {
        if (!gf_reactor_post(options->reactor, await_image, job)) {
            job_destroy(job); /* the server is ending; nothing was started */
        }
        return; /* to be continued when there is an image */
    }
    if (job->error.code == GF_OK && job->image.error.code != GF_OK) {
        job->error = job->image.error;
    }
    if (job->error.code == GF_OK &&
        !gf_launch_network_find(&job->network, job->attempt->native->network,
                                gf_container_network(&job->task, options))) {
        if (!gf_reactor_post(options->reactor, await_network, job)) {
            job_destroy(job);
        }
        return; /* to be continued when there is a network */
    }
    if (job->network.error.code != GF_OK) {
        job->error = job->network.error;
    }
    struct gf_birth birth = GF_BIRTH_INIT;
    if (job->error.code == GF_OK && start_shim(job, &birth, &job->error) != GF_OK) {
        clean_up_failed(job, &birth);
    }
    wipe_secrets(job);
    gf_birth_fini(&birth);
    gf_launch_network_fini(&job->network);
    if (!gf_reactor_post(job->attempt->native->options.reactor, launch_done, job)) {
        /* The server is ending; the next one finds the container. */
        gf_close(&job->socket);
        job_destroy(job);
    }
}

void gf_native__submit_launch(struct gf_native_attempt *attempt, const struct gf_launch *launched) {
    attempt->busy = true;
    gf_pool_submit_reserved(attempt->native->options.pool, launch, copy_launch(attempt, launched));
}
