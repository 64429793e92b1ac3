/*
 * The reads of the store port that are about extensions: a part of struct gf_store_ops (store.h),
 * whose rules hold here. What changes in a row after its first commit: of an extension all but its
 * key, id, installer and create_time; of a subscription all but its keys, ids and create_time; of a
 * start key outcome, run_id, reason and description; of a delivery dead, attempt_count, the times
 * but create_time, and description; of a report everything but its ids.
 *
 * Kept by the store itself, a few rows with each batch: start keys for GF_START_KEY_AGE_NS, ids of
 * deliveries for GF_DELIVERY_ID_AGE_NS, by the create_time of the newest, and of an extension those
 * of the newest GF_DELIVERY_IDS_MAX numbers; of an extension the newest GF_REPORTS_MAX reports and
 * GF_DEAD_LETTERS_MAX dead letters.
 */
#ifndef GOFER_ENGINE_STORE_EXTENSION_READS_H_
#define GOFER_ENGINE_STORE_EXTENSION_READS_H_

#include "base/arena.h"
#include "base/error.h"
#include "engine/core/model_extensions.h"

struct gf_store_reader;

/* Which subscriptions: those that meet all that is set. */
struct gf_subscription_list_options {
    int64_t namespace_key; /* 0 = any */
    int64_t pipeline_key;  /* 0 = any */
    int64_t extension_key; /* 0 = any */
    /* Behind these, in the order namespace_id, pipeline_id, extension_id, subscription_id (bytes);
     * all empty = from the beginning. */
    struct gf_str after[4];
    size_t limit;
};

struct gf_delivery_list_options {
    int64_t extension_key;
    bool dead;
    /* Dead ones: newest first, behind (= older than) this dead_time and key. Others: oldest first,
     * behind this key. 0 = from the beginning. */
    int64_t after_dead_time;
    int64_t after_key;
    size_t limit;
};

struct gf_report_list_options {
    int64_t extension_key; /* 0 = any; then with a run */
    int64_t pipeline_key;  /* with run_id; 0 = any */
    int64_t run_id;
    /* Newest first: behind this create_time and row; 0 = from the newest. */
    int64_t after_time;
    int64_t after_row;
    size_t limit;
};

struct gf_extension_counts {
    int64_t subscriptions;
    int64_t pending_deliveries;
    int64_t pending_bytes; /* their contents together */
    int64_t dead_letters;
    int64_t latest_id_number; /* the highest of its delivery ids; 0 = there is none */
};

struct gf_store_extension_ops {
    /* By id; GF_NOT_FOUND. Installers (gf_extension.installer) are found. */
    enum gf_code (*get)(struct gf_store_reader *reader, struct gf_str extension_id,
                        struct gf_arena *arena, struct gf_extension *out, struct gf_error *err);
    /* By extension_id, bytewise. */
    enum gf_code (*list)(struct gf_store_reader *reader, struct gf_str after_extension_id,
                         size_t limit, struct gf_arena *arena, struct gf_extension **out_items,
                         size_t *out_count, struct gf_error *err);
    enum gf_code (*count)(struct gf_store_reader *reader, int64_t extension_key,
                          struct gf_extension_counts *out, struct gf_error *err);
    /* GF_NOT_FOUND says which: namespace, pipeline, extension or subscription. */
    enum gf_code (*get_subscription)(struct gf_store_reader *reader, struct gf_str namespace_id,
                                     struct gf_str pipeline_id, struct gf_str extension_id,
                                     struct gf_str subscription_id, struct gf_arena *arena,
                                     struct gf_subscription *out, struct gf_error *err);
    enum gf_code (*list_subscriptions)(struct gf_store_reader *reader,
                                       const struct gf_subscription_list_options *options,
                                       struct gf_arena *arena, struct gf_subscription **out_items,
                                       size_t *out_count, struct gf_error *err);
    /* All, by subscription_key: for a start, and for an extension that connects (extension_key 0:
     * of all). */
    enum gf_code (*scan_subscriptions)(struct gf_store_reader *reader, int64_t extension_key,
                                       int64_t after_subscription_key, size_t limit,
                                       struct gf_arena *arena, struct gf_subscription **out_items,
                                       size_t *out_count, struct gf_error *err);
    /* GF_NOT_FOUND where the key is free. */
    enum gf_code (*get_start_key)(struct gf_store_reader *reader, int64_t subscription_key,
                                  struct gf_str key, struct gf_arena *arena,
                                  struct gf_start_key *out, struct gf_error *err);
    /* GF_NOT_FOUND where the id is free. */
    enum gf_code (*get_delivery_id)(struct gf_store_reader *reader, int64_t extension_key,
                                    struct gf_str id, struct gf_arena *arena,
                                    struct gf_delivery_id *out, struct gf_error *err);
    /* Its content is left empty but for with_content. */
    enum gf_code (*get_delivery)(struct gf_store_reader *reader, int64_t delivery_key,
                                 bool with_content, struct gf_arena *arena, struct gf_delivery *out,
                                 struct gf_error *err);
    enum gf_code (*list_deliveries)(struct gf_store_reader *reader,
                                    const struct gf_delivery_list_options *options,
                                    struct gf_arena *arena, struct gf_delivery **out_items,
                                    size_t *out_count, struct gf_error *err);
    /* *out_rows: for after_row, one for each item. */
    enum gf_code (*list_reports)(struct gf_store_reader *reader,
                                 const struct gf_report_list_options *options,
                                 struct gf_arena *arena, struct gf_report **out_items,
                                 int64_t **out_rows, size_t *out_count, struct gf_error *err);
};

#endif /* GOFER_ENGINE_STORE_EXTENSION_READS_H_ */
