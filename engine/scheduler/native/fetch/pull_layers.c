/*
 * Design: all layers that the store lacks are ordered at once; the network process fetches some of
 * them at a time, and each that has come is unpacked here while the others come. How far they are
 * is seen from the sizes of the files.
 *
 * A layer that another program fetches is not waited for alone: its lock is tried again and again
 * while the own ones come. Nobody holds the lock of a layer while it waits for another: two pulls
 * that share layers cannot wait for each other.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/tree.h"
#include "engine/scheduler/native/fetch/download.h"
#include "engine/scheduler/native/fetch/fail.h"
#include "engine/scheduler/native/fetch/install.h"
#include "engine/scheduler/native/fetch/pull_internal.h"
#include "engine/scheduler/native/images/text.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LOCK_WAIT_MS = 50, /* between two looks at a lock */
    ANSWER_WAIT_MS = 200,
};

enum layer_state {
    LAYER_BLOCKED, /* another program fetches it */
    LAYER_ORDERED,
    LAYER_FETCHED,
    LAYER_UNPACKED, /* in the work directory */
    LAYER_SAME,     /* as one further down, which does it all */
    LAYER_PRESENT,  /* in the store */
};

struct pulled_layer {
    enum layer_state state;
    int fd; /* of the download, with its lock; -1: not had */
    const struct gf_found_layer *found;
    const struct gf_digest *diff_id;
    int *hold_fd;    /* keeps it in the store; borrowed */
    uint64_t id;     /* of the job */
    size_t source;   /* who sent it */
    bool is_resumed; /* a part was there before */
    bool is_counted; /* in the bytes to fetch */
};

struct layers {
    struct gf_puller *puller;
    struct pulled_layer *items;
    size_t count;
    struct gf_layer_usage usage;
};

static void layers_fini(struct layers *layers) {
    for (size_t i = 0; i < layers->count; i++) {
        struct pulled_layer *layer = &layers->items[i];
        struct stat status;
        if (layer->fd >= 0 && fstat(layer->fd, &status) == 0 && status.st_size == 0) {
            gf_download_remove(layers->puller->store, &layer->found->digest);
        }
        gf_close(&layer->fd);
    }
    free(layers->items);
}

static int64_t file_bytes(const struct pulled_layer *layer) {
    struct stat status;
    const bool is_known = layer->fd >= 0 && fstat(layer->fd, &status) == 0;
    return is_known ? (int64_t)status.st_size : 0;
}

/* Counts what is here and what is missing. */
static void show(struct layers *layers, bool at_once) {
    struct gf_pull_progress *progress = &layers->puller->progress;
    bool fetches = false;
    progress->received_bytes = 0;
    progress->done_layers = 0;
    for (size_t i = 0; i < layers->count; i++) {
        const struct pulled_layer *layer = &layers->items[i];
        const int64_t bytes = file_bytes(layer);
        fetches |= layer->state == LAYER_ORDERED || layer->state == LAYER_BLOCKED;
        if (layer->state == LAYER_PRESENT) {
            progress->done_layers++;
            progress->received_bytes += layer->is_counted ? layer->found->size_bytes : 0;
        } else if (layer->state != LAYER_SAME) {
            progress->received_bytes +=
                bytes < layer->found->size_bytes ? bytes : layer->found->size_bytes;
        }
    }
    progress->phase = fetches ? GF_PULL_FETCHING : GF_PULL_UNPACKING;
    gf_puller_show(layers->puller, at_once);
}

static void on_tick(void *ctx) {
    show(ctx, /* at_once= */ false);
}

static enum gf_code order(struct layers *layers, struct pulled_layer *layer, int64_t offset,
                          struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int fd = -1;
    enum gf_code rc =
        gf_download_open_writer(layers->puller->store, &layer->found->digest, &fd, err);
    if (rc != GF_OK) {
        return rc;
    }
    struct gf_registry_job job = {
        .id = ++layers->puller->last_id,
        .kind = GF_REGISTRY_BLOB,
        .fd = fd,
        .offset = offset,
        .size = layer->found->size_bytes,
        .source = layer->source,
    };
    (void)snprintf(job.target, sizeof(job.target), "%s", layer->found->digest.text);
    layer->id = job.id;
    layer->is_resumed = offset > 0;
    layer->state = LAYER_ORDERED;
    return gf_agent_order(layers->puller->agent, &job, err);
}

