/* Images that are not there or cannot be, and networks. */
#include "tests/conformance/scheduler/cases.h"

#include <string.h>

#include <criterion/criterion.h>

static const struct gf_attempt ATTEMPT = {.run_key = 1, .task_index = 2, .attempt = 1};

static enum gf_code check_image(struct stage *stage, const char *image, struct gf_error *err) {
    return stage->scheduler.ops->check_image(stage->scheduler.self, gf_str_from(image),
                                             GF_PULL_UNSPECIFIED, err);
}

void conformance_malformed_image_is_refused(struct stage *stage) {
    struct gf_error err = {0};
    cr_expect_eq(check_image(stage, "", &err), GF_INVALID_ARGUMENT);
    cr_expect_neq(err.message[0], '\0');
    if (stage_can(stage, CONFORMANCE_IMAGES)) {
        cr_expect_eq(check_image(stage, "Not A Name", &err), GF_INVALID_ARGUMENT);
    }
}

void conformance_image_that_is_there_is_found(struct stage *stage) {
    struct gf_error err = {0};
    cr_expect_eq(check_image(stage, stage->driver->image, &err), GF_OK, "%s", err.message);
}

/* The suite's tasks ask no registry. */
void conformance_image_that_is_missing_fails_the_launch(struct stage *stage) {
    struct stage_task task;
    stage_make_script(stage, &task, "true");
    task.task.image = gf_str_from(stage->driver->missing_image);
    const struct gf_launch launch = stage_make_launch(ATTEMPT, &task.task);
    stage_launch(stage, &launch);
    const struct stage_event end = stage_wait_end(stage, ATTEMPT);
    cr_expect_eq((int)end.kind, STAGE_LAUNCH_FAILED);
    cr_expect_not_null(strstr(end.text, stage->driver->missing_image), "%s", end.text);
    cr_expect_eq(stage_count(stage, ATTEMPT, STAGE_STARTED), 0);
}

static void launch_in(struct stage *stage, struct gf_attempt attempt, enum gf_network_mode mode) {
    struct stage_task task;
    stage_make_script(stage, &task, "true");
    task.task.network = mode;
    const struct gf_launch launch = stage_make_launch(attempt, &task.task);
    stage_launch(stage, &launch);
}

void conformance_networks_are_given_or_refused(struct stage *stage) {
    static const enum gf_network_mode modes[] = {GF_NETWORK_UNSPECIFIED, GF_NETWORK_NONE,
                                                 GF_NETWORK_BRIDGE, GF_NETWORK_HOST};
    for (size_t i = 0; i < GF_ARRAY_COUNT(modes); i++) {
        const struct gf_attempt attempt = stage_attempt((int64_t)i + 1);
        const unsigned bit = CONFORMANCE_NETWORK(modes[i]);
        if ((bit & (stage->driver->networks_given | stage->driver->networks_refused)) == 0) {
            continue;
        }
        launch_in(stage, attempt, modes[i]);
        const struct stage_event end = stage_wait_end(stage, attempt);
        const bool given = (bit & stage->driver->networks_given) != 0;
        cr_expect_eq((int)end.kind, given ? STAGE_EXITED : STAGE_LAUNCH_FAILED, "network %d: %s",
                     (int)modes[i], end.text);
        cr_expect_eq(end.text[0] == '\0', given);
    }
}
