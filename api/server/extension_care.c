#include "api/server/extension_care.h"

#include "api/server/extension_care_internal.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    TEXT_BYTES_MAX = 64 << 10,
};

/* ---- Commands ---- */

struct order {
    struct gf_command command;
    struct gf_latch latch;
    struct gf_error error;
    bool unchanged;
};

/* On the engine thread. */
static void done(struct gf_command *command, const struct gf_reply *reply) {
    struct order *order = GF_CONTAINER_OF(command, struct order, command);
    order->error = reply->error;
    order->unchanged = reply->unchanged;
    gf_latch_open(&order->latch);
}

enum gf_code gf_care__command(struct gf_extension_care *care, const struct gf_input *input,
                              bool *out_changed, struct gf_error *err) {
    struct order order = {.command = {.input = *input, .done = done}};
    gf_latch_init(&order.latch);
    enum gf_code rc = gf_engine_submit(care->options.engine, &order.command, err);
    if (rc == GF_OK) {
        gf_latch_wait(&order.latch);
        rc = order.error.code;
        if (rc != GF_OK) {
            *err = order.error;
        } else {
            *out_changed = !order.unchanged;
        }
    }
    gf_latch_fini(&order.latch);
    return rc;
}

/* ---- Times, on the reactor ---- */

static void on_time(struct gf_timer *timer, void *ctx) {
    struct gf_extension_care *care = ctx;
    struct gf_error error = {0};
    if (!atomic_exchange(&care->updating, true) &&
        gf_pool_submit(care->options.long_pool, gf_care__run_updates, care, &error) != GF_OK) {
        atomic_store(&care->updating, false); /* the next time will do */
    }
    if (!atomic_load(&care->stopping)) {
        gf_timer_start(care->options.reactor, timer,
                       gf_deadline_after_ms(gf_mono_ns(), care->options.update_interval_ms),
                       on_time, care);
    }
}

static void start_timer(void *ctx) {
    struct gf_extension_care *care = ctx;
    const int64_t interval_ms = care->options.update_interval_ms;
    gf_timer_start(care->options.reactor, &care->timer,
                   gf_deadline_after_ms(gf_mono_ns(), interval_ms < GF_EXTENSION_UPDATES_FIRST_MS
                                                          ? interval_ms
                                                          : GF_EXTENSION_UPDATES_FIRST_MS),
                   on_time, care);
}

static void stop_timer(void *ctx) {
    struct gf_extension_care *care = ctx;
    gf_timer_stop(&care->timer);
}

/* ---- Life ---- */

struct gf_extension_care *gf_extension_care_start(const struct gf_extension_care_options *options) {
    struct gf_extension_care *care = GF_NEW(struct gf_extension_care);
    struct gf_error error = {0};
    care->options = *options;
    gf_arena_init(&care->arena, TEXT_BYTES_MAX);
    gf_mutex_init(&care->mutex, GF_RANK_SERVICE);
    gf_map_i64_init(&care->told);
    care->options.image_dir =
        gf_arena_strdup(&care->arena, options->image_dir == NULL ? "" : options->image_dir);
    gf_assert(options->provided_count <= GF_PROVIDED_EXTENSIONS_MAX);
    for (size_t i = 0; i < options->provided_count; i++) {
        care->provided[i].name = gf_arena_strdup(&care->arena, options->provided[i]);
    }
    care->provided_count = options->provided_count;
    care->options.provided = NULL;
    if (care->provided_count > 0 &&
        gf_pool_submit(options->long_pool, gf_care__run_provided, care, &error) != GF_OK) {
        gf_log_warn("provided_extensions_failed", GF_KV_ERROR(&error));
    }
    if (options->pulls != NULL && options->update_interval_ms > 0) {
        gf_reactor_call(options->reactor, start_timer, care);
    }
    return care;
}

void gf_extension_care_stop(struct gf_extension_care *care) {
    if (care != NULL && !atomic_exchange(&care->stopping, true)) {
        gf_reactor_call(care->options.reactor, stop_timer, care);
    }
}

void gf_extension_care_destroy(struct gf_extension_care *care) {
    if (care == NULL) {
        return;
    }
    gf_map_i64_fini(&care->told);
    gf_mutex_fini(&care->mutex);
    gf_arena_fini(&care->arena);
    free(care);
}

/* ---- What there is to say ---- */

struct gf_finding gf_extension_care_check(void *ctx, struct gf_arena *arena) {
    struct gf_extension_care *care = ctx;
    GF_MUTEX_GUARD(&care->mutex);
    for (size_t i = 0; i < care->provided_count; i++) {
        const struct provided *provided = &care->provided[i];
        if (provided->trouble[0] != '\0') {
            return (struct gf_finding){
                .result = GF_FINDING_FAILED,
                .description = gf_arena_printf(arena, "extension '%s' is not installed: %s",
                                               provided->name, provided->trouble),
                .remedy = "put its image where extensions.image_dir says and start the service "
                          "again, or take it out of extensions.provided",
            };
        }
        if (!provided->done) {
            return (struct gf_finding){
                .result = GF_FINDING_SKIPPED,
                .description =
                    gf_arena_printf(arena, "extension '%s' is being installed", provided->name),
            };
        }
    }
    return (struct gf_finding){.result = GF_FINDING_OK,
                               .description = "the extensions that are to be there are installed"};
}
