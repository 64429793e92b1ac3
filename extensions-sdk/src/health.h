/*
 * How the extension feels, and its figures.
 */
#ifndef GOFER_EXTENSIONS_SDK_SRC_HEALTH_H_
#define GOFER_EXTENSIONS_SDK_SRC_HEALTH_H_

#include <gofer/extension.h>
#include <stdint.h>

struct gf_sdk_health;

struct gf_sdk_health *gf_sdk_health_create(struct gofer_extension *extension);
void gf_sdk_health_destroy(struct gf_sdk_health *health); /* accepts NULL */

/* Settings of the administrator do not fit: FAILED until the next Welcome. NULL: they do. Thread:
 * main. */
void gf_sdk_health_set_problem(struct gf_sdk_health *health, const char *problem);

/* The connection is ready: says how it feels. Thread: main. */
void gf_sdk_health_ready(struct gf_sdk_health *health);

/* Says it again if it is time, and gives when that is next (monotonic clock). Thread: main. */
int64_t gf_sdk_health_advance(struct gf_sdk_health *health, int64_t now_mono_ns);

#endif /* GOFER_EXTENSIONS_SDK_SRC_HEALTH_H_ */
