#include "engine/testing/puppet.h"

#include "base/alloc.h"

#include <stdio.h>

static void keep_id(char out[65], struct gf_str id) {
    gf_assert(id.len < 65);
    memcpy(out, id.ptr, id.len);
    out[id.len] = '\0';
}

static char *join(const struct gf_launch *launch) {
    struct gf_strbuf text;
    gf_strbuf_init(&text, 1 << 20);
    for (size_t i = 0; i < launch->environment_count; i++) {
        gf_strbuf_printf(&text, "%s\n", launch->environment[i]);
    }
    return gf_strbuf_take(&text);
}

static void launch(void *self, const struct gf_launch *launch) {
    struct puppet *puppet = self;
    if (puppet->on_launch != NULL) {
        puppet->on_launch(puppet->ctx, launch);
    }
    struct puppet_launch noted = {
        .attempt = launch->attempt,
        .run_id = launch->run_id,
        .environment = join(launch),
        .timeout_ms = launch->timeout_ms,
        .stop_timeout_ms = launch->stop_timeout_ms,
        .input = launch->input == NULL ? NULL : gf_str_dup(*launch->input),
    };
    keep_id(noted.task_id, launch->task->task_id);
    keep_id(noted.pipeline_id, launch->pipeline_id);
    GF_MUTEX_GUARD(&puppet->mutex);
    gf_vec_push(&puppet->launches, noted);
    gf_cond_broadcast(&puppet->changed);
}

static void stop(void *self, struct gf_attempt attempt, bool force) {
    struct puppet *puppet = self;
    const struct puppet_stop noted = {attempt, force};
    GF_MUTEX_GUARD(&puppet->mutex);
    gf_vec_push(&puppet->stops, noted);
    gf_cond_broadcast(&puppet->changed);
}

static void forget(void *self, struct gf_attempt attempt) {
    struct puppet *puppet = self;
    GF_MUTEX_GUARD(&puppet->mutex);
    gf_vec_push(&puppet->forgotten, attempt);
    gf_cond_broadcast(&puppet->changed);
}

static void inquire(void *self, struct gf_attempt attempt) {
    struct puppet *puppet = self;
    GF_MUTEX_GUARD(&puppet->mutex);
    gf_vec_push(&puppet->inquiries, attempt);
    gf_cond_broadcast(&puppet->changed);
}

static void recover(void *self, const struct gf_attempt *attempts, size_t count) {
    struct puppet *puppet = self;
    GF_MUTEX_GUARD(&puppet->mutex);
    gf_assert(!puppet->recover_called && puppet->launches.count == 0);
    puppet->recover_called = true;
    for (size_t i = 0; i < count; i++) {
        gf_vec_push(&puppet->recovered, attempts[i]);
    }
}

static enum gf_code check_image(GF_UNUSED void *self, GF_UNUSED struct gf_str image,
                                GF_UNUSED enum gf_pull_policy pull,
                                GF_UNUSED struct gf_error *err) {
    return GF_OK;
}

static void stop_reporting(GF_UNUSED void *self) {
}

static const struct gf_scheduler_ops ops = {
    .name = "puppet",
    .launch = launch,
    .stop = stop,
    .forget = forget,
    .inquire = inquire,
    .recover = recover,
    .check_image = check_image,
    .stop_reporting = stop_reporting,
};

void puppet_init(struct puppet *puppet) {
    *puppet = (struct puppet){0};
    gf_mutex_init(&puppet->mutex, GF_RANK_SCHEDULER);
    gf_cond_init(&puppet->changed);
}

void puppet_fini(struct puppet *puppet) {
    for (size_t i = 0; i < puppet->launches.count; i++) {
        free(puppet->launches.items[i].environment);
        free(puppet->launches.items[i].input);
    }
    gf_vec_fini(&puppet->launches);
    gf_vec_fini(&puppet->stops);
    gf_vec_fini(&puppet->forgotten);
    gf_vec_fini(&puppet->inquiries);
    gf_vec_fini(&puppet->recovered);
    gf_cond_fini(&puppet->changed);
    gf_mutex_fini(&puppet->mutex);
}

struct gf_scheduler puppet_port(struct puppet *puppet) {
    return (struct gf_scheduler){.ops = &ops, .self = puppet};
}

struct puppet_launch puppet_wait_launch(struct puppet *puppet, size_t count) {
    GF_MUTEX_GUARD(&puppet->mutex);
    while (puppet->launches.count < count) {
        gf_cond_wait(&puppet->changed, &puppet->mutex);
    }
    return puppet->launches.items[count - 1];
}

struct puppet_stop puppet_wait_stop(struct puppet *puppet, size_t count) {
    GF_MUTEX_GUARD(&puppet->mutex);
    while (puppet->stops.count < count) {
        gf_cond_wait(&puppet->changed, &puppet->mutex);
    }
    return puppet->stops.items[count - 1];
}

void puppet_wait_forget(struct puppet *puppet, size_t count) {
    GF_MUTEX_GUARD(&puppet->mutex);
    while (puppet->forgotten.count < count) {
        gf_cond_wait(&puppet->changed, &puppet->mutex);
    }
}

struct gf_attempt puppet_wait_inquiry(struct puppet *puppet, size_t count) {
    GF_MUTEX_GUARD(&puppet->mutex);
    while (puppet->inquiries.count < count) {
        gf_cond_wait(&puppet->changed, &puppet->mutex);
    }
    return puppet->inquiries.items[count - 1];
}

size_t puppet_launch_count(struct puppet *puppet) {
    GF_MUTEX_GUARD(&puppet->mutex);
    return puppet->launches.count;
}

size_t puppet_stop_count(struct puppet *puppet) {
    GF_MUTEX_GUARD(&puppet->mutex);
    return puppet->stops.count;
}

void puppet_started(struct puppet *puppet, struct gf_attempt attempt) {
    const struct gf_start start = {
        .start_time = 1000, .image_digest = GF_STR("sha256:abc"), .node = GF_STR("here")};
    puppet->events->started(puppet->events->ctx, attempt, &start);
}

void puppet_exit(struct puppet *puppet, struct gf_attempt attempt, int32_t exit_code) {
    const struct gf_exit exit = {.exit_code = exit_code};
    puppet->events->exited(puppet->events->ctx, attempt, &exit, GF_STR("sha256:abc"),
                           GF_STR("here"));
}

void puppet_stopped(struct puppet *puppet, struct gf_attempt attempt) {
    const struct gf_exit exit = {.exit_code = 143, .exit_signal = 15, .stopped = true};
    puppet->events->exited(puppet->events->ctx, attempt, &exit, GF_STR("sha256:abc"),
                           GF_STR("here"));
}

void puppet_lost(struct puppet *puppet, struct gf_attempt attempt) {
    puppet->events->lost(puppet->events->ctx, attempt, GF_STR("it cannot be found"));
}

void puppet_never_started(struct puppet *puppet, struct gf_attempt attempt) {
    puppet->events->never_started(puppet->events->ctx, attempt);
}
