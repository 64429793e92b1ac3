/*
 * Design: one round at a time reads a few records and gives each to the engine as a command. When
 * the last of them is done, which is on the engine thread, the next round begins on the pool: it
 * forgets what is durable now and reads on, until nothing is left. `state` is who may touch the
 * journal, as in stream.c: IDLE nobody, BUSY a round is under way, AGAIN one more is wanted.
 *
 * A round that cannot go on (the vault does not answer, the engine refuses) ends. The next change
 * or the next start begins anew; nothing is lost, because nothing was forgotten.
 */
#include "api/service/secret_journal.h"

#include "base/alloc.h"
#include "base/log.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>

enum {
    ROUND_CHANGES_MAX = 64,
    ROUND_BYTES_MAX = 4 << 20,
    NUMBER_BYTES = 24,
};

enum {
    IDLE,
    BUSY,
    AGAIN,
};

/* One record on its way. */
struct entry {
    struct gf_command command;
    struct gf_secret_journal *journal;
    struct gf_event event;
    struct gf_label fact; /* the event's metadata */
    char version[NUMBER_BYTES];
};

struct gf_secret_journal {
    struct gf_vault *vault; /* NULL before the start */
    struct gf_engine *engine;
    struct gf_pool *pool;
    _Atomic bool started;
    _Atomic bool stopping;
    _Atomic int state;
    /* Of the round under way. */
    struct gf_arena arena;
    struct entry entries[ROUND_CHANGES_MAX];
    int64_t last_sequence;     /* of the records that were given to the engine */
    int64_t forgotten;         /* up to which records are gone from the vault */
    _Atomic size_t left_count; /* commands that are not done, and one while the round submits */
    _Atomic bool failed;
};

static void run(void *ctx);

static void kick(struct gf_secret_journal *self) {
    int state = atomic_load(&self->state);
    for (;;) {
        if (state == AGAIN || atomic_load(&self->stopping) || !atomic_load(&self->started)) {
            return;
        }
        const int next = state == IDLE ? BUSY : AGAIN;
        if (atomic_compare_exchange_weak(&self->state, &state, next)) {
            if (next == BUSY) {
                gf_pool_submit_reserved(self->pool, run, self);
            }
            return;
        }
    }
}

/* The round is over; another one follows where something has come meanwhile. */
static void rest(struct gf_secret_journal *self) {
    if (atomic_exchange(&self->state, IDLE) == AGAIN) {
        kick(self);
    }
}

/* ---- Events ---- */

static enum gf_event_kind kind_of(enum gf_secret_change_kind kind) {
    switch (kind) {
    case GF_SECRET_CHANGE_PUT:
        return GF_EVENT_SECRET_WRITTEN;
    case GF_SECRET_CHANGE_DELETED:
        return GF_EVENT_SECRET_DELETED;
    case GF_SECRET_CHANGE_REVEALED:
        return GF_EVENT_SECRET_REVEALED;
    case GF_SECRET_CHANGE_KEYS_ROTATED:
        return GF_EVENT_SECRET_KEYS_ROTATED;
    case GF_SECRET_CHANGE_UNSPECIFIED:
        break;
    }
    return GF_EVENT_UNSPECIFIED;
}

/* The names of the contracts (SecretKeyScope), without their prefix. */
static struct gf_str scope_name(int64_t scope) {
    switch (scope) {
    case GF_VAULT_SCOPE_MASTER:
        return GF_STR("MASTER");
    case GF_VAULT_SCOPE_NAMESPACE:
        return GF_STR("NAMESPACE");
    case GF_VAULT_SCOPE_SEALING:
        return GF_STR("SEALING");
    default:
        return GF_STR("");
    }
}

/* Texts are those of the change. */
static void fill(struct entry *entry, const struct gf_secret_change *change) {
    entry->event = (struct gf_event){
        .time = change->time,
        .kind = kind_of(change->kind),
        .namespace_id = change->namespace_id,
        .pipeline_id = change->pipeline_id,
        .version = change->version,
        .key = change->place.key,
        .actor = {.token_id = change->token_id, .user = change->user, .peer = change->address},
    };
    if (change->kind == GF_SECRET_CHANGE_KEYS_ROTATED) {
        entry->fact = (struct gf_label){GF_STR("scope"), scope_name(change->version)};
        entry->event.version = 0;
    } else if (change->version > 0) {
        (void)snprintf(entry->version, sizeof(entry->version), "%" PRId64, change->version);
        entry->fact = (struct gf_label){GF_STR("version"), gf_str_from(entry->version)};
    }
    if (entry->fact.key.len > 0) {
        entry->event.metadata = &entry->fact;
        entry->event.metadata_count = 1;
    }
    entry->command.input.kind = GF_INPUT_RECORD_EVENT;
    entry->command.input.u.record.event = &entry->event;
    entry->command.input.u.record.source_sequence = change->sequence;
}

