#!/bin/sh
# Writes C that holds the given migrations, each NNNN_name.sql, in the order of their numbers.
set -eu

echo '#include "engine/store/sqlite/migrate.h"'
echo 'const struct gf_sqlite_migration gf_sqlite__migrations[] = {'
for file in "$@"; do
    base=$(basename "$file" .sql)
    number=$(echo "${base%%_*}" | sed 's/^0*//')
    printf '{.number = %s, .name = "%s", .sql =\n' "$number" "${base#*_}"
    sed -e '/^--/d' -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$/\\n"/' "$file"
    echo '},'
done
echo '};'
echo 'const size_t gf_sqlite__migration_count = sizeof(gf_sqlite__migrations) / sizeof(gf_sqlite__migrations[0]);'
