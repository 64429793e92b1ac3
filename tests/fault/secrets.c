/*
 * Design: steps are given one after another, so the ledger says what there may be: of a key, what
 * the last acknowledged step made of it, or what one behind it did that was given and not
 * acknowledged. A value names its step, and is of another length than others.
 */
#include "tests/fault/secrets.h"

#include "base/arena.h"
#include "base/clock.h"
#include "engine/secrets/sqlite/secret_store.h"
#include "engine/secrets/vault.h"
#include "tests/fault/failed.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    ARENA_BYTES = 64 << 20,
    VALUE_BYTES_MAX = 4096,
    CHANGES_MAX = 4096,
    NAMESPACE_KEY = 7,
    PIPELINE_KEY = 70,
};

static const char MASTER_KEY[] =
    GF_MASTER_KEY_PREFIX "3UBHKdwiWI5WUxw9Kpl5G+o8dqg7NZKqtK8lSoL7GZk=";

static const struct gf_vault_caller CALLER = {
    .token_id = {"tok_1", 5}, .user = {"anna", 4}, .peer = {"unix:", 5}};

struct secret_step secret_step_at(int index) {
    const int key = index * 5 % SECRET_KEYS;
    if (index % 20 == 13) {
        return (struct secret_step){SECRET_STEP_ROTATE, -1};
    }
    if (index % 40 == 35) {
        return (struct secret_step){SECRET_STEP_ROTATE_SEALING, -1};
    }
    if (index % 10 == 6) {
        return (struct secret_step){SECRET_STEP_REENCRYPT, -1};
    }
    if (index % 10 == 8 && index > 20) {
        return (struct secret_step){SECRET_STEP_DELETE, key};
    }
    return (struct secret_step){index % 5 == 4   ? SECRET_STEP_REVEAL
                                : index % 5 == 2 ? SECRET_STEP_RESOLVE
                                                 : SECRET_STEP_PUT,
                                key};
}

/* ---- A vault ---- */

struct service {
    struct gf_secret_store *store;
    struct gf_vault *vault;
    struct gf_arena arena;
    int ledger_fd;
};

static bool open_vault(struct service *service, const char *path, int ledger_fd) {
    struct gf_error err = {0};
    *service = (struct service){.ledger_fd = ledger_fd};
    gf_arena_init(&service->arena, ARENA_BYTES);
    if (gf_sqlite_secret_store_open(path, &service->store, &err) != GF_OK) {
        (void)fprintf(stderr, "open: %s\n", err.message);
        return false;
    }
    struct gf_master_keys *masters = gf_master_keys_create();
    must(gf_master_keys_add_text(masters, gf_str_from(MASTER_KEY), "here", &err) == GF_OK, "%s",
         err.message);
    const struct gf_vault_options options = {
        .store = service->store, .masters = masters, .clock = gf_clock_system()};
    if (gf_vault_create(&options, &service->vault, &err) != GF_OK) {
        (void)fprintf(stderr, "vault: %s\n", err.message);
        return false;
    }
    return true;
}

static void close_vault(struct service *service) {
    gf_vault_destroy(service->vault);
    service->store->ops->destroy(service->store);
    gf_arena_fini(&service->arena);
}

/* ---- Steps ---- */

static struct gf_str key_of(struct service *service, int key) {
    return gf_str_from(gf_arena_printf(&service->arena, "key-%d", key));
}

static bool is_global(int key) {
    return key % 2 == 1;
}

static struct gf_secret_place place_of(struct service *service, int key) {
    return (struct gf_secret_place){.namespace_key = is_global(key) ? 0 : NAMESPACE_KEY,
                                    .pipeline_key = is_global(key) ? 0 : PIPELINE_KEY,
                                    .key = key_of(service, key)};
}

static struct gf_str namespace_of(int key) {
    return is_global(key) ? GF_STR("") : GF_STR("team-a");
}

static struct gf_str pipeline_of(int key) {
    return is_global(key) ? GF_STR("") : GF_STR("nightly");
}

/* "value 17 xxxxxx": longer values for later steps, over more than a page now and then. */
static struct gf_str value_of(struct service *service, int step) {
    const size_t size = 20 + (size_t)step * 3 + (step % 16 == 5 ? 2500 : 0);
    char *text = gf_arena_alloc(&service->arena, size + 1);
    memset(text, 'x', size);
    const int head = snprintf(text, size, "value %d ", step);
    text[head] = 'x';
    return (struct gf_str){text, size};
}

