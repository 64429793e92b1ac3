/*
 * The floor of the store: what bare SQLite needs for group commits of rows of the same number and
 * size.
 *
 * Three tables with a growing integer key and one blob each, no index, no foreign key, no check;
 * the same settings of the file, the same number of inserts and updates.
 */
#ifndef GOFER_TESTS_BENCH_STORE_FLOOR_H_
#define GOFER_TESTS_BENCH_STORE_FLOOR_H_

#include <stdint.h>

#include <sqlite3.h>

/* Bytes of an average row, as the store has left them in a file. */
struct floor_sizes {
    int run;
    int task;
    int event;
};

struct floor_sizes floor_measure(const char *store_path);

struct bare {
    sqlite3 *handle;
    sqlite3_stmt *begin, *commit;
    sqlite3_stmt *insert[3], *update[2];
    struct floor_sizes sizes;
    int64_t next_run_key;
    int64_t next_sequence;
    int64_t first_open_key;
};

/* Aborts the program on any error, as do the next ones. */
void floor_open(struct bare *bare, const char *path, struct floor_sizes sizes);
void floor_close(struct bare *bare);

/* One transaction: starts `runs` runs and ends those of the last one. */
void floor_commit(struct bare *bare, int64_t runs);

#endif /* GOFER_TESTS_BENCH_STORE_FLOOR_H_ */
