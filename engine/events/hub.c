/*
 * Design: the ring is an array of slots with room for an event's ids, so that publishing allocates
 * nothing but what few events have besides. Followers that ask for the same ids share a watch,
 * found by a map: an event looks for at most four watches (all, its namespace, its pipeline, its
 * run), so that a batch costs the same however many follow other things. Only armed followers are
 * in a watch's list.
 *
 * wake() is called without the mutex. A follower that is to be woken moves to `pending` first;
 * remove() takes it out of there, or waits while its wake() runs.
 */
#include "engine/events/hub.h"

#include "base/alloc.h"
#include "base/identifier.h"
#include "base/map.h"
#include "base/sync.h"
#include "engine/core/copy.h"

enum {
    IDS_PER_EVENT = 3,
    LEVELS = 4,         /* of what a filter names: nothing, a namespace, a pipeline, a run */
    READ_AT_ONCE = 512, /* events that a reader looks at while it holds the mutex */
    KEY_BYTES_MAX = 2 * (GF_IDENTIFIER_CHARS_MAX + 1) + sizeof(int64_t),
};

struct slot {
    struct gf_event event;
    char *more; /* heap: the texts that are no ids, and the metadata; NULL = none */
    char text[IDS_PER_EVENT * GF_IDENTIFIER_CHARS_MAX];
};

/* Those who follow the same ids. */
struct gf_event_watch {
    struct gf_list armed;
    size_t follower_count;
    int level;
    size_t key_len;
    char key[KEY_BYTES_MAX];
};

struct gf_event_hub {
    struct gf_mutex mutex;
    struct gf_cond woken; /* a wake() has returned */
    struct slot *ring;
    int64_t oldest; /* in the ring; newest + 1 while it is empty */
    _Atomic int64_t newest;
    struct gf_map watches;
    size_t follower_count;
    size_t armed_counts[LEVELS];
    struct gf_list pending; /* to be woken */
    uint64_t wakes_total;
    uint64_t misses_total;
};

static struct slot *slot_of(const struct gf_event_hub *hub, int64_t sequence) {
    return &hub->ring[sequence % GF_EVENT_HUB_RING_EVENTS];
}

struct gf_event_hub *gf_event_hub_create(void) {
    struct gf_event_hub *hub = GF_NEW(struct gf_event_hub);
    gf_mutex_init(&hub->mutex, GF_RANK_EVENTS);
    gf_cond_init(&hub->woken);
    gf_list_init(&hub->pending);
    /* Zeroed memory of this size is given by the kernel page by page, as it is used. */
    hub->ring = gf_calloc(GF_EVENT_HUB_RING_EVENTS, sizeof(*hub->ring));
    hub->oldest = 1;
    return hub;
}

void gf_event_hub_destroy(struct gf_event_hub *hub) {
    if (hub == NULL) {
        return;
    }
    gf_assert(hub->follower_count == 0);
    gf_map_fini(&hub->watches);
    gf_cond_fini(&hub->woken);
    gf_mutex_fini(&hub->mutex);
    for (int64_t sequence = hub->oldest; sequence <= hub->newest; sequence++) {
        free(slot_of(hub, sequence)->more);
    }
    free(hub->ring);
    free(hub);
}

int64_t gf_event_hub_newest(struct gf_event_hub *hub) {
    return hub->newest;
}

void gf_event_hub_set_newest(struct gf_event_hub *hub, int64_t sequence) {
    GF_MUTEX_GUARD(&hub->mutex);
    gf_assert(hub->oldest == hub->newest + 1);
    hub->newest = sequence;
    hub->oldest = sequence + 1;
}

/* ---- The ring ---- */

static struct gf_str keep_id(struct slot *slot, size_t *used, struct gf_str id) {
    char *place = slot->text + *used;
    gf_assert(id.len <= sizeof(slot->text) - *used);
    if (id.len > 0) {
        memcpy(place, id.ptr, id.len);
    }
    *used += id.len;
    return (struct gf_str){place, id.len};
}

/* Appends to a block of memory that is large enough. */
static struct gf_str keep_text(char **at, struct gf_str text) {
    char *place = *at;
    if (text.len > 0) {
        memcpy(place, text.ptr, text.len);
    }
    *at += text.len;
    return (struct gf_str){place, text.len};
}

