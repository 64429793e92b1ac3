/* The migrations of the secret store: made from migrations/ by the build. */
#ifndef GOFER_ENGINE_SECRETS_SQLITE_MIGRATE_H_
#define GOFER_ENGINE_SECRETS_SQLITE_MIGRATE_H_

#include "engine/sqlite/migrate.h"

extern const struct gf_sqlite_migration gf_sqlite_secret__migrations[];
extern const size_t gf_sqlite_secret__migration_count;

#endif /* GOFER_ENGINE_SECRETS_SQLITE_MIGRATE_H_ */
