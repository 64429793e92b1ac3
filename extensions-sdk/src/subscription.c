/*
 * DESIGN. gofer sends the whole set at each connection; the program hears only of differences. A
 * subscription is the same as before if it was created at the same time and has the same settings
 * (whose secrets may have changed without a new generation). Its old answer is then given again,
 * unless it failed and somebody asks anew with a new generation.
 */
#include "base/alloc.h"
#include "base/str.h"
#include "base/vec.h"
#include "extensions-sdk/src/internal.h"

#include <stdarg.h>
#include <string.h>

enum {
    RESULT_FIELD = GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_SUBSCRIPTION_RESULT,
    PROBLEMS_BYTES_MAX = 1 << 20,
};

struct gofer_subscription {
    atomic_int refs;
    struct gofer_extension *extension;
    struct gf_list_link link; /* of the extension's list, while it is in use */
    char *key;
    char *namespace_id;
    char *pipeline_id;
    char *subscription_id;
    struct gofer_settings *settings;
    int64_t create_time_ns;
    int64_t last_run_time_ns;
    atomic_int pending; /* checkpoints that are not acknowledged */
    atomic_bool over;
    bool seen; /* on this connection */
    void *data;

    /* Under the extension's state_mutex. */
    char *checkpoint;
    int64_t generation;
    enum gofer_outcome outcome;
    char *description;
    struct gf_arena problem_arena;
    GF_VEC(struct gofer_pair) problems;
};

/* ---- Life ---- */

static struct gofer_subscription *create(struct gofer_extension *extension, const char *key,
                                         const Gofer__Extension__V1__Subscribe *from) {
    struct gofer_subscription *subscription = GF_NEW(struct gofer_subscription);
    atomic_init(&subscription->refs, 1);
    subscription->extension = extension;
    subscription->key = gf_strdup(key);
    subscription->namespace_id = gf_strdup(from->subscription->namespace_id);
    subscription->pipeline_id = gf_strdup(from->subscription->pipeline_id);
    subscription->subscription_id = gf_strdup(from->subscription->subscription_id);
    subscription->settings = gf_sdk_settings_create(from->settings, from->n_settings);
    subscription->create_time_ns = gf_sdk_time_ns(from->create_time);
    subscription->last_run_time_ns = gf_sdk_time_ns(from->last_run_time);
    subscription->checkpoint = gf_strdup(from->checkpoint);
    subscription->generation = from->generation;
    gf_arena_init(&subscription->problem_arena, PROBLEMS_BYTES_MAX);
    return subscription;
}

struct gofer_subscription *gofer_subscription_ref(struct gofer_subscription *subscription) {
    atomic_fetch_add(&subscription->refs, 1);
    return subscription;
}

void gofer_subscription_unref(struct gofer_subscription *subscription) {
    if (subscription == NULL || atomic_fetch_sub(&subscription->refs, 1) != 1) {
        return;
    }
    gf_sdk_settings_destroy(subscription->settings);
    gf_arena_fini(&subscription->problem_arena);
    gf_vec_fini(&subscription->problems);
    free(subscription->key);
    free(subscription->namespace_id);
    free(subscription->pipeline_id);
    free(subscription->subscription_id);
    free(subscription->checkpoint);
    free(subscription->description);
    free(subscription);
}

/* ---- What others ask ---- */

const char *gofer_subscription_namespace_id(const struct gofer_subscription *subscription) {
    return subscription->namespace_id;
}

const char *gofer_subscription_pipeline_id(const struct gofer_subscription *subscription) {
    return subscription->pipeline_id;
}

const char *gofer_subscription_id(const struct gofer_subscription *subscription) {
    return subscription->subscription_id;
}

const struct gofer_settings *
gofer_subscription_settings(const struct gofer_subscription *subscription) {
    return subscription->settings;
}

int64_t gofer_subscription_create_time_ns(const struct gofer_subscription *subscription) {
    return subscription->create_time_ns;
}

int64_t gofer_subscription_last_run_time_ns(const struct gofer_subscription *subscription) {
    return subscription->last_run_time_ns;
}

const char *gofer_subscription_checkpoint(const struct gofer_subscription *subscription) {
    GF_MUTEX_GUARD(&subscription->extension->state_mutex);
    return subscription->checkpoint;
}

void gofer_subscription_set_data(struct gofer_subscription *subscription, void *data) {
    subscription->data = data;
}

void *gofer_subscription_data(const struct gofer_subscription *subscription) {
    return subscription->data;
}