/* Takes the lock of a layer and has it fetched, where that is still to do. */
static enum gf_code start(struct layers *layers, struct pulled_layer *layer, struct gf_error *err) {
    const struct gf_fetch_store *store = layers->puller->store;
    const int64_t size = layer->found->size_bytes;
    enum gf_code rc = gf_download_open(store, &layer->found->digest, &layer->fd, err);
    if (rc != GF_OK || layer->fd < 0) {
        layer->state = LAYER_BLOCKED;
        return rc;
    }
    if (gf_fetch_store_hold_layer(store, layer->diff_id, layer->hold_fd)) {
        gf_download_remove(store, &layer->found->digest);
        gf_close(&layer->fd);
        layer->state = LAYER_PRESENT;
        return GF_OK;
    }
    int64_t offset = file_bytes(layer);
    if (offset > size) {
        offset = 0;
        if (ftruncate(layer->fd, 0) != 0) {
            return gf_fail_system(err, "cannot write to the image store");
        }
    }
    if (offset == size && size > 0) {
        layer->is_resumed = true;
        layer->state = LAYER_FETCHED;
        return GF_OK;
    }
    return order(layers, layer, offset, err);
}

/* Fetches a layer again that was not the one that was meant: anew where an old part may be at
 * fault, else from the next place. */
static bool fetch_again(struct layers *layers, struct pulled_layer *layer) {
    const bool is_resumed = layer->is_resumed;
    if (!is_resumed && layer->source + 1 >= layers->puller->pull->host_count) {
        return false;
    }
    if (ftruncate(layer->fd, 0) != 0 ||
        gf_tree_remove(layers->puller->store->work_fd, gf_digest_hex(layer->diff_id), NULL) !=
            GF_OK) {
        return false;
    }
    layer->source = is_resumed ? 0 : layer->source + 1;
    return order(layers, layer, 0, NULL) == GF_OK;
}

static enum gf_code put_in_place(struct layers *layers, struct pulled_layer *layer,
                                 struct gf_error *err) {
    const struct gf_fetch_store *store = layers->puller->store;
    const enum gf_code rc =
        gf_fetch_store_publish_layer(store, gf_digest_hex(layer->diff_id), layer->diff_id, err);
    if (rc != GF_OK) {
        return rc;
    }
    if (!gf_fetch_store_hold_layer(store, layer->diff_id, layer->hold_fd)) {
        /* Somebody removed it at once. Its blob is still here: it is unpacked again. */
        layer->state = LAYER_FETCHED;
        return GF_OK;
    }
    gf_download_remove(store, &layer->found->digest);
    gf_close(&layer->fd);
    layer->state = LAYER_PRESENT;
    return GF_OK;
}

/* Bringing all to the disk is slow: it is done once for all that has been unpacked meanwhile. */
static enum gf_code put_all_in_place(struct layers *layers, struct gf_error *err) {
    enum gf_code rc = gf_fetch_store_sync(layers->puller->store, err);
    for (size_t i = 0; rc == GF_OK && i < layers->count; i++) {
        if (layers->items[i].state == LAYER_UNPACKED) {
            rc = put_in_place(layers, &layers->items[i], err);
        }
    }
    return rc;
}

static enum gf_code unpack(struct layers *layers, struct pulled_layer *layer,
                           struct gf_error *err) {
    const struct gf_pull *pull = layers->puller->pull;
    struct gf_layer_usage usage = layers->usage;
    const struct gf_install_layer install = {
        .blob_fd = layer->fd,
        .digest = &layer->found->digest,
        .diff_id = layer->diff_id,
        .limits = pull->limits,
        .progress = pull->progress,
    };
    if (lseek(layer->fd, 0, SEEK_SET) != 0) {
        return gf_fail_system(err, "cannot read from the image store");
    }
    const enum gf_code rc = gf_install_unpack(layers->puller->store, &install, &usage, err);
    if (rc == GF_OK) {
        layers->usage = usage;
        layer->state = LAYER_UNPACKED;
        return GF_OK;
    }
    if (gf_str_eq(gf_str_from(err->reason), GF_STR("DIGEST_MISMATCH"))) {
        (void)gf_wrap(err, "registry %s", pull->hosts[layer->source]);
        if (fetch_again(layers, layer)) {
            return GF_OK;
        }
    }
    gf_download_remove(layers->puller->store, &layer->found->digest);
    return rc;
}

static enum gf_code take_answer(struct layers *layers, const struct gf_registry_answer *answer,
                                struct gf_error *err) {
    struct pulled_layer *layer = NULL;
    for (size_t i = 0; i < layers->count; i++) {
        if (layers->items[i].state == LAYER_ORDERED && layers->items[i].id == answer->id) {
            layer = &layers->items[i];
        }
    }
    if (layer == NULL || answer->source >= layers->puller->pull->host_count) {
        return gf_fail(err, GF_INTERNAL, "the network process answers what nobody asked");
    }
    layers->puller->received_bytes += answer->received_bytes > 0 ? answer->received_bytes : 0;
    if (answer->failed) {
        /* What came by a lie is of no use to the next pull. */
        if (answer->failure.code == GF_INVALID_ARGUMENT) {
            gf_download_remove(layers->puller->store, &layer->found->digest);
        }
        return gf_fail_reason(err, answer->failure.code, answer->failure.reason, "%s",
                              answer->failure.message);
    }
    layer->source = answer->source;
    layer->state = LAYER_FETCHED;
    return GF_OK;
}

