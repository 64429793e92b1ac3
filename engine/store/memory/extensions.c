/* Writing and removing what is of extensions. What is too old, or too much, goes at once. */
#include "base/alloc.h"
#include "engine/core/copy_extensions.h"
#include "engine/core/limits.h"
#include "engine/store/memory/memory_internal.h"

#include <stdio.h>
#include <string.h>

enum {
    ROW_BYTES_MAX = 1 << 30, /* of the texts of one row */
};

/* Puts a new state into an object: its texts live in the object's arena. */
#define SET_ROW(object, copy, from)                                                                \
    do {                                                                                           \
        gf_arena_fini(&(object)->arena);                                                           \
        gf_arena_init(&(object)->arena, ROW_BYTES_MAX);                                            \
        copy((from), &(object)->arena, &(object)->row);                                            \
    } while (0)

/* Takes an object that a map gave, and ends it; NULL is fine. */
#define FREE_OBJECT(type, value)                                                                   \
    do {                                                                                           \
        struct type *object_ = (value);                                                            \
        if (object_ != NULL) {                                                                     \
            gf_arena_fini(&object_->arena);                                                        \
            free(object_);                                                                         \
        }                                                                                          \
    } while (0)

char *gf_memory__pair_key(int64_t number, struct gf_str text, struct gf_str *out_key) {
    const size_t size = sizeof(number) + text.len;
    char *key = gf_calloc(size + 1, 1);
    memcpy(key, &number, sizeof(number));
    if (text.len > 0) {
        memcpy(key + sizeof(number), text.ptr, text.len);
    }
    *out_key = (struct gf_str){key, size};
    return key;
}

/* ---- Removing ---- */

static void remove_subscription(struct memory_extensions *store, int64_t subscription_key) {
    size_t position = 0;
    struct gf_str key = {0};
    void *value = NULL;
    FREE_OBJECT(memory_subscription, gf_map_i64_remove(&store->subscriptions, subscription_key));
    while (gf_map_next(&store->start_keys, &position, &key, &value)) {
        if (((const struct memory_start_key *)value)->row.subscription_key == subscription_key) {
            (void)gf_map_remove(&store->start_keys, key);
            FREE_OBJECT(memory_start_key, value);
        }
    }
}

void gf_memory__remove_subscriptions(struct memory_store *store, int64_t pipeline_key) {
    size_t position = 0;
    int64_t key = 0;
    void *value = NULL;
    while (gf_map_i64_next(&store->extensions.subscriptions, &position, &key, &value)) {
        if (((const struct memory_subscription *)value)->row.pipeline_key == pipeline_key) {
            remove_subscription(&store->extensions, key);
        }
    }
}

static void remove_extension(struct memory_extensions *store, int64_t extension_key) {
    size_t position = 0;
    int64_t key = 0;
    struct gf_str text = {0};
    void *value = NULL;
    while (gf_map_i64_next(&store->subscriptions, &position, &key, &value)) {
        if (((const struct memory_subscription *)value)->row.extension_key == extension_key) {
            remove_subscription(store, key);
        }
    }
    position = 0;
    while (gf_map_i64_next(&store->deliveries, &position, &key, &value)) {
        if (((const struct memory_delivery *)value)->row.extension_key == extension_key) {
            FREE_OBJECT(memory_delivery, gf_map_i64_remove(&store->deliveries, key));
        }
    }
    position = 0;
    while (gf_map_next(&store->delivery_ids, &position, &text, &value)) {
        if (((const struct memory_delivery_id *)value)->row.extension_key == extension_key) {
            (void)gf_map_remove(&store->delivery_ids, text);
            FREE_OBJECT(memory_delivery_id, value);
        }
    }
    position = 0;
    while (gf_map_next(&store->reports, &position, &text, &value)) {
        if (((const struct memory_report *)value)->row.extension_key == extension_key) {
            (void)gf_map_remove(&store->reports, text);
            FREE_OBJECT(memory_report, value);
        }
    }
    FREE_OBJECT(memory_extension, gf_map_i64_remove(&store->extensions, extension_key));
}

static void raise_next(int64_t *next, int64_t key) {
    *next = key >= *next ? key + 1 : *next;
}

void gf_memory__delete_extensions(struct memory_store *store, const struct gf_batch *batch) {
    for (size_t i = 0; i < batch->deleted_extensions.count; i++) {
        raise_next(&store->next.next_run_key, batch->deleted_extensions.items[i]);
        remove_extension(&store->extensions, batch->deleted_extensions.items[i]);
    }
    for (size_t i = 0; i < batch->deleted_subscriptions.count; i++) {
        raise_next(&store->next.next_run_key, batch->deleted_subscriptions.items[i]);
        remove_subscription(&store->extensions, batch->deleted_subscriptions.items[i]);
    }
}

