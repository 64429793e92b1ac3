/*
 * The form of a call over HTTP: which protocol, which codec, and what its responses look like. For
 * api/gateway alone.
 *
 * Thread: any.
 */
#ifndef GOFER_API_GATEWAY_FORM_H_
#define GOFER_API_GATEWAY_FORM_H_

#include "api/gateway/stats.h"
#include "base/str.h"

#include <stdbool.h>

struct gf_gateway__form {
    enum gf_gateway_protocol protocol;
    enum gf_gateway_codec codec;
    const char *content_type; /* of responses that are no errors; static storage */
};

/*
 * The form of a POST by its content type, whose parameters do not count, but for a charset that is
 * not UTF-8. False where it is none of ours.
 */
bool gf_gateway__form_of(struct gf_str content_type, struct gf_gateway__form *out_form);

/* The form of a GET by its parameter `encoding`. False for codecs that are none of ours. */
bool gf_gateway__form_of_get(struct gf_str encoding, struct gf_gateway__form *out_form);

/* Whether each message has an envelope, and the status stands behind the messages. */
bool gf_gateway__form_is_enveloped(const struct gf_gateway__form *form);
/* Whether it is one of the two of gRPC-Web. */
bool gf_gateway__form_is_grpc_web(const struct gf_gateway__form *form);
/* Whether the protocol carries a method that answers with a stream, or with one message. */
bool gf_gateway__form_suits(const struct gf_gateway__form *form, bool streams_responses);

/* For the header Accept-Post: the content types of one or the other. Static storage. */
const char *gf_gateway__accept_post(bool streams_responses);

#endif /* GOFER_API_GATEWAY_FORM_H_ */
