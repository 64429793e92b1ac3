/*
 * Between the files that check configs.
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_CORE_CONFIG_INTERNAL_H_
#define GOFER_ENGINE_CORE_CONFIG_INTERNAL_H_

#include "base/error.h"
#include "base/macros.h"
#include "engine/core/model.h"

struct gf_number_range {
    int64_t value;
    int64_t min;
    int64_t max;
    const char *field;
};

/* The first number that is out of its range is GF_INVALID_ARGUMENT on its field. */
enum gf_code gf_number_ranges_check(const struct gf_number_range *ranges, size_t count,
                                    struct gf_error *err) GF_MUST_USE;

/* How the runs of the config queue, how long they take and how many tasks run at once. */
enum gf_code gf_config_check_rules(const struct gf_config *config,
                                   struct gf_error *err) GF_MUST_USE;

/*
 * How the task ends, is made again, who it is at the registry, and which pool it is in. Fills in
 * pool_index. The pools of the
 * config have been checked. Fields are relative to the task.
 */
enum gf_code gf_config_check_task_rules(const struct gf_config *config, struct gf_task *task,
                                        struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_CORE_CONFIG_INTERNAL_H_ */