static size_t size_of_more(const struct gf_event *event) {
    size_t size = event->extension_id.len + event->subscription_id.len + event->key.len +
                  event->subject_id.len + event->actor.token_id.len + event->actor.user.len +
                  event->actor.peer.len + event->metadata_count * sizeof(struct gf_label);
    for (size_t i = 0; i < event->metadata_count; i++) {
        size += event->metadata[i].key.len + event->metadata[i].value.len;
    }
    return size;
}

/* What most events do not have is in a block of its own; the labels stand first in it. */
static void keep_more(struct slot *slot, const struct gf_event *event) {
    const size_t size = size_of_more(event);
    free(slot->more);
    slot->more = NULL;
    if (size == 0) {
        return;
    }
    slot->more = gf_malloc(size);
    struct gf_label *metadata = (struct gf_label *)(void *)slot->more;
    char *at = slot->more + event->metadata_count * sizeof(struct gf_label);
    for (size_t i = 0; i < event->metadata_count; i++) {
        metadata[i].key = keep_text(&at, event->metadata[i].key);
        metadata[i].value = keep_text(&at, event->metadata[i].value);
    }
    slot->event.metadata = metadata;
    slot->event.extension_id = keep_text(&at, event->extension_id);
    slot->event.subscription_id = keep_text(&at, event->subscription_id);
    slot->event.key = keep_text(&at, event->key);
    slot->event.subject_id = keep_text(&at, event->subject_id);
    slot->event.actor.token_id = keep_text(&at, event->actor.token_id);
    slot->event.actor.user = keep_text(&at, event->actor.user);
    slot->event.actor.peer = keep_text(&at, event->actor.peer);
}

static void add_to_ring(struct gf_event_hub *hub, const struct gf_event *event) {
    gf_assert(event->sequence == hub->newest + 1);
    struct slot *slot = slot_of(hub, event->sequence);
    size_t used = 0;
    slot->event = *event;
    keep_more(slot, event);
    slot->event.namespace_id = keep_id(slot, &used, event->namespace_id);
    slot->event.pipeline_id = keep_id(slot, &used, event->pipeline_id);
    slot->event.task_id = keep_id(slot, &used, event->task_id);
    hub->newest = event->sequence;
    if (hub->newest - hub->oldest == GF_EVENT_HUB_RING_EVENTS) {
        hub->oldest++;
    }
}

/* ---- Watches ---- */

struct watch_key {
    int level;
    size_t len;
    char bytes[KEY_BYTES_MAX];
};

static void key_add(struct watch_key *key, const void *bytes, size_t size) {
    gf_assert(size <= sizeof(key->bytes) - key->len);
    if (size > 0) { /* What belongs to no namespace has an id without memory. */
        memcpy(key->bytes + key->len, bytes, size);
    }
    key->len += size;
}

/* What an event, or a filter, is at a level. Ids hold no NUL, so that keys of levels differ. */
static struct watch_key make_key(int level, struct gf_str namespace_id, struct gf_str pipeline_id,
                                 int64_t run_id) {
    struct watch_key key = {.level = level};
    if (level > 0) {
        key_add(&key, namespace_id.ptr, namespace_id.len);
        key_add(&key, "", 1);
    }
    if (level > 1) {
        key_add(&key, pipeline_id.ptr, pipeline_id.len);
        key_add(&key, "", 1);
    }
    if (level > 2) {
        key_add(&key, &run_id, sizeof(run_id));
    }
    return key;
}

static int level_of(const struct gf_event_filter *filter) {
    if (filter->namespace_id.len == 0) {
        return 0;
    }
    if (filter->pipeline_id.len == 0) {
        return 1;
    }
    return filter->run_id == 0 ? 2 : 3;
}

static struct gf_event_watch *find_watch(const struct gf_event_hub *hub,
                                         const struct watch_key *key) {
    return gf_map_get(&hub->watches, (struct gf_str){key->bytes, key->len});
}

