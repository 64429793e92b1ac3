/*
 * A server whose scheduler does what the test says: attempts run until they are told to end, and
 * every session is in the test's hands. With authentication: harness.channel may do everything.
 *
 * Thread: the test's, which is the thread that tells events of sessions.
 */
#ifndef GOFER_TESTS_INTEGRATION_SCRIPTED_H_
#define GOFER_TESTS_INTEGRATION_SCRIPTED_H_

#include "tests/integration/access.h"

void scripted_setup(void);
void scripted_teardown(void);

/* Ends the attempt that was launched last; a root is kept where expire_time is not 0. */
void scripted_exit(int32_t exit_code, int64_t root_expire_time);

/* A session of the back end: what it was asked for, as text. Lives until scripted_teardown. */
struct gf_session;

/* The session that was opened next; waits for it. */
struct gf_session *scripted_session(void);
/*
 * "exec attempt=1 size=80x24 command=[sh -c x] env=[A=1 B=2] user=u dir=/d task=one
 * image=sha256:.."
 */
const char *scripted_request(const struct gf_session *session);

/* Waits until what was done with it ends with `text`: "input(ab) resize(80x24) signal(2) eof
 * pause resume close", each with a blank before. */
void scripted_expect(struct gf_session *session, const char *text);
/* From now on so many bytes of input are taken; -1: all. */
void scripted_take_input(struct gf_session *session, int64_t bytes);

/* Events. Those of a closed session are dropped. */
void scripted_started(struct gf_session *session, bool terminal);
void scripted_output(struct gf_session *session, enum gf_log_stream stream, struct gf_str bytes);
void scripted_writable(struct gf_session *session);
void scripted_ended(struct gf_session *session, const struct gf_session_end *end);

#endif /* GOFER_TESTS_INTEGRATION_SCRIPTED_H_ */
