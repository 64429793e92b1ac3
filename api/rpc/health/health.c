/*
 * DESIGN. Watchers are in a list under a mutex. A status is sent without the mutex held, by whoever
 * finds a watcher that has not been told of the present status: the thread that set it or the one
 * that added the watcher. `telling` makes that one thread at a time, which looks again when it has
 * sent, so that the last status sent is always the present one. A watcher that goes away while it
 * is being told is ended by the teller.
 */
#include "api/rpc/health/health.h"

#include "base/alloc.h"
#include "base/list.h"
#include "base/sync.h"
#include "base/vec.h"
#include "grpc/health/v1/health.gofer.h"

enum {
    STATUS_NONE = -1 /* told nothing yet */
};

typedef Grpc__Health__V1__HealthCheckRequest check_request;
typedef Grpc__Health__V1__HealthCheckResponse check_response;

#define SERVING GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING
#define NOT_SERVING GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING
#define SERVICE_UNKNOWN GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN

struct service {
    char *name;
    bool serving;
};

/* In the arena of its call. */
struct watcher {
    struct gf_list_link link;
    struct gf_rpc_call *call;
    struct gf_str service; /* in the request */
    int told;              /* a status, or STATUS_NONE */
    bool telling;          /* a thread sends to it */
    bool full;             /* it was refused a status: its client reads too slowly */
    bool gone;             /* out of the list; to be ended */
};

struct gf_rpc_health {
    struct gf_mutex mutex; /* guards what follows */
    GF_VEC(struct service) services;
    struct gf_list watchers;
    size_t watcher_count;
    bool shut_down;
};

static struct service *find(struct gf_rpc_health *health, struct gf_str name) {
    for (size_t i = 0; i < health->services.count; i++) {
        if (gf_str_eq(gf_str_from(health->services.items[i].name), name)) {
            return &health->services.items[i];
        }
    }
    return NULL;
}

/* Mutex held. */
static int status_of(struct gf_rpc_health *health, struct gf_str name) {
    const struct service *service = find(health, name);
    if (service == NULL) {
        return SERVICE_UNKNOWN;
    }
    return service->serving && !health->shut_down ? SERVING : NOT_SERVING;
}

static void check_start(struct gf_rpc_call *call, const check_request *request, void *ctx) {
    struct gf_rpc_health *health = ctx;
    gf_mutex_lock(&health->mutex);
    const int status = status_of(health, gf_str_from(request->service));
    gf_mutex_unlock(&health->mutex);
    if (status == SERVICE_UNKNOWN) {
        struct gf_error error;
        (void)gf_fail(&error, GF_NOT_FOUND, "service '%s' not found", request->service);
        gf_rpc_fail(call, &error);
        return;
    }
    check_response response = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
    response.status = (Grpc__Health__V1__HealthCheckResponse__ServingStatus)status;
    grpc_health_v1_health_check_reply(call, &response);
}

/* Ends the stream of a watcher that is gone and that nobody tells. */
static void end(const struct watcher *watcher) {
    struct gf_error error;
    (void)gf_fail(&error, GF_UNAVAILABLE, "the server is stopping");
    gf_rpc_fail(watcher->call, &error);
}

/* Mutex held. */
static void take_out(struct gf_rpc_health *health, struct watcher *watcher) {
    gf_list_remove(&watcher->link);
    health->watcher_count--;
    watcher->gone = true;
}

/* A watcher that must be told something and can be; NULL when there is none. Mutex held. */
static struct watcher *find_untold(struct gf_rpc_health *health) {
    GF_LIST_FOREACH(link, &health->watchers) {
        struct watcher *watcher = GF_CONTAINER_OF(link, struct watcher, link);
        if (!watcher->telling && !watcher->full &&
            watcher->told != status_of(health, watcher->service)) {
            return watcher;
        }
    }
    return NULL;
}

static enum gf_code tell(const struct watcher *watcher, int status) {
    check_response response = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
    response.status = (Grpc__Health__V1__HealthCheckResponse__ServingStatus)status;
    return grpc_health_v1_health_watch_send(watcher->call, &response, NULL);
}

/* Sends its present status to every watcher that does not know it. Mutex not held. */
static void tell_all(struct gf_rpc_health *health) {
    gf_mutex_lock(&health->mutex);
    struct watcher *watcher = NULL;
    while ((watcher = find_untold(health)) != NULL) {
        const int status = status_of(health, watcher->service);
        watcher->telling = true;
        watcher->full = true; /* `writable` may come before tell returns */
        gf_mutex_unlock(&health->mutex);
        const enum gf_code code = tell(watcher, status);
        gf_mutex_lock(&health->mutex);
        watcher->telling = false;
        if (code != GF_RESOURCE_EXHAUSTED) {
            watcher->full = false;
            watcher->told = status; /* or it is gone, and `cancelled` follows */
        }
        if (watcher->gone) {
            gf_mutex_unlock(&health->mutex);
            end(watcher);
            gf_mutex_lock(&health->mutex);
        }
    }
    gf_mutex_unlock(&health->mutex);
}

