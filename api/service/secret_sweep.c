/*
 * Design: as api/server/log_sweep.c. The places are listed before the store is asked: a secret is
 * stored after its pipeline was found in the store, so what is listed is known to the store by
 * then, however new it is.
 */
#include "api/service/secret_sweep.h"

#include "base/alloc.h"
#include "base/identifier.h"
#include "base/log.h"
#include "base/map.h"
#include "base/vec.h"
#include "engine/events/sweeper.h"

enum {
    SCRATCH_BYTES_MAX = 64 << 20, /* of a chunk of rows */
    CHUNK = 1000,
};

/* Far above all keys that there will ever be, and far below what overflows. */
#define KEY_MAX (INT64_C(1) << 62)

struct place_vec GF_VEC_FIELDS(struct gf_secret_place);

struct gf_secret_sweep {
    struct gf_secret_sweep_options options;
    struct gf_sweeper sweeper;
    struct place_vec foreign; /* are left alone; those of the first sweep, which alone writes it */
    bool swept;
};

/* ---- What there is ---- */

/* All places with secrets, without their keys. */
static enum gf_code list_places(struct gf_vault *vault, struct place_vec *out,
                                struct gf_error *err) {
    struct gf_arena scratch;
    struct gf_secret_place after = {0};
    size_t count = CHUNK;
    enum gf_code rc = GF_OK;
    gf_arena_init(&scratch, SCRATCH_BYTES_MAX);
    while (rc == GF_OK && count == CHUNK) {
        struct gf_secret_place *items = NULL;
        gf_arena_reset(&scratch);
        rc = gf_vault_list_places(vault, &after, CHUNK, &scratch, &items, &count, err);
        for (size_t i = 0; rc == GF_OK && i < count; i++) {
            after = (struct gf_secret_place){.namespace_key = items[i].namespace_key,
                                             .pipeline_key = items[i].pipeline_key};
            gf_vec_push(out, after);
        }
    }
    gf_arena_fini(&scratch);
    return rc;
}

enum gf_code gf_secret_next_keys(struct gf_vault *vault, int64_t *out_namespace_key,
                                 int64_t *out_pipeline_key, struct gf_error *err) {
    struct place_vec places = {0};
    int64_t namespace_key = 1;
    int64_t pipeline_key = 1;
    enum gf_code rc = list_places(vault, &places, err);
    for (size_t i = 0; rc == GF_OK && i < places.count; i++) {
        const struct gf_secret_place *place = &places.items[i];
        if (place->namespace_key >= KEY_MAX || place->pipeline_key >= KEY_MAX) {
            rc = gf_fail(err, GF_DATA_LOSS, "the secrets have a place that cannot be");
        } else {
            namespace_key =
                place->namespace_key < namespace_key ? namespace_key : place->namespace_key + 1;
            pipeline_key =
                place->pipeline_key < pipeline_key ? pipeline_key : place->pipeline_key + 1;
        }
    }
    gf_vec_fini(&places);
    if (rc == GF_OK) {
        *out_namespace_key = namespace_key;
        *out_pipeline_key = pipeline_key;
    }
    return rc;
}

/* The keys of all namespaces that the store knows, each with a value that means nothing. */
static enum gf_code list_namespaces(struct gf_store *store, struct gf_store_reader *reader,
                                    struct gf_map_i64 *out, struct gf_error *err) {
    struct gf_arena scratch;
    char last[GF_IDENTIFIER_CHARS_MAX];
    struct gf_str after = {0};
    size_t count = CHUNK;
    enum gf_code rc = GF_OK;
    gf_arena_init(&scratch, SCRATCH_BYTES_MAX);
    while (rc == GF_OK && count == CHUNK) {
        struct gf_namespace *items = NULL;
        gf_arena_reset(&scratch);
        rc = store->ops->list_namespaces(reader, after, CHUNK, &scratch, &items, &count, err);
        for (size_t i = 0; rc == GF_OK && i < count; i++) {
            (void)gf_map_i64_put(out, items[i].namespace_key, out);
        }
        if (rc == GF_OK && count == CHUNK) {
            const struct gf_str id = items[count - 1].namespace_id;
            gf_assert(id.len <= sizeof(last));
            memcpy(last, id.ptr, id.len);
            after = (struct gf_str){last, id.len};
        }
    }
    gf_arena_fini(&scratch);
    return rc;
}

/* ---- What is to go ---- */

static bool is_foreign(const struct gf_secret_sweep *sweep, const struct gf_secret_place *place) {
    for (size_t i = 0; i < sweep->foreign.count; i++) {
        if (sweep->foreign.items[i].pipeline_key == place->pipeline_key &&
            sweep->foreign.items[i].namespace_key == place->namespace_key) {
            return true;
        }
    }
    return false;
}

