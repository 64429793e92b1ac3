/* Rows of extensions and what belongs to them. */
#include "engine/store/testing/rows.h"

#define TIME INT64_C(1700000000000000000)

struct gf_extension *gf_rows_extension(struct gf_rows *rows, int64_t extension_key,
                                       const char *extension_id) {
    struct gf_extension *extension = GF_ARENA_NEW(&rows->arena, struct gf_extension);
    extension->extension_key = extension_key;
    extension->extension_id = gf_str_from(extension_id);
    extension->update_policy = GF_EXTENSION_UPDATE_NEVER;
    extension->create_time = TIME;
    extension->update_time = TIME;
    gf_vec_push(&rows->batch.extensions, extension);
    return extension;
}

struct gf_subscription *gf_rows_subscription(struct gf_rows *rows,
                                             const struct gf_pipeline *pipeline,
                                             const struct gf_extension *extension,
                                             int64_t subscription_key,
                                             const char *subscription_id) {
    struct gf_subscription *subscription = GF_ARENA_NEW(&rows->arena, struct gf_subscription);
    subscription->subscription_key = subscription_key;
    subscription->extension_key = extension->extension_key;
    subscription->pipeline_key = pipeline->pipeline_key;
    subscription->namespace_key = pipeline->namespace_key;
    subscription->namespace_id = pipeline->namespace_id;
    subscription->pipeline_id = pipeline->pipeline_id;
    subscription->extension_id = extension->extension_id;
    subscription->subscription_id = gf_str_from(subscription_id);
    subscription->generation = 1;
    subscription->status = GF_SUBSCRIPTION_ACTIVE;
    subscription->create_time = TIME;
    subscription->update_time = TIME;
    gf_vec_push(&rows->batch.subscriptions, subscription);
    return subscription;
}

struct gf_start_key *gf_rows_start_key(struct gf_rows *rows, int64_t subscription_key,
                                       const char *key, int64_t create_time) {
    struct gf_start_key *start = gf_vec_push_zeroed(&rows->batch.start_keys);
    start->subscription_key = subscription_key;
    start->key = gf_str_from(key);
    start->outcome = GF_START_STARTED;
    start->run_id = 1;
    start->create_time = create_time;
    return start;
}

struct gf_delivery_id *gf_rows_delivery_id(struct gf_rows *rows, int64_t extension_key,
                                           const char *id, int64_t number, int64_t create_time) {
    struct gf_delivery_id *row = gf_vec_push_zeroed(&rows->batch.delivery_ids);
    row->extension_key = extension_key;
    row->id = gf_str_from(id);
    row->number = number;
    row->delivery_key = extension_key * 10000000 + number;
    row->create_time = create_time;
    return row;
}

struct gf_delivery *gf_rows_delivery(struct gf_rows *rows, const struct gf_extension *extension,
                                     int64_t delivery_key) {
    struct gf_delivery *delivery = gf_vec_push_zeroed(&rows->batch.deliveries);
    delivery->delivery_key = delivery_key;
    delivery->extension_key = extension->extension_key;
    delivery->kind = GF_DELIVERY_RUN_START;
    delivery->create_time = TIME + delivery_key;
    delivery->next_attempt_time = TIME + delivery_key;
    delivery->content = GF_STR("\x01\x00 bytes");
    delivery->content_bytes = (int64_t)delivery->content.len;
    return delivery;
}

struct gf_report *gf_rows_report(struct gf_rows *rows, const struct gf_extension *extension,
                                 const char *report_id, int64_t create_time) {
    struct gf_report *report = gf_vec_push_zeroed(&rows->batch.reports);
    report->extension_key = extension->extension_key;
    report->extension_id = extension->extension_id;
    report->report_id = gf_str_from(report_id);
    report->outcome = GF_REPORT_SUCCESSFUL;
    report->title = GF_STR("done");
    report->create_time = create_time;
    return report;
}

void gf_rows_again_extension(struct gf_rows *rows, const struct gf_extension *extension) {
    gf_vec_push(&rows->batch.extensions, extension);
}

void gf_rows_again_subscription(struct gf_rows *rows, const struct gf_subscription *subscription) {
    gf_vec_push(&rows->batch.subscriptions, subscription);
}

void gf_rows_again_delivery(struct gf_rows *rows, const struct gf_delivery *delivery) {
    gf_vec_push(&rows->batch.deliveries, *delivery);
}

void gf_rows_delete_extension(struct gf_rows *rows, int64_t extension_key) {
    gf_vec_push(&rows->batch.deleted_extensions, extension_key);
}

void gf_rows_delete_subscription(struct gf_rows *rows, int64_t subscription_key) {
    gf_vec_push(&rows->batch.deleted_subscriptions, subscription_key);
}

void gf_rows_delete_delivery(struct gf_rows *rows, int64_t delivery_key) {
    gf_vec_push(&rows->batch.deleted_deliveries, delivery_key);
}
