#include "tests/fault/kill/verify_things.h"

#include "base/clock.h"
#include "base/str.h"
#include "gofer/v1/event.gofer.h"
#include "gofer/v1/role.gofer.h"
#include "gofer/v1/secret.gofer.h"
#include "gofer/v1/token.gofer.h"
#include "tests/fault/kill/call.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

enum {
    PAGE = 1000,
    JOURNAL_SECONDS = 20, /* how long the events of secrets may take to be there */
};

static const struct gf_rpc_call_opts OPTS = {.timeout_ms = CALL_TIMEOUT_MS};

struct verify {
    struct worker *workers;
    size_t worker_count;
    struct worker *worker; /* who calls */
    int64_t events;
};

#define FOR_EACH_THING(verify, thing)                                                              \
    for (size_t w = 0; w < (verify)->worker_count; w++)                                            \
        for (size_t t = 0; t < (verify)->workers[w].things.count; t++)                             \
            for (struct thing *thing = (verify)->workers[w].things.items[t]; thing != NULL;        \
                 thing = NULL)

static struct thing *find(const struct verify *verify, enum thing_kind kind, const char *id) {
    FOR_EACH_THING(verify, thing) {
        if (thing->kind == kind && (kind == THING_KEYS || strcmp(thing->id, id) == 0)) {
            return thing;
        }
    }
    return NULL;
}

/* ---- What is there ---- */

static void check_there(const struct verify *verify, enum thing_kind kind, const char *id) {
    const struct thing *thing = find(verify, kind, id);
    if (thing == NULL || !thing->there) {
        work_failed("'%s' (kind %d) is there, and nobody made it", id, kind);
    }
}

static void check_tokens(const struct verify *verify) {
    Gofer__V1__ListTokensRequest request = GOFER__V1__LIST_TOKENS_REQUEST__INIT;
    Gofer__V1__ListTokensResponse *response = NULL;
    struct gf_error err = {0};
    size_t first = 0;
    request.page_size = PAGE;
    gf_arena_reset(&verify->worker->arena);
    if (gofer_v1_token_service_list_tokens(verify->worker->channel, &OPTS, &request,
                                           &verify->worker->arena, &response, &err) != GF_OK) {
        work_failed("list tokens: %s", err.message);
    }
    for (size_t i = 0; i < response->n_tokens; i++) {
        const bool is_first = strcmp(response->tokens[i]->role_ids[0], "bootstrap") == 0;
        first += is_first;
        if (!is_first) {
            check_there(verify, THING_TOKEN, response->tokens[i]->token_id);
        }
    }
    if (first != 1) {
        work_failed("%zu tokens were bootstrapped", first);
    }
}

static void check_roles(const struct verify *verify) {
    Gofer__V1__ListRolesRequest request = GOFER__V1__LIST_ROLES_REQUEST__INIT;
    Gofer__V1__ListRolesResponse *response = NULL;
    struct gf_error err = {0};
    request.page_size = PAGE;
    gf_arena_reset(&verify->worker->arena);
    if (gofer_v1_role_service_list_roles(verify->worker->channel, &OPTS, &request,
                                         &verify->worker->arena, &response, &err) != GF_OK) {
        work_failed("list roles: %s", err.message);
    }
    for (size_t i = 0; i < response->n_roles; i++) {
        if (!response->roles[i]->system_role) {
            check_there(verify, THING_ROLE, response->roles[i]->role_id);
        }
    }
}

