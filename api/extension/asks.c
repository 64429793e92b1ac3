/*
 * Questions about subscriptions, and how an extension looks inside. The answers come by the rpc
 * thread, the end of the time by a step; whoever takes a question out of its list answers it.
 */
#include "api/codec/model/message.h"
#include "api/extension/hub_internal.h"

#include <stdio.h>

enum {
    ASKS_STEP = 32,
    ANSWER_ARENA_BYTES_MAX = 4 << 20,
};

struct gf_str gf_hub__cut(const char *text, size_t bytes_max) {
    struct gf_str cut = gf_str_from(text);
    if (cut.len > bytes_max) {
        cut.len = bytes_max;
        while (cut.len > 0 && ((unsigned char)cut.ptr[cut.len] & 0xc0) == 0x80) {
            cut.len--;
        }
    }
    return cut;
}

struct gf_str gf_hub__sentence(const char *text, struct gf_arena *arena) {
    return gf_arena_str(arena, gf_hub__cut(text, GF_EXTENSION_SENTENCE_BYTES_MAX));
}

/* ---- Answers ---- */

static void answer_error(struct gf_extension_ask *ask, const struct gf_error *error) {
    const struct gf_extension_answer answer = {
        .error = *error,
        .generation = ask->asked_generation,
    };
    ask->answered(ask, &answer);
}

static void not_connected(struct gf_error *err) {
    (void)gf_fail_reason(err, GF_UNAVAILABLE, "NOT_CONNECTED", "the extension is not connected");
}

static void answer_refused(void *ctx) {
    struct gf_extension_hub *hub = ctx;
    struct gf_error error = {0};
    not_connected(&error);
    struct gf_list_link *ask = NULL;
    struct gf_list_link *debug = NULL;
    do {
        gf_mutex_lock(&hub->mutex);
        ask = gf_list_pop_front(&hub->refused_asks);
        debug = gf_list_pop_front(&hub->refused_debugs);
        gf_mutex_unlock(&hub->mutex);
        if (ask != NULL) {
            answer_error(GF_CONTAINER_OF(ask, struct gf_extension_ask, link), &error);
        }
        if (debug != NULL) {
            struct gf_extension_debug *self =
                GF_CONTAINER_OF(debug, struct gf_extension_debug, link);
            self->answered(self, &error, GF_STR(""));
        }
    } while (ask != NULL || debug != NULL);
}

static int64_t deadline_of(int64_t timeout_ms, int64_t option_ms, int64_t default_ms) {
    return gf_mono_ns() +
           (timeout_ms != 0 ? timeout_ms * GF_NS_PER_MS : gf_hub__ms(option_ms, default_ms));
}

/* Of what may be asked now; NULL: of nothing. (m) */
static struct gf_hub_connection *active_of(struct gf_extension_hub *hub, int64_t extension_key) {
    const struct gf_hub_extension *extension = gf_hub__find(hub, extension_key);
    return extension == NULL || hub->stopping ? NULL : extension->active;
}

void gf_extension_hub_ask(struct gf_extension_hub *hub, struct gf_extension_ask *ask) {
    ask->asked_generation = 0;
    ask->link = (struct gf_list_link){0};
    ask->deadline = deadline_of(ask->timeout_ms, hub->options.ask_ms, GF_EXTENSION_ASK_MS);
    GF_MUTEX_GUARD(&hub->mutex);
    struct gf_hub_connection *connection = active_of(hub, ask->extension_key);
    if (connection == NULL || connection->ask_count >= GF_HUB_ASKS_MAX) {
        gf_list_push_back(&hub->refused_asks, &ask->link);
        gf_pool_submit_reserved(hub->options.pool, answer_refused, hub);
        return;
    }
    gf_list_push_back(&connection->asks, &ask->link);
    connection->ask_count++;
    gf_connection__kick(connection);
}

