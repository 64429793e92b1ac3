#include "tests/fault/kill/things.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "tests/fault/kill/call_things.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    TOKENS_MAX = 40, /* of a worker; the deleted ones included */
    SLOTS = 3,       /* roles, and secrets of each kind, of a worker: made and deleted again */
    BURST = 10,
    LATE_LOGINS_MAX = 2,
    ROTATORS = 1, /* the workers that renew keys: rotations exclude each other */
};

const char *thing_value(struct worker *worker, int64_t number) {
    return gf_arena_printf(&worker->arena, "this-is-the-value-of-change-%" PRId64, number);
}

const struct change *thing_change(const struct thing *thing, int64_t number) {
    for (size_t i = 0; i < thing->changes.count; i++) {
        if (thing->changes.items[i].number == number) {
            return &thing->changes.items[i];
        }
    }
    return NULL;
}

const struct change *thing_newest(const struct thing *thing) {
    gf_assert(thing->changes.count > 0);
    return &thing->changes.items[thing->changes.count - 1];
}

/* ---- Changes ---- */

static int64_t next_number(struct worker *worker) {
    GF_MUTEX_GUARD(&worker->work->mutex);
    return ++worker->work->changes;
}

/* Others read the changes of the secrets that tasks use only after the worker's end. */
static void note(struct thing *thing, const struct change *change) {
    gf_vec_push(&thing->changes, *change);
    thing->there = change->kind != CHANGE_DELETE;
    thing->disabled =
        change->kind == CHANGE_DISABLE || (thing->disabled && change->kind != CHANGE_ENABLE);
}

/* Gives the change until it is answered. */
static void change(struct worker *worker, struct thing *thing, enum change_kind kind) {
    struct change one = {.kind = kind, .number = next_number(worker), .given_ns = gf_mono_ns()};
    struct gf_error err = {0};
    bool repeated = false;
    gf_arena_reset(&worker->arena);
    enum gf_code rc = call_change(worker, thing, &one, &err);
    while (worker_must_repeat(worker, rc)) {
        repeated = true;
        gf_arena_reset(&worker->arena);
        rc = call_change(worker, thing, &one, &err);
    }
    one.answered_ns = gf_mono_ns();
    if (kind == CHANGE_DELETE && repeated && rc == GF_NOT_FOUND) {
        rc = GF_OK; /* the answer to the first call was lost */
    }
    if (kind == CHANGE_ROTATE && (rc == GF_FAILED_PRECONDITION || rc == GF_RESOURCE_EXHAUSTED)) {
        return; /* another one is under way, there is no new master key, or too many old ones */
    }
    if (rc != GF_OK) {
        work_failed("change %" PRId64 " (kind %d) of '%s' (kind %d): %s: %s", one.number, kind,
                    thing->id, thing->kind, gf_code_name(rc), err.message);
    }
    note(thing, &one);
}

static enum change_kind next_change(struct worker *worker, const struct thing *thing) {
    const bool ends = worker_draw(worker, 4) == 0;
    switch (thing->kind) {
    case THING_TOKEN:
        return !thing->there     ? CHANGE_CREATE
               : ends            ? CHANGE_DELETE
               : thing->disabled ? CHANGE_ENABLE
                                 : CHANGE_DISABLE;
    case THING_ROLE:
        return !thing->there ? CHANGE_CREATE : ends ? CHANGE_DELETE : CHANGE_WRITE;
    case THING_SECRET:
    case THING_GLOBAL_SECRET:
        return thing->there && ends && strncmp(thing->id, "used-", 5) != 0 ? CHANGE_DELETE
                                                                           : CHANGE_WRITE;
    case THING_KEYS:
        return CHANGE_ROTATE;
    }
    gf_unreachable();
}

/* ---- Looking ---- */

static void look_with_token(struct worker *worker, const struct thing *token) {
    const enum gf_code wanted = token->there && !token->disabled ? GF_OK : GF_UNAUTHENTICATED;
    struct gf_error err = {0};
    gf_arena_reset(&worker->arena);
    enum gf_code rc = call_who_am_i(worker, token->text, &err);
    while (worker_must_repeat(worker, rc)) {
        rc = call_who_am_i(worker, token->text, &err);
    }
    if (rc != wanted) {
        work_failed("token %s, %s: a call with it answers %s: %s", token->id,
                    !token->there     ? "deleted"
                    : token->disabled ? "disabled"
                                      : "enabled",
                    gf_code_name(rc), err.message);
    }
}

static void check_seen(struct worker *worker, const struct thing *thing,
                       const struct seen_thing *seen) {
    const struct change *newest = thing_newest(thing);
    if (thing->kind == THING_TOKEN && seen->disabled != thing->disabled) {
        work_failed("token %s is %s", thing->id, seen->disabled ? "disabled" : "enabled");
    }
    if (thing->kind == THING_ROLE) {
        const char *wanted = gf_arena_printf(&worker->arena, "change-%" PRId64, newest->number);
        if (strcmp(seen->description, wanted) != 0) {
            work_failed("role '%s' is of \"%s\", expected \"%s\"", thing->id, seen->description,
                        wanted);
        }
    }
    if (thing->kind == THING_SECRET || thing->kind == THING_GLOBAL_SECRET) {
        const char *wanted = thing_value(worker, newest->number);
        if (strcmp(seen->value, wanted) != 0 || seen->version != newest->version) {
            work_failed("secret '%s' is \"%s\" in version %" PRId64 ", expected \"%s\" in %" PRId64,
                        thing->id, seen->value, seen->version, wanted, newest->version);
        }
    }
}

