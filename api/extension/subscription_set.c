/*
 * Design: what a connection is told of subscriptions follows the store, not the order of events. A
 * change marks the subscription as dirty, by its ids; a step reads the row as it is then, and sends
 * that, or an Unsubscribe where there is none. Several changes become one, and none is missed:
 * marks are made after the commit.
 *
 * The connection keeps what it has sent (generation by subscription), so that rows that come for
 * other reasons (a run was started) are no change.
 */
#include "api/codec/model/maps.h"
#include "api/extension/hub_internal.h"
#include "api/extension/settings.h"
#include "base/alloc.h"

enum {
    DIRTY_STEP = 32,
};

/* ---- Names ---- */

size_t gf_hub__key_of(const struct gf_hub_names *names, char out[GF_HUB_KEY_BYTES_MAX]) {
    const struct gf_str parts[] = {names->namespace_id, names->pipeline_id, names->subscription_id};
    size_t size = 0;
    for (size_t i = 0; i < GF_ARRAY_COUNT(parts); i++) {
        if (parts[i].len > 64) {
            return 0;
        }
        memcpy(out + size, parts[i].ptr, parts[i].len);
        size += parts[i].len;
        out[size++] = '\0';
    }
    return size;
}

struct gf_hub_names gf_hub__names_of(const char *key, size_t size) {
    struct gf_hub_names names;
    names.namespace_id = gf_str_from(key);
    names.pipeline_id = gf_str_from(key + names.namespace_id.len + 1);
    const size_t offset = names.namespace_id.len + names.pipeline_id.len + 2;
    gf_assert(offset < size);
    names.subscription_id = gf_str_from(key + offset);
    return names;
}

/* ---- What was sent ---- */

struct gf_hub_subscription *gf_set__find(struct gf_hub_connection *self,
                                         const struct gf_hub_names *names) {
    gf_mutex_assert_held(&self->hub->mutex);
    char key[GF_HUB_KEY_BYTES_MAX];
    return gf_map_get(&self->known, (struct gf_str){key, gf_hub__key_of(names, key)});
}

void gf_set__note(struct gf_hub_connection *self, const struct gf_hub_names *names,
                  int64_t subscription_key, int64_t pipeline_key, int64_t generation) {
    gf_mutex_assert_held(&self->hub->mutex);
    struct gf_hub_subscription *known = gf_set__find(self, names);
    if (known == NULL) {
        char key[GF_HUB_KEY_BYTES_MAX];
        known = GF_NEW(struct gf_hub_subscription);
        known->key_size = gf_hub__key_of(names, key);
        known->key = gf_memdup(key, known->key_size);
        (void)gf_map_put(&self->known, (struct gf_str){known->key, known->key_size}, known);
    }
    if (subscription_key != known->subscription_key && subscription_key != 0) {
        if (known->subscription_key != 0) {
            (void)gf_map_i64_remove(&self->by_key, known->subscription_key);
        }
        known->subscription_key = subscription_key;
        (void)gf_map_i64_put(&self->by_key, subscription_key, known);
    }
    known->pipeline_key = pipeline_key;
    known->generation = generation;
    known->sent = true;
}

static void free_known(struct gf_hub_subscription *known) {
    free(known->key);
    free(known);
}

void gf_set__forget(struct gf_hub_connection *self, struct gf_hub_subscription *known) {
    gf_mutex_assert_held(&self->hub->mutex);
    if (known->subscription_key != 0) {
        (void)gf_map_i64_remove(&self->by_key, known->subscription_key);
    }
    (void)gf_map_remove(&self->known, (struct gf_str){known->key, known->key_size});
    free_known(known);
}

void gf_set__free(struct gf_hub_connection *self) {
    size_t position = 0;
    void *value = NULL;
    while (gf_map_next(&self->known, &position, NULL, &value)) {
        free_known(value);
    }
    gf_map_fini(&self->known);
    gf_map_i64_fini(&self->by_key);
    struct gf_list_link *link = NULL;
    while ((link = gf_list_pop_front(&self->dirty)) != NULL) {
        free(GF_CONTAINER_OF(link, struct gf_hub_dirty, link));
    }
    gf_map_fini(&self->dirty_keys);
}

/* ---- Marks ---- */

