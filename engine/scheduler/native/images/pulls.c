/*
 * DESIGN
 * All state is the reactor's: whoever asks from another thread is posted there, and closing waits
 * until it was there. What blocks is done by jobs of the pool: reading passwords and starting
 * gofer-fetch, reading the store anew when it has ended, and removing what it has left when it was
 * killed. A pull is with one of these five at a time:
 *
 *     WAITING   for a free slot, in the order of the list
 *     STARTING  a job of the pool has it
 *     RUNNING   gofer-fetch has it
 *     STORING   a job of the pool has it
 *     CLEANING  the same
 *
 * A pull that nobody wants any more, or that has failed, is `over`: it stays in its slot until what
 * it is with has given it back, and is freed then. Nobody joins it.
 */
#include "engine/scheduler/native/images/pulls.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/counter.h"
#include "base/file.h"
#include "base/list.h"
#include "base/time.h"
#include "engine/scheduler/native/images/image_store_internal.h"
#include "engine/scheduler/native/images/pull_process.h"
#include "engine/scheduler/native/images/pull_seal.h"
#include "engine/scheduler/native/images/settings_copy.h"
#include "engine/secrets/guarded.h"

#include <stdlib.h>

enum pull_state {
    PULL_WAITING = 1,
    PULL_STARTING,
    PULL_RUNNING,
    PULL_STORING,
    PULL_CLEANING,
};

struct gf_image_pulls {
    struct gf_image_store *store;
    struct gf_reactor *reactor;
    struct gf_pool *pool;
    struct gf_arena arena; /* of the settings */
    struct gf_image_settings settings;
    /* Reactor's thread. */
    struct gf_list pulls; /* in the order in which they were asked for */
    size_t count;
    size_t busy_count; /* that are not WAITING */
    bool stopped;
    /* Written there, read by any thread. */
    struct gf_gauge pull_count;
    struct gf_gauge busy;
    struct gf_counter requests;
    struct gf_counter refused;
    struct gf_counter failures;
    struct gf_histogram duration;
};

/* Who asks, and for what: what makes two requests the same. Owned; secrets are guarded. */
struct pull_key {
    char reference[GF_REFERENCE_BYTES];
    char *secret; /* user and password, each with its NUL; NULL: there are none */
    struct gf_str user;
    struct gf_str password;
};

struct pull {
    struct gf_image_pulls *pulls;
    struct gf_list_link link;
    struct gf_list waiters; /* struct gf_image_pull, by their link */
    struct pull_key key;
    enum pull_state state;
    bool over;
    struct gf_timer timer;
    int64_t start_time;
    int64_t start_mono_ns;
    int64_t deadline_mono_ns;
    struct gf_pull_progress progress;
    struct gf_pull_process process;
    /* Of a job of the pool. */
    struct gf_pull_child child;
    struct gf_error error;
    struct gf_pull_result result;
    struct gf_image *image;
};

struct gf_image_pull {
    struct gf_image_pulls *pulls;
    struct gf_list_link link; /* in `waiters` of its pull */
    struct pull *pull;        /* NULL: it has not begun, or has ended */
    struct gf_image_pull_events events;
    bool always;
    bool closed;
    bool posted; /* a task of the reactor holds it */
    struct gf_error error;
    struct pull_key key; /* until a pull has taken it over */
};

static void next(struct gf_image_pulls *pulls);
static void give_up(struct pull *pull, const struct gf_error *error);

/* ---- keys ---- */

static void key_fini(struct pull_key *key) {
    gf_guarded_free(key->secret);
    key->secret = NULL;
}

