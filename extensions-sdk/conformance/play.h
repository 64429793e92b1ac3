/*
 * Plays gofer: a server with the one method that extensions connect to. It lets in who shows the
 * token, keeps what each connection says until somebody asks, and says what it is told to.
 *
 * It watches, on every connection, what is true of all conversations: the first message is the
 * registration, deliveries are numbered 1, 2, 3 ..., come only between Ready and Drained, and no
 * more of them are unacknowledged than the window allows. What is broken of it is a fault, which
 * the case that runs reports.
 *
 * Thread: one, but for the server's own.
 */
#ifndef GOFER_EXTENSIONS_SDK_CONFORMANCE_PLAY_H_
#define GOFER_EXTENSIONS_SDK_CONFORMANCE_PLAY_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "gofer/extension/v1/extension.gofer.h"

#include <stdbool.h>
#include <stdint.h>

struct gf_play;

typedef Gofer__Extension__V1__ConnectRequest gf_play_request;
typedef Gofer__Extension__V1__ConnectResponse gf_play_response;

enum {
    GF_PLAY_TOKEN_BYTES_MAX = 64,
    GF_PLAY_FAULT_BYTES_MAX = 512,
};

/* Listens on a unix socket in the folder; `extension_id` is who is expected. */
enum gf_code gf_play_create(const char *folder, const char *extension_id, struct gf_play **out_play,
                            struct gf_error *err) GF_MUST_USE;
void gf_play_destroy(struct gf_play *play); /* accepts NULL */

/* "unix:/..." */
const char *gf_play_address(const struct gf_play *play);
const char *gf_play_token(const struct gf_play *play);

/* Connections are let in, or refused with this code and message. Counted in both cases. */
void gf_play_refuse(struct gf_play *play, enum gf_code code, const char *message);
void gf_play_admit(struct gf_play *play);
int64_t gf_play_attempts(struct gf_play *play);

/*
 * Waits for the next connection, which is the one of all functions below from then on; those before
 * are left alone. False when none came.
 */
bool gf_play_accept(struct gf_play *play, int64_t timeout_ms);

/* How many deliveries of the extension's may be unacknowledged, as the Welcome says. */
void gf_play_set_window(struct gf_play *play, int32_t window);

/* Says something. False when the connection is over. */
bool gf_play_say(struct gf_play *play, const gf_play_response *response);

/*
 * The next thing that was said, whatever it is, out of the arena; NULL when nothing came in time or
 * the connection is over.
 */
const gf_play_request *gf_play_next(struct gf_play *play, int64_t timeout_ms,
                                    struct gf_arena *arena);

/* Ends the connection with an error, or well with GF_OK. */
void gf_play_end(struct gf_play *play, enum gf_code code, const char *message);

/* True when the extension has ended the connection. Waits up to timeout_ms for it. */
bool gf_play_is_over(struct gf_play *play, int64_t timeout_ms);

/* The first fault since the last call; empty: none. */
const char *gf_play_take_fault(struct gf_play *play, char out[GF_PLAY_FAULT_BYTES_MAX]);

/* Looks at deliveries as before (false) or not at all (true), for what a case checks by itself. */
void gf_play_close_eyes(struct gf_play *play, bool closed);

#endif /* GOFER_EXTENSIONS_SDK_CONFORMANCE_PLAY_H_ */
