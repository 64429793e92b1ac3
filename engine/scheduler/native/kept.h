/*
 * The kept roots of failed attempts, and the containers that sessions have in them.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_KEPT_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_KEPT_H_

struct gf_session;

/* Begins a session in the kept root of its attempt. Reactor's thread. */
void gf_kept_enter(struct gf_session *session);

/* The session is over; does nothing for one that is in no kept root. Reactor's thread. */
void gf_kept_leave(struct gf_session *session);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_KEPT_H_ */
