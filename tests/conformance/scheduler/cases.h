/*
 * The one list of cases that every back end passes, and how a back end runs them:
 *
 *     #define NATIVE_CASE(name, needs) CONFORMANCE_TEST(native_conformance, driver, name, needs)
 *     CONFORMANCE_CASES(NATIVE_CASE)
 *
 * makes a Criterion test of each case. Who adds a case adds a line here and a function
 * `void conformance_NAME(struct stage *stage)` to the file of its noun.
 */
#ifndef GOFER_TESTS_CONFORMANCE_SCHEDULER_CASES_H_
#define GOFER_TESTS_CONFORMANCE_SCHEDULER_CASES_H_

#include "tests/conformance/scheduler/stage.h"

/* What the cases with programs mostly need. */
enum {
    CONFORMANCE_ANY = 0,
    CONFORMANCE_OUTPUT = CONFORMANCE_PROGRAMS | CONFORMANCE_LOGS,
};

/* X(name, needs) */
#define CONFORMANCE_CASES(X)                                                                       \
    /* case_ends.c: that every launch comes to its one end. */                                     \
    X(back_end_is_as_its_driver_says, CONFORMANCE_ANY)                                             \
    X(launch_starts_and_ends, CONFORMANCE_ANY)                                                     \
    X(many_launches_have_an_end_each, CONFORMANCE_ANY)                                             \
    X(every_legal_name_is_launched, CONFORMANCE_ANY)                                               \
    X(attempts_of_a_task_are_told_apart, CONFORMANCE_ANY)                                          \
    X(exit_codes_are_told, CONFORMANCE_PROGRAMS)                                                   \
    X(signals_are_told, CONFORMANCE_PROGRAMS)                                                      \
    X(program_that_is_missing_is_named, CONFORMANCE_PROGRAMS)                                      \
    X(what_outlives_the_program_ends_with_it, CONFORMANCE_PROGRAMS)                                \
    /* case_program.c: what a program gets. */                                                     \
    X(command_of_the_image_runs_where_the_task_has_none, CONFORMANCE_OUTPUT | CONFORMANCE_IMAGES)  \
    X(command_of_the_task_replaces_that_of_the_image, CONFORMANCE_OUTPUT | CONFORMANCE_IMAGES)     \
    X(entrypoint_of_the_task_replaces_both, CONFORMANCE_OUTPUT | CONFORMANCE_IMAGES)               \
    X(arguments_pass_as_they_are, CONFORMANCE_OUTPUT)                                              \
    X(environment_passes_as_it_is, CONFORMANCE_OUTPUT)                                             \
    X(environment_of_the_launch_wins, CONFORMANCE_OUTPUT | CONFORMANCE_IMAGES)                     \
    X(user_of_the_task_is_taken, CONFORMANCE_OUTPUT)                                               \
    X(user_that_is_unknown_is_named, CONFORMANCE_PROGRAMS)                                         \
    X(user_and_directory_of_the_image_are_taken, CONFORMANCE_OUTPUT | CONFORMANCE_IMAGES)          \
    X(working_directory_is_entered, CONFORMANCE_OUTPUT)                                            \
    X(standard_input_is_empty, CONFORMANCE_OUTPUT)                                                 \
    X(names_reach_the_program_whatever_they_are, CONFORMANCE_OUTPUT)                               \
    X(document_is_there_for_every_user, CONFORMANCE_OUTPUT | CONFORMANCE_INPUT)                    \
    X(document_cannot_be_changed, CONFORMANCE_OUTPUT | CONFORMANCE_INPUT)                          \
    X(launch_without_a_document_has_none, CONFORMANCE_OUTPUT | CONFORMANCE_INPUT)                  \
    /* case_logs.c */                                                                              \
    X(streams_are_kept_apart, CONFORMANCE_OUTPUT)                                                  \
    X(every_line_is_there_in_its_order, CONFORMANCE_OUTPUT)                                        \
    X(any_bytes_are_kept, CONFORMANCE_OUTPUT)                                                      \
    X(program_that_writes_nothing_has_a_log, CONFORMANCE_OUTPUT)                                   \
    X(log_is_complete_after_an_exit, CONFORMANCE_OUTPUT)                                           \
    X(log_is_complete_after_a_signal, CONFORMANCE_OUTPUT)                                          \
    X(log_is_complete_after_a_forced_stop, CONFORMANCE_OUTPUT)                                     \
    X(log_is_complete_after_a_timeout, CONFORMANCE_OUTPUT)                                         \
    X(log_is_complete_after_lack_of_memory, CONFORMANCE_OUTPUT | CONFORMANCE_MEMORY_LIMIT)         \
    X(secrets_do_not_reach_the_log, CONFORMANCE_OUTPUT | CONFORMANCE_MASKS)                        \
    X(launch_without_a_log_has_none, CONFORMANCE_OUTPUT | CONFORMANCE_DISABLED_LOGS)               \
    /* case_limits.c */                                                                            \
    X(memory_beyond_the_limit_is_told, CONFORMANCE_PROGRAMS | CONFORMANCE_MEMORY_LIMIT)            \
    X(processes_are_bounded, CONFORMANCE_OUTPUT | CONFORMANCE_PID_LIMIT)                           \
    X(disk_is_bounded, CONFORMANCE_OUTPUT | CONFORMANCE_DISK_LIMIT)                                \
    X(usage_is_told, CONFORMANCE_PROGRAMS | CONFORMANCE_USAGE)                                     \
    /* case_stop.c: ends before their time. */                                                     \
    X(timeout_ends_the_program, CONFORMANCE_PROGRAMS)                                              \
    X(timeout_kills_what_ignores_it, CONFORMANCE_OUTPUT)                                           \
    X(stop_asks_first, CONFORMANCE_OUTPUT)                                                         \
    X(stop_kills_after_the_time_to_stop, CONFORMANCE_OUTPUT)                                       \
    X(forced_stop_kills_at_once, CONFORMANCE_OUTPUT)                                               \
    X(forced_stop_kills_while_a_stop_is_under_way, CONFORMANCE_OUTPUT)                             \
    X(stop_right_after_the_launch_is_not_lost, CONFORMANCE_PROGRAMS)                               \
    X(stop_and_forget_of_the_unknown_are_ignored, CONFORMANCE_ANY)                                 \
    X(stop_of_what_has_ended_is_ignored, CONFORMANCE_ANY)                                          \
    /* case_asked.c: inquiries, and what is forgotten. */                                          \
    X(end_is_told_again, CONFORMANCE_ANY)                                                          \
    X(start_is_told_again, CONFORMANCE_PROGRAMS)                                                   \
    X(failure_is_told_again, CONFORMANCE_PROGRAMS)                                                 \
    X(question_during_the_launch_is_answered_by_it, CONFORMANCE_ANY)                               \
    X(every_question_is_answered, CONFORMANCE_ANY)                                                 \
    X(unknown_attempt_was_never_started_and_can_be, CONFORMANCE_PROGRAMS)                          \
    X(forgotten_program_is_ended, CONFORMANCE_PROGRAMS)                                            \
    /* case_restart.c: the server ends, and another one starts. */                                 \
    X(running_program_is_adopted_with_its_log, CONFORMANCE_OUTPUT | CONFORMANCE_RESTARTS)          \
    X(end_in_between_is_told, CONFORMANCE_OUTPUT | CONFORMANCE_RESTARTS)                           \
    X(end_is_told_until_it_is_forgotten, CONFORMANCE_PROGRAMS | CONFORMANCE_RESTARTS)              \
    X(adopted_program_can_be_stopped, CONFORMANCE_OUTPUT | CONFORMANCE_RESTARTS)                   \
    X(stop_right_after_the_restart_is_not_lost, CONFORMANCE_PROGRAMS | CONFORMANCE_RESTARTS)       \
    X(timeout_goes_on_over_a_restart, CONFORMANCE_PROGRAMS | CONFORMANCE_RESTARTS)                 \
    X(program_lives_through_many_restarts, CONFORMANCE_PROGRAMS | CONFORMANCE_RESTARTS)            \
    X(many_programs_are_adopted, CONFORMANCE_PROGRAMS | CONFORMANCE_RESTARTS)                      \
    X(attempt_that_was_never_launched_is_told, CONFORMANCE_PROGRAMS | CONFORMANCE_RESTARTS)        \
    /* case_images.c: images and networks. */                                                      \
    X(malformed_image_is_refused, CONFORMANCE_ANY)                                                 \
    X(image_that_is_there_is_found, CONFORMANCE_ANY)                                               \
    X(image_that_is_missing_fails_the_launch, CONFORMANCE_IMAGES)                                  \
    X(networks_are_given_or_refused, CONFORMANCE_PROGRAMS)                                         \
    /* case_sessions.c */                                                                          \
    X(attached_session_sees_output_and_end, CONFORMANCE_PROGRAMS | CONFORMANCE_SESSIONS)           \
    X(attached_session_gives_input, CONFORMANCE_OUTPUT | CONFORMANCE_SESSIONS)                     \
    X(program_goes_on_when_an_attached_session_is_closed,                                          \
      CONFORMANCE_PROGRAMS | CONFORMANCE_SESSIONS)                                                 \
    X(exec_runs_beside_the_program, CONFORMANCE_PROGRAMS | CONFORMANCE_SESSIONS)                   \
    X(exec_of_a_program_that_is_missing_is_refused, CONFORMANCE_PROGRAMS | CONFORMANCE_SESSIONS)   \
    X(exec_with_a_terminal_has_one, CONFORMANCE_PROGRAMS | CONFORMANCE_SESSIONS)                   \
    X(program_of_an_exec_ends_when_it_is_closed, CONFORMANCE_PROGRAMS | CONFORMANCE_SESSIONS)      \
    X(session_without_a_container_is_refused, CONFORMANCE_PROGRAMS | CONFORMANCE_SESSIONS)

#define CONFORMANCE_X(name, needs) void conformance_##name(struct stage *stage);
CONFORMANCE_CASES(CONFORMANCE_X)
#undef CONFORMANCE_X

/* Runs one case; the body of a test. */
void conformance_run(const struct conformance_driver *driver, const char *name, unsigned needs,
                     void (*run)(struct stage *stage));

/* The Criterion test of one case; Criterion is included. */
#define CONFORMANCE_TEST(suite, driver, name, needs)                                               \
    Test(suite, name, .timeout = 60) {                                                             \
        conformance_run(&(driver), #name, (needs), conformance_##name);                            \
    }

#endif /* GOFER_TESTS_CONFORMANCE_SCHEDULER_CASES_H_ */