static enum gf_code key_init(struct pull_key *key, const struct gf_image_pull_request *request,
                             struct gf_reference *out_reference, struct gf_error *err) {
    const enum gf_code rc = gf_reference_parse(request->reference, out_reference, err);
    if (rc != GF_OK) {
        return rc;
    }
    if (request->user.len > GF_IMAGE_PULL_USER_BYTES_MAX ||
        request->password.len > GF_IMAGE_PULL_USER_BYTES_MAX) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "user and password for the registry must have at most %d bytes",
                       GF_IMAGE_PULL_USER_BYTES_MAX);
    }
    (void)gf_reference_format(out_reference, key->reference);
    if (request->user.len > 0) {
        key->secret = gf_guarded_alloc(request->user.len + request->password.len + 2);
        memcpy(key->secret, request->user.ptr, request->user.len);
        key->user = (struct gf_str){key->secret, request->user.len};
        char *password = key->secret + request->user.len + 1;
        if (request->password.len > 0) {
            memcpy(password, request->password.ptr, request->password.len);
        }
        key->password = (struct gf_str){password, request->password.len};
    }
    return GF_OK;
}

static bool key_eq(const struct pull_key *a, const struct pull_key *b) {
    return strcmp(a->reference, b->reference) == 0 && gf_str_eq(a->user, b->user) &&
           gf_str_eq(a->password, b->password);
}

/* ---- telling those who wait ---- */

static void free_request(struct gf_image_pull *request) {
    key_fini(&request->key);
    free(request);
}

/* It may be closed, and so freed, by its owner in here. */
static void tell_end(struct gf_image_pull *request, const struct gf_image_pull_end *end) {
    request->pull = NULL;
    request->events.ended(request->events.ctx, end);
}

static void tell_progress(struct gf_image_pull *request, const struct gf_pull_progress *progress) {
    if (request->events.progress != NULL) {
        request->events.progress(request->events.ctx, progress);
    }
}

/* Ends it for all who wait. An event may close requests: the list is taken one by one. */
static void tell_all(struct pull *pull, const struct gf_image_pull_end *end) {
    struct gf_list_link *link = NULL;
    pull->over = true;
    while ((link = gf_list_pop_front(&pull->waiters)) != NULL) {
        tell_end(GF_CONTAINER_OF(link, struct gf_image_pull, link), end);
    }
}

static void fail_all(struct pull *pull, const struct gf_error *error) {
    gf_counter_add_owned(&pull->pulls->failures, !pull->over);
    const struct gf_image_pull_end end = {.error = *error, .name = ""};
    tell_all(pull, &end);
}

/* ---- a pull's life ---- */

static void publish_counts(struct gf_image_pulls *pulls) {
    gf_gauge_set(&pulls->pull_count, (int64_t)pulls->count);
    gf_gauge_set(&pulls->busy, (int64_t)pulls->busy_count);
}

static void free_pull(struct pull *pull) {
    struct gf_image_pulls *pulls = pull->pulls;
    gf_assert(gf_list_empty(&pull->waiters));
    gf_timer_stop(&pull->timer);
    gf_list_remove(&pull->link);
    pulls->count--;
    pulls->busy_count -= pull->state != PULL_WAITING ? 1 : 0;
    publish_counts(pulls);
    gf_pull_process_fini(&pull->process);
    gf_image_unref(pull->image);
    key_fini(&pull->key);
    free(pull);
}

/* What it was with has given it back for good. */
static void leave_slot(struct pull *pull) {
    struct gf_image_pulls *pulls = pull->pulls;
    free_pull(pull);
    next(pulls);
}

static void stored(void *ctx) {
    struct pull *pull = ctx;
    if (pull->over) {
        leave_slot(pull);
        return;
    }
    if (pull->error.code != GF_OK) {
        fail_all(pull, &pull->error);
    } else {
        const struct gf_image_pull_end end = {
            .image = pull->image,
            .start_time = pull->start_time,
            .end_time = gf_wall_ns(),
            .is_new = pull->result.is_new,
            .name = pull->result.name,
        };
        gf_histogram_add(&pull->pulls->duration, gf_mono_ns() - pull->start_mono_ns);
        tell_all(pull, &end);
    }
    leave_slot(pull);
}

/* Pool. */
static void store_job(void *ctx) {
    struct pull *pull = ctx;
    const enum gf_code rc = gf_image_store__take_in(pull->pulls->store, &pull->result.digest,
                                                    &pull->image, &pull->error);
    gf_assert((rc == GF_OK) == (pull->image != NULL));
    (void)gf_reactor_post(pull->pulls->reactor, stored, pull);
}