/*
 * A failed login is answered late, the later the more there were since the server started: in the
 * end, when it is not started again, there are few.
 */
static bool may_fail_login(struct worker *worker) {
    if (worker_draw(worker, 16) != 0) {
        return false;
    }
    GF_MUTEX_GUARD(&worker->work->mutex);
    return !worker->work->stopping || worker->work->late_logins++ < LATE_LOGINS_MAX;
}

void thing_look(struct worker *worker, struct thing *thing) {
    struct seen_thing seen;
    struct gf_error err = {0};
    gf_arena_reset(&worker->arena);
    enum gf_code rc = call_look(worker, thing, &seen, &err);
    while (worker_must_repeat(worker, rc)) {
        gf_arena_reset(&worker->arena);
        rc = call_look(worker, thing, &seen, &err);
    }
    if (rc != (thing->there ? GF_OK : GF_NOT_FOUND)) {
        work_failed("'%s' (kind %d) %s there, and the answer is %s: %s", thing->id, thing->kind,
                    thing->there ? "must be" : "must not be", gf_code_name(rc), err.message);
    }
    if (rc == GF_OK) {
        check_seen(worker, thing, &seen);
        thing->reveals += thing->kind == THING_SECRET || thing->kind == THING_GLOBAL_SECRET;
    }
    if (thing->kind == THING_TOKEN && thing->text[0] != '\0' &&
        ((thing->there && !thing->disabled) || may_fail_login(worker))) {
        look_with_token(worker, thing);
    }
}

/* There is a first token, and there will be no other. */
static void look_for_bootstrap(struct worker *worker) {
    struct gf_error err = {0};
    gf_arena_reset(&worker->arena);
    enum gf_code rc = call_bootstrap(worker, &err);
    while (worker_must_repeat(worker, rc)) {
        rc = call_bootstrap(worker, &err);
    }
    if (rc != GF_FAILED_PRECONDITION) {
        work_failed("a second bootstrap: %s: %s", gf_code_name(rc), err.message);
    }
}

/* ---- What a worker has ---- */

static struct thing *add_thing(struct worker *worker, enum thing_kind kind, const char *id) {
    struct thing *thing = GF_NEW(struct thing);
    thing->kind = kind;
    (void)snprintf(thing->id, sizeof(thing->id), "%s", id);
    gf_vec_push(&worker->things, thing);
    return thing;
}

static void add_slots(struct worker *worker) {
    static const struct {
        enum thing_kind kind;
        const char *name;
    } kinds[] = {{THING_ROLE, "role"}, {THING_SECRET, "secret"}, {THING_GLOBAL_SECRET, "global"}};
    for (size_t k = 0; k < GF_ARRAY_COUNT(kinds); k++) {
        for (int i = 0; i < SLOTS; i++) {
            char id[THING_ID_BYTES];
            (void)snprintf(id, sizeof(id), "%s-%d-%d", kinds[k].name, worker->index, i);
            (void)add_thing(worker, kinds[k].kind, id);
        }
    }
    if (worker->index < ROTATORS) {
        (void)add_thing(worker, THING_KEYS, "");
    }
}

void things_set_up(struct worker *worker) {
    change(worker, add_thing(worker, THING_SECRET, THING_USED_SECRET), CHANGE_WRITE);
    change(worker, add_thing(worker, THING_GLOBAL_SECRET, THING_USED_GLOBAL), CHANGE_WRITE);
}

const struct thing *things_used(const struct worker *worker, const char *key) {
    for (size_t i = 0; i < worker->things.count; i++) {
        if (strcmp(worker->things.items[i]->id, key) == 0) {
            return worker->things.items[i];
        }
    }
    gf_unreachable();
}

static size_t count_tokens(const struct worker *worker) {
    size_t count = 0;
    for (size_t i = 0; i < worker->things.count; i++) {
        count += worker->things.items[i]->kind == THING_TOKEN;
    }
    return count;
}

/*
 * One change after another without a pause: so that a kill comes between a change, its event and
 * the end of its record often enough.
 */
static void burst(struct worker *worker) {
    struct thing *thing = worker->things.items[worker_draw(worker, worker->things.count)];
    for (int i = 0;
         i < BURST && (thing->kind == THING_SECRET || thing->kind == THING_GLOBAL_SECRET); i++) {
        change(worker, thing, next_change(worker, thing));
    }
}

void things_step(struct worker *worker) {
    if (!worker->has_slots) {
        add_slots(worker);
        worker->has_slots = true;
    }
    const uint64_t chance = worker_draw(worker, 100);
    if (chance < 3) {
        look_for_bootstrap(worker);
        return;
    }
    if (chance < 12 && count_tokens(worker) < TOKENS_MAX) {
        change(worker, add_thing(worker, THING_TOKEN, ""), CHANGE_CREATE);
        return;
    }
    if (chance < 32) {
        burst(worker);
        return;
    }
    struct thing *thing = worker->things.items[worker_draw(worker, worker->things.count)];
    const bool is_over = thing->kind == THING_TOKEN && !thing->there;
    if (chance < 72 && !is_over) {
        change(worker, thing, next_change(worker, thing));
    } else if (thing->kind != THING_KEYS && thing->changes.count > 0) {
        thing_look(worker, thing);
    }
}

void things_fini(struct worker *worker) {
    for (size_t i = 0; i < worker->things.count; i++) {
        gf_vec_fini(&worker->things.items[i]->changes);
        free(worker->things.items[i]);
    }
    gf_vec_fini(&worker->things);
}