/* The step whose value this is; it must be whole. */
static int step_of_value(struct service *service, struct gf_str value) {
    for (int step = 0; step < SECRET_STEPS; step++) {
        if (secret_step_at(step).kind == SECRET_STEP_PUT &&
            gf_str_eq(value, value_of(service, step))) {
            return step;
        }
    }
    check_failed(__FILE__, __LINE__, "a value of %zu bytes is none that was given", value.len);
}

static enum gf_code put(struct service *service, int index, int64_t *out_version,
                        struct gf_error *err) {
    static const struct gf_str everywhere[] = {{"*", 1}};
    const int key = secret_step_at(index).key;
    const struct gf_vault_put what = {
        .place = place_of(service, key),
        .namespace_id = namespace_of(key),
        .pipeline_id = pipeline_of(key),
        .value = value_of(service, index),
        .namespaces = everywhere,
        .namespace_count = is_global(key) ? 1 : 0,
        .force = true,
        .request_id = gf_str_from(gf_arena_printf(&service->arena, "step-%d", index)),
    };
    struct gf_vault_put_result result;
    const enum gf_code rc =
        gf_vault_put(service->vault, &what, &CALLER, &service->arena, &result, err);
    if (rc == GF_OK) {
        *out_version = result.secret.latest_version;
    }
    return rc;
}

/* Gives the step whose value was read; -1 = there is none. */
static enum gf_code read_value(struct service *service, const struct secret_step *step,
                               int64_t *out_step, struct gf_error *err) {
    const struct gf_secret_place place = place_of(service, step->key);
    struct gf_secret_buffer value;
    int64_t version = 0;
    enum gf_code rc = GF_OK;
    gf_secret_buffer_init(&value, VALUE_BYTES_MAX);
    if (step->kind == SECRET_STEP_REVEAL) {
        rc = gf_vault_reveal(service->vault, &place, 0, namespace_of(step->key),
                             pipeline_of(step->key), &CALLER, &value, &version, err);
    } else {
        const struct gf_vault_user user = {NAMESPACE_KEY, PIPELINE_KEY, GF_STR("team-a")};
        rc = gf_vault_resolve(service->vault, &user,
                              is_global(step->key) ? GF_REFERENCE_GLOBAL_SECRET
                                                   : GF_REFERENCE_PIPELINE_SECRET,
                              place.key, &value, err);
    }
    if (rc == GF_OK) {
        *out_step = step_of_value(service, gf_secret_buffer_view(&value));
    } else if (rc == GF_NOT_FOUND) {
        *out_step = -1;
        rc = GF_OK;
    }
    gf_secret_buffer_fini(&value);
    return rc;
}

static enum gf_code rotate(struct service *service, int index, enum gf_vault_scope scope,
                           struct gf_error *err) {
    int64_t pending = 0;
    return gf_vault_rotate(
        service->vault, scope, scope == GF_VAULT_SCOPE_NAMESPACE ? -1 : 0, GF_STR(""), NULL,
        gf_str_from(gf_arena_printf(&service->arena, "step-%d", index)), &CALLER, &pending, err);
}

static enum gf_code reencrypt(struct service *service, struct gf_error *err) {
    enum gf_code rc = GF_OK;
    bool more = true;
    for (int i = 0; rc == GF_OK && more; i++) {
        must(i < 1000, "encrypting anew does not end");
        rc = gf_vault_reencrypt(service->vault, &more, err);
    }
    return rc;
}

static enum gf_vault_scope scope_of(enum secret_step_kind kind) {
    return kind == SECRET_STEP_ROTATE ? GF_VAULT_SCOPE_NAMESPACE : GF_VAULT_SCOPE_SEALING;
}

/* *out_number: the version of a put; the step whose value was read. */
static enum gf_code do_step(struct service *service, int index, int64_t *out_number,
                            struct gf_error *err) {
    const struct secret_step step = secret_step_at(index);
    struct gf_secret_place place;
    enum gf_code rc = GF_OK;
    gf_arena_reset(&service->arena);
    switch (step.kind) {
    case SECRET_STEP_PUT:
        return put(service, index, out_number, err);
    case SECRET_STEP_DELETE:
        place = place_of(service, step.key);
        rc = gf_vault_remove(service->vault, &place, namespace_of(step.key), pipeline_of(step.key),
                             &CALLER, err);
        *out_number = rc == GF_NOT_FOUND ? -1 : 0;
        return rc == GF_NOT_FOUND ? GF_OK : rc;
    case SECRET_STEP_REVEAL:
        return read_value(service, &step, out_number, err);
    case SECRET_STEP_RESOLVE:
        rc = read_value(service, &step, out_number, err);
        return rc == GF_OK ? gf_vault_flush_uses(service->vault, err) : rc;
    case SECRET_STEP_ROTATE:
    case SECRET_STEP_ROTATE_SEALING:
        return rotate(service, index, scope_of(step.kind), err);
    case SECRET_STEP_REENCRYPT:
        return reencrypt(service, err);
    }
    gf_unreachable();
}