bool gf_sdk_subscription_is_over(const struct gofer_subscription *subscription) {
    return atomic_load(&subscription->over);
}

struct gofer_extension *
gf_sdk_subscription_extension(const struct gofer_subscription *subscription) {
    return subscription->extension;
}

atomic_int *gf_sdk_subscription_pending(struct gofer_subscription *subscription) {
    return &subscription->pending;
}

void gf_sdk_subscription_reference(const struct gofer_subscription *subscription,
                                   Gofer__V1__SubscriptionReference *out) {
    gofer__v1__subscription_reference__init(out);
    out->namespace_id = subscription->namespace_id;
    out->pipeline_id = subscription->pipeline_id;
    out->subscription_id = subscription->subscription_id;
}

struct gofer_subscription *gofer_extension_next_subscription(struct gofer_extension *extension,
                                                             struct gofer_subscription *previous) {
    const struct gf_list_link *head = &extension->subscription_list.head;
    struct gf_list_link *next = head->next;
    if (previous != NULL) {
        next = gf_list_linked(&previous->link) ? previous->link.next : NULL;
    }
    return next == NULL || next == head ? NULL
                                        : GF_CONTAINER_OF(next, struct gofer_subscription, link);
}

static void replace(char **text, const char *with) {
    char *copy = gf_strdup(with);
    free(*text);
    *text = copy;
}

void gf_sdk_note_checkpoint(struct gofer_extension *extension,
                            struct gofer_subscription *subscription, const char *checkpoint) {
    GF_MUTEX_GUARD(&extension->state_mutex);
    replace(subscription == NULL ? &extension->checkpoint : &subscription->checkpoint, checkpoint);
}

/* ---- Answers ---- */

/* Says what the program made of it, on the connection that there is. */
static void say_outcome(struct gofer_subscription *subscription) {
    struct gofer_extension *extension = subscription->extension;
    Gofer__Extension__V1__SubscriptionResult result =
        GOFER__EXTENSION__V1__SUBSCRIPTION_RESULT__INIT;
    Gofer__V1__SubscriptionReference reference;
    gf_sdk_subscription_reference(subscription, &reference);
    result.subscription = &reference;
    const int64_t connection = gf_sdk_outbox_connection(extension->outbox);
    GF_MUTEX_GUARD(&extension->state_mutex);
    if (subscription->outcome == GOFER_LATER) {
        return;
    }
    const size_t count = subscription->problems.count;
    Gofer__Extension__V1__SettingProblem *problems =
        gf_calloc(count, sizeof(Gofer__Extension__V1__SettingProblem));
    Gofer__Extension__V1__SettingProblem **pointers = gf_calloc(count, sizeof(*pointers));
    for (size_t i = 0; i < count; i++) {
        gofer__extension__v1__setting_problem__init(&problems[i]);
        problems[i].parameter_name = gf_sdk_text(subscription->problems.items[i].name);
        problems[i].description = gf_sdk_text(subscription->problems.items[i].value);
        pointers[i] = &problems[i];
    }
    result.generation = subscription->generation;
    result.outcome = (Gofer__Extension__V1__SubscriptionOutcome)subscription->outcome;
    result.description = gf_sdk_text(subscription->description);
    result.setting_problems = pointers;
    result.n_setting_problems = count;
    gf_sdk_outbox_say(extension->outbox, connection, RESULT_FIELD, &result.base);
    free(problems);
    free(pointers);
}

void gofer_subscription_problem(struct gofer_subscription *subscription, const char *parameter,
                                const char *format, ...) {
    struct gf_strbuf text;
    va_list args;
    gf_strbuf_init(&text, GF_SDK_DESCRIPTION_BYTES_MAX);
    va_start(args, format);
    gf_strbuf_vprintf(&text, format, args);
    va_end(args);
    {
        GF_MUTEX_GUARD(&subscription->extension->state_mutex);
        if (subscription->problems.count < GOFER_PARAMETERS_MAX && parameter != NULL &&
            gf_utf8_valid(gf_strbuf_view(&text)) && gf_utf8_valid(gf_str_from(parameter))) {
            const struct gofer_pair problem = {
                .name = gf_arena_strdup(&subscription->problem_arena, parameter),
                .value = gf_arena_strdup(&subscription->problem_arena, text.ptr),
            };
            gf_vec_push(&subscription->problems, problem);
        }
    }
    gf_strbuf_fini(&text);
}

