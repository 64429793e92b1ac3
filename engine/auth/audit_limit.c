/*
 * Both limiters keep a number per key that shrinks with time, in a table with a list of the keys in
 * the order in which they were last seen. A key that fell out of the table starts anew: that is why
 * the audit log has a bucket for all keys together, which nothing can push out.
 */
#include "engine/auth/audit_limit.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/map.h"

#include <string.h>

#define NS_PER_MINUTE (INT64_C(60) * 1000000000)
#define LONGEST_MS_MAX (INT64_C(3600) * 1000)
#define FORGET_MS_MAX (INT64_C(24) * 3600 * 1000)

const struct gf_audit_limit_opts gf_audit_limit_defaults = {
    .keys = 1024,
    .burst = 10,
    .per_minute = 6,
    .total_burst = 100,
    .total_per_minute = 300,
};

const struct gf_login_delay_opts gf_login_delay_defaults = {
    .keys = 4096,
    .free_count = 3,
    .first_ms = 250,
    .longest_ms = 5000,
    .forget_ms = 60000,
};

/* ---- buckets ---- */

/* What is used up, in nanoseconds of the time that wins it back. */
struct bucket {
    int64_t used_ns;
    int64_t seen_ns;
};

/* How a kind of buckets works: every use costs cost_ns, and size_ns can be used up at once. */
struct measure {
    int64_t cost_ns;
    int64_t size_ns;
};

static void bucket_age(struct bucket *bucket, int64_t now_ns) {
    int64_t passed = 0;
    if (now_ns <= bucket->seen_ns) {
        return;
    }
    if (__builtin_sub_overflow(now_ns, bucket->seen_ns, &passed) || passed > bucket->used_ns) {
        passed = bucket->used_ns;
    }
    bucket->used_ns -= passed;
    bucket->seen_ns = now_ns;
}

static bool bucket_has_room(const struct bucket *bucket, const struct measure *measure) {
    return bucket->used_ns <= measure->size_ns - measure->cost_ns;
}

/* ---- tables ---- */

struct entry {
    struct gf_list_link link;
    struct bucket bucket;
    size_t key_len;
    char key[GF_AUDIT_KEY_BYTES_MAX];
};

struct table {
    struct gf_map entries; /* of struct entry, owned */
    struct gf_list order;  /* the least recently seen first */
    size_t limit;
};

static void table_init(struct table *table, size_t limit) {
    gf_assert(limit >= 1 && limit <= GF_AUDIT_KEYS_MAX);
    gf_map_init(&table->entries);
    gf_list_init(&table->order);
    table->limit = limit;
}

static void table_remove(struct table *table, struct entry *entry) {
    (void)gf_map_remove(&table->entries, (struct gf_str){entry->key, entry->key_len});
    gf_list_remove(&entry->link);
    free(entry);
}

static void table_fini(struct table *table) {
    GF_LIST_FOREACH(link, &table->order) {
        table_remove(table, GF_CONTAINER_OF(link, struct entry, link));
    }
    gf_map_fini(&table->entries);
}

static struct gf_str cut_key(struct gf_str key) {
    key.len = key.len < GF_AUDIT_KEY_BYTES_MAX ? key.len : GF_AUDIT_KEY_BYTES_MAX;
    return key;
}

static struct entry *table_add(struct table *table, struct gf_str key, int64_t now_ns) {
    if (gf_map_count(&table->entries) >= table->limit) {
        struct gf_list_link *oldest = gf_list_first(&table->order);
        table_remove(table, GF_CONTAINER_OF(oldest, struct entry, link));
    }
    struct entry *entry = GF_NEW(struct entry);
    entry->bucket.seen_ns = now_ns;
    entry->key_len = key.len;
    if (key.len > 0) {
        memcpy(entry->key, key.ptr, key.len);
    }
    (void)gf_map_put(&table->entries, key, entry);
    return entry;
}

/* The entry of the key, as of now, made where there is none. */
static struct entry *table_see(struct table *table, struct gf_str key, int64_t now_ns) {
    struct entry *entry = gf_map_get(&table->entries, cut_key(key));
    if (entry == NULL) {
        entry = table_add(table, cut_key(key), now_ns);
    }
    gf_list_remove(&entry->link);
    gf_list_push_back(&table->order, &entry->link);
    bucket_age(&entry->bucket, now_ns);
    return entry;
}

/* ---- audit ---- */

struct gf_audit_limit {
    struct table table;
    struct measure each;
    struct measure all;
    struct bucket total;
    int64_t left_out;
};

