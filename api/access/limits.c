/*
 * Design: the bucket of a token is one atomic number in its entry, so that calls with a token meet
 * nowhere. Addresses are in a map under a mutex, which only calls without a token, and refused
 * ones, take. An address is kept while it has open calls; of the others the least recently seen
 * goes when there are too many, which gives it a full bucket again.
 */
#include "api/access/limits.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/map.h"
#include "base/sync.h"
#include "engine/auth/audit_limit.h"

#include <string.h>

enum {
    IDLE_ADDRESSES_MAX = 4096,
};

struct address {
    struct gf_list_link idle_link; /* linked while open_count is 0 */
    _Atomic int64_t bucket_ns;
    int64_t open_count;
    size_t key_len;
    char key[];
};

struct gf_access_limits {
    struct gf_access_limits_opts opts;
    struct gf_mutex mutex; /* guards what follows */
    struct gf_map addresses;
    struct gf_list idle; /* the least recently seen first */
    size_t idle_count;
    struct gf_login_delay *logins;
    struct gf_audit_limit *audit;
};

struct gf_access_limits *gf_access_limits_create(const struct gf_access_limits_opts *opts) {
    struct gf_access_limits *limits = GF_NEW(struct gf_access_limits);
    limits->opts = *opts;
    gf_mutex_init(&limits->mutex, GF_RANK_GATE);
    gf_list_init(&limits->idle);
    limits->logins = gf_login_delay_create(&gf_login_delay_defaults);
    limits->audit = gf_audit_limit_create(&gf_audit_limit_defaults);
    return limits;
}

void gf_access_limits_destroy(struct gf_access_limits *limits) {
    if (limits == NULL) {
        return;
    }
    void *value = NULL;
    size_t position = 0;
    while (gf_map_next(&limits->addresses, &position, NULL, &value)) {
        free(value);
    }
    gf_map_fini(&limits->addresses);
    gf_login_delay_destroy(limits->logins);
    gf_audit_limit_destroy(limits->audit);
    gf_mutex_fini(&limits->mutex);
    free(limits);
}

bool gf_rate_take(_Atomic int64_t *bucket_ns, int64_t rate_max, int64_t now_ns) {
    if (rate_max < 0) {
        return true;
    }
    if (rate_max == 0) {
        return false;
    }
    const int64_t cost_ns = rate_max > GF_NS_PER_SEC ? 1 : GF_NS_PER_SEC / rate_max;
    int64_t full_ns = atomic_load_explicit(bucket_ns, memory_order_relaxed);
    int64_t next_ns = 0;
    do {
        const int64_t start_ns = full_ns > now_ns ? full_ns : now_ns;
        next_ns = start_ns + cost_ns;
        if (next_ns - now_ns > GF_NS_PER_SEC) {
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(bucket_ns, &full_ns, next_ns,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

/* ---- addresses ---- */

static struct gf_str key_of(const struct address *address) {
    return (struct gf_str){address->key, address->key_len};
}

static void remove_address(struct gf_access_limits *limits, struct address *address) {
    (void)gf_map_remove(&limits->addresses, key_of(address));
    free(address);
}

static void make_busy(struct gf_access_limits *limits, struct address *address) {
    if (gf_list_linked(&address->idle_link)) {
        gf_list_remove(&address->idle_link);
        limits->idle_count--;
    }
}

static void make_idle(struct gf_access_limits *limits, struct address *address) {
    gf_list_push_back(&limits->idle, &address->idle_link);
    if (++limits->idle_count > IDLE_ADDRESSES_MAX) {
        struct gf_list_link *oldest = gf_list_pop_front(&limits->idle);
        limits->idle_count--;
        remove_address(limits, GF_CONTAINER_OF(oldest, struct address, idle_link));
    }
}

/* Out of the list of the idle ones: who calls puts it back. */
static struct address *get_address(struct gf_access_limits *limits, struct gf_str key) {
    gf_mutex_assert_held(&limits->mutex);
    struct address *address = gf_map_get(&limits->addresses, key);
    if (address == NULL) {
        address = gf_calloc(1, sizeof(*address) + key.len);
        memcpy(address->key, key.ptr, key.len);
        address->key_len = key.len;
        (void)gf_map_put(&limits->addresses, key, address);
    }
    make_busy(limits, address);
    return address;
}

static void put_back(struct gf_access_limits *limits, struct address *address) {
    if (address->open_count == 0) {
        make_idle(limits, address);
    }
}

bool gf_access_limits_take_address(struct gf_access_limits *limits, struct gf_str key,
                                   int64_t now_ns) {
    GF_MUTEX_GUARD(&limits->mutex);
    struct address *address = get_address(limits, key);
    const bool taken = gf_rate_take(&address->bucket_ns, limits->opts.address_rate_max, now_ns);
    put_back(limits, address);
    return taken;
}

bool gf_access_limits_open(struct gf_access_limits *limits, struct gf_str key) {
    GF_MUTEX_GUARD(&limits->mutex);
    const int64_t most = limits->opts.address_calls_max;
    struct address *address = get_address(limits, key);
    const bool opened = most < 0 || address->open_count < most;
    address->open_count += opened ? 1 : 0;
    put_back(limits, address);
    return opened;
}

void gf_access_limits_close(struct gf_access_limits *limits, struct gf_str key) {
    GF_MUTEX_GUARD(&limits->mutex);
    struct address *address = gf_map_get(&limits->addresses, key);
    gf_assert(address != NULL && address->open_count > 0);
    address->open_count--;
    put_back(limits, address);
}

int64_t gf_access_limits_failed_login(struct gf_access_limits *limits, struct gf_str key,
                                      int64_t now_ns) {
    GF_MUTEX_GUARD(&limits->mutex);
    return gf_login_delay_failed(limits->logins, key, now_ns);
}

bool gf_access_limits_audit(struct gf_access_limits *limits, struct gf_str key, int64_t now_ns,
                            int64_t *out_left_out) {
    GF_MUTEX_GUARD(&limits->mutex);
    return gf_audit_limit_take(limits->audit, key, now_ns, out_left_out);
}

void gf_access_limits_count(struct gf_access_limits *limits, size_t *out_known, size_t *out_open) {
    GF_MUTEX_GUARD(&limits->mutex);
    *out_known = gf_map_count(&limits->addresses);
    *out_open = *out_known - limits->idle_count;
}