void gf_set__mark(struct gf_hub_connection *self, const struct gf_hub_names *names, bool force) {
    gf_mutex_assert_held(&self->hub->mutex);
    char key[GF_HUB_KEY_BYTES_MAX];
    const struct gf_str text = {key, gf_hub__key_of(names, key)};
    if (text.len == 0 || self->ended || self->phase < GF_PHASE_SUBSCRIBING ||
        self->mode == GOFER__EXTENSION__V1__CONNECTION_MODE__CONNECTION_MODE_INSTALLER) {
        return;
    }
    struct gf_hub_dirty *dirty = gf_map_get(&self->dirty_keys, text);
    if (dirty == NULL) {
        dirty = gf_malloc(sizeof(*dirty) + text.len);
        *dirty = (struct gf_hub_dirty){.key_size = text.len};
        memcpy(dirty->key, key, text.len);
        gf_list_push_back(&self->dirty, &dirty->link);
        (void)gf_map_put(&self->dirty_keys, text, dirty);
    }
    dirty->force |= force;
    gf_connection__kick(self);
}

void gf_set__committed(struct gf_hub_connection *self, const struct gf_subscription *row) {
    const struct gf_hub_names names = {row->namespace_id, row->pipeline_id, row->subscription_id};
    struct gf_hub_subscription *known = gf_map_i64_get(&self->by_key, row->subscription_key);
    if (known == NULL) {
        known = gf_set__find(self, &names);
    }
    const bool wanted = row->status != GF_SUBSCRIPTION_DISABLED;
    if (known != NULL && wanted && known->generation == row->generation) {
        if (known->subscription_key != row->subscription_key) {
            gf_set__note(self, &names, row->subscription_key, row->pipeline_key, row->generation);
        }
        return;
    }
    /* Also one that is out of use and not known: a step may be about to send what it was before. */
    gf_set__mark(self, &names, false);
}

static void mark_known(struct gf_hub_connection *self, const struct gf_hub_subscription *known) {
    const struct gf_hub_names names = gf_hub__names_of(known->key, known->key_size);
    gf_set__mark(self, &names, true);
}

void gf_set__note_deletions(struct gf_hub_connection *self) {
    gf_mutex_assert_held(&self->hub->mutex);
    self->deletions++;
}

void gf_set__deleted(struct gf_hub_connection *self, int64_t subscription_key) {
    const struct gf_hub_subscription *known = gf_map_i64_get(&self->by_key, subscription_key);
    if (known != NULL) {
        mark_known(self, known);
    }
}

void gf_set__pipeline_deleted(struct gf_hub_connection *self, int64_t pipeline_key) {
    size_t position = 0;
    void *value = NULL;
    while (gf_map_next(&self->known, &position, NULL, &value)) {
        const struct gf_hub_subscription *known = value;
        if (known->pipeline_key == pipeline_key) {
            mark_known(self, known);
        }
    }
}

void gf_extension_hub_resync(struct gf_extension_hub *hub, int64_t extension_key,
                             struct gf_str namespace_id, struct gf_str pipeline_id,
                             struct gf_str subscription_id) {
    const struct gf_hub_names names = {namespace_id, pipeline_id, subscription_id};
    GF_MUTEX_GUARD(&hub->mutex);
    struct gf_hub_extension *extension = gf_hub__find(hub, extension_key);
    if (extension == NULL) {
        return;
    }
    GF_LIST_FOREACH(link, &extension->connections) {
        gf_set__mark(GF_CONTAINER_OF(link, struct gf_hub_connection, of_extension), &names, true);
    }
}

/* ---- Messages ---- */

static Gofer__V1__SubscriptionReference *reference_to(const struct gf_hub_names *names,
                                                      struct gf_arena *arena) {
    Gofer__V1__SubscriptionReference *reference =
        GF_MESSAGE_NEW(arena, Gofer__V1__SubscriptionReference, gofer__v1__subscription_reference);
    reference->namespace_id = gf_message_text(names->namespace_id, arena);
    reference->pipeline_id = gf_message_text(names->pipeline_id, arena);
    reference->subscription_id = gf_message_text(names->subscription_id, arena);
    return reference;
}

Gofer__Extension__V1__Subscribe *gf_set__write(struct gf_hub_connection *self,
                                               const struct gf_hub_subscribe *what) {
    struct gf_arena *arena = &self->arena;
    Gofer__Extension__V1__Subscribe *subscribe =
        GF_MESSAGE_NEW(arena, Gofer__Extension__V1__Subscribe, gofer__extension__v1__subscribe);
    subscribe->subscription = reference_to(&what->names, arena);
    const struct gf_setting *items = what->settings->settings;
    GF_MAP_WRITE(subscribe, settings, Gofer__Extension__V1__Subscribe__SettingsEntry,
                 gofer__extension__v1__subscribe__settings_entry, what->settings->count,
                 items[i].name, items[i].value, arena);
    subscribe->checkpoint = gf_message_text(what->checkpoint, arena);
    subscribe->create_time = gf_message_time(what->create_time, arena);
    subscribe->last_run_time = gf_message_time(what->last_run_time, arena);
    return subscribe;
}