/* ---- Writing ---- */

static void put_extension(struct memory_extensions *store, const struct gf_extension *row) {
    struct memory_extension *extension = gf_map_i64_get(&store->extensions, row->extension_key);
    if (extension == NULL) {
        extension = GF_NEW(struct memory_extension);
        (void)gf_map_i64_put(&store->extensions, row->extension_key, extension);
    }
    SET_ROW(extension, gf_extension_copy, row);
}

static void put_subscription(struct memory_store *store, const struct gf_subscription *row) {
    struct memory_extensions *extensions = &store->extensions;
    struct memory_subscription *subscription =
        gf_map_i64_get(&extensions->subscriptions, row->subscription_key);
    gf_assert(gf_map_i64_get(&extensions->extensions, row->extension_key) != NULL);
    gf_assert(gf_map_i64_get(&store->pipelines, row->pipeline_key) != NULL);
    if (subscription == NULL) {
        subscription = GF_NEW(struct memory_subscription);
        (void)gf_map_i64_put(&extensions->subscriptions, row->subscription_key, subscription);
    }
    SET_ROW(subscription, gf_subscription_copy, row);
}

static void put_start_key(struct memory_extensions *store, const struct gf_start_key *row) {
    struct gf_str key = {0};
    char *memory = gf_memory__pair_key(row->subscription_key, row->key, &key);
    FREE_OBJECT(memory_start_key, gf_map_remove(&store->start_keys, key));
    struct memory_start_key *start = GF_NEW(struct memory_start_key);
    SET_ROW(start, gf_start_key_copy, row);
    (void)gf_map_put(&store->start_keys, key, start);
    free(memory);
}

static void put_start_keys(struct memory_extensions *store, const struct gf_start_key_vec *keys) {
    int64_t newest = 0;
    for (size_t i = 0; i < keys->count; i++) {
        const int64_t time = keys->items[i].create_time;
        newest = time > newest ? time : newest;
        put_start_key(store, &keys->items[i]);
    }
    size_t position = 0;
    struct gf_str key = {0};
    void *value = NULL;
    /* They stand in the order in which they came: behind the first that is young enough are few
     * others. */
    while (newest > 0 && gf_map_next(&store->start_keys, &position, &key, &value)) {
        if (((const struct memory_start_key *)value)->row.create_time >=
            newest - GF_START_KEY_AGE_NS) {
            break;
        }
        (void)gf_map_remove(&store->start_keys, key);
        FREE_OBJECT(memory_start_key, value);
    }
}

static void put_delivery_id(struct memory_extensions *store, const struct gf_delivery_id *row) {
    struct gf_str key = {0};
    char *memory = gf_memory__pair_key(row->extension_key, row->id, &key);
    FREE_OBJECT(memory_delivery_id, gf_map_remove(&store->delivery_ids, key));
    struct memory_delivery_id *id = GF_NEW(struct memory_delivery_id);
    SET_ROW(id, gf_delivery_id_copy, row);
    (void)gf_map_put(&store->delivery_ids, key, id);
    free(memory);
}

/* Those that are too old by the newest row, and those with numbers too low by `latest`. */
static void trim_delivery_ids(struct memory_extensions *store, int64_t newest,
                              const struct gf_delivery_id *latest) {
    size_t position = 0;
    struct gf_str key = {0};
    void *value = NULL;
    while (gf_map_next(&store->delivery_ids, &position, &key, &value)) {
        const struct gf_delivery_id *row = &((const struct memory_delivery_id *)value)->row;
        if (row->create_time < newest - GF_DELIVERY_ID_AGE_NS ||
            (row->extension_key == latest->extension_key &&
             row->number <= latest->number - GF_DELIVERY_IDS_MAX)) {
            (void)gf_map_remove(&store->delivery_ids, key);
            FREE_OBJECT(memory_delivery_id, value);
        }
    }
}

static void put_delivery_ids(struct memory_extensions *store,
                             const struct gf_delivery_id_vec *ids) {
    int64_t newest = 0;
    for (size_t i = 0; i < ids->count; i++) {
        const int64_t time = ids->items[i].create_time;
        newest = time > newest ? time : newest;
        put_delivery_id(store, &ids->items[i]);
    }
    for (size_t i = 0; i < ids->count; i++) {
        if (i + 1 == ids->count || ids->items[i + 1].extension_key != ids->items[i].extension_key) {
            trim_delivery_ids(store, newest, &ids->items[i]);
        }
    }
}

