/* The readers of what is of extensions. */
#include "engine/core/copy_extensions.h"
#include "engine/store/memory/list_internal.h"
#include "engine/store/memory/memory_internal.h"

#include <inttypes.h>

/* ---- Extensions ---- */

static const struct gf_extension *find_extension(const struct memory_extensions *store,
                                                 struct gf_str extension_id) {
    size_t position = 0;
    void *value = NULL;
    while (gf_map_i64_next(&store->extensions, &position, NULL, &value)) {
        const struct gf_extension *row = &((const struct memory_extension *)value)->row;
        if (gf_str_eq(row->extension_id, extension_id)) {
            return row;
        }
    }
    return NULL;
}

static enum gf_code fail_extension(struct gf_str extension_id, struct gf_error *err) {
    return gf_fail(err, GF_NOT_FOUND, "extension '%" GF_STR_FMT "' not found",
                   GF_STR_ARG(extension_id));
}

static enum gf_code get(struct gf_store_reader *reader, struct gf_str extension_id,
                        struct gf_arena *arena, struct gf_extension *out, struct gf_error *err) {
    GF_MUTEX_GUARD(&reader->store->mutex);
    const struct gf_extension *row = find_extension(&reader->store->extensions, extension_id);
    if (row == NULL) {
        return fail_extension(extension_id, err);
    }
    gf_extension_copy(row, arena, out);
    return GF_OK;
}

static int compare_extensions(const void *left, const void *right) {
    const struct gf_extension *a = *(const struct gf_extension *const *)left;
    const struct gf_extension *b = *(const struct gf_extension *const *)right;
    return gf_str_cmp(a->extension_id, b->extension_id);
}

static enum gf_code list(struct gf_store_reader *reader, struct gf_str after_extension_id,
                         size_t limit, struct gf_arena *arena, struct gf_extension **out_items,
                         size_t *out_count, GF_UNUSED struct gf_error *err) {
    GF_MUTEX_GUARD(&reader->store->mutex);
    struct rows rows = {0};
    size_t position = 0;
    void *value = NULL;
    while (gf_map_i64_next(&reader->store->extensions.extensions, &position, NULL, &value)) {
        const struct gf_extension *row = &((const struct memory_extension *)value)->row;
        if (gf_str_cmp(row->extension_id, after_extension_id) > 0) {
            gf_vec_push(&rows, row);
        }
    }
    rows_sort(&rows, compare_extensions);
    COPY_PAGE(&rows, limit, struct gf_extension, gf_extension_copy, arena, out_items, out_count);
    return GF_OK;
}

static enum gf_code count_rows(struct gf_store_reader *reader, int64_t extension_key,
                               struct gf_extension_counts *out, GF_UNUSED struct gf_error *err) {
    GF_MUTEX_GUARD(&reader->store->mutex);
    const struct memory_extensions *store = &reader->store->extensions;
    struct gf_extension_counts counts = {0};
    size_t position = 0;
    void *value = NULL;
    while (gf_map_i64_next(&store->subscriptions, &position, NULL, &value)) {
        counts.subscriptions +=
            ((const struct memory_subscription *)value)->row.extension_key == extension_key;
    }
    position = 0;
    while (gf_map_i64_next(&store->deliveries, &position, NULL, &value)) {
        const struct gf_delivery *row = &((const struct memory_delivery *)value)->row;
        if (row->extension_key == extension_key && row->dead) {
            counts.dead_letters++;
        } else if (row->extension_key == extension_key) {
            counts.pending_deliveries++;
            counts.pending_bytes += row->content_bytes;
        }
    }
    position = 0;
    while (gf_map_next(&store->delivery_ids, &position, NULL, &value)) {
        const struct gf_delivery_id *row = &((const struct memory_delivery_id *)value)->row;
        if (row->extension_key == extension_key && row->number > counts.latest_id_number) {
            counts.latest_id_number = row->number;
        }
    }
    *out = counts;
    return GF_OK;
}

/* ---- Subscriptions ---- */

/* The order of lists: by the ids of the row, against the four of a place. */
static int compare_place(const struct gf_subscription *row, const struct gf_str place[4]) {
    int order = gf_str_cmp(row->namespace_id, place[0]);
    order = order != 0 ? order : gf_str_cmp(row->pipeline_id, place[1]);
    order = order != 0 ? order : gf_str_cmp(row->extension_id, place[2]);
    return order != 0 ? order : gf_str_cmp(row->subscription_id, place[3]);
}