bool gf_set__subscribe(struct gf_hub_connection *self, Gofer__Extension__V1__Subscribe *subscribe,
                       int64_t subscription_key, int64_t pipeline_key) {
    const Gofer__V1__SubscriptionReference *reference = subscribe->subscription;
    const struct gf_hub_names names = {gf_str_from(reference->namespace_id),
                                       gf_str_from(reference->pipeline_id),
                                       gf_str_from(reference->subscription_id)};
    gf_mutex_lock(&self->hub->mutex);
    gf_set__note(self, &names, subscription_key, pipeline_key, subscribe->generation);
    if (self->deletions != self->seen_deletions) {
        /* What was deleted since the row was read was not known then: it may be this one. */
        gf_set__mark(self, &names, false);
    }
    gf_mutex_unlock(&self->hub->mutex);
    Gofer__Extension__V1__ConnectResponse *message = gf_connection__message(self);
    message->message_case = GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_SUBSCRIBE;
    message->subscribe = subscribe;
    return gf_connection__send(self, message);
}

bool gf_set__unsubscribe(struct gf_hub_connection *self, const struct gf_hub_names *names,
                         const char *reason) {
    struct gf_arena *arena = &self->arena;
    Gofer__Extension__V1__ConnectResponse *message = gf_connection__message(self);
    message->message_case = GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_UNSUBSCRIBE;
    message->unsubscribe =
        GF_MESSAGE_NEW(arena, Gofer__Extension__V1__Unsubscribe, gofer__extension__v1__unsubscribe);
    message->unsubscribe->subscription = reference_to(names, arena);
    message->unsubscribe->reason = (char *)(uintptr_t)reason;
    return gf_connection__send(self, message);
}

/* ---- Rows ---- */

static void judged(struct gf_hub_command *command, const struct gf_reply *reply) {
    struct gf_hub_connection *self = command->connection;
    (void)reply;
    gf_mutex_lock(&self->hub->mutex);
    self->judging--;
    const bool resume = self->read_paused && self->judging == 0;
    gf_mutex_unlock(&self->hub->mutex);
    if (resume) {
        gf_connection__kick(self);
    }
}

void gf_set__judge(struct gf_hub_connection *self,
                   const struct gf_subscription_judgement *judgement) {
    struct gf_hub_command *command = gf_hub__command(self->hub, GF_INPUT_SUBSCRIPTION_JUDGED);
    struct gf_subscription_judgement *kept = &command->command.input.u.judgement;
    *kept = *judgement;
    kept->reason_text = gf_arena_str(&command->arena, judgement->reason_text);
    gf_connection__ref(self);
    command->connection = self;
    command->done = judged;
    gf_mutex_lock(&self->hub->mutex);
    self->judging++;
    gf_mutex_unlock(&self->hub->mutex);
    gf_hub__submit(command);
}

/* Gofer itself finds that a subscription cannot work, which is no news where the row says so. */
static void judge_broken(struct gf_hub_connection *self, const struct gf_subscription *row,
                         enum gf_subscription_reason reason, struct gf_str text) {
    if (row->status != GF_SUBSCRIPTION_ERROR || row->reason != reason ||
        !gf_str_eq(row->reason_text, text)) {
        gf_set__judge(self, &(struct gf_subscription_judgement){
                                .subscription_key = row->subscription_key,
                                .generation = row->generation,
                                .status = GF_SUBSCRIPTION_ERROR,
                                .reason = reason,
                                .reason_text = text,
                            });
    }
}

static struct gf_str problem_text(const struct gf_settings_check *check, struct gf_arena *arena) {
    const struct gf_setting_problem *first = &check->problems[0];
    return gf_str_from(gf_arena_printf(
        arena, "setting '%" GF_STR_FMT "' %" GF_STR_FMT "%s", GF_STR_ARG(first->parameter_name),
        GF_STR_ARG(first->description), check->problem_count > 1 ? " (and more)" : ""));
}

/*
 * Sends what a row says, as far as it fits. *out_sent: it did. False: the step ends, as the last
 * message is pending.
 */
