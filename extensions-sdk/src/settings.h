/*
 * Settings: names and values, in one allocation, ordered by name. They do not change.
 *
 * Thread: any.
 */
#ifndef GOFER_EXTENSIONS_SDK_SRC_SETTINGS_H_
#define GOFER_EXTENSIONS_SDK_SRC_SETTINGS_H_

#include "extensions-sdk/src/message.h"

#include <stdbool.h>
#include <stddef.h>

/* Copies entries of a map field. Of names that differ in case only, one is kept. Owned by the
 * caller. */
struct gofer_settings *gf_sdk_settings_create(const void *entries, size_t count);

/* Overwrites and frees them: they may hold secrets. Accepts NULL. */
void gf_sdk_settings_destroy(struct gofer_settings *settings);

bool gf_sdk_settings_equal(const struct gofer_settings *a, const struct gofer_settings *b);

#endif /* GOFER_EXTENSIONS_SDK_SRC_SETTINGS_H_ */
