#include "base/alloc.h"
#include "base/arena.h"
#include "base/file.h"
#include "engine/scheduler/native/birth.h"
#include "engine/scheduler/native/container_spec.h"
#include "engine/scheduler/native/handover_files.h"
#include "engine/scheduler/native/kept_internal.h"
#include "engine/scheduler/native/shim/spec.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    ARENA_BYTES_MAX = 4 * GF_SPEC_BYTES_MAX,
};

/* What is in the job is copied: the root may change meanwhile, but not go. */
struct job {
    struct gf_kept_root *root;
    const struct gf_native *native;
    char kept_name[GF_NATIVE_NAME_BYTES_MAX];
    char name[GF_NATIVE_NAME_BYTES_MAX];
    int64_t user_id_first;
    struct gf_proc proc;
    int socket;
    struct gf_error error; /* code GF_OK: it was started */
};

/* ---- the spec ---- */

static enum gf_code read_record(const struct job *job, struct gf_strbuf *bytes,
                                struct gf_kept_record *out, struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int dir_fd = -1;
    enum gf_code rc = gf_file_open(job->native->kept->dir_fd, job->kept_name,
                                   O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, &dir_fd, err);
    if (rc == GF_OK) {
        rc = gf_file_read(dir_fd, GF_KEPT_FILE, bytes, err);
    }
    return rc == GF_OK ? gf_kept_record_decode(gf_strbuf_view(bytes), out, err) : rc;
}

/* Where the container wrote to a disk of its own, that is here. */
static const char *find_disk(const struct job *job, struct gf_arena *arena) {
    const char *path = gf_arena_printf(arena, "%s/%s/disk", job->native->kept->dir, job->kept_name);
    return access(path, F_OK) == 0 ? path : NULL;
}

static enum gf_code make_spec(const struct job *job, const struct gf_kept_record *record,
                              struct gf_arena *arena, struct gf_spec *out_spec,
                              struct gf_error *err) {
    static const struct gf_str NO_PROGRAM = {"-", 1};
    const struct gf_native *native = job->native;
    GF_CLEANUP(gf_image_unref_p) struct gf_image *image = NULL;
    enum gf_code rc = gf_image_store_resolve(native->options.images,
                                             gf_str_from(record->image_digest), &image, err);
    if (rc != GF_OK) {
        return rc;
    }
    const struct gf_task task = {
        .task_id = gf_str_from(record->hostname),
        .entrypoint = &NO_PROGRAM,
        .entrypoint_count = 1,
        .user = gf_str_from(record->user),
        .working_directory = gf_str_from(record->workdir),
        .resources =
            {
                .memory_bytes = record->memory_bytes,
                .cpu_millis = record->cpu_millis,
                .pid_count = record->pid_count,
            },
        .network = GF_NETWORK_NONE,
        .disable_logs = true,
    };
    const struct gf_container_request request = {
        .name = job->name,
        .boot_id = native->boot_id,
        .stage = native->stage,
        .uppers = native->uppers,
        .task = &task,
        .stop_timeout_ms = 1,
        .user_id_first = job->user_id_first,
        .missing_protections = native->protections.missing,
        .image = image,
        .cgroups = &native->cgroups,
        .disks = &native->disks,
        .options = &native->options,
    };
    rc = gf_container_spec_make(&request, arena, out_spec, err);
    if (rc == GF_OK) {
        out_spec->upper = gf_arena_printf(arena, "%s/%s", native->kept->dir, job->kept_name);
        out_spec->kept_upper = true;
        out_spec->idle = true;
        out_spec->disk_template = find_disk(job, arena);
    }
    return rc;
}

static enum gf_code seal_spec(const struct job *job, int *out_fd, struct gf_error *err) {
    struct gf_arena arena;
    struct gf_strbuf bytes;
    struct gf_kept_record record;
    struct gf_spec spec;
    gf_arena_init(&arena, ARENA_BYTES_MAX);
    gf_strbuf_init(&bytes, GF_KEPT_RECORD_BYTES_MAX);
    enum gf_code rc = read_record(job, &bytes, &record, err);
    if (rc == GF_OK) {
        rc = make_spec(job, &record, &arena, &spec, err);
    }
    if (rc == GF_OK) {
        rc = gf_handover_seal_spec(&spec, /* guarded = */ false, out_fd, err);
    }
    gf_strbuf_fini(&bytes);
    gf_arena_fini(&arena);
    return rc;
}

/* ---- the shim ---- */

static enum gf_code start_shim(struct job *job, struct gf_birth *birth, struct gf_error *err) {
    enum gf_code rc = seal_spec(job, &birth->spec_fd, err);
    if (rc == GF_OK) {
        rc = gf_birth_make_dir(birth, job->native, job->name, job->user_id_first, err);
    }
    return rc == GF_OK
               ? gf_birth_spawn(birth, job->native, job->name, &job->proc, &job->socket, err)
               : rc;
}

/* ---- the job ---- */

static void start_done(void *ctx) {
    struct job *job = ctx;
    struct gf_kept_root *root = job->root;
    if (job->error.code == GF_OK) {
        gf_native__launched(root->container, job->proc, job->socket);
    }
    gf_kept__start_done(root, &job->error);
    free(job);
}

static void start(void *ctx) {
    struct job *job = ctx;
    struct gf_birth birth = GF_BIRTH_INIT;
    if (start_shim(job, &birth, &job->error) != GF_OK) {
        gf_birth_undo(&birth, job->native, job->name);
    }
    gf_birth_fini(&birth);
    if (!gf_reactor_post(job->native->options.reactor, start_done, job)) {
        gf_close(&job->socket); /* the server is ending; the next one ends the container */
        free(job);
    }
}

void gf_kept__start(struct gf_kept_root *root) {
    struct gf_native *native = root->native;
    struct job *job = GF_NEW(struct job);
    job->root = root;
    job->socket = -1;
    job->native = native;
    job->user_id_first = root->user_id_first;
    snprintf(job->kept_name, sizeof(job->kept_name), "%s", root->name);
    snprintf(job->name, sizeof(job->name),
             GF_KEPT_CONTAINER "%" PRId64 "-%" PRId32 "-%" PRId32 "-%" PRId64, root->id.run_key,
             root->id.task_index, root->id.attempt, ++root->starts);
    root->container =
        gf_native__add(native, (struct gf_attempt){0}, job->name, /* known = */ false);
    root->container->kept = root;
    root->container->busy = true;
    if (root->user_id_first != 0) {
        gf_user_ranges_adopt(&native->user_ranges, root->user_id_first);
        root->container->user_id_first = root->user_id_first;
    }
    root->starting = true;
    gf_pool_submit_reserved(native->options.pool, start, job);
}
