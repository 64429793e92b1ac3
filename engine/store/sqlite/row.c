#include "engine/store/sqlite/row.h"

struct gf_reason gf_sqlite__reason(struct gf_sqlite_row *row) {
    struct gf_reason reason = {0};
    reason.kind = (enum gf_reason_kind)gf_sqlite__enum_or_none(row, gf_reason_kind_valid);
    reason.text = gf_sqlite__str(row);
    return reason;
}
