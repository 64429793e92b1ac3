#!/bin/sh
# Writes C that holds the given migrations, each NNNN_name.sql, in the order of their numbers.
# Usage: embed.sh HEADER PREFIX FILE...; HEADER declares PREFIX_migrations and PREFIX_migration_count.
set -eu

header=$1
prefix=$2
shift 2
echo "#include \"$header\""
echo "const struct gf_sqlite_migration ${prefix}_migrations[] = {"
for file in "$@"; do
    base=$(basename "$file" .sql)
    number=$(echo "${base%%_*}" | sed 's/^0*//')
    printf '{.number = %s, .name = "%s", .sql =\n' "$number" "${base#*_}"
    sed -e '/^--/d' -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$/\\n"/' "$file"
    echo '},'
done
echo '};'
echo "const size_t ${prefix}_migration_count ="
echo "    sizeof(${prefix}_migrations) / sizeof(${prefix}_migrations[0]);"
