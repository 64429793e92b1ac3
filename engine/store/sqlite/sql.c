#include "engine/store/sqlite/sql.h"

#include "base/macros.h"
#include "engine/store/sqlite/store.h"

static const char *const TEXTS[GF_SQL_COUNT] = {
#define GF_X(name, text) [GF_SQL_##name] = text,
    GF_SQL_STATEMENTS(GF_X)
#undef GF_X
};

const char *gf_sqlite__sql(enum gf_sql sql) {
    gf_assert(sql < GF_SQL_COUNT);
    return TEXTS[sql];
}

const struct gf_sqlite_profile gf_sqlite__profile = {
    .statements = TEXTS,
    .statement_count = GF_SQL_COUNT,
    .application_id = 0x676f6672, /* "gofr" */
    .check_bytes_max = GF_SQLITE_CHECK_BYTES_MAX,
    .writer_cache_kib = 8192,
    .reader_cache_kib = 512,
};
