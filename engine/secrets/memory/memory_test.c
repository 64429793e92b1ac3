/* The memory store passes the battery of all secret stores. */
#include "engine/secrets/memory/memory.h"
#include "engine/secrets/testing/secret_store_battery.h"

#include <criterion/criterion.h>

static struct gf_secret_store *create(GF_UNUSED void *ctx) {
    return gf_memory_secret_store_create();
}

static const struct gf_secret_store_factory factory = {
    .create = create,
    .fail_after = gf_memory_secret_store_fail_after,
};

#define CASE(name)                                                                                 \
    Test(memory_secret_store, name) {                                                              \
        gf_secret_store_battery_##name(&factory);                                                  \
    }
GF_SECRET_STORE_BATTERY(CASE)
#undef CASE
