/*
 * Subscriptions as objects: finding, adding, changing their texts, and their end.
 *
 * They are found by the ids that extensions use, without their pipeline being in memory: it is
 * there as long as they are. So lists of them hang at what they go with: at the namespace, at the
 * extension, and at a struct core_subscriber for the pipeline.
 */
#include "base/alloc.h"
#include "engine/core/copy.h"
#include "engine/core/core_internal.h"
#include "engine/core/core_keys.h"

/* ---- Finding ---- */

static bool is_id(struct gf_str id) {
    return id.len > 0 && id.len <= GF_IDENTIFIER_CHARS_MAX;
}

/* Ids have no NUL in them. */
static void add_id(struct core_key *key, struct gf_str id) {
    gf_core__key_add(key, id.ptr, id.len);
    gf_core__key_add(key, "", 1);
}

static struct core_key key_of_name(int64_t extension_key, struct gf_str namespace_id,
                                   struct gf_str pipeline_id, struct gf_str subscription_id) {
    struct core_key key = {.len = 0};
    gf_core__key_add(&key, &extension_key, sizeof(extension_key));
    add_id(&key, namespace_id);
    add_id(&key, pipeline_id);
    add_id(&key, subscription_id);
    return key;
}

static struct core_key key_of_row(const struct gf_subscription *row) {
    return key_of_name(row->extension_key, row->namespace_id, row->pipeline_id,
                       row->subscription_id);
}

struct core_subscription *gf_core__find_subscription(const struct gf_core *core,
                                                     int64_t extension_key,
                                                     const struct gf_subscription_name *name) {
    if (!is_id(name->namespace_id) || !is_id(name->pipeline_id) || !is_id(name->subscription_id)) {
        return NULL;
    }
    const struct core_key key =
        key_of_name(extension_key, name->namespace_id, name->pipeline_id, name->subscription_id);
    return gf_map_get(&core->intake.subscriptions_by_name, gf_core__key_view(&key));
}

struct core_subscription *gf_core__find_subscription_key(const struct gf_core *core,
                                                         int64_t subscription_key) {
    return gf_map_i64_get(&core->intake.subscriptions, subscription_key);
}

int64_t gf_core__subscription_count(const struct gf_core *core, int64_t pipeline_key) {
    const struct core_subscriber *subscriber =
        gf_map_i64_get(&core->intake.subscribers, pipeline_key);
    return subscriber == NULL ? 0 : subscriber->count;
}

/* ---- Texts ---- */

void gf_core__set_subscription_text(struct gf_str *field, struct gf_str text) {
    const struct gf_str copy = {gf_str_dup(text), text.len};
    free((char *)field->ptr);
    *field = copy;
}

static struct gf_str put_id(char **next, struct gf_str id) {
    const struct gf_str copy = {*next, id.len};
    if (id.len > 0) {
        memcpy(*next, id.ptr, id.len);
    }
    *next += id.len;
    return copy;
}

static void own_texts(struct core_subscription *subscription) {
    struct gf_subscription *row = &subscription->row;
    char *next = gf_malloc(row->namespace_id.len + row->pipeline_id.len + row->extension_id.len +
                           row->subscription_id.len + 1);
    subscription->ids = next;
    row->namespace_id = put_id(&next, row->namespace_id);
    row->pipeline_id = put_id(&next, row->pipeline_id);
    row->extension_id = put_id(&next, row->extension_id);
    row->subscription_id = put_id(&next, row->subscription_id);
    row->settings = (struct gf_str){gf_str_dup(row->settings), row->settings.len};
    row->reason_text = (struct gf_str){gf_str_dup(row->reason_text), row->reason_text.len};
    row->checkpoint = (struct gf_str){gf_str_dup(row->checkpoint), row->checkpoint.len};
}

/* ---- Beginning ---- */

static struct core_subscriber *subscriber_of(struct gf_core *core, int64_t pipeline_key) {
    struct core_subscriber *subscriber = gf_map_i64_get(&core->intake.subscribers, pipeline_key);
    if (subscriber == NULL) {
        subscriber = GF_NEW(struct core_subscriber);
        gf_list_init(&subscriber->subscriptions);
        (void)gf_map_i64_put(&core->intake.subscribers, pipeline_key, subscriber);
    }
    return subscriber;
}

struct core_subscription *gf_core__add_subscription(struct gf_core *core, struct core_namespace *ns,
                                                    struct core_extension *extension,
                                                    const struct gf_subscription *row) {
    struct core_subscription *subscription = GF_NEW(struct core_subscription);
    struct core_subscriber *subscriber = subscriber_of(core, row->pipeline_key);
    subscription->row = *row;
    own_texts(subscription);
    subscription->extension = extension;
    const struct core_key key = key_of_row(&subscription->row);
    gf_assert(gf_map_put(&core->intake.subscriptions_by_name, gf_core__key_view(&key),
                         subscription) == NULL);
    gf_assert(gf_map_i64_put(&core->intake.subscriptions, row->subscription_key, subscription) ==
              NULL);
    gf_list_push_back(&ns->subscriptions, &subscription->namespace_link);
    gf_list_push_back(&extension->subscriptions, &subscription->extension_link);
    extension->subscription_count++;
    gf_list_push_back(&subscriber->subscriptions, &subscription->pipeline_link);
    subscriber->count++;
    return subscription;
}