void gf_extension_hub_debug(struct gf_extension_hub *hub, struct gf_extension_debug *debug) {
    debug->link = (struct gf_list_link){0};
    debug->deadline = deadline_of(debug->timeout_ms, 0, GF_EXTENSION_DEBUG_MS);
    GF_MUTEX_GUARD(&hub->mutex);
    struct gf_hub_connection *connection = active_of(hub, debug->extension_key);
    if (connection == NULL || connection->debug_count >= GF_HUB_DEBUGS_MAX) {
        gf_list_push_back(&hub->refused_debugs, &debug->link);
        gf_pool_submit_reserved(hub->options.pool, answer_refused, hub);
        return;
    }
    debug->request_number = ++connection->next_debug;
    connection->debug_count++;
    gf_list_push_back(&connection->debugs, &debug->link);
    char id[32];
    (void)snprintf(id, sizeof(id), "d-%lld", (long long)debug->request_number);
    Gofer__Extension__V1__DebugRequest request = GOFER__EXTENSION__V1__DEBUG_REQUEST__INIT;
    request.request_id = id;
    Gofer__Extension__V1__ConnectResponse message = GOFER__EXTENSION__V1__CONNECT_RESPONSE__INIT;
    message.message_case = GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_DEBUG_REQUEST;
    message.debug_request = &request;
    gf_connection__queue(connection, &message);
}

/* ---- Asking: steps ---- */

static struct gf_hub_names names_of(const struct gf_extension_ask *ask) {
    return (struct gf_hub_names){ask->namespace_id, ask->pipeline_id, ask->subscription_id};
}

static bool same_names(const struct gf_hub_names *a, const struct gf_hub_names *b) {
    return gf_str_eq(a->namespace_id, b->namespace_id) &&
           gf_str_eq(a->pipeline_id, b->pipeline_id) &&
           gf_str_eq(a->subscription_id, b->subscription_id);
}

/* (m) */
static struct gf_extension_ask *find_asked(struct gf_hub_connection *self,
                                           const struct gf_hub_names *names) {
    GF_LIST_FOREACH(link, &self->asked) {
        struct gf_extension_ask *ask = GF_CONTAINER_OF(link, struct gf_extension_ask, link);
        const struct gf_hub_names others = names_of(ask);
        if (same_names(&others, names)) {
            return ask;
        }
    }
    return NULL;
}

static enum gf_code prepare(struct gf_hub_connection *self, const struct gf_extension_ask *ask,
                            struct gf_hub_settings *out, struct gf_error *err) {
    const struct gf_vault_user user = {
        .namespace_key = ask->namespace_key,
        .pipeline_key = ask->pipeline_key,
        .namespace_id = ask->namespace_id,
    };
    gf_settings__prepare(self->hub, self->declared->subscription_parameters,
                         self->declared->n_subscription_parameters, ask->settings,
                         ask->setting_count, &user, &self->arena, out);
    if (out->check.problem_count == 0) {
        return GF_OK;
    }
    const enum gf_code rc = gf_settings_fail(&out->check, err);
    if (out->reason == GF_SUBSCRIPTION_REASON_REFERENCE_BROKEN) {
        err->code = GF_FAILED_PRECONDITION;
        (void)snprintf(err->reason, sizeof(err->reason), "REFERENCE_BROKEN");
        return err->code;
    }
    return rc;
}

/* Takes it out of its list and answers it. */
static void refuse(struct gf_hub_connection *self, struct gf_extension_ask *ask,
                   const struct gf_error *error) {
    gf_mutex_lock(&self->hub->mutex);
    gf_list_remove(&ask->link);
    self->ask_count--;
    gf_mutex_unlock(&self->hub->mutex);
    answer_error(ask, error);
}

