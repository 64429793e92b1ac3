/* Rows of the store: what engine/sqlite/row.h has, and what is of the core. Thread: as there. */
#ifndef GOFER_ENGINE_STORE_SQLITE_ROW_H_
#define GOFER_ENGINE_STORE_SQLITE_ROW_H_

#include "engine/core/model.h"
#include "engine/sqlite/row.h"

/* The columns reason_kind and reason_text. */
struct gf_reason gf_sqlite__reason(struct gf_sqlite_row *row);

#endif /* GOFER_ENGINE_STORE_SQLITE_ROW_H_ */
