/*
 * The lines of the log benchmarks: all of one length, each with its number and the time when it was
 * written, so that who reads them sees what is missing, what came twice and how long it was on the
 * way.
 */
#ifndef GOFER_TESTS_BENCH_LOGS_LINE_H_
#define GOFER_TESTS_BENCH_LOGS_LINE_H_

enum {
    LINE_BYTES = 100,
    LINE_NUMBER_DIGITS = 10,
    LINE_TIME_AT = 11, /* where the time begins: nanoseconds of the wall clock */
    LINE_TIME_DIGITS = 19,
};

#endif /* GOFER_TESTS_BENCH_LOGS_LINE_H_ */