static bool send_row(struct gf_hub_connection *self, const struct gf_subscription *row,
                     bool *out_sent) {
    struct gf_arena *arena = &self->arena;
    const struct gf_str place = gf_settings_place_of_subscription(
        row->namespace_id, row->pipeline_id, row->extension_id, row->subscription_id, arena);
    GF_CLEANUP(gf_settings_close) struct gf_open_settings given = {0};
    struct gf_error error = {0};
    *out_sent = false;
    if (gf_settings_open(self->hub->options.vault, place, row->settings, &given, &error) != GF_OK) {
        judge_broken(self, row, GF_SUBSCRIPTION_REASON_SETTINGS_INVALID,
                     gf_str_from(error.message));
        return true;
    }
    const struct gf_vault_user user = {
        .namespace_key = row->namespace_key,
        .pipeline_key = row->pipeline_key,
        .namespace_id = row->namespace_id,
    };
    struct gf_hub_settings settings;
    gf_settings__prepare(self->hub, self->declared->subscription_parameters,
                         self->declared->n_subscription_parameters, given.items, given.count, &user,
                         arena, &settings);
    if (settings.check.problem_count > 0) {
        judge_broken(self, row, settings.reason, problem_text(&settings.check, arena));
        return true;
    }
    const struct gf_hub_subscribe subscribe = {
        .names = {row->namespace_id, row->pipeline_id, row->subscription_id},
        .settings = &settings.check,
        .checkpoint = row->checkpoint,
        .create_time = row->create_time,
        .last_run_time = row->last_run_time,
    };
    Gofer__Extension__V1__Subscribe *message = gf_set__write(self, &subscribe);
    message->generation = row->generation;
    *out_sent = true;
    return gf_set__subscribe(self, message, row->subscription_key, row->pipeline_key);
}

/* ---- The full set ---- */

static enum gf_connection_next complete(struct gf_hub_connection *self) {
    Gofer__Extension__V1__ConnectResponse *message = gf_connection__message(self);
    message->message_case = GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_SUBSCRIPTIONS_COMPLETE;
    message->subscriptions_complete =
        GF_MESSAGE_NEW(&self->arena, Gofer__Extension__V1__SubscriptionsComplete,
                       gofer__extension__v1__subscriptions_complete);
    message->subscriptions_complete->subscription_count = self->scan_count;
    struct gf_extension_hub *hub = self->hub;
    const int64_t now = gf_mono_ns();
    /* Before it is sent: the answer may be here at once. */
    gf_mutex_lock(&hub->mutex);
    self->phase = GF_PHASE_COMPLETE;
    self->phase_deadline = now + gf_hub__ms(hub->options.ready_ms, GF_EXTENSION_READY_MS);
    self->last_message_mono = now;
    self->next_ping_mono = now + gf_hub__ms(hub->options.ping_ms, GF_EXTENSION_PING_MS);
    gf_mutex_unlock(&hub->mutex);
    return gf_connection__send(self, message) ? GF_CONNECTION_AGAIN : GF_CONNECTION_WAIT;
}

/* Of what is read from here on nothing is missed that is deleted meanwhile. */
static struct gf_store_reader *open_reader(struct gf_hub_connection *self) {
    struct gf_store *store = self->hub->options.store;
    gf_mutex_lock(&self->hub->mutex);
    self->seen_deletions = self->deletions;
    gf_mutex_unlock(&self->hub->mutex);
    return store->ops->open_reader(store);
}

static enum gf_code read_rows(struct gf_hub_connection *self, struct gf_subscription **out_items,
                              size_t *out_count, struct gf_error *err) {
    struct gf_store *store = self->hub->options.store;
    struct gf_store_reader *reader = open_reader(self);
    const enum gf_code rc = store->ops->extensions->scan_subscriptions(
        reader, self->extension_key, self->scan_after, GF_HUB_SCAN_ROWS, &self->arena, out_items,
        out_count, err);
    store->ops->close_reader(store, reader);
    return rc;
}

static enum gf_connection_next fail(struct gf_hub_connection *self, const struct gf_error *error) {
    gf_mutex_lock(&self->hub->mutex);
    gf_connection__end(self, error);
    gf_mutex_unlock(&self->hub->mutex);
    return GF_CONNECTION_WAIT;
}

enum gf_connection_next gf_set__scan(struct gf_hub_connection *self) {
    struct gf_subscription *rows = NULL;
    size_t count = 0;
    struct gf_error error = {0};
    if (self->mode == GOFER__EXTENSION__V1__CONNECTION_MODE__CONNECTION_MODE_INSTALLER) {
        return complete(self);
    }
    if (read_rows(self, &rows, &count, &error) != GF_OK) {
        return fail(self, &error);
    }
    for (size_t i = 0; i < count && !gf_connection__is_long(self); i++) {
        bool sent = false;
        bool more = true;
        self->scan_after = rows[i].subscription_key;
        if (rows[i].status != GF_SUBSCRIPTION_DISABLED) {
            more = send_row(self, &rows[i], &sent);
            self->scan_count += sent;
        }
        if (!more) {
            return GF_CONNECTION_WAIT;
        }
    }
    return count > 0 ? GF_CONNECTION_AGAIN : complete(self);
}

