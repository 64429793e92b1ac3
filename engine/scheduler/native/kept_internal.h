/*
 * Shared by kept.c, which knows what is kept, and kept_start.c, which starts containers in it.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_KEPT_INTERNAL_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_KEPT_INTERNAL_H_

#include "base/list.h"
#include "base/vec.h"
#include "engine/scheduler/native/kept_record.h"
#include "engine/scheduler/native/native_internal.h"

#include <stdbool.h>

/* What the names of containers in kept roots begin with: "kept-", the root's name, a number. */
#define GF_KEPT_CONTAINER "kept-"

struct gf_kept {
    struct gf_list roots; /* struct gf_kept_root, by their `link` */
    size_t count;
    struct gf_timer timer; /* for the next one to go */
    char *dir;
    int dir_fd;
};

struct gf_kept_root {
    struct gf_native *native;
    struct gf_list_link link;
    struct gf_attempt id;
    char name[GF_NATIVE_NAME_BYTES_MAX];
    char *image_digest;    /* held in the image store */
    int64_t user_id_first; /* taken; 0: none */
    int64_t expire_time;
    bool doomed;                         /* to be removed when nobody is in it */
    int sessions;                        /* that are in it */
    int64_t starts;                      /* of containers, for their names */
    struct gf_native_attempt *container; /* NULL: none */
    bool starting;                       /* a job has it: `container` is not to be touched */
    bool stopping;
    GF_VEC(struct gf_session *) waiting; /* for the container to run; each with a reference */
};

/* Starts a container for the root, on the pool; gf_kept__start_done follows. */
void gf_kept__start(struct gf_kept_root *root);

/* The container's shim was started, or there is none: why. */
void gf_kept__start_done(struct gf_kept_root *root, const struct gf_error *error);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_KEPT_INTERNAL_H_ */
