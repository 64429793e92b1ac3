/*
 * The floor of the load: bare SQLite, in this process, that commits the rows of the same runs in
 * groups, without gRPC, an engine or a second thread.
 */
#ifndef GOFER_TESTS_BENCH_ENGINE_FLOOR_LOAD_H_
#define GOFER_TESTS_BENCH_ENGINE_FLOOR_LOAD_H_

#include "tests/bench/engine/load.h"

/*
 * As load_run. Of an open loop every transaction takes the runs that are due, of a closed one as
 * many as there are calls in flight. Rows have the sizes of those in `database`, which the server
 * under load may hold open. The floor's own file is made beside it, on the same disk, and removed.
 */
void floor_load_run(const struct load_options *options, const char *database,
                    struct load_result *out_result);

#endif /* GOFER_TESTS_BENCH_ENGINE_FLOOR_LOAD_H_ */