static void describe(struct gofer_subscription *subscription, const char *text) {
    GF_MUTEX_GUARD(&subscription->extension->state_mutex);
    replace(&subscription->description,
            gf_utf8_valid(gf_str_from(text)) ? text : "it says why in text that is no UTF-8");
}

enum gofer_outcome gofer_subscription_refuse(struct gofer_subscription *subscription,
                                             const char *parameter, const char *format, ...) {
    struct gf_strbuf text;
    va_list args;
    gf_strbuf_init(&text, GF_SDK_DESCRIPTION_BYTES_MAX);
    va_start(args, format);
    gf_strbuf_vprintf(&text, format, args);
    va_end(args);
    const char *sentence = text.len > 0 ? text.ptr : "the settings are wrong";
    if (parameter != NULL) {
        gofer_subscription_problem(subscription, parameter, "%s", sentence);
    }
    describe(subscription, sentence);
    gf_strbuf_fini(&text);
    return GOFER_REFUSED;
}

enum gofer_outcome gofer_subscription_fail(struct gofer_subscription *subscription,
                                           const char *format, ...) {
    struct gf_strbuf text;
    va_list args;
    gf_strbuf_init(&text, GF_SDK_DESCRIPTION_BYTES_MAX);
    va_start(args, format);
    gf_strbuf_vprintf(&text, format, args);
    va_end(args);
    describe(subscription, text.len > 0 ? text.ptr : "it does not work now");
    gf_strbuf_fini(&text);
    return GOFER_FAILED;
}

/* The answer as it is kept; a reason is never missing where gofer asks for one. */
static void note_outcome(struct gofer_subscription *subscription, enum gofer_outcome outcome) {
    GF_MUTEX_GUARD(&subscription->extension->state_mutex);
    const bool fine = outcome == GOFER_ACCEPTED || outcome == GOFER_LATER;
    subscription->outcome = outcome;
    if (fine) {
        replace(&subscription->description, "");
        gf_vec_clear(&subscription->problems);
        gf_arena_reset(&subscription->problem_arena);
    } else if (subscription->description == NULL || subscription->description[0] == '\0') {
        replace(&subscription->description,
                outcome == GOFER_REFUSED ? "the settings are wrong" : "it does not work now");
    }
}

enum gofer_result gofer_subscription_answer(struct gofer_subscription *subscription,
                                            enum gofer_outcome outcome, const char *description) {
    const bool known =
        outcome == GOFER_ACCEPTED || outcome == GOFER_REFUSED || outcome == GOFER_FAILED;
    if (!known || !gf_sdk_text_fits(description, GF_SDK_DESCRIPTION_BYTES_MAX)) {
        gf_sdk_say(subscription->extension, GOFER_ERROR,
                   "gofer_subscription_answer: the outcome or the description is wrong");
        return GOFER_INVALID;
    }
    if (gf_sdk_subscription_is_over(subscription)) {
        return GOFER_GONE;
    }
    describe(subscription, gf_sdk_or_empty(description));
    note_outcome(subscription, outcome);
    say_outcome(subscription);
    return GOFER_OK;
}

/* ---- What gofer says ---- */

static const char *make_key(struct gf_strbuf *out, const Gofer__V1__SubscriptionReference *from) {
    gf_strbuf_reset(out);
    gf_strbuf_printf(out, "%s/%s/%s", from->namespace_id, from->pipeline_id, from->subscription_id);
    return out->ptr;
}

static void remove_one(struct gofer_subscription *subscription, enum gofer_end why) {
    struct gofer_extension *extension = subscription->extension;
    if (extension->definition.unsubscribe != NULL) {
        extension->definition.unsubscribe(extension, subscription, why, extension->definition.ctx);
    }
    atomic_store(&subscription->over, true);
    if (why == GOFER_END_REMOVED) {
        gf_sdk_starts_drop(extension, subscription);
    }
    (void)gf_map_remove(&extension->subscriptions, gf_str_from(subscription->key));
    gf_list_remove(&subscription->link);
    gofer_subscription_unref(subscription);
}

