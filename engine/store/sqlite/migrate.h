/* The migrations of the store: made from migrations/ by the build. */
#ifndef GOFER_ENGINE_STORE_SQLITE_MIGRATE_H_
#define GOFER_ENGINE_STORE_SQLITE_MIGRATE_H_

#include "engine/sqlite/migrate.h"

extern const struct gf_sqlite_migration gf_sqlite__migrations[];
extern const size_t gf_sqlite__migration_count;

#endif /* GOFER_ENGINE_STORE_SQLITE_MIGRATE_H_ */