static int compare_names(const void *left, const void *right) {
    const struct gf_subscription *a = *(const struct gf_subscription *const *)left;
    const struct gf_subscription *b = *(const struct gf_subscription *const *)right;
    const struct gf_str place[] = {b->namespace_id, b->pipeline_id, b->extension_id,
                                   b->subscription_id};
    return compare_place(a, place);
}

static int compare_keys(const void *left, const void *right) {
    const struct gf_subscription *a = *(const struct gf_subscription *const *)left;
    const struct gf_subscription *b = *(const struct gf_subscription *const *)right;
    return a->subscription_key < b->subscription_key ? -1
                                                     : a->subscription_key > b->subscription_key;
}

static enum gf_code fail_subscription(const struct memory_store *store, const struct gf_str ids[4],
                                      struct gf_error *err) {
    const struct memory_namespace *ns = gf_memory__find_namespace(store, ids[0]);
    if (ns == NULL) {
        return gf_fail(err, GF_NOT_FOUND, "namespace '%" GF_STR_FMT "' not found",
                       GF_STR_ARG(ids[0]));
    }
    if (gf_memory__find_pipeline(store, ns->row.namespace_key, ids[1]) == NULL) {
        return gf_fail(err, GF_NOT_FOUND,
                       "pipeline '%" GF_STR_FMT "' not found in namespace '%" GF_STR_FMT "'",
                       GF_STR_ARG(ids[1]), GF_STR_ARG(ids[0]));
    }
    if (find_extension(&store->extensions, ids[2]) == NULL) {
        return fail_extension(ids[2], err);
    }
    return gf_fail(err, GF_NOT_FOUND,
                   "subscription '%" GF_STR_FMT "' of extension '%" GF_STR_FMT
                   "' not found in pipeline '%" GF_STR_FMT "' of namespace '%" GF_STR_FMT "'",
                   GF_STR_ARG(ids[3]), GF_STR_ARG(ids[2]), GF_STR_ARG(ids[1]), GF_STR_ARG(ids[0]));
}

static enum gf_code get_subscription(struct gf_store_reader *reader, struct gf_str namespace_id,
                                     struct gf_str pipeline_id, struct gf_str extension_id,
                                     struct gf_str subscription_id, struct gf_arena *arena,
                                     struct gf_subscription *out, struct gf_error *err) {
    GF_MUTEX_GUARD(&reader->store->mutex);
    const struct gf_str ids[] = {namespace_id, pipeline_id, extension_id, subscription_id};
    size_t position = 0;
    void *value = NULL;
    while (gf_map_i64_next(&reader->store->extensions.subscriptions, &position, NULL, &value)) {
        const struct gf_subscription *row = &((const struct memory_subscription *)value)->row;
        if (compare_place(row, ids) == 0) {
            gf_subscription_copy(row, arena, out);
            return GF_OK;
        }
    }
    return fail_subscription(reader->store, ids, err);
}

static bool is_listed(const struct gf_subscription *row,
                      const struct gf_subscription_list_options *options) {
    return (options->namespace_key == 0 || row->namespace_key == options->namespace_key) &&
           (options->pipeline_key == 0 || row->pipeline_key == options->pipeline_key) &&
           (options->extension_key == 0 || row->extension_key == options->extension_key) &&
           compare_place(row, options->after) > 0;
}

static enum gf_code list_subscriptions(struct gf_store_reader *reader,
                                       const struct gf_subscription_list_options *options,
                                       struct gf_arena *arena, struct gf_subscription **out_items,
                                       size_t *out_count, GF_UNUSED struct gf_error *err) {
    GF_MUTEX_GUARD(&reader->store->mutex);
    struct rows rows = {0};
    size_t position = 0;
    void *value = NULL;
    while (gf_map_i64_next(&reader->store->extensions.subscriptions, &position, NULL, &value)) {
        const struct gf_subscription *row = &((const struct memory_subscription *)value)->row;
        if (is_listed(row, options)) {
            gf_vec_push(&rows, row);
        }
    }
    rows_sort(&rows, compare_names);
    COPY_PAGE(&rows, options->limit, struct gf_subscription, gf_subscription_copy, arena, out_items,
              out_count);
    return GF_OK;
}