static struct gf_event_watch *get_watch(struct gf_event_hub *hub,
                                        const struct gf_event_filter *filter) {
    const struct watch_key key =
        make_key(level_of(filter), filter->namespace_id, filter->pipeline_id, filter->run_id);
    struct gf_event_watch *watch = find_watch(hub, &key);
    if (watch == NULL) {
        watch = GF_NEW(struct gf_event_watch);
        gf_list_init(&watch->armed);
        watch->level = key.level;
        watch->key_len = key.len;
        memcpy(watch->key, key.bytes, key.len);
        (void)gf_map_put(&hub->watches, (struct gf_str){key.bytes, key.len}, watch);
    }
    watch->follower_count++;
    return watch;
}

static void put_watch(struct gf_event_hub *hub, struct gf_event_watch *watch) {
    watch->follower_count--;
    if (watch->follower_count == 0) {
        (void)gf_map_remove(&hub->watches, (struct gf_str){watch->key, watch->key_len});
        free(watch);
    }
}

/* Takes a follower out of whatever list it is in. */
static void unlink_follower(struct gf_event_hub *hub, struct gf_event_follower *follower) {
    gf_list_remove(&follower->link);
    if (follower->armed) {
        follower->armed = false;
        hub->armed_counts[follower->watch->level]--;
    }
}

/* ---- Publishing ---- */

static void collect_watch(struct gf_event_hub *hub, struct gf_event_watch *watch,
                          const struct gf_event *event) {
    GF_LIST_FOREACH(link, &watch->armed) {
        struct gf_event_follower *follower = GF_CONTAINER_OF(link, struct gf_event_follower, link);
        if (event->sequence > follower->after_sequence &&
            gf_event_filter_matches(&follower->filter, event)) {
            unlink_follower(hub, follower);
            gf_list_push_back(&hub->pending, &follower->link);
        }
    }
}

static void collect(struct gf_event_hub *hub, const struct gf_event *event) {
    for (int level = 0; level < LEVELS; level++) {
        if (hub->armed_counts[level] == 0) {
            continue;
        }
        const struct watch_key key =
            make_key(level, event->namespace_id, event->pipeline_id, event->run_id);
        struct gf_event_watch *watch = find_watch(hub, &key);
        if (watch != NULL && watch->level == level) {
            collect_watch(hub, watch, event);
        }
    }
}

/* Calls wake() of a follower that is in no list any more, without the mutex. */
static void wake(struct gf_event_hub *hub, struct gf_event_follower *follower) {
    gf_mutex_assert_held(&hub->mutex);
    hub->wakes_total++;
    follower->waking_count++;
    gf_mutex_unlock(&hub->mutex);
    follower->wake(follower);
    gf_mutex_lock(&hub->mutex);
    follower->waking_count--;
    gf_cond_broadcast(&hub->woken);
}

void gf_event_hub_publish(struct gf_event_hub *hub, const struct gf_event *events, size_t count) {
    GF_MUTEX_GUARD(&hub->mutex);
    for (size_t i = 0; i < count; i++) {
        add_to_ring(hub, &events[i]);
        collect(hub, &events[i]);
    }
    struct gf_list_link *link = NULL;
    while ((link = gf_list_pop_front(&hub->pending)) != NULL) {
        wake(hub, GF_CONTAINER_OF(link, struct gf_event_follower, link));
    }
}

/* ---- Reading ---- */

struct read {
    const struct gf_event_filter *filter;
    size_t limit;
    struct gf_arena *arena;
    struct gf_event *items;
    size_t count;
    int64_t scanned;
};

/* Looks at some events behind read->scanned. False when that is not in the ring any more. */
static bool read_some(struct gf_event_hub *hub, struct read *read) {
    GF_MUTEX_GUARD(&hub->mutex);
    if (read->scanned + 1 < hub->oldest) {
        hub->misses_total++;
        return false;
    }
    const int64_t newest = hub->newest;
    for (int i = 0; i < READ_AT_ONCE && read->scanned < newest && read->count < read->limit; i++) {
        const struct gf_event *event = &slot_of(hub, ++read->scanned)->event;
        if (gf_event_filter_matches(read->filter, event)) {
            if (read->items == NULL) {
                /* Room for those that are there: mostly for one, where many follow. */
                const size_t there = (size_t)(newest - read->scanned) + 1;
                read->limit = read->limit < there ? read->limit : there;
                read->items = GF_ARENA_ARRAY(read->arena, read->limit, struct gf_event);
            }
            gf_event_copy(event, read->arena, &read->items[read->count++]);
        }
    }
    return true;
}

