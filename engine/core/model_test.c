#include "engine/core/model.h"

#include <criterion/criterion.h>

Test(model, names_are_those_of_the_tables) {
    cr_expect_str_eq(gf_run_state_name(GF_RUN_STATE_QUEUED), "QUEUED");
    cr_expect_str_eq(gf_task_status_name(GF_TASK_STATUS_SKIPPED), "SKIPPED");
    cr_expect_str_eq(gf_reason_kind_name(GF_REASON_OUT_OF_MEMORY), "OUT_OF_MEMORY");
    cr_expect_str_eq(gf_event_kind_name(GF_EVENT_TASK_EXECUTION_COMPLETED),
                     "TASK_EXECUTION_COMPLETED");
    cr_expect_str_eq(gf_run_state_name(GF_RUN_STATE_UNSPECIFIED), "UNSPECIFIED");
    cr_expect_str_eq(gf_run_state_name((enum gf_run_state)99), "UNSPECIFIED");
}

Test(model, stored_numbers_do_not_change) {
    cr_expect_eq((int)GF_RUN_STATE_COMPLETE, 4);
    cr_expect_eq((int)GF_TASK_STATE_PROCESSING, 1);
    cr_expect_eq((int)GF_TASK_STATUS_SKIPPED, 4);
    cr_expect_eq((int)GF_REASON_OUT_OF_MEMORY, 7);
    cr_expect_eq((int)GF_EVENT_RUN_QUEUED, 40);
    cr_expect_eq((int)GF_EVENT_TASK_EXECUTION_COMPLETED, 52);
}

Test(model, only_numbers_of_the_tables_are_valid) {
    cr_expect(gf_parent_rule_valid(1));
    cr_expect(gf_parent_rule_valid(3));
    cr_expect_not(gf_parent_rule_valid(0));
    cr_expect_not(gf_parent_rule_valid(4));
    cr_expect_not(gf_parent_rule_valid(-1));
    cr_expect_not(gf_parent_rule_valid(INT64_C(1) << 32 | 1));
    cr_expect_not(gf_event_kind_valid(4));
    cr_expect(gf_event_kind_valid(43));
}