bool gf_core_restore_subscription(struct gf_core *core,
                                  const struct gf_subscription *subscription) {
    struct core_namespace *ns =
        gf_map_i64_get(&core->namespaces_by_key, subscription->namespace_key);
    struct core_extension *extension =
        gf_core__find_extension_key(core, subscription->extension_key);
    if (ns == NULL || extension == NULL) {
        return false;
    }
    (void)gf_core__add_subscription(core, ns, extension, subscription);
    return true;
}

/* ---- What the batch has of it ---- */

void gf_core__mark_subscription(struct gf_core *core, struct core_subscription *subscription) {
    if (!subscription->dirty) {
        subscription->dirty = true;
        gf_vec_push(&core->batch.subscriptions, &subscription->row);
    }
}

struct gf_event *gf_core__event_subscription(struct gf_core *core, enum gf_event_kind kind,
                                             const struct core_subscription *subscription) {
    struct gf_event *event = gf_core__event(core, kind);
    event->namespace_id = subscription->row.namespace_id;
    event->pipeline_id = subscription->row.pipeline_id;
    event->extension_id = subscription->row.extension_id;
    event->subscription_id = subscription->row.subscription_id;
    return event;
}

/* Takes the rows of deleted ones out of the batch. */
static void drop_rows(struct gf_core *core) {
    struct gf_subscription_vec *rows = &core->batch.subscriptions;
    size_t kept = 0;
    for (size_t i = 0; i < rows->count; i++) {
        if (!((const struct core_subscription *)rows->items[i])->deleted) {
            rows->items[kept++] = rows->items[i];
        }
    }
    rows->count = kept;
    gf_core__batch_drop_start_keys(core);
}

/* ---- End ---- */

static void leave_pipeline(struct gf_core *core, struct core_subscription *subscription) {
    const int64_t pipeline_key = subscription->row.pipeline_key;
    struct core_subscriber *subscriber = gf_map_i64_get(&core->intake.subscribers, pipeline_key);
    gf_list_remove(&subscription->pipeline_link);
    if (--subscriber->count == 0) {
        (void)gf_map_i64_remove(&core->intake.subscribers, pipeline_key);
        free(subscriber);
    }
}

/* Its rows in the batch are dropped by who calls. */
static void bury(struct gf_core *core, struct core_subscription *subscription) {
    const struct core_key key = key_of_row(&subscription->row);
    (void)gf_core__event_subscription(core, GF_EVENT_SUBSCRIPTION_DELETED, subscription);
    gf_vec_push(&core->batch.deleted_subscriptions, subscription->row.subscription_key);
    (void)gf_map_remove(&core->intake.subscriptions_by_name, gf_core__key_view(&key));
    (void)gf_map_i64_remove(&core->intake.subscriptions, subscription->row.subscription_key);
    gf_list_remove(&subscription->namespace_link);
    gf_list_remove(&subscription->extension_link);
    subscription->extension->subscription_count--;
    leave_pipeline(core, subscription);
    subscription->deleted = true;
    gf_list_push_back(&core->intake.dead_subscriptions, &subscription->dead_link);
}

void gf_core__delete_subscription(struct gf_core *core, struct core_subscription *subscription) {
    bury(core, subscription);
    drop_rows(core);
}

int64_t gf_core__drop_pipeline_subscriptions(struct gf_core *core,
                                             const struct core_pipeline *pipeline) {
    const int64_t count = gf_core__subscription_count(core, pipeline->row.pipeline_key);
    for (int64_t left = count; left > 0; left--) { /* with the last one its list goes, too */
        const struct core_subscriber *subscriber =
            gf_map_i64_get(&core->intake.subscribers, pipeline->row.pipeline_key);
        bury(core, GF_CONTAINER_OF(gf_list_first(&subscriber->subscriptions),
                                   struct core_subscription, pipeline_link));
    }
    if (count > 0) {
        drop_rows(core);
    }
    return count;
}

int64_t gf_core__drop_namespace_subscriptions(struct gf_core *core,
                                              const struct core_namespace *ns) {
    int64_t count = 0;
    GF_LIST_FOREACH(link, &ns->subscriptions) {
        bury(core, GF_CONTAINER_OF(link, struct core_subscription, namespace_link));
        count++;
    }
    if (count > 0) {
        drop_rows(core);
    }
    return count;
}

int64_t gf_core__drop_extension_subscriptions(struct gf_core *core, int64_t extension_key) {
    const struct core_extension *extension = gf_core__find_extension_key(core, extension_key);
    int64_t count = 0;
    gf_assert(extension != NULL);
    GF_LIST_FOREACH(link, &extension->subscriptions) {
        bury(core, GF_CONTAINER_OF(link, struct core_subscription, extension_link));
        count++;
    }
    drop_rows(core);
    core->intake.pending_count -= extension->pending_count;
    gf_core__batch_drop_deliveries(core, extension_key);
    gf_core__batch_drop_delivery_ids(core, extension_key);
    gf_core__batch_drop_reports(core, extension_key);
    return count;
}

void gf_core__free_subscription(struct core_subscription *subscription) {
    free((char *)subscription->row.settings.ptr);
    free((char *)subscription->row.reason_text.ptr);
    free((char *)subscription->row.checkpoint.ptr);
    free(subscription->ids);
    free(subscription);
}
