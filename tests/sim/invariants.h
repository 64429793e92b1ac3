/*
 * What must hold at any time, by name. A story that breaks one ends and is told with that name.
 */
#ifndef GOFER_TESTS_SIM_INVARIANTS_H_
#define GOFER_TESTS_SIM_INVARIANTS_H_

/* X(name, sentence) */
#define SIM_INVARIANTS(X)                                                                          \
    X(acknowledged_kept, "what a reply told is in the rows after every crash")                     \
    X(reply_agrees, "a reply shows the rows as they are stored")                                   \
    X(refusal, "a command is refused when, and only when, a rule refuses it")                      \
    X(refusal_traceless, "a command that is refused or changes nothing leaves no trace")           \
    X(need_traceless, "a step that needs something has changed nothing, and needs an end")         \
    X(answered_once, "every command is answered exactly once")                                     \
    X(row_states, "a row goes from one state to another only as design allows")                    \
    X(row_immutable, "what cannot change in a row does not change")                                \
    X(owner_or_deadline, "whatever has not ended has an owner or a deadline")                      \
    X(run_waits_for_something, "no run is queued while it could run")                              \
    X(task_waits_for_something, "no task waits while it could run")                                \
    X(every_run_ends, "with an honest scheduler every run ends")                                   \
    X(slot_without_row, "no slot is held without a running row")                                   \
    X(server_runs_limit, "the limit of running runs of the server holds")                          \
    X(namespace_runs_limit, "the limit of running runs of a namespace holds")                      \
    X(pipeline_runs_limit, "the limit of running runs of a pipeline holds")                        \
    X(queue_limit, "the limit of queued runs of a pipeline holds")                                 \
    X(active_runs_limit, "the limit of runs that have not ended holds")                            \
    X(attempts_limit, "the limit of containers of the server holds")                               \
    X(task_parallelism_limit, "the limit of tasks of a run at once holds")                         \
    X(pool_limit, "the limit of tasks of a pool at once holds")                                    \
    X(queue_order, "of the runs that could start the first by priority and age starts")            \
    X(key_order, "runs with the same key run one after another, the oldest first")                 \
    X(key_newest, "of the queued runs of a key only the newest is kept, if it asks for that")      \
    X(displacement, "a run is displaced only by the policy, and then it is the oldest")            \
    X(cancel_recorded, "a cancel is recorded in what it names, and nothing else is cancelled")     \
    X(parents_allow, "a task runs only when its parents allow it")                                 \
    X(skip_justified, "a task is skipped only when its parents forbid it, and then always")        \
    X(task_result, "a task ends as its container did")                                             \
    X(final_status, "the status of a run is a function of the results of its tasks")               \
    X(one_outcome, "every attempt has exactly one recorded outcome")                               \
    X(stale_report, "a report of an old attempt changes nothing")                                  \
    X(retry_allowed, "an attempt is made again only where the retry policy allows it")             \
    X(retry_made, "an attempt is made again where the retry policy asks for it")                   \
    X(backoff_waited, "the next attempt waits as long as the retry policy says")                   \
    X(timeout_early, "nothing is timed out before its time")                                       \
    X(timeout_late, "what is over its time is ended")                                              \
    X(request_first_outcome, "a repeated request is answered with its first outcome")              \
    X(request_once, "a repeated request makes nothing twice")                                      \
    X(kept_results, "a retry of the failed tasks keeps the results of the others")                 \
    X(newest_version, "version 0 deploys the newest version that is there")                        \
    X(version_bound, "a run uses the version that was live when it was created, to its end")       \
    X(event_sequence, "events are numbered without a gap, in order")                               \
    X(event_agreement, "events tell what happened to the rows, each change once")                  \
    X(event_actor, "an event tells who did it, where somebody did")                                \
    X(bootstrap_once, "the first token is made once for ever, and is the only one with its role")  \
    X(token_roles, "no token has a role that there is not")                                        \
    X(token_disabled, "a token is disabled until it is enabled, and only when asked for")          \
    X(token_expiry, "a token that has expired is removed in time, and no other one")               \
    X(token_use, "the last use of a token is that, to the minute")                                 \
    X(source_once, "what a journal tells is told once, whatever crashes")                          \
    X(start_once, "a key of a subscription starts one run, and every repetition gets its outcome") \
    X(start_kept, "the outcome of a start that was acknowledged is kept, whatever crashes")        \
    X(delivered_once, "a delivery comes in once under its id, and is known, whatever crashes")     \
    X(start_allowed, "a start is refused, kept or made as the rows say, and for their reason")     \
    X(start_counts, "extensions and subscriptions count what they started, the core what waits")   \
    X(chain_depth, "a run is one deeper in its chain than the one because of which it is wanted")  \
    X(waiting_ends, "what waits becomes a run, a refusal or a dead letter after its attempts")     \
    X(subscription_belongs, "a subscription outlives neither its pipeline nor its extension")      \
    X(deleted_gone, "what is deleted is gone, with what belongs to it")                            \
    X(launch_committed, "only what is committed is launched")                                      \
    X(launch_limits, "a launch tells the limits of time that hold for its task")                   \
    X(launch_once, "an attempt is launched once, unless it never started")                         \
    X(stop_reaches, "whatever is being ended is told to stop")                                     \
    X(restart_equal, "a restored core does what the one that lived on does")                       \
    X(core_assertion, "the core's own assertions hold, and it does not crash")

enum sim_invariant {
#define SIM_X(name, sentence) SIM_INVARIANT_##name,
    SIM_INVARIANTS(SIM_X)
#undef SIM_X
    SIM_INVARIANT_COUNT,
};

const char *sim_invariant_name(enum sim_invariant invariant);
const char *sim_invariant_sentence(enum sim_invariant invariant);

#endif /* GOFER_TESTS_SIM_INVARIANTS_H_ */
