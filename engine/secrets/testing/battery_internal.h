#ifndef GOFER_ENGINE_SECRETS_TESTING_BATTERY_INTERNAL_H_
#define GOFER_ENGINE_SECRETS_TESTING_BATTERY_INTERNAL_H_

#include "engine/secrets/seal.h"
#include "engine/secrets/testing/secret_store_battery.h"

#include <criterion/criterion.h>

/* Stores keep bytes: what is sealed here is made up. */
struct battery {
    const struct gf_secret_store_factory *factory;
    struct gf_secret_store *store;
    const struct gf_secret_store_ops *ops;
    struct gf_arena arena;
    struct gf_error err;
};

void battery_open(struct battery *battery, const struct gf_secret_store_factory *factory);
void battery_close(struct battery *battery);

struct gf_secret_place battery_place(int64_t namespace_key, int64_t pipeline_key, const char *key);
/* A secret and its version, under data key `key_number`. In the arena. */
struct gf_secret battery_secret(struct battery *battery, struct gf_secret_place place,
                                int64_t version, int64_t key_number);
struct gf_secret_version battery_version(struct battery *battery, int64_t version,
                                         int64_t key_number);
struct gf_secret_change battery_change(enum gf_secret_change_kind kind,
                                       struct gf_secret_place place, int64_t version);
/* Makes data keys of values up to this number, where they are not there. */
void battery_need_keys(struct battery *battery, int64_t namespace_key, int64_t number);
enum gf_code battery_try_put(struct battery *battery, struct gf_secret_place place, int64_t version,
                             int64_t key_number);
void battery_put(struct battery *battery, struct gf_secret_place place, int64_t version,
                 int64_t key_number);
/* Whether a secret is there. */
bool battery_has(struct battery *battery, struct gf_secret_place place);
struct gf_secret_key battery_key(struct battery *battery, enum gf_secret_key_purpose purpose,
                                 int64_t namespace_key, int64_t number, const char *master_key_id);
void battery_put_key(struct battery *battery, enum gf_secret_key_purpose purpose,
                     int64_t namespace_key, int64_t number, const char *master_key_id);
size_t battery_count_keys(struct battery *battery, enum gf_secret_key_purpose purpose,
                          int64_t namespace_key);
size_t battery_count_changes(struct battery *battery);

void same_text(struct gf_str actual, struct gf_str expected, const char *what);
#define must(battery, call) cr_assert_eq((call), GF_OK, "%s: %s", #call, (battery)->err.message)

#endif /* GOFER_ENGINE_SECRETS_TESTING_BATTERY_INTERNAL_H_ */