static void cleaned(void *ctx) {
    leave_slot(ctx);
}

/* Pool. */
static void clean_job(void *ctx) {
    struct pull *pull = ctx;
    gf_image_store__clean(pull->pulls->store);
    (void)gf_reactor_post(pull->pulls->reactor, cleaned, pull);
}

/* It was killed, or has ended as if it had been: what it had begun with is still there. */
static void clean_up(struct pull *pull) {
    gf_timer_stop(&pull->timer);
    if (pull->pulls->stopped) {
        leave_slot(pull); /* the next server cleans */
        return;
    }
    pull->state = PULL_CLEANING;
    gf_pool_submit_reserved(pull->pulls->pool, clean_job, pull);
}

static struct pull *of_process(struct gf_pull_process *process) {
    return GF_CONTAINER_OF(process, struct pull, process);
}

static void on_progress(struct gf_pull_process *process, const struct gf_pull_progress *progress) {
    struct pull *pull = of_process(process);
    pull->progress = *progress;
    GF_LIST_FOREACH(link, &pull->waiters) {
        tell_progress(GF_CONTAINER_OF(link, struct gf_image_pull, link), progress);
    }
}

static void on_ended(struct gf_pull_process *process, const struct gf_error *error,
                     const struct gf_pull_result *result) {
    struct pull *pull = of_process(process);
    if (error->code != GF_OK) {
        fail_all(pull, error);
        clean_up(pull);
    } else if (pull->over) {
        leave_slot(pull);
    } else if (result->failed) {
        fail_all(pull, &result->failure);
        leave_slot(pull);
    } else {
        pull->result = *result;
        pull->state = PULL_STORING;
        gf_timer_stop(&pull->timer);
        gf_pool_submit_reserved(pull->pulls->pool, store_job, pull);
    }
}

static void spawned(void *ctx) {
    struct pull *pull = ctx;
    if (pull->error.code != GF_OK || pull->over) {
        if (pull->error.code == GF_OK) {
            gf_pull_child_kill(&pull->child);
        }
        fail_all(pull, &pull->error);
        leave_slot(pull);
        return;
    }
    pull->state = PULL_RUNNING;
    pull->process.progress = on_progress;
    pull->process.ended = on_ended;
    gf_pull_process_start(&pull->process, pull->pulls->reactor, pull->child);
}

/* Pool. */
static void spawn_job(void *ctx) {
    struct pull *pull = ctx;
    const struct gf_image_pulls *pulls = pull->pulls;
    GF_CLEANUP(gf_close_p) int request_fd = -1;
    const int64_t left_ms = (pull->deadline_mono_ns - gf_mono_ns()) / GF_NS_PER_MS;
    enum gf_code rc =
        gf_pull_seal(&pulls->settings, gf_str_from(pull->key.reference), pull->key.user,
                     pull->key.password, left_ms > 0 ? left_ms : 1, &request_fd, &pull->error);
    if (rc == GF_OK) {
        rc = gf_pull_spawn(gf_image_store__program(pulls->store), gf_image_store__dir(pulls->store),
                           request_fd, &pull->child, &pull->error);
    }
    if (!gf_reactor_post(pulls->reactor, spawned, pull) && rc == GF_OK) {
        gf_pull_child_kill(&pull->child);
    }
}

/* Starts those that have a slot; nothing any more when the server is being stopped. */
static void next(struct gf_image_pulls *pulls) {
    GF_LIST_FOREACH(link, &pulls->pulls) {
        struct pull *pull = GF_CONTAINER_OF(link, struct pull, link);
        if (pulls->stopped || pulls->busy_count >= (size_t)pulls->settings.pulls_at_once) {
            return;
        }
        if (pull->state == PULL_WAITING) {
            pull->state = PULL_STARTING;
            pulls->busy_count++;
            publish_counts(pulls);
            gf_pool_submit_reserved(pulls->pool, spawn_job, pull);
        }
    }
}