/* Waits for the network process, not long where there is something else to do. */
static enum gf_code wait_for_answer(struct layers *layers, int timeout_ms, struct gf_error *err) {
    struct gf_registry_answer answer;
    bool got = false;
    const enum gf_code rc = gf_agent_receive(layers->puller->agent, timeout_ms, &got, &answer, err);
    return rc == GF_OK && got ? take_answer(layers, &answer, err) : rc;
}

/* One turn: something is unpacked, or waited for. */
static enum gf_code go_on(struct layers *layers, bool *out_done, struct gf_error *err) {
    struct pulled_layer *fetched = NULL;
    bool has_blocked = false;
    bool has_ordered = false;
    bool has_unpacked = false;
    enum gf_code rc = GF_OK;
    for (size_t i = 0; rc == GF_OK && i < layers->count; i++) {
        struct pulled_layer *layer = &layers->items[i];
        if (layer->state == LAYER_BLOCKED) {
            rc = start(layers, layer, err);
        }
        has_blocked |= layer->state == LAYER_BLOCKED;
        has_ordered |= layer->state == LAYER_ORDERED;
        has_unpacked |= layer->state == LAYER_UNPACKED;
        fetched = fetched == NULL && layer->state == LAYER_FETCHED ? layer : fetched;
    }
    if (rc != GF_OK) {
        return rc;
    }
    show(layers, /* at_once= */ fetched != NULL);
    if (fetched != NULL) {
        rc = unpack(layers, fetched, err);
        if (rc != GF_OK) {
            return gf_wrap(err, "layer %td", fetched - layers->items + 1);
        }
        rc = wait_for_answer(layers, 0, err);
    } else if (has_unpacked) {
        rc = put_all_in_place(layers, err);
    } else if (has_ordered || has_blocked) {
        rc = wait_for_answer(layers, has_blocked ? LOCK_WAIT_MS : ANSWER_WAIT_MS, err);
    }
    *out_done = fetched == NULL && !has_ordered && !has_blocked && !has_unpacked;
    return rc == GF_OK ? gf_puller_check_time(layers->puller, err) : rc;
}

/* Finds out which layers are missing, and how much that is. */
static enum gf_code prepare(struct layers *layers, const struct gf_found_image *image,
                            int *hold_fds, struct gf_error *err) {
    struct gf_pull_progress *progress = &layers->puller->progress;
    const int64_t bytes_max = layers->puller->pull->limits->archive_bytes;
    progress->total_layers = (int64_t)layers->count;
    for (size_t i = 0; i < layers->count; i++) {
        struct pulled_layer *layer = &layers->items[i];
        layer->found = &image->layers[i];
        layer->diff_id = &image->record.layers[i];
        layer->hold_fd = &hold_fds[i];
        layer->state =
            gf_fetch_store_hold_layer(layers->puller->store, layer->diff_id, layer->hold_fd)
                ? LAYER_PRESENT
                : LAYER_BLOCKED;
        if (layer->state == LAYER_PRESENT) {
            /* Of a pull that was killed when it had put the layer in its place. */
            gf_download_discard(layers->puller->store, &layer->found->digest);
        }
        for (size_t j = 0; j < i && layer->state == LAYER_BLOCKED; j++) {
            const bool is_same = gf_digest_eq(layer->diff_id, layers->items[j].diff_id);
            layer->state = is_same ? LAYER_SAME : LAYER_BLOCKED;
        }
        if (layer->state != LAYER_BLOCKED) {
            continue;
        }
        if (layer->found->size_bytes > bytes_max - progress->total_bytes) {
            return gf_fail_limit(err, "the image's layers have more than %lld bytes",
                                 (long long)bytes_max);
        }
        progress->total_bytes += layer->found->size_bytes;
        layer->is_counted = true;
    }
    return GF_OK;
}

enum gf_code gf_puller_bring_layers(struct gf_puller *puller, const struct gf_found_image *image,
                                    int *hold_fds, struct gf_error *err) {
    GF_CLEANUP(layers_fini)
    struct layers layers = {
        .puller = puller,
        .items = gf_calloc(image->record.layer_count, sizeof(*layers.items)),
        .count = image->record.layer_count,
    };
    struct gf_progress *progress = puller->pull->progress;
    bool done = false;
    for (size_t i = 0; i < layers.count; i++) {
        layers.items[i].fd = -1;
    }
    enum gf_code rc = prepare(&layers, image, hold_fds, err);
    progress->on_tick = on_tick;
    progress->ctx = &layers;
    while (rc == GF_OK && !done) {
        rc = go_on(&layers, &done, err);
    }
    progress->on_tick = NULL;
    if (rc == GF_OK) {
        show(&layers, /* at_once= */ true);
    }
    if (rc == GF_OK && layers.usage.devices_skipped > 0) {
        gf_progress_note(progress, "left out %lld device nodes",
                         (long long)layers.usage.devices_skipped);
    }
    return rc;
}