static void watch_start(struct gf_rpc_call *call, const check_request *request, void *ctx) {
    struct gf_rpc_health *health = ctx;
    struct watcher *watcher = GF_ARENA_NEW(gf_rpc_call_arena(call), struct watcher);
    watcher->call = call;
    watcher->service = gf_str_from(request->service);
    watcher->told = STATUS_NONE;
    gf_rpc_call_set_data(call, watcher);
    struct gf_error error = {.code = GF_OK};
    gf_mutex_lock(&health->mutex);
    if (health->shut_down) {
        (void)gf_fail(&error, GF_UNAVAILABLE, "the server is stopping");
    } else if (health->watcher_count >= GF_RPC_HEALTH_WATCHERS_MAX) {
        (void)gf_fail(&error, GF_RESOURCE_EXHAUSTED, "%d streams watch already, the limit",
                      GF_RPC_HEALTH_WATCHERS_MAX);
    } else {
        gf_list_push_back(&health->watchers, &watcher->link);
        health->watcher_count++;
    }
    watcher->gone = error.code != GF_OK;
    gf_mutex_unlock(&health->mutex);
    if (error.code != GF_OK) {
        gf_rpc_fail(call, &error);
        return;
    }
    tell_all(health);
}

static void watch_writable(struct gf_rpc_call *call, void *ctx) {
    struct gf_rpc_health *health = ctx;
    struct watcher *watcher = gf_rpc_call_get_data(call);
    gf_mutex_lock(&health->mutex);
    watcher->full = false;
    gf_mutex_unlock(&health->mutex);
    tell_all(health);
}

static void watch_cancelled(struct gf_rpc_call *call, void *ctx) {
    struct gf_rpc_health *health = ctx;
    struct watcher *watcher = gf_rpc_call_get_data(call);
    gf_mutex_lock(&health->mutex);
    const bool ours = !watcher->gone && !watcher->telling;
    if (!watcher->gone) {
        take_out(health, watcher);
    }
    gf_mutex_unlock(&health->mutex);
    if (ours) {
        end(watcher);
    }
}

static const struct grpc_health_v1_health_handlers handlers = {
    .check = {.start = check_start},
    .watch = {.start = watch_start, .writable = watch_writable, .cancelled = watch_cancelled},
};

struct gf_rpc_health *gf_rpc_health_create(struct gf_rpc_server *server) {
    struct gf_rpc_health *health = GF_NEW(struct gf_rpc_health);
    gf_mutex_init(&health->mutex, GF_RANK_RPC_SERVER);
    gf_list_init(&health->watchers);
    grpc_health_v1_health_add_to_server(server, &handlers, health);
    return health;
}

void gf_rpc_health_set(struct gf_rpc_health *health, const char *service, bool serving) {
    gf_mutex_lock(&health->mutex);
    struct service *found = find(health, gf_str_from(service));
    if (found == NULL) {
        gf_assert(health->services.count < GF_RPC_HEALTH_SERVICES_MAX);
        found = gf_vec_push_zeroed(&health->services);
        found->name = gf_strdup(service);
    }
    found->serving = serving;
    gf_mutex_unlock(&health->mutex);
    tell_all(health);
}

void gf_rpc_health_shutdown(struct gf_rpc_health *health) {
    gf_mutex_lock(&health->mutex);
    health->shut_down = true;
    gf_mutex_unlock(&health->mutex);
    tell_all(health);
    gf_mutex_lock(&health->mutex);
    while (!gf_list_empty(&health->watchers)) {
        struct watcher *watcher =
            GF_CONTAINER_OF(gf_list_first(&health->watchers), struct watcher, link);
        take_out(health, watcher);
        const bool ours = !watcher->telling;
        gf_mutex_unlock(&health->mutex);
        if (ours) {
            end(watcher);
        }
        gf_mutex_lock(&health->mutex);
    }
    gf_mutex_unlock(&health->mutex);
}

void gf_rpc_health_destroy(struct gf_rpc_health *health) {
    if (health == NULL) {
        return;
    }
    gf_assert(gf_list_empty(&health->watchers));
    for (size_t i = 0; i < health->services.count; i++) {
        free(health->services.items[i].name);
    }
    gf_vec_fini(&health->services);
    gf_mutex_fini(&health->mutex);
    free(health);
}