static void tell(struct service *service, enum ledger_kind kind, int step, enum gf_code code,
                 int64_t number) {
    const struct ledger_record record = {.kind = kind,
                                         .step = step,
                                         .code = code,
                                         .number = number,
                                         .syncs = fault_count(FAULT_SYNC)};
    ledger_write(service->ledger_fd, &record);
}

/* ---- What there may be ---- */

/*
 * What a key may be: the values of these steps, -1 for none. Begins with what was acknowledged, the
 * rest may be instead of it.
 */
struct possible {
    int steps[SECRET_STEPS + 1];
    size_t count;
};

static struct possible possible_of(const struct ledger *past, int key) {
    struct possible possible = {.steps = {-1}, .count = 1};
    for (int i = 0; i < SECRET_STEPS; i++) {
        const struct secret_step step = secret_step_at(i);
        if (step.key != key || ledger_find_step(past, LEDGER_GIVEN, i) == NULL ||
            (step.kind != SECRET_STEP_PUT && step.kind != SECRET_STEP_DELETE)) {
            continue;
        }
        const int value = step.kind == SECRET_STEP_PUT ? i : -1;
        if (ledger_find_step(past, LEDGER_ACKNOWLEDGED, i) != NULL) {
            possible.count = 0;
        }
        possible.steps[possible.count++] = value;
    }
    return possible;
}

static void check_possible(const struct ledger *past, int key, int64_t value) {
    const struct possible possible = possible_of(past, key);
    for (size_t i = 0; i < possible.count; i++) {
        if (possible.steps[i] == value) {
            return;
        }
    }
    check_failed(__FILE__, __LINE__, "key-%d is of step %" PRId64 ", expected %d or one of %zu",
                 key, value, possible.steps[0], possible.count - 1);
}

/* ---- The first life ---- */

void secrets_serve(const char *path, const struct fault_plan *plan, int ledger_fd) {
    struct service service;
    struct ledger own = {0};
    struct fault_plan armed = *plan;
    armed.on_strike = sweep_on_strike;
    sweep_tell_to(ledger_fd);
    gf_vec_reserve(&own, 2 * SECRET_STEPS);
    fault_arm(&armed);
    if (!open_vault(&service, path, ledger_fd)) {
        _exit(SERVE_FAILED);
    }
    for (int i = 0; i < SECRET_STEPS; i++) {
        const struct secret_step step = secret_step_at(i);
        struct gf_error err = {0};
        int64_t number = 0;
        tell(&service, LEDGER_GIVEN, i, GF_OK, 0);
        gf_vec_push(&own, ((struct ledger_record){.kind = LEDGER_GIVEN, .step = i}));
        const enum gf_code rc = do_step(&service, i, &number, &err);
        if (rc == GF_OK && (step.kind == SECRET_STEP_REVEAL || step.kind == SECRET_STEP_RESOLVE)) {
            check_possible(&own, step.key, number);
        }
        if (rc == GF_OK) {
            gf_vec_push(&own, ((struct ledger_record){.kind = LEDGER_ACKNOWLEDGED, .step = i}));
        }
        must(rc == GF_OK || err.message[0] != '\0', "step %d is refused without a word", i);
        tell(&service, rc == GF_OK ? LEDGER_ACKNOWLEDGED : LEDGER_REFUSED, i, rc, number);
    }
    close_vault(&service);
    sweep_end(ledger_fd);
}

/* ---- The life after it ---- */

static bool was_acknowledged(const struct ledger *past, int step) {
    return ledger_find_step(past, LEDGER_ACKNOWLEDGED, step) != NULL;
}