/* Puts it among those that are asked. False: another question about it is under way. */
static bool begin(struct gf_hub_connection *self, struct gf_extension_ask *ask) {
    const struct gf_hub_names names = names_of(ask);
    GF_MUTEX_GUARD(&self->hub->mutex);
    if (find_asked(self, &names) != NULL) {
        return false;
    }
    const struct gf_hub_subscription *known = gf_set__find(self, &names);
    int64_t generation = ask->generation > self->asked_max ? ask->generation : self->asked_max;
    if (known != NULL && known->generation > generation) {
        generation = known->generation;
    }
    ask->asked_generation = generation + 1;
    self->asked_max = ask->asked_generation;
    gf_list_remove(&ask->link);
    gf_list_push_back(&self->asked, &ask->link);
    return true;
}

static bool send_ask(struct gf_hub_connection *self, struct gf_extension_ask *ask) {
    struct gf_hub_settings settings;
    struct gf_error error = {0};
    if (prepare(self, ask, &settings, &error) != GF_OK) {
        refuse(self, ask, &error);
        return true;
    }
    const int64_t pipeline_key = ask->pipeline_key;
    const struct gf_hub_subscribe subscribe = {
        .names = names_of(ask),
        .settings = &settings.check,
        .checkpoint = ask->checkpoint,
        .create_time =
            ask->create_time != 0 ? ask->create_time : gf_clock_wall_ns(self->hub->options.clock),
        .last_run_time = ask->last_run_time,
    };
    Gofer__Extension__V1__Subscribe *message = gf_set__write(self, &subscribe);
    if (!begin(self, ask)) {
        (void)gf_fail(&error, GF_ABORTED, "another change of this subscription is under way");
        refuse(self, ask, &error);
        return true;
    }
    /* From here on an answer may come (of one who guesses, too), and the question be gone. */
    message->generation = self->asked_max;
    return gf_set__subscribe(self, message, 0, pipeline_key);
}

bool gf_asks__send(struct gf_hub_connection *self, bool *out_more) {
    for (int i = 0; i < ASKS_STEP && !gf_connection__is_long(self); i++) {
        gf_mutex_lock(&self->hub->mutex);
        struct gf_list_link *first = gf_list_first(&self->asks);
        gf_mutex_unlock(&self->hub->mutex);
        if (first == NULL) {
            return true;
        }
        if (!send_ask(self, GF_CONTAINER_OF(first, struct gf_extension_ask, link))) {
            return false;
        }
    }
    *out_more = true;
    return true;
}

bool gf_asks__take(struct gf_hub_connection *self,
                   const Gofer__Extension__V1__SubscriptionResult *result) {
    const struct gf_hub_names names = {gf_str_from(result->subscription->namespace_id),
                                       gf_str_from(result->subscription->pipeline_id),
                                       gf_str_from(result->subscription->subscription_id)};
    gf_mutex_lock(&self->hub->mutex);
    struct gf_extension_ask *ask = find_asked(self, &names);
    if (ask != NULL && ask->asked_generation == result->generation) {
        gf_list_remove(&ask->link);
        self->ask_count--;
    } else {
        ask = NULL;
    }
    gf_mutex_unlock(&self->hub->mutex);
    if (ask == NULL) {
        return false;
    }
    struct gf_arena arena;
    gf_arena_init(&arena, ANSWER_ARENA_BYTES_MAX);
    const size_t count = result->n_setting_problems;
    struct gf_setting_problem *problems = GF_ARENA_ARRAY(&arena, count, struct gf_setting_problem);
    for (size_t i = 0; i < count; i++) {
        problems[i] = (struct gf_setting_problem){
            .parameter_name = gf_hub__sentence(result->setting_problems[i]->parameter_name, &arena),
            .description = gf_hub__sentence(result->setting_problems[i]->description, &arena),
        };
    }
    const struct gf_extension_answer answer = {
        .generation = result->generation,
        .outcome = result->outcome,
        .description = gf_hub__sentence(result->description, &arena),
        .problems = problems,
        .problem_count = count,
    };
    ask->answered(ask, &answer);
    gf_arena_fini(&arena);
    return true;
}