static struct measure measure_of(int64_t burst, int64_t per_minute) {
    gf_assert(burst >= 1 && burst <= GF_AUDIT_RATE_MAX);
    gf_assert(per_minute >= 1 && per_minute <= GF_AUDIT_RATE_MAX);
    const int64_t cost_ns = NS_PER_MINUTE / per_minute;
    return (struct measure){cost_ns, cost_ns * burst};
}

struct gf_audit_limit *gf_audit_limit_create(const struct gf_audit_limit_opts *opts) {
    struct gf_audit_limit *limit = GF_NEW(struct gf_audit_limit);
    limit->each = measure_of(opts->burst, opts->per_minute);
    limit->all = measure_of(opts->total_burst, opts->total_per_minute);
    table_init(&limit->table, opts->keys);
    return limit;
}

void gf_audit_limit_destroy(struct gf_audit_limit *limit) {
    if (limit == NULL) {
        return;
    }
    table_fini(&limit->table);
    free(limit);
}

/* Neither bucket is used unless both have room. */
bool gf_audit_limit_take(struct gf_audit_limit *limit, struct gf_str key, int64_t now_ns,
                         int64_t *out_left_out) {
    struct entry *entry = table_see(&limit->table, key, now_ns);
    bucket_age(&limit->total, now_ns);
    if (!bucket_has_room(&entry->bucket, &limit->each) ||
        !bucket_has_room(&limit->total, &limit->all)) {
        limit->left_out += limit->left_out < INT64_MAX ? 1 : 0;
        return false;
    }
    entry->bucket.used_ns += limit->each.cost_ns;
    limit->total.used_ns += limit->all.cost_ns;
    *out_left_out = limit->left_out;
    limit->left_out = 0;
    return true;
}

size_t gf_audit_limit_key_count(const struct gf_audit_limit *limit) {
    return gf_map_count(&limit->table.entries);
}

/* ---- failed logins ---- */

struct gf_login_delay {
    struct table table;
    struct gf_login_delay_opts opts;
    struct measure failures;
};

struct gf_login_delay *gf_login_delay_create(const struct gf_login_delay_opts *opts) {
    gf_assert(opts->free_count >= 0 && opts->free_count <= GF_LOGIN_FAILURES_MAX);
    gf_assert(opts->first_ms >= 1 && opts->first_ms <= opts->longest_ms);
    gf_assert(opts->longest_ms <= LONGEST_MS_MAX);
    gf_assert(opts->forget_ms >= 1 && opts->forget_ms <= FORGET_MS_MAX);
    struct gf_login_delay *delay = GF_NEW(struct gf_login_delay);
    delay->opts = *opts;
    delay->failures.cost_ns = opts->forget_ms * GF_NS_PER_MS;
    delay->failures.size_ns = delay->failures.cost_ns * (opts->free_count + GF_LOGIN_FAILURES_MAX);
    table_init(&delay->table, opts->keys);
    return delay;
}

void gf_login_delay_destroy(struct gf_login_delay *delay) {
    if (delay == NULL) {
        return;
    }
    table_fini(&delay->table);
    free(delay);
}

/* A failure counts until it is forgiven whole. */
static int64_t delay_of(const struct gf_login_delay *delay, const struct bucket *bucket) {
    const int64_t cost_ns = delay->failures.cost_ns;
    const int64_t failures = bucket->used_ns / cost_ns + (bucket->used_ns % cost_ns > 0 ? 1 : 0);
    const int64_t longest_ms = delay->opts.longest_ms;
    int64_t wait_ms = delay->opts.first_ms;
    if (failures <= delay->opts.free_count) {
        return 0;
    }
    for (int64_t i = delay->opts.free_count + 1; i < failures && wait_ms < longest_ms; i++) {
        wait_ms *= 2;
    }
    return wait_ms < longest_ms ? wait_ms : longest_ms;
}

int64_t gf_login_delay_failed(struct gf_login_delay *delay, struct gf_str key, int64_t now_ns) {
    struct entry *entry = table_see(&delay->table, key, now_ns);
    if (bucket_has_room(&entry->bucket, &delay->failures)) {
        entry->bucket.used_ns += delay->failures.cost_ns;
    }
    return delay_of(delay, &entry->bucket);
}

int64_t gf_login_delay_now(struct gf_login_delay *delay, struct gf_str key, int64_t now_ns) {
    struct entry *entry = gf_map_get(&delay->table.entries, cut_key(key));
    if (entry == NULL) {
        return 0;
    }
    bucket_age(&entry->bucket, now_ns);
    return delay_of(delay, &entry->bucket);
}

size_t gf_login_delay_key_count(const struct gf_login_delay *delay) {
    return gf_map_count(&delay->table.entries);
}