/* Nobody waits for it any more once this has returned. */
static void give_up(struct pull *pull, const struct gf_error *error) {
    fail_all(pull, error);
    gf_timer_stop(&pull->timer);
    if (pull->state == PULL_WAITING) {
        leave_slot(pull);
    } else if (pull->state == PULL_RUNNING) {
        gf_pull_process_kill(&pull->process);
    }
}

static void on_deadline(struct gf_timer *timer, void *ctx) {
    struct pull *pull = ctx;
    struct gf_error error;
    char limit[GF_DURATION_BYTES_MAX];
    (void)timer;
    if (pull->state == PULL_STORING) {
        return; /* it is here */
    }
    (void)gf_fail_reason(
        &error, GF_DEADLINE_EXCEEDED, "IMAGE_PULL_TIMEOUT", "image '%s' was not fetched within %s",
        pull->key.reference,
        gf_duration_format(pull->pulls->settings.pull_timeout_ms * GF_NS_PER_MS, limit));
    give_up(pull, &error);
}

/* ---- requests ---- */

static bool may_join(const struct pull *pull, const struct gf_image_pull *request) {
    const bool resolved =
        pull->state == PULL_STORING ||
        (pull->state == PULL_RUNNING && pull->progress.phase != GF_PULL_RESOLVING);
    return !pull->over && !(request->always && resolved) && key_eq(&pull->key, &request->key);
}

static struct pull *find_pull(const struct gf_image_pulls *pulls,
                              const struct gf_image_pull *request) {
    GF_LIST_FOREACH(link, &pulls->pulls) {
        struct pull *pull = GF_CONTAINER_OF(link, struct pull, link);
        if (may_join(pull, request)) {
            return pull;
        }
    }
    return NULL;
}

static struct pull *make_pull(struct gf_image_pulls *pulls, struct gf_image_pull *request) {
    struct pull *pull = GF_NEW(struct pull);
    pull->pulls = pulls;
    pull->state = PULL_WAITING;
    pull->key = request->key;
    request->key.secret = NULL;
    pull->start_time = gf_wall_ns();
    pull->start_mono_ns = gf_mono_ns();
    pull->deadline_mono_ns =
        gf_deadline_after_ms(pull->start_mono_ns, pulls->settings.pull_timeout_ms);
    gf_list_init(&pull->waiters);
    gf_list_push_back(&pulls->pulls, &pull->link);
    pulls->count++;
    publish_counts(pulls);
    gf_timer_start(pulls->reactor, &pull->timer, pull->deadline_mono_ns, on_deadline, pull);
    return pull;
}

static void begin(struct gf_image_pull *request) {
    struct gf_image_pulls *pulls = request->pulls;
    gf_counter_add_owned(&pulls->requests, 1);
    if (request->error.code == GF_OK && pulls->stopped) {
        (void)gf_fail(&request->error, GF_UNAVAILABLE, "the server is being stopped");
    }
    struct pull *pull = request->error.code == GF_OK ? find_pull(pulls, request) : NULL;
    if (request->error.code == GF_OK && pull == NULL && pulls->count >= GF_IMAGE_PULLS_MAX) {
        (void)gf_fail(&request->error, GF_RESOURCE_EXHAUSTED,
                      "more than %d images are being fetched", GF_IMAGE_PULLS_MAX);
    }
    if (request->error.code != GF_OK) {
        const struct gf_image_pull_end end = {.error = request->error, .name = ""};
        gf_counter_add_owned(&pulls->refused, 1);
        tell_end(request, &end);
        return;
    }
    if (pull == NULL) {
        pull = make_pull(pulls, request);
    }
    request->pull = pull;
    gf_list_push_back(&pull->waiters, &request->link);
    const struct gf_pull_progress progress = pull->progress;
    next(pulls);
    tell_progress(request, &progress);
}

static void run_begin(void *ctx) {
    struct gf_image_pull *request = ctx;
    request->posted = false;
    if (request->closed) {
        free_request(request);
    } else {
        begin(request);
    }
}