void gf_debugs__take(struct gf_hub_connection *self, const Gofer__Extension__V1__DebugInfo *info) {
    struct gf_extension_debug *found = NULL;
    gf_mutex_lock(&self->hub->mutex);
    GF_LIST_FOREACH(link, &self->debugs) {
        struct gf_extension_debug *debug = GF_CONTAINER_OF(link, struct gf_extension_debug, link);
        char id[32];
        (void)snprintf(id, sizeof(id), "d-%lld", (long long)debug->request_number);
        if (strcmp(id, info->request_id) == 0) {
            found = debug;
        }
    }
    if (found != NULL) {
        gf_list_remove(&found->link);
        self->debug_count--;
    }
    gf_mutex_unlock(&self->hub->mutex);
    const struct gf_error none = {0};
    if (found != NULL) {
        found->answered(found, &none, gf_str_from(info->info));
    }
}

/* ---- Time and end ---- */

int64_t gf_asks__deadline(const struct gf_hub_connection *self) {
    gf_mutex_assert_held(&self->hub->mutex);
    const struct gf_list *lists[] = {&self->asks, &self->asked};
    int64_t earliest = GF_NEVER;
    for (size_t i = 0; i < GF_ARRAY_COUNT(lists); i++) {
        GF_LIST_FOREACH(link, lists[i]) {
            const int64_t deadline = GF_CONTAINER_OF(link, struct gf_extension_ask, link)->deadline;
            earliest = deadline < earliest ? deadline : earliest;
        }
    }
    GF_LIST_FOREACH(link, &self->debugs) {
        const int64_t deadline = GF_CONTAINER_OF(link, struct gf_extension_debug, link)->deadline;
        earliest = deadline < earliest ? deadline : earliest;
    }
    return earliest;
}

/* Takes out one whose deadline is `now` or before; NULL: none. (m) */
static struct gf_extension_ask *expired_ask(struct gf_hub_connection *self, int64_t now) {
    struct gf_list *lists[] = {&self->asks, &self->asked};
    for (size_t i = 0; i < GF_ARRAY_COUNT(lists); i++) {
        GF_LIST_FOREACH(link, lists[i]) {
            struct gf_extension_ask *ask = GF_CONTAINER_OF(link, struct gf_extension_ask, link);
            if (ask->deadline <= now) {
                gf_list_remove(&ask->link);
                self->ask_count--;
                return ask;
            }
        }
    }
    return NULL;
}

static struct gf_extension_debug *expired_debug(struct gf_hub_connection *self, int64_t now) {
    GF_LIST_FOREACH(link, &self->debugs) {
        struct gf_extension_debug *debug = GF_CONTAINER_OF(link, struct gf_extension_debug, link);
        if (debug->deadline <= now) {
            gf_list_remove(&debug->link);
            self->debug_count--;
            return debug;
        }
    }
    return NULL;
}

static void expire(struct gf_hub_connection *self, int64_t now, const struct gf_error *error) {
    for (;;) {
        gf_mutex_lock(&self->hub->mutex);
        struct gf_extension_ask *ask = expired_ask(self, now);
        struct gf_extension_debug *debug = expired_debug(self, now);
        gf_mutex_unlock(&self->hub->mutex);
        if (ask != NULL) {
            answer_error(ask, error);
        }
        if (debug != NULL) {
            debug->answered(debug, error, GF_STR(""));
        }
        if (ask == NULL && debug == NULL) {
            return;
        }
    }
}

void gf_asks__expire(struct gf_hub_connection *self) {
    struct gf_error error = {0};
    (void)gf_fail(&error, GF_DEADLINE_EXCEEDED, "the extension did not answer in time");
    expire(self, gf_mono_ns(), &error);
}

void gf_asks__end(struct gf_hub_connection *self) {
    struct gf_error error = {0};
    (void)gf_fail_reason(&error, GF_UNAVAILABLE, "NOT_CONNECTED",
                         "the extension's connection ended");
    expire(self, GF_NEVER, &error);
}