static void put_delivery(struct memory_extensions *store, const struct gf_delivery *row) {
    struct memory_delivery *delivery = gf_map_i64_get(&store->deliveries, row->delivery_key);
    struct gf_delivery merged = *row;
    struct gf_arena before = {0};
    if (delivery == NULL) {
        delivery = GF_NEW(struct memory_delivery);
        (void)gf_map_i64_put(&store->deliveries, row->delivery_key, delivery);
    } else if (row->content.len == 0) {
        merged.content = delivery->row.content;
        before = delivery->arena;
        delivery->arena = (struct gf_arena){0};
    }
    merged.content_bytes = (int64_t)merged.content.len;
    SET_ROW(delivery, gf_delivery_copy, &merged);
    gf_arena_fini(&before);
}

static bool is_older(const struct gf_delivery *a, const struct gf_delivery *b) {
    return a->dead_time != b->dead_time ? a->dead_time < b->dead_time
                                        : a->delivery_key < b->delivery_key;
}

/* The run of a letter that goes is given up. A key of another time is that of
 * another delivery. */
static void give_up(struct memory_extensions *store, const struct gf_delivery *row) {
    struct gf_str key = {0};
    char *memory = gf_memory__pair_key(row->subscription_key, row->key, &key);
    struct memory_start_key *start = gf_map_get(&store->start_keys, key);
    free(memory);
    if (row->kind == GF_DELIVERY_RUN_START && start != NULL &&
        start->row.outcome == GF_START_PENDING && start->row.create_time == row->create_time) {
        start->row.outcome = GF_START_REFUSED;
        start->row.reason = GF_STR(GF_START_GIVEN_UP_REASON);
        start->row.description = GF_STR(GF_START_GIVEN_UP_DESCRIPTION);
    }
}

static void trim_dead_letters(struct memory_extensions *store, int64_t extension_key) {
    for (;;) {
        size_t position = 0;
        size_t count = 0;
        void *value = NULL;
        const struct memory_delivery *oldest = NULL;
        while (gf_map_i64_next(&store->deliveries, &position, NULL, &value)) {
            const struct memory_delivery *delivery = value;
            if (delivery->row.extension_key == extension_key && delivery->row.dead) {
                count++;
                oldest =
                    oldest == NULL || is_older(&delivery->row, &oldest->row) ? delivery : oldest;
            }
        }
        if (count <= GF_DEAD_LETTERS_MAX) {
            return;
        }
        give_up(store, &oldest->row);
        FREE_OBJECT(memory_delivery,
                    gf_map_i64_remove(&store->deliveries, oldest->row.delivery_key));
    }
}

static struct memory_report *new_report(struct memory_extensions *store, struct gf_str key) {
    struct memory_report *report = GF_NEW(struct memory_report);
    report->number = ++store->latest_report;
    (void)gf_map_put(&store->reports, key, report);
    return report;
}

static void put_report(struct memory_extensions *store, const struct gf_report *row) {
    struct gf_str key = {0};
    char *memory = gf_memory__pair_key(row->extension_key, row->report_id, &key);
    struct memory_report *report = gf_map_get(&store->reports, key);
    report = report == NULL ? new_report(store, key) : report;
    SET_ROW(report, gf_report_copy, row);
    free(memory);
}

static void trim_reports(struct memory_extensions *store, int64_t extension_key) {
    for (;;) {
        size_t position = 0;
        size_t count = 0;
        void *value = NULL;
        const struct memory_report *oldest = NULL;
        while (gf_map_next(&store->reports, &position, NULL, &value)) {
            const struct memory_report *report = value;
            if (report->row.extension_key != extension_key) {
                continue;
            }
            count++;
            if (oldest == NULL || report->row.create_time < oldest->row.create_time ||
                (report->row.create_time == oldest->row.create_time &&
                 report->number < oldest->number)) {
                oldest = report;
            }
        }
        if (count <= GF_REPORTS_MAX) {
            return;
        }
        struct gf_str key = {0};
        char *memory = gf_memory__pair_key(extension_key, oldest->row.report_id, &key);
        FREE_OBJECT(memory_report, gf_map_remove(&store->reports, key));
        free(memory);
    }
}

/* Trimmed once for those of one extension that stand together, and letters behind all rows: one of
 * these may be a letter that is replayed. */
