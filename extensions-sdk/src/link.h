/*
 * The stream: one thread receives, one sends what the outbox has.
 *
 * Thread: main, but for what says otherwise.
 */
#ifndef GOFER_EXTENSIONS_SDK_SRC_LINK_H_
#define GOFER_EXTENSIONS_SDK_SRC_LINK_H_

#include "base/arena.h"
#include "base/error.h"
#include "extensions-sdk/src/environment.h"
#include "extensions-sdk/src/outbox.h"
#include "gofer/extension/v1/extension.pb-c.h"

struct gf_sdk_link;

/* Something that came in. */
struct gf_sdk_received {
    struct gf_list_link link; /* the link's */
    struct gf_arena arena;
    const Gofer__Extension__V1__ConnectResponse *message; /* NULL: the stream is over ... */
    struct gf_error error;                                /* ... because; GF_OK: gofer ended it */
};

/*
 * Makes the threads; connects to nothing yet. Borrowed until the end: environment, outbox.
 * event_fd, an eventfd, is written when something came in. Codes: as of gf_rpc_channel_create.
 */
enum gf_code gf_sdk_link_create(const struct gf_sdk_environment *environment,
                                struct gf_sdk_outbox *outbox, int event_fd,
                                struct gf_sdk_link **out_link, struct gf_error *err) GF_MUST_USE;

/* Opens a stream, after the end of the last one was taken. */
void gf_sdk_link_connect(struct gf_sdk_link *link);

/* Ends the stream; its end will be received. */
void gf_sdk_link_cancel(struct gf_sdk_link *link);

/* What came next; NULL: nothing. The caller frees it. */
struct gf_sdk_received *gf_sdk_link_take(struct gf_sdk_link *link);
void gf_sdk_received_destroy(struct gf_sdk_received *received);

/* Ends all and joins the threads. Accepts NULL. */
void gf_sdk_link_destroy(struct gf_sdk_link *link);

#endif /* GOFER_EXTENSIONS_SDK_SRC_LINK_H_ */