enum gf_code gf_event_hub_read(struct gf_event_hub *hub, const struct gf_event_filter *filter,
                               int64_t after_sequence, size_t limit, struct gf_arena *arena,
                               struct gf_event **out_items, size_t *out_count, int64_t *out_scanned,
                               struct gf_error *err) {
    const size_t most = limit < GF_EVENT_HUB_RING_EVENTS ? limit : GF_EVENT_HUB_RING_EVENTS;
    struct read read = {.filter = filter, .limit = most, .arena = arena, .scanned = after_sequence};
    do {
        if (!read_some(hub, &read)) {
            if (read.count > 0) {
                break; /* what was found is whole up to where it was looked */
            }
            return gf_fail(err, GF_OUT_OF_RANGE, "events that old are in the store alone");
        }
    } while (read.count < read.limit && read.scanned < hub->newest);
    *out_items = read.items;
    *out_count = read.count;
    *out_scanned = read.scanned;
    return GF_OK;
}

/* ---- Followers ---- */

enum gf_code gf_event_hub_add(struct gf_event_hub *hub, struct gf_event_follower *follower,
                              struct gf_error *err) {
    const struct gf_event_filter *filter = &follower->filter;
    if (filter->namespace_id.len > GF_IDENTIFIER_CHARS_MAX ||
        filter->pipeline_id.len > GF_IDENTIFIER_CHARS_MAX) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "an identifier has up to %d characters",
                       GF_IDENTIFIER_CHARS_MAX);
    }
    GF_MUTEX_GUARD(&hub->mutex);
    if (hub->follower_count == GF_EVENT_HUB_FOLLOWERS_MAX) {
        return gf_fail(err, GF_RESOURCE_EXHAUSTED, "there are %d followers of events already",
                       GF_EVENT_HUB_FOLLOWERS_MAX);
    }
    hub->follower_count++;
    follower->link = (struct gf_list_link){0};
    follower->armed = false;
    follower->waking_count = 0;
    follower->watch = get_watch(hub, filter);
    return GF_OK;
}

/* Whether an event that matches may be behind after_sequence already. */
static bool is_there(const struct gf_event_hub *hub, const struct gf_event_follower *follower) {
    if (follower->after_sequence + 1 < hub->oldest) {
        return true; /* the ring cannot tell: the follower is to look into the store */
    }
    for (int64_t at = follower->after_sequence + 1; at <= hub->newest; at++) {
        if (gf_event_filter_matches(&follower->filter, &slot_of(hub, at)->event)) {
            return true;
        }
    }
    return false;
}

void gf_event_hub_arm(struct gf_event_hub *hub, struct gf_event_follower *follower,
                      int64_t after_sequence) {
    GF_MUTEX_GUARD(&hub->mutex);
    unlink_follower(hub, follower);
    follower->after_sequence = after_sequence;
    if (is_there(hub, follower)) {
        wake(hub, follower);
        return;
    }
    follower->armed = true;
    hub->armed_counts[follower->watch->level]++;
    gf_list_push_back(&follower->watch->armed, &follower->link);
}

void gf_event_hub_remove(struct gf_event_hub *hub, struct gf_event_follower *follower) {
    GF_MUTEX_GUARD(&hub->mutex);
    unlink_follower(hub, follower);
    while (follower->waking_count > 0) {
        gf_cond_wait(&hub->woken, &hub->mutex);
    }
    put_watch(hub, follower->watch);
    follower->watch = NULL;
    hub->follower_count--;
}

void gf_event_hub_stats(struct gf_event_hub *hub, struct gf_event_hub_stats *out) {
    GF_MUTEX_GUARD(&hub->mutex);
    *out = (struct gf_event_hub_stats){
        .followers = hub->follower_count,
        .followers_limit = GF_EVENT_HUB_FOLLOWERS_MAX,
        .buffered = (size_t)(hub->newest + 1 - hub->oldest),
        .buffer_limit = GF_EVENT_HUB_RING_EVENTS,
        .newest = hub->newest,
        .wakes_total = hub->wakes_total,
        .misses_total = hub->misses_total,
    };
    for (int level = 0; level < LEVELS; level++) {
        out->waiting += hub->armed_counts[level];
    }
}