static void put_values(struct memory_extensions *store, const struct gf_batch *batch) {
    bool any_dead = false;
    for (size_t i = 0; i < batch->deliveries.count; i++) {
        put_delivery(store, &batch->deliveries.items[i]);
    }
    for (size_t i = 0; i < batch->deliveries.count; i++) {
        const struct gf_delivery *rows = batch->deliveries.items;
        any_dead = any_dead || rows[i].dead;
        if (any_dead && (i + 1 == batch->deliveries.count ||
                         rows[i + 1].extension_key != rows[i].extension_key)) {
            trim_dead_letters(store, rows[i].extension_key);
            any_dead = false;
        }
    }
    for (size_t i = 0; i < batch->reports.count; i++) {
        const struct gf_report *rows = batch->reports.items;
        put_report(store, &rows[i]);
        if (i + 1 == batch->reports.count || rows[i + 1].extension_key != rows[i].extension_key) {
            trim_reports(store, rows[i].extension_key);
        }
    }
}

/* What is deleted goes behind the rows once more: it may have come and gone within the batch. */
void gf_memory__apply_extensions(struct memory_store *store, const struct gf_batch *batch) {
    int64_t *next = &store->next.next_run_key;
    for (size_t i = 0; i < batch->extensions.count; i++) {
        put_extension(&store->extensions, batch->extensions.items[i]);
        raise_next(next, batch->extensions.items[i]->extension_key);
    }
    for (size_t i = 0; i < batch->subscriptions.count; i++) {
        put_subscription(store, batch->subscriptions.items[i]);
        raise_next(next, batch->subscriptions.items[i]->subscription_key);
    }
    for (size_t i = 0; i < batch->deliveries.count; i++) {
        raise_next(next, batch->deliveries.items[i].delivery_key);
    }
    put_start_keys(&store->extensions, &batch->start_keys);
    put_delivery_ids(&store->extensions, &batch->delivery_ids);
    put_values(&store->extensions, batch);
    for (size_t i = 0; i < batch->deleted_deliveries.count; i++) {
        const int64_t key = batch->deleted_deliveries.items[i];
        raise_next(next, key);
        FREE_OBJECT(memory_delivery, gf_map_i64_remove(&store->extensions.deliveries, key));
    }
    gf_memory__delete_extensions(store, batch);
}

/* ---- The whole ---- */

void gf_memory__copy_extensions(const struct memory_store *from, struct memory_store *to) {
    const struct memory_extensions *rows = &from->extensions;
    size_t position = 0;
    void *value = NULL;
    while (gf_map_i64_next(&rows->extensions, &position, NULL, &value)) {
        put_extension(&to->extensions, &((const struct memory_extension *)value)->row);
    }
    position = 0;
    while (gf_map_i64_next(&rows->subscriptions, &position, NULL, &value)) {
        put_subscription(to, &((const struct memory_subscription *)value)->row);
    }
    position = 0;
    while (gf_map_next(&rows->start_keys, &position, NULL, &value)) {
        put_start_key(&to->extensions, &((const struct memory_start_key *)value)->row);
    }
    position = 0;
    while (gf_map_next(&rows->delivery_ids, &position, NULL, &value)) {
        put_delivery_id(&to->extensions, &((const struct memory_delivery_id *)value)->row);
    }
    position = 0;
    while (gf_map_i64_next(&rows->deliveries, &position, NULL, &value)) {
        put_delivery(&to->extensions, &((const struct memory_delivery *)value)->row);
    }
    position = 0;
    while (gf_map_next(&rows->reports, &position, NULL, &value)) {
        const struct memory_report *report = value;
        to->extensions.latest_report = report->number - 1;
        put_report(&to->extensions, &report->row);
    }
    to->extensions.latest_report = rows->latest_report;
}

void gf_memory__free_extensions(struct memory_store *store) {
    struct memory_extensions *rows = &store->extensions;
    size_t position = 0;
    int64_t key = 0;
    while (gf_map_i64_next(&rows->extensions, &position, &key, NULL)) {
        remove_extension(rows, key);
    }
    void *value = NULL;
    position = 0;
    while (gf_map_i64_next(&rows->deliveries, &position, NULL, &value)) {
        FREE_OBJECT(memory_delivery, value);
    }
    position = 0;
    while (gf_map_next(&rows->start_keys, &position, NULL, &value)) {
        FREE_OBJECT(memory_start_key, value);
    }
    position = 0;
    while (gf_map_next(&rows->delivery_ids, &position, NULL, &value)) {
        FREE_OBJECT(memory_delivery_id, value);
    }
    position = 0;
    while (gf_map_next(&rows->reports, &position, NULL, &value)) {
        FREE_OBJECT(memory_report, value);
    }
    gf_map_i64_fini(&rows->extensions);
    gf_map_i64_fini(&rows->subscriptions);
    gf_map_fini(&rows->start_keys);
    gf_map_fini(&rows->delivery_ids);
    gf_map_i64_fini(&rows->deliveries);
    gf_map_fini(&rows->reports);
}