void gf_image_pull_open(struct gf_image_pulls *pulls, const struct gf_image_pull_request *request,
                        const struct gf_image_pull_events *events, struct gf_image_pull **out) {
    struct gf_image_pull *made = GF_NEW(struct gf_image_pull);
    struct gf_reference reference;
    made->pulls = pulls;
    made->events = *events;
    made->always = request->always;
    made->posted = true;
    if (key_init(&made->key, request, &reference, &made->error) == GF_OK) {
        (void)!gf_image_check_allowed(&pulls->settings, &reference, &made->error);
    }
    *out = made;
    if (!gf_reactor_post(pulls->reactor, run_begin, made)) {
        made->posted = false; /* the server is ending: nobody is told */
    }
}

static void run_close(void *ctx) {
    struct gf_image_pull *request = ctx;
    struct pull *pull = request->pull;
    request->closed = true;
    if (request->posted) {
        return;
    }
    gf_list_remove(&request->link);
    free_request(request);
    if (pull != NULL && !pull->over && gf_list_empty(&pull->waiters)) {
        struct gf_error nobody;
        (void)gf_fail(&nobody, GF_CANCELLED, "nobody waits for the image");
        give_up(pull, &nobody);
    }
}

void gf_image_pull_close(struct gf_image_pull *request) {
    gf_reactor_call(request->pulls->reactor, run_close, request);
}

/* ---- all of them ---- */

struct gf_image_pulls *gf_image_pulls_create(const struct gf_image_pulls_opts *opts) {
    struct gf_image_pulls *pulls = GF_NEW(struct gf_image_pulls);
    pulls->store = opts->store;
    pulls->reactor = opts->reactor;
    pulls->pool = opts->pool;
    gf_arena_init(&pulls->arena, GF_IMAGE_SETTINGS_ARENA_BYTES_MAX);
    pulls->settings = gf_image_settings_copy(opts->settings, &pulls->arena);
    gf_list_init(&pulls->pulls);
    return pulls;
}

const struct gf_image_settings *gf_image_pulls_settings(const struct gf_image_pulls *pulls) {
    return &pulls->settings;
}

static void run_stop(void *ctx) {
    struct gf_image_pulls *pulls = ctx;
    struct gf_error error;
    (void)gf_fail(&error, GF_UNAVAILABLE, "the server is being stopped");
    pulls->stopped = true;
    GF_LIST_FOREACH(link, &pulls->pulls) {
        struct pull *pull = GF_CONTAINER_OF(link, struct pull, link);
        if (pull->state == PULL_WAITING) {
            fail_all(pull, &error);
        } else {
            give_up(pull, &error);
        }
    }
}

void gf_image_pulls_stop(struct gf_image_pulls *pulls) {
    gf_reactor_call(pulls->reactor, run_stop, pulls);
}

void gf_image_pulls_destroy(struct gf_image_pulls *pulls) {
    if (pulls == NULL) {
        return;
    }
    GF_LIST_FOREACH(link, &pulls->pulls) {
        free_pull(GF_CONTAINER_OF(link, struct pull, link));
    }
    gf_arena_fini(&pulls->arena);
    free(pulls);
}

void gf_image_pulls_stats(const struct gf_image_pulls *pulls, struct gf_image_pulls_stats *out) {
    const int64_t count = gf_gauge_read(&pulls->pull_count);
    const int64_t busy = gf_gauge_read(&pulls->busy);
    *out = (struct gf_image_pulls_stats){
        .running = (size_t)busy,
        .running_limit = (size_t)pulls->settings.pulls_at_once,
        .waiting = count > busy ? (size_t)(count - busy) : 0,
        .limit = GF_IMAGE_PULLS_MAX,
        .requests_total = gf_counter_read(&pulls->requests),
        .refused_total = gf_counter_read(&pulls->refused),
        .failures_total = gf_counter_read(&pulls->failures),
    };
    gf_histogram_read(&pulls->duration, &out->duration);
}