/* Asks the program; a subscription that it refuses is forgotten. */
static void offer(struct gofer_subscription *subscription) {
    struct gofer_extension *extension = subscription->extension;
    enum gofer_outcome outcome = GOFER_ACCEPTED;
    gf_sdk_outbox_hold(extension->outbox, true);
    if (extension->definition.subscribe != NULL) {
        outcome =
            extension->definition.subscribe(extension, subscription, extension->definition.ctx);
    }
    if (outcome < GOFER_ACCEPTED || outcome > GOFER_LATER) {
        gf_sdk_say(extension, GOFER_ERROR, "`subscribe` returned %d, which is no outcome", outcome);
        outcome = gofer_subscription_fail(subscription, "the extension has a fault: it gave no "
                                                        "answer that gofer knows");
    }
    note_outcome(subscription, outcome);
    say_outcome(subscription);
    gf_sdk_outbox_hold(extension->outbox, false);
    if (outcome == GOFER_REFUSED) {
        atomic_store(&subscription->over, true);
        gofer_subscription_unref(subscription);
        return;
    }
    subscription->seen = true;
    (void)gf_map_put(&extension->subscriptions, gf_str_from(subscription->key), subscription);
    gf_list_push_back(&extension->subscription_list, &subscription->link);
}

/* True when the program need not be asked: everything is as it was. */
static bool is_same(struct gofer_subscription *old, const struct gofer_subscription *new) {
    if (old->create_time_ns != new->create_time_ns ||
        !gf_sdk_settings_equal(old->settings, new->settings)) {
        return false;
    }
    GF_MUTEX_GUARD(&old->extension->state_mutex);
    return old->outcome == GOFER_ACCEPTED || old->outcome == GOFER_LATER ||
           (old->outcome == GOFER_FAILED && old->generation == new->generation);
}

/* What may have changed of one that is the same. A checkpoint that gofer has not acknowledged yet
 * is newer than the one that it tells. */
static void refresh(struct gofer_subscription *old, const struct gofer_subscription *new) {
    GF_MUTEX_GUARD(&old->extension->state_mutex);
    old->seen = true;
    old->generation = new->generation;
    old->last_run_time_ns = new->last_run_time_ns;
    if (atomic_load(&old->pending) == 0 && strcmp(old->checkpoint, new->checkpoint) != 0) {
        replace(&old->checkpoint, new->checkpoint);
    }
}

void gf_sdk_subscriptions_take(struct gofer_extension *extension,
                               const Gofer__Extension__V1__Subscribe *message) {
    struct gf_strbuf key;
    if (message->subscription == NULL) {
        return;
    }
    gf_strbuf_init(&key, GF_SDK_DESCRIPTION_BYTES_MAX);
    struct gofer_subscription *new =
        create(extension, make_key(&key, message->subscription), message);
    struct gofer_subscription *old = gf_map_get(&extension->subscriptions, gf_strbuf_view(&key));
    gf_strbuf_fini(&key);
    if (old != NULL && is_same(old, new)) {
        refresh(old, new);
        gofer_subscription_unref(new);
        say_outcome(old);
        return;
    }
    if (old != NULL) {
        if (old->create_time_ns == new->create_time_ns && atomic_load(&old->pending) > 0) {
            gf_sdk_note_checkpoint(extension, new, gofer_subscription_checkpoint(old));
        }
        remove_one(old, GOFER_END_CHANGED);
    }
    offer(new);
}

void gf_sdk_subscriptions_remove(struct gofer_extension *extension,
                                 const Gofer__Extension__V1__Unsubscribe *message) {
    struct gf_strbuf key;
    if (message->subscription == NULL) {
        return;
    }
    gf_strbuf_init(&key, GF_SDK_DESCRIPTION_BYTES_MAX);
    (void)make_key(&key, message->subscription);
    struct gofer_subscription *known = gf_map_get(&extension->subscriptions, gf_strbuf_view(&key));
    gf_strbuf_fini(&key);
    if (known != NULL) {
        remove_one(known, GOFER_END_REMOVED);
    }
}

void gf_sdk_subscriptions_begin(struct gofer_extension *extension) {
    GF_LIST_FOREACH(link, &extension->subscription_list) {
        GF_CONTAINER_OF(link, struct gofer_subscription, link)->seen = false;
    }
}

void gf_sdk_subscriptions_complete(struct gofer_extension *extension) {
    GF_LIST_FOREACH(link, &extension->subscription_list) {
        struct gofer_subscription *subscription =
            GF_CONTAINER_OF(link, struct gofer_subscription, link);
        if (!subscription->seen) {
            remove_one(subscription, GOFER_END_REMOVED);
        }
    }
}

void gf_sdk_subscriptions_fini(struct gofer_extension *extension) {
    GF_LIST_FOREACH(link, &extension->subscription_list) {
        remove_one(GF_CONTAINER_OF(link, struct gofer_subscription, link), GOFER_END_STOPPED);
    }
    gf_map_fini(&extension->subscriptions);
}
