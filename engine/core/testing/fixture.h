/*
 * Configs for tests, written as one line of text.
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_CORE_TESTING_FIXTURE_H_
#define GOFER_ENGINE_CORE_TESTING_FIXTURE_H_

#include "base/arena.h"
#include "engine/core/model.h"

/*
 * A config of pipeline "pipe" whose tasks are written as "one; two < one; tri < one:any
 * two:failure": tasks separated by ';', parents behind '<' with a rule ("success" where none is
 * given). Nothing is checked: see gf_fixture_checked. All of it is in the arena.
 */
struct gf_config *gf_fixture_config(struct gf_arena *arena, const char *tasks);

/* The same, checked and completed by gf_config_check, with a content hash that differs with text.
 */
struct gf_config *gf_fixture_checked(struct gf_arena *arena, const char *tasks);

#endif /* GOFER_ENGINE_CORE_TESTING_FIXTURE_H_ */