static enum gf_code scan_subscriptions(struct gf_store_reader *reader, int64_t extension_key,
                                       int64_t after_subscription_key, size_t limit,
                                       struct gf_arena *arena, struct gf_subscription **out_items,
                                       size_t *out_count, GF_UNUSED struct gf_error *err) {
    GF_MUTEX_GUARD(&reader->store->mutex);
    struct rows rows = {0};
    size_t position = 0;
    void *value = NULL;
    while (gf_map_i64_next(&reader->store->extensions.subscriptions, &position, NULL, &value)) {
        const struct gf_subscription *row = &((const struct memory_subscription *)value)->row;
        if (row->subscription_key > after_subscription_key &&
            (extension_key == 0 || row->extension_key == extension_key)) {
            gf_vec_push(&rows, row);
        }
    }
    rows_sort(&rows, compare_keys);
    COPY_PAGE(&rows, limit, struct gf_subscription, gf_subscription_copy, arena, out_items,
              out_count);
    return GF_OK;
}

/* ---- Starts and deliveries ---- */

static enum gf_code get_start_key(struct gf_store_reader *reader, int64_t subscription_key,
                                  struct gf_str key, struct gf_arena *arena,
                                  struct gf_start_key *out, struct gf_error *err) {
    GF_MUTEX_GUARD(&reader->store->mutex);
    struct gf_str pair = {0};
    char *memory = gf_memory__pair_key(subscription_key, key, &pair);
    const struct memory_start_key *start = gf_map_get(&reader->store->extensions.start_keys, pair);
    free(memory);
    if (start == NULL) {
        return gf_fail(err, GF_NOT_FOUND, "start key '%" GF_STR_FMT "' not found", GF_STR_ARG(key));
    }
    gf_start_key_copy(&start->row, arena, out);
    return GF_OK;
}

static enum gf_code get_delivery_id(struct gf_store_reader *reader, int64_t extension_key,
                                    struct gf_str id, struct gf_arena *arena,
                                    struct gf_delivery_id *out, struct gf_error *err) {
    GF_MUTEX_GUARD(&reader->store->mutex);
    struct gf_str pair = {0};
    char *memory = gf_memory__pair_key(extension_key, id, &pair);
    const struct memory_delivery_id *found =
        gf_map_get(&reader->store->extensions.delivery_ids, pair);
    free(memory);
    if (found == NULL) {
        return gf_fail(err, GF_NOT_FOUND, "delivery id '%" GF_STR_FMT "' not found",
                       GF_STR_ARG(id));
    }
    gf_delivery_id_copy(&found->row, arena, out);
    return GF_OK;
}

/* Without its content. */
static void copy_head(const struct gf_delivery *from, struct gf_arena *arena,
                      struct gf_delivery *out) {
    struct gf_delivery head = *from;
    head.content = GF_STR("");
    gf_delivery_copy(&head, arena, out);
    out->content_bytes = from->content_bytes;
}

static enum gf_code get_delivery(struct gf_store_reader *reader, int64_t delivery_key,
                                 bool with_content, struct gf_arena *arena, struct gf_delivery *out,
                                 struct gf_error *err) {
    GF_MUTEX_GUARD(&reader->store->mutex);
    const struct memory_delivery *delivery =
        gf_map_i64_get(&reader->store->extensions.deliveries, delivery_key);
    if (delivery == NULL) {
        return gf_fail(err, GF_NOT_FOUND, "delivery %" PRId64 " not found", delivery_key);
    }
    (with_content ? gf_delivery_copy : copy_head)(&delivery->row, arena, out);
    return GF_OK;
}

/* Dead ones newest first, others oldest first: below 0 where `a` comes before. */
static int compare_newest(const struct gf_delivery *a, int64_t dead_time, int64_t key) {
    if (a->dead_time != dead_time) {
        return a->dead_time > dead_time ? -1 : 1;
    }
    return a->delivery_key > key ? -1 : a->delivery_key < key;
}

static int compare_dead(const void *left, const void *right) {
    const struct gf_delivery *b = *(const struct gf_delivery *const *)right;
    return compare_newest(*(const struct gf_delivery *const *)left, b->dead_time, b->delivery_key);
}

