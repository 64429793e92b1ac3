/* A vault and its threads over the store in memory. A plain program, for --config=tsan too. */
#include "engine/secrets/memory/memory.h"
#include "engine/secrets/testing/vault_threads.h"

int main(void) {
    gf_vault_threads(gf_memory_secret_store_create());
    return 0;
}