/* What a step has recorded; false: nothing. */
static bool change_of_step(int index, enum gf_secret_change_kind *out_kind) {
    switch (secret_step_at(index).kind) {
    case SECRET_STEP_PUT:
        *out_kind = GF_SECRET_CHANGE_PUT;
        return true;
    case SECRET_STEP_DELETE:
        *out_kind = GF_SECRET_CHANGE_DELETED;
        return true;
    case SECRET_STEP_ROTATE:
    case SECRET_STEP_ROTATE_SEALING:
        *out_kind = GF_SECRET_CHANGE_KEYS_ROTATED;
        return true;
    case SECRET_STEP_REVEAL:
        *out_kind = GF_SECRET_CHANGE_REVEALED;
        return true;
    case SECRET_STEP_RESOLVE:
    case SECRET_STEP_REENCRYPT:
        break;
    }
    return false;
}

/*
 * The records are those of the steps in their order: each that was acknowledged, once, and of those
 * that were given without success any. What was not there could not be deleted or revealed.
 */
static void check_changes(struct service *service, const struct ledger *past) {
    struct gf_secret_change *items = NULL;
    struct gf_error err = {0};
    size_t count = 0;
    size_t at = 0;
    must(gf_vault_list_changes(service->vault, 0, CHANGES_MAX, &service->arena, &items, &count,
                               &err) == GF_OK,
         "changes: %s", err.message);
    for (int i = 0; i < SECRET_STEPS; i++) {
        const struct secret_step step = secret_step_at(i);
        const struct ledger_record *record = ledger_find_step(past, LEDGER_ACKNOWLEDGED, i);
        enum gf_secret_change_kind kind = GF_SECRET_CHANGE_UNSPECIFIED;
        if (!change_of_step(i, &kind) || ledger_find_step(past, LEDGER_GIVEN, i) == NULL) {
            continue;
        }
        const bool fits =
            at < count && items[at].kind == kind &&
            (step.key < 0 || gf_str_eq(items[at].place.key, key_of(service, step.key))) &&
            (record == NULL || kind != GF_SECRET_CHANGE_PUT ||
             items[at].version == record->number) &&
            (kind != GF_SECRET_CHANGE_KEYS_ROTATED || items[at].version == scope_of(step.kind));
        const bool needed = record != NULL && record->number != -1;
        must(!needed || fits,
             "step %d was acknowledged, and record %zu of %zu, of kind %d about '%" GF_STR_FMT
             "' in version %" PRId64 ", is not its own",
             i, at + 1, count, at < count ? (int)items[at].kind : -1,
             GF_STR_ARG(at < count ? items[at].place.key : GF_STR("")),
             at < count ? items[at].version : 0);
        must(at == 0 || at >= count || items[at].sequence > items[at - 1].sequence,
             "the records are not in their order");
        at += fits && (needed || record == NULL);
    }
    must(at == count, "%zu records are of no step", count - at);
}

static void check_values(struct service *service, const struct ledger *past) {
    struct gf_error err = {0};
    for (int key = 0; key < SECRET_KEYS; key++) {
        const struct secret_step step = {SECRET_STEP_RESOLVE, key};
        int64_t value = 0;
        must(read_value(service, &step, &value, &err) == GF_OK, "key-%d does not open: %s", key,
             err.message);
        check_possible(past, key, value);
    }
}

/* A put that was acknowledged gives its version again, unless its secret was deleted since. */
static void check_repetition(struct service *service, const struct ledger *past) {
    for (int i = 0; i < SECRET_STEPS; i++) {
        struct gf_error err = {0};
        int64_t version = 0;
        if (secret_step_at(i).kind == SECRET_STEP_PUT && was_acknowledged(past, i)) {
            const enum gf_code rc = put(service, i, &version, &err);
            const int64_t first = ledger_find_step(past, LEDGER_ACKNOWLEDGED, i)->number;
            must(rc == GF_NOT_FOUND || (rc == GF_OK && version >= first),
                 "step %d again: %s, version %" PRId64 ", first %" PRId64 ": %s", i,
                 gf_code_name(rc), version, first, err.message);
        }
    }
}

void secrets_recover(const char *path, const struct ledger *past, int ledger_fd) {
    struct service service;
    struct gf_error err = {0};
    must(open_vault(&service, path, ledger_fd), "the vault cannot be opened again");
    check_values(&service, past);
    check_changes(&service, past);
    must(reencrypt(&service, &err) == GF_OK, "encrypting anew: %s", err.message);
    check_values(&service, past);
    check_repetition(&service, past);
    check_values(&service, past);
    close_vault(&service);
    must(open_vault(&service, path, ledger_fd), "the vault cannot be opened a third time");
    check_values(&service, past);
    close_vault(&service);
    _exit(SERVE_DONE);
}
