/*
 * What is to be done from time to time for tokens and secrets, in the background:
 *
 *   - tokens that expire are put out of the gate when their time comes, so that their streams end;
 *   - every minute the last uses of tokens go to the engine, and those of secrets to their store;
 *     and records of secrets that the engine refused for a while are given to it again;
 *   - at the start and every hour what lies under older keys of secrets is encrypted anew, and the
 *     keys that nothing lies under any more go.
 *
 * Tokens that have expired are deleted by the engine itself, an hour later.
 *
 * Thread: the owner's.
 */
#ifndef GOFER_API_SERVER_UPKEEP_H_
#define GOFER_API_SERVER_UPKEEP_H_

#include "api/access/gate.h"
#include "api/service/secret_journal.h"
#include "base/clock.h"
#include "base/macros.h"
#include "base/pool.h"
#include "base/reactor.h"
#include "engine/engine.h"
#include "engine/secrets/vault.h"

enum {
    GF_UPKEEP_USES_MS = 60 * 1000,
    GF_UPKEEP_KEYS_MS = 60 * 60 * 1000,
    /* A token lives for a minute at least, so this is how late the first look at it may be. */
    GF_UPKEEP_EXPIRY_MS_MAX = 30 * 1000,
};

struct gf_upkeep;

/* All is borrowed until destroy. */
struct gf_upkeep_options {
    struct gf_gate *gate;
    struct gf_vault *vault;
    struct gf_secret_journal *journal;
    struct gf_engine *engine; /* has been started */
    struct gf_reactor *reactor;
    struct gf_pool *pool; /* for short jobs */
    const struct gf_clock *clock;
    /* Renews what lies under older keys, in the background (gf_services_renew_secrets). Called on
     * the reactor. */
    void (*renew_secrets)(void *ctx);
    void *renew_ctx;
    /* For tests; 0 = the times above. */
    int64_t uses_ms;
    int64_t keys_ms;
    int64_t expiry_ms_max;
};

struct gf_upkeep *gf_upkeep_start(const struct gf_upkeep_options *options) GF_MUST_USE;

/* Does for the last time what is due every minute. Before the engine stops. Accepts NULL. */
void gf_upkeep_stop(struct gf_upkeep *upkeep);

/* After the pool was joined and the engine stopped. Accepts NULL. */
void gf_upkeep_destroy(struct gf_upkeep *upkeep);

#endif /* GOFER_API_SERVER_UPKEEP_H_ */
