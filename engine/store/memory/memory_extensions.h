/* What the memory store has of extensions: maps by key, behind its mutex. */
#ifndef GOFER_ENGINE_STORE_MEMORY_MEMORY_EXTENSIONS_H_
#define GOFER_ENGINE_STORE_MEMORY_MEMORY_EXTENSIONS_H_

#include "base/arena.h"
#include "base/map.h"
#include "engine/core/model_extensions.h"
#include "engine/store/extension_reads.h"

struct gf_batch;
struct memory_store;

struct memory_extension {
    struct gf_extension row;
    struct gf_arena arena;
};

struct memory_subscription {
    struct gf_subscription row;
    struct gf_arena arena;
};

struct memory_start_key {
    struct gf_start_key row;
    struct gf_arena arena;
};

struct memory_delivery_id {
    struct gf_delivery_id row;
    struct gf_arena arena;
};

struct memory_delivery {
    struct gf_delivery row;
    struct gf_arena arena;
};

struct memory_report {
    struct gf_report row;
    int64_t number; /* rising, in the order of first writes */
    struct gf_arena arena;
};

struct memory_extensions {
    struct gf_map_i64 extensions;
    struct gf_map_i64 subscriptions;
    struct gf_map start_keys;   /* subscription_key and key -> memory_start_key */
    struct gf_map delivery_ids; /* extension_key and id -> memory_delivery_id */
    struct gf_map_i64 deliveries;
    struct gf_map reports; /* extension_key and report_id -> memory_report */
    int64_t latest_report;
};

/* Before the other rows of the batch, and behind them. Deleted pipelines are gone by then. */
void gf_memory__delete_extensions(struct memory_store *store, const struct gf_batch *batch);
void gf_memory__apply_extensions(struct memory_store *store, const struct gf_batch *batch);
/* Of a pipeline that goes. */
void gf_memory__remove_subscriptions(struct memory_store *store, int64_t pipeline_key);
void gf_memory__copy_extensions(const struct memory_store *from, struct memory_store *to);
void gf_memory__free_extensions(struct memory_store *store);

/* The key of a start key or a report in its map, on the heap; *out_key is a view of it. */
char *gf_memory__pair_key(int64_t number, struct gf_str text, struct gf_str *out_key) GF_MUST_USE;

/* extension_reads.c */
extern const struct gf_store_extension_ops gf_memory__extension_ops;

#endif /* GOFER_ENGINE_STORE_MEMORY_MEMORY_EXTENSIONS_H_ */