static void note_foreign(struct gf_secret_sweep *sweep, const struct place_vec *places) {
    for (size_t i = 0; i < places->count; i++) {
        const struct gf_secret_place place = places->items[i];
        if (place.pipeline_key >= sweep->options.next_pipeline_key ||
            place.namespace_key >= sweep->options.next_namespace_key) {
            gf_vec_push(&sweep->foreign, place);
        }
    }
}

/* Whether the store has deleted the pipeline; where it cannot tell, it has not. */
static bool is_deleted(struct gf_store *store, struct gf_store_reader *reader, int64_t key,
                       struct gf_arena *scratch) {
    struct gf_pipeline pipeline = {0};
    gf_arena_reset(scratch);
    return store->ops->get_pipeline_by_key(reader, key, scratch, &pipeline, NULL) == GF_NOT_FOUND;
}

/* Keeps the places that were deleted, those of namespaces that are gone without a pipeline. */
static enum gf_code keep_deleted(struct gf_secret_sweep *sweep, struct place_vec *places,
                                 struct gf_error *err) {
    struct gf_store *store = sweep->options.store;
    struct gf_arena scratch;
    struct gf_map_i64 namespaces = {0};
    size_t kept = 0;
    gf_arena_init(&scratch, SCRATCH_BYTES_MAX);
    struct gf_store_reader *reader = store->ops->open_reader(store);
    const enum gf_code rc = list_namespaces(store, reader, &namespaces, err);
    for (size_t i = 0; rc == GF_OK && i < places->count; i++) {
        struct gf_secret_place place = places->items[i];
        if (is_foreign(sweep, &place)) {
            continue;
        }
        if (gf_map_i64_get(&namespaces, place.namespace_key) == NULL) {
            place.pipeline_key = 0;
            places->items[kept++] = place;
        } else if (is_deleted(store, reader, place.pipeline_key, &scratch)) {
            places->items[kept++] = place;
        }
    }
    store->ops->close_reader(store, reader);
    gf_map_i64_fini(&namespaces);
    gf_arena_fini(&scratch);
    places->count = kept;
    return rc;
}

static void remove_all(struct gf_secret_sweep *sweep, const struct place_vec *places) {
    struct gf_vault *vault = sweep->options.vault;
    for (size_t i = 0; i < places->count && !gf_sweeper_stopping(&sweep->sweeper); i++) {
        const struct gf_secret_place *place = &places->items[i];
        struct gf_error error = {0};
        const enum gf_code rc = place->pipeline_key == 0
                                    ? gf_vault_remove_namespace(vault, place->namespace_key, &error)
                                    : gf_vault_remove_pipeline(vault, place->namespace_key,
                                                               place->pipeline_key, &error);
        if (rc != GF_OK) {
            gf_log_warn("secret_sweep_failed", GF_KV_I64("namespace_key", place->namespace_key),
                        GF_KV_I64("pipeline_key", place->pipeline_key), GF_KV_ERROR(&error));
        }
    }
}

/* On a worker, one at a time. */
static void run(void *ctx) {
    struct gf_secret_sweep *sweep = ctx;
    struct place_vec places = {0};
    struct gf_error error = {0};
    enum gf_code rc = list_places(sweep->options.vault, &places, &error);
    if (rc == GF_OK && !sweep->swept) {
        note_foreign(sweep, &places);
        sweep->swept = true;
    }
    if (rc == GF_OK) {
        rc = keep_deleted(sweep, &places, &error);
    }
    if (rc == GF_OK) {
        remove_all(sweep, &places);
    } else {
        gf_log_warn("secret_sweep_failed", GF_KV_ERROR(&error));
    }
    gf_vec_fini(&places);
}

enum gf_code gf_secret_sweep_start(const struct gf_secret_sweep_options *options,
                                   struct gf_secret_sweep **out_sweep, struct gf_error *err) {
    struct gf_secret_sweep *sweep = GF_NEW(struct gf_secret_sweep);
    sweep->options = *options;
    const enum gf_code rc =
        gf_sweeper_start(&sweep->sweeper, options->hub, options->pool, run, sweep, err);
    if (rc != GF_OK) {
        free(sweep);
        return rc;
    }
    *out_sweep = sweep;
    return GF_OK;
}

void gf_secret_sweep_stop(struct gf_secret_sweep *sweep) {
    if (sweep != NULL) {
        gf_sweeper_stop(&sweep->sweeper);
    }
}

void gf_secret_sweep_destroy(struct gf_secret_sweep *sweep) {
    if (sweep != NULL) {
        gf_sweeper_fini(&sweep->sweeper);
        gf_vec_fini(&sweep->foreign);
        free(sweep);
    }
}