/* ---- A round ---- */

static void settle(struct gf_secret_journal *self) {
    if (atomic_fetch_sub(&self->left_count, 1) != 1) {
        return;
    }
    if (atomic_load(&self->failed) || atomic_load(&self->stopping)) {
        rest(self);
    } else {
        gf_pool_submit_reserved(self->pool, run, self);
    }
}

/* On the engine thread. */
static void done(struct gf_command *command, const struct gf_reply *reply) {
    struct entry *entry = GF_CONTAINER_OF(command, struct entry, command);
    if (reply->error.code != GF_OK && !atomic_exchange(&entry->journal->failed, true)) {
        gf_log_warn("secret_journal_failed", GF_KV_ERROR(&reply->error));
    }
    settle(entry->journal);
}

/* In the order of the records; those behind one that is refused wait for the next round. */
static void submit(struct gf_secret_journal *self, const struct gf_secret_change *changes,
                   size_t count) {
    atomic_store(&self->left_count, 1);
    for (size_t i = 0; i < count; i++) {
        struct entry *entry = &self->entries[i];
        struct gf_error error = {0};
        *entry = (struct entry){.journal = self, .command.done = done};
        fill(entry, &changes[i]);
        atomic_fetch_add(&self->left_count, 1);
        if (gf_engine_submit(self->engine, &entry->command, &error) != GF_OK) {
            gf_log_warn("secret_journal_failed", GF_KV_ERROR(&error));
            atomic_store(&self->failed, true);
            atomic_fetch_sub(&self->left_count, 1);
            break;
        }
        self->last_sequence = changes[i].sequence;
    }
    settle(self);
}

/* On a worker. What was given to the engine before is durable. */
static void run(void *ctx) {
    struct gf_secret_journal *self = ctx;
    struct gf_secret_change *changes = NULL;
    struct gf_error error = {0};
    size_t count = 0;
    enum gf_code rc = GF_OK;
    if (atomic_load(&self->stopping)) {
        rest(self);
        return;
    }
    if (atomic_exchange(&self->failed, false)) {
        self->last_sequence = self->forgotten; /* not all of the round became events */
    }
    if (self->last_sequence > self->forgotten) {
        rc = gf_vault_forget_changes(self->vault, self->last_sequence, &error);
        self->forgotten = rc == GF_OK ? self->last_sequence : self->forgotten;
    }
    gf_arena_reset(&self->arena);
    if (rc == GF_OK) {
        rc = gf_vault_list_changes(self->vault, self->forgotten, ROUND_CHANGES_MAX, &self->arena,
                                   &changes, &count, &error);
    }
    if (rc != GF_OK) {
        gf_log_warn("secret_journal_failed", GF_KV_ERROR(&error));
    }
    if (rc != GF_OK || count == 0) {
        rest(self);
    } else {
        submit(self, changes, count);
    }
}

/* ---- Life ---- */

struct gf_secret_journal *gf_secret_journal_create(void) {
    struct gf_secret_journal *self = GF_NEW(struct gf_secret_journal);
    gf_arena_init(&self->arena, ROUND_BYTES_MAX);
    return self;
}

void gf_secret_journal_changed(void *journal) {
    kick(journal);
}

void gf_secret_journal_start(struct gf_secret_journal *self, struct gf_vault *vault,
                             struct gf_engine *engine, struct gf_pool *pool) {
    self->vault = vault;
    self->engine = engine;
    self->pool = pool;
    atomic_store(&self->started, true);
    kick(self);
}

void gf_secret_journal_stop(struct gf_secret_journal *self) {
    if (self != NULL) {
        atomic_store(&self->stopping, true);
    }
}

void gf_secret_journal_destroy(struct gf_secret_journal *self) {
    if (self != NULL) {
        gf_arena_fini(&self->arena);
        free(self);
    }
}
