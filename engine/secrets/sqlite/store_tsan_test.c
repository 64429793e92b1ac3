/* A vault and its threads over the database. A plain program, for --config=tsan too. */
#include "engine/secrets/sqlite/testing/fixture.h"
#include "engine/secrets/testing/vault_threads.h"

int main(void) {
    struct gf_secret_fixture fixture;
    gf_secret_fixture_init(&fixture);
    gf_vault_threads(gf_secret_fixture_open_plain(&fixture));
    gf_secret_fixture_fini(&fixture);
    return 0;
}