static void check_secrets(const struct verify *verify) {
    Gofer__V1__ListPipelineSecretsRequest request = GOFER__V1__LIST_PIPELINE_SECRETS_REQUEST__INIT;
    Gofer__V1__ListPipelineSecretsResponse *response = NULL;
    Gofer__V1__ListGlobalSecretsRequest global_request =
        GOFER__V1__LIST_GLOBAL_SECRETS_REQUEST__INIT;
    Gofer__V1__ListGlobalSecretsResponse *global_response = NULL;
    struct gf_error err = {0};
    gf_arena_reset(&verify->worker->arena);
    request.pipeline_id = gf_arena_strdup(&verify->worker->arena, work_pipeline_id(WORK_secret));
    request.page_size = PAGE;
    global_request.page_size = PAGE;
    if (gofer_v1_secret_service_list_pipeline_secrets(verify->worker->channel, &OPTS, &request,
                                                      &verify->worker->arena, &response,
                                                      &err) != GF_OK ||
        gofer_v1_secret_service_list_global_secrets(verify->worker->channel, &OPTS, &global_request,
                                                    &verify->worker->arena, &global_response,
                                                    &err) != GF_OK) {
        work_failed("list secrets: %s", err.message);
    }
    for (size_t i = 0; i < response->n_secrets; i++) {
        check_there(verify, THING_SECRET, response->secrets[i]->key);
    }
    for (size_t i = 0; i < global_response->n_secrets; i++) {
        check_there(verify, THING_GLOBAL_SECRET, global_response->secrets[i]->key);
    }
}

/* ---- Events ---- */

#define KIND(name) GOFER__V1__EVENT_KIND__EVENT_KIND_##name

/* What an event tells of a thing. A global secret has no pipeline. */
struct telling {
    Gofer__V1__EventKind event;
    enum thing_kind thing;
    enum change_kind change;
    bool reveals;
};

static const struct telling TELLINGS[] = {
    {KIND(TOKEN_CREATED), THING_TOKEN, CHANGE_CREATE, false},
    {KIND(TOKEN_ENABLED), THING_TOKEN, CHANGE_ENABLE, false},
    {KIND(TOKEN_DISABLED), THING_TOKEN, CHANGE_DISABLE, false},
    {KIND(TOKEN_DELETED), THING_TOKEN, CHANGE_DELETE, false},
    {KIND(ROLE_CREATED), THING_ROLE, CHANGE_CREATE, false},
    {KIND(ROLE_UPDATED), THING_ROLE, CHANGE_WRITE, false},
    {KIND(ROLE_DELETED), THING_ROLE, CHANGE_DELETE, false},
    {KIND(SECRET_WRITTEN), THING_SECRET, CHANGE_WRITE, false},
    {KIND(SECRET_DELETED), THING_SECRET, CHANGE_DELETE, false},
    {KIND(SECRET_REVEALED), THING_SECRET, CHANGE_WRITE, true},
    {KIND(SECRET_KEYS_ROTATED), THING_KEYS, CHANGE_ROTATE, false},
};

/* False: the event is about something else. */
static bool telling_of(const Gofer__V1__Event *event, struct telling *out) {
    for (size_t i = 0; i < GF_ARRAY_COUNT(TELLINGS); i++) {
        if (TELLINGS[i].event == event->kind) {
            *out = TELLINGS[i];
            if (out->thing == THING_SECRET && event->pipeline_id[0] == '\0') {
                out->thing = THING_GLOBAL_SECRET;
            }
            return true;
        }
    }
    return false;
}

static int64_t version_of(const Gofer__V1__Event *event) {
    int64_t version = 0;
    for (size_t i = 0; i < event->n_metadata; i++) {
        if (strcmp(event->metadata[i]->key, "version") == 0) {
            gf_ignore(gf_parse_i64(gf_str_from(event->metadata[i]->value), &version));
        }
    }
    return event->version != 0 ? event->version : version;
}

