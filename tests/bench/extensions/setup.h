/*
 * What there is before extensions connect: installed ones ("extension-0" and so on, run by hand),
 * and subscriptions. And how a figure is printed. Each function ends the program when it fails.
 */
#ifndef GOFER_TESTS_BENCH_EXTENSIONS_SETUP_H_
#define GOFER_TESTS_BENCH_EXTENSIONS_SETUP_H_

#include "api/rpc/client.h"
#include "base/macros.h"
#include "tests/bench/extensions/peer.h"

#include <stdint.h>

char *setup_extension_name(int64_t index, char out[PEER_ID_BYTES]);
char *setup_subscription_name(int64_t index, char out[PEER_ID_BYTES]);

void setup_install(struct gf_rpc_channel *channel, int64_t extension);

/* Subscribes "pipeline-PIPELINE" to an extension. */
void setup_subscribe(struct gf_rpc_channel *channel, int64_t pipeline, int64_t extension,
                     int64_t subscription);

/* Takes a subscription into use, or out of it. */
void setup_enable(struct gf_rpc_channel *channel, int64_t pipeline, int64_t extension,
                  int64_t subscription, bool enable);

/* How many extensions are RUNNING. */
int64_t setup_count_running(struct gf_rpc_channel *channel);

/* One line: what, a number, its unit. */
void print_figure(double value, const char *unit, const char *fmt, ...) GF_PRINTF(3, 4);

#endif /* GOFER_TESTS_BENCH_EXTENSIONS_SETUP_H_ */
