#include "engine/scheduler/native/kept.h"

#include "engine/scheduler/native/session_internal.h"

void gf_kept_enter(struct gf_session *session) {
    gf_session__fail(session, GF_FAILED_PRECONDITION, "no root of the attempt is kept");
}

void gf_kept_leave(struct gf_session *session) {
    (void)session;
}