static int compare_pending(const void *left, const void *right) {
    const struct gf_delivery *a = *(const struct gf_delivery *const *)left;
    const struct gf_delivery *b = *(const struct gf_delivery *const *)right;
    return a->delivery_key < b->delivery_key ? -1 : a->delivery_key > b->delivery_key;
}

static bool is_behind(const struct gf_delivery *row,
                      const struct gf_delivery_list_options *options) {
    if (!options->dead) {
        return row->delivery_key > options->after_key;
    }
    return (options->after_dead_time == 0 && options->after_key == 0) ||
           compare_newest(row, options->after_dead_time, options->after_key) > 0;
}

static enum gf_code list_deliveries(struct gf_store_reader *reader,
                                    const struct gf_delivery_list_options *options,
                                    struct gf_arena *arena, struct gf_delivery **out_items,
                                    size_t *out_count, GF_UNUSED struct gf_error *err) {
    GF_MUTEX_GUARD(&reader->store->mutex);
    struct rows rows = {0};
    size_t position = 0;
    void *value = NULL;
    while (gf_map_i64_next(&reader->store->extensions.deliveries, &position, NULL, &value)) {
        const struct gf_delivery *row = &((const struct memory_delivery *)value)->row;
        if (row->extension_key == options->extension_key && row->dead == options->dead &&
            is_behind(row, options)) {
            gf_vec_push(&rows, row);
        }
    }
    rows_sort(&rows, options->dead ? compare_dead : compare_pending);
    COPY_PAGE(&rows, options->limit, struct gf_delivery, copy_head, arena, out_items, out_count);
    return GF_OK;
}

/* ---- Reports ---- */

static bool report_is_before(const struct memory_report *a, int64_t time, int64_t number) {
    return a->row.create_time < time || (a->row.create_time == time && a->number < number);
}

static int compare_reports(const void *left, const void *right) {
    const struct memory_report *a = *(const struct memory_report *const *)left;
    const struct memory_report *b = *(const struct memory_report *const *)right;
    return report_is_before(a, b->row.create_time, b->number) ? 1 : -1;
}

static bool report_is_listed(const struct memory_report *report,
                             const struct gf_report_list_options *options) {
    const struct gf_report *row = &report->row;
    const bool from_newest = options->after_time == 0 && options->after_row == 0;
    return (options->extension_key == 0 || row->extension_key == options->extension_key) &&
           (options->run_id == 0 ||
            (row->pipeline_key == options->pipeline_key && row->run_id == options->run_id)) &&
           (from_newest || report_is_before(report, options->after_time, options->after_row));
}

static enum gf_code list_reports(struct gf_store_reader *reader,
                                 const struct gf_report_list_options *options,
                                 struct gf_arena *arena, struct gf_report **out_items,
                                 int64_t **out_rows, size_t *out_count,
                                 GF_UNUSED struct gf_error *err) {
    GF_MUTEX_GUARD(&reader->store->mutex);
    gf_assert(options->run_id != 0 || options->extension_key != 0);
    struct rows rows = {0};
    size_t position = 0;
    void *value = NULL;
    while (gf_map_next(&reader->store->extensions.reports, &position, NULL, &value)) {
        if (report_is_listed(value, options)) {
            gf_vec_push(&rows, value);
        }
    }
    rows_sort(&rows, compare_reports);
    const size_t count = rows_page_size(&rows, options->limit);
    struct gf_report *items = count == 0 ? NULL : GF_ARENA_ARRAY(arena, count, struct gf_report);
    int64_t *numbers = count == 0 ? NULL : GF_ARENA_ARRAY(arena, count, int64_t);
    for (size_t i = 0; i < count; i++) {
        const struct memory_report *report = rows.items[i];
        gf_report_copy(&report->row, arena, &items[i]);
        numbers[i] = report->number;
    }
    gf_vec_fini(&rows);
    *out_items = items;
    *out_rows = numbers;
    *out_count = count;
    return GF_OK;
}

const struct gf_store_extension_ops gf_memory__extension_ops = {
    .get = get,
    .list = list,
    .count = count_rows,
    .get_subscription = get_subscription,
    .list_subscriptions = list_subscriptions,
    .scan_subscriptions = scan_subscriptions,
    .get_start_key = get_start_key,
    .get_delivery_id = get_delivery_id,
    .get_delivery = get_delivery,
    .list_deliveries = list_deliveries,
    .list_reports = list_reports,
};