/* The event tells the next change of its thing, and no other one. */
static void check_event(const struct verify *verify, const Gofer__V1__Event *event) {
    struct telling telling;
    if (!telling_of(event, &telling)) {
        return;
    }
    const char *id = event->key[0] != '\0' ? event->key : event->subject_id;
    struct thing *thing = find(verify, telling.thing, id);
    if (thing == NULL) {
        if (event->kind == GOFER__V1__EVENT_KIND__EVENT_KIND_TOKEN_CREATED &&
            event->event_id < 10) {
            return; /* the first token */
        }
        work_failed("event %" PRId64 " tells of '%s', which nobody made", event->event_id, id);
    }
    if (telling.reveals) {
        thing->told_reveals++;
        return;
    }
    const struct change *change =
        thing->told < thing->changes.count ? &thing->changes.items[thing->told] : NULL;
    if (change == NULL || change->kind != telling.change ||
        (change->version != 0 && change->version != version_of(event))) {
        work_failed("event %" PRId64 " tells that '%s' was changed (kind %d, version %" PRId64
                    "), and its change %zu of %zu is of kind %d, version %" PRId64,
                    event->event_id, id, telling.change, version_of(event), thing->told + 1,
                    thing->changes.count, change == NULL ? -1 : (int)change->kind,
                    change == NULL ? 0 : change->version);
    }
    thing->told++;
}

/* All events, in their order: their numbers have no gap, and none comes twice. */
static void read_events(struct verify *verify) {
    Gofer__V1__ListEventsRequest request = GOFER__V1__LIST_EVENTS_REQUEST__INIT;
    Gofer__V1__ListEventsResponse *response = NULL;
    struct gf_error err = {0};
    char token[256] = "";
    verify->events = 0;
    FOR_EACH_THING(verify, thing) {
        thing->told = 0;
        thing->told_reveals = 0;
    }
    request.page_size = PAGE;
    request.oldest_first = true;
    do {
        gf_arena_reset(&verify->worker->arena);
        request.page_token = token;
        if (gofer_v1_event_service_list_events(verify->worker->channel, &OPTS, &request,
                                               &verify->worker->arena, &response, &err) != GF_OK) {
            work_failed("list events: %s", err.message);
        }
        for (size_t i = 0; i < response->n_events; i++) {
            if (response->events[i]->event_id != ++verify->events) {
                work_failed("event %" PRId64 " follows %" PRId64, response->events[i]->event_id,
                            verify->events - 1);
            }
            check_event(verify, response->events[i]);
        }
        gf_assert(strlen(response->next_page_token) < sizeof(token));
        (void)snprintf(token, sizeof(token), "%s", response->next_page_token);
    } while (token[0] != '\0');
}

/* The first thing of which not everything was told; NULL = there is none. */
static const struct thing *find_untold(const struct verify *verify) {
    FOR_EACH_THING(verify, thing) {
        if (thing->told < thing->changes.count || thing->told_reveals < thing->reveals) {
            return thing;
        }
    }
    return NULL;
}

static void check_events(struct verify *verify) {
    const int64_t deadline_ns = gf_mono_ns() + JOURNAL_SECONDS * GF_NS_PER_SEC;
    read_events(verify);
    const struct thing *untold = find_untold(verify);
    while (untold != NULL) {
        if (gf_mono_ns() > deadline_ns) {
            work_failed("'%s' (kind %d): %zu changes of %zu were told, %" PRId64
                        " reveals of %" PRId64,
                        untold->id, untold->kind, untold->told, untold->changes.count,
                        untold->told_reveals, untold->reveals);
        }
        const struct timespec pause = {.tv_nsec = 50 * GF_NS_PER_MS};
        (void)nanosleep(&pause, NULL);
        read_events(verify);
        untold = find_untold(verify);
    }
}

void verify_things(struct worker *workers, size_t count, int64_t *out_changes,
                   int64_t *out_events) {
    struct verify verify = {.workers = workers, .worker_count = count, .worker = &workers[0]};
    *out_changes = 0;
    FOR_EACH_THING(&verify, thing) {
        *out_changes += (int64_t)thing->changes.count;
        if (thing->kind != THING_KEYS && thing->changes.count > 0) {
            thing_look(verify.worker, thing);
        }
    }
    check_tokens(&verify);
    check_roles(&verify);
    check_secrets(&verify);
    check_events(&verify);
    *out_events = verify.events;
}
