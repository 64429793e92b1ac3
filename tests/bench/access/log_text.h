/*
 * For benchmarks: text that looks like logs, and secrets that may be in it. The same at every run.
 */
#ifndef GOFER_TESTS_BENCH_ACCESS_LOG_TEXT_H_
#define GOFER_TESTS_BENCH_ACCESS_LOG_TEXT_H_

#include "base/macros.h"
#include "base/str.h"

#include <stdint.h>

enum {
    LOG_TEXT_SECRETS = 1000,
    LOG_TEXT_SECRETS_IN_LOGS = 100, /* those at the beginning */
};

uint64_t log_text_random(void);

/* LOG_TEXT_SECRETS of 20 to 60 random characters. Static storage. */
const struct gf_str *log_text_secrets(void);

/*
 * Puts log lines into text, at least size bytes; of `of_lines` one on average has a secret (0: none
 * has), of which `cut` bytes at the end miss.
 */
void log_text_fill(struct gf_strbuf *text, size_t size, size_t of_lines, size_t cut);

#endif /* GOFER_TESTS_BENCH_ACCESS_LOG_TEXT_H_ */