/* ---- Changes ---- */

static struct gf_hub_dirty *next_dirty(struct gf_hub_connection *self) {
    GF_MUTEX_GUARD(&self->hub->mutex);
    struct gf_list_link *link = gf_list_pop_front(&self->dirty);
    if (link == NULL) {
        return NULL;
    }
    struct gf_hub_dirty *dirty = GF_CONTAINER_OF(link, struct gf_hub_dirty, link);
    (void)gf_map_remove(&self->dirty_keys, (struct gf_str){dirty->key, dirty->key_size});
    return dirty;
}

static enum gf_code read_row(struct gf_hub_connection *self, const struct gf_hub_names *names,
                             struct gf_subscription *out, struct gf_error *err) {
    struct gf_store *store = self->hub->options.store;
    struct gf_store_reader *reader = open_reader(self);
    const enum gf_code rc = store->ops->extensions->get_subscription(
        reader, names->namespace_id, names->pipeline_id, gf_str_from(self->extension_id),
        names->subscription_id, &self->arena, out, err);
    store->ops->close_reader(store, reader);
    return rc;
}

/* The extension need not know it any more, and is told so if it does. */
static bool drop(struct gf_hub_connection *self, const struct gf_hub_names *names, bool force,
                 const char *reason) {
    gf_mutex_lock(&self->hub->mutex);
    struct gf_hub_subscription *known = gf_set__find(self, names);
    const bool tell = force || (known != NULL && known->sent);
    if (known != NULL) {
        gf_set__forget(self, known);
    }
    gf_mutex_unlock(&self->hub->mutex);
    return !tell || gf_set__unsubscribe(self, names, reason);
}

static bool is_asked(struct gf_hub_connection *self, const struct gf_hub_names *names) {
    GF_MUTEX_GUARD(&self->hub->mutex);
    GF_LIST_FOREACH(link, &self->asked) {
        const struct gf_extension_ask *ask = GF_CONTAINER_OF(link, struct gf_extension_ask, link);
        if (gf_str_eq(ask->namespace_id, names->namespace_id) &&
            gf_str_eq(ask->pipeline_id, names->pipeline_id) &&
            gf_str_eq(ask->subscription_id, names->subscription_id)) {
            return true;
        }
    }
    return false;
}

static bool send_one(struct gf_hub_connection *self, const struct gf_hub_dirty *dirty) {
    const struct gf_hub_names names = gf_hub__names_of(dirty->key, dirty->key_size);
    struct gf_subscription row;
    struct gf_error error = {0};
    /* Whoever asks has the store follow, or asks for a resync. */
    if (is_asked(self, &names)) {
        return true;
    }
    const enum gf_code rc = read_row(self, &names, &row, &error);
    if (rc == GF_NOT_FOUND || (rc == GF_OK && row.extension_key != self->extension_key)) {
        return drop(self, &names, dirty->force, "the subscription was deleted");
    }
    if (rc != GF_OK) {
        (void)fail(self, &error);
        return false;
    }
    if (row.status == GF_SUBSCRIPTION_DISABLED) {
        return drop(self, &names, dirty->force, "the subscription was disabled");
    }
    gf_mutex_lock(&self->hub->mutex);
    const struct gf_hub_subscription *known = gf_set__find(self, &names);
    const bool same = known != NULL && known->sent && known->generation == row.generation &&
                      known->subscription_key == row.subscription_key;
    gf_mutex_unlock(&self->hub->mutex);
    if (same && !dirty->force) {
        return true;
    }
    bool sent = false;
    const bool go_on = send_row(self, &row, &sent);
    return sent || !go_on ? go_on : drop(self, &names, false, "its settings do not fit any more");
}

bool gf_set__send_dirty(struct gf_hub_connection *self, bool *out_more) {
    for (int i = 0; i < DIRTY_STEP && !gf_connection__is_long(self); i++) {
        struct gf_hub_dirty *dirty = next_dirty(self);
        if (dirty == NULL) {
            return true;
        }
        const bool go_on = send_one(self, dirty);
        free(dirty);
        if (!go_on) {
            return false;
        }
    }
    *out_more = true;
    return true;
}
