#include "engine/store/sqlite/sql.h"

#include "base/macros.h"

static const char *const TEXTS[GF_SQL_COUNT] = {
#define GF_X(name, text) [GF_SQL_##name] = text,
    GF_SQL_STATEMENTS(GF_X)
#undef GF_X
};

const char *gf_sqlite__sql(enum gf_sql sql) {
    gf_assert(sql < GF_SQL_COUNT);
    return TEXTS[sql];
}
