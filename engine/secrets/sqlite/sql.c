#include "engine/secrets/sqlite/sql.h"

static const char *const TEXTS[GF_SECRET_SQL_COUNT] = {
#define GF_X(name, text) [GF_SECRET_SQL_##name] = text,
    GF_SECRET_SQL_STATEMENTS(GF_X)
#undef GF_X
};

const struct gf_sqlite_profile gf_sqlite_secret__profile = {
    .statements = TEXTS,
    .statement_count = GF_SECRET_SQL_COUNT,
    .application_id = 0x676f6673, /* "gofs" */
    .check_bytes_max = 64 << 20,
    .writer_cache_kib = 1024,
    .reader_cache_kib = 512,
    .secure_delete = true,
};
