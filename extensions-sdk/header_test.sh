#!/usr/bin/env bash
# The public header stands alone, twice, as strict C11 and as C++17, under gcc and clang.
set -euo pipefail

header=extensions-sdk/include/gofer/extension.h
test -f "$header"
source=$TEST_TMPDIR/header
printf '#include <gofer/extension.h>\n#include <gofer/extension.h>\nint main(void) { return 0; }\n' \
    >"$source.c"
cp "$source.c" "$source.cc"

strict=(-pedantic-errors -Wall -Wextra -Wshadow -Werror -fsyntax-only -Iextensions-sdk/include)
for compiler in gcc clang; do
    "$compiler" -std=c11 -Wstrict-prototypes -Wc++-compat "${strict[@]}" "$source.c"
    "$compiler" -x c++ -std=c++17 -Wold-style-cast "${strict[@]}" "$source.cc"
    echo "$compiler: strict C11 and C++17"
done

others=$(grep -oE '#include [<"][^>"]+[>"]' "$header" | grep -vE '<std(bool|def|int)\.h>' || true)
if [ -n "$others" ]; then
    echo "the public header includes more than the three of the language: $others"
    exit 1
fi
