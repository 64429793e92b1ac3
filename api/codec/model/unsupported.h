/*
 * Fields of requests, and words of enums in them, that this version does not honour yet. A caller
 * who sets one is told, with GF_UNIMPLEMENTED on the field: what somebody asks for is never
 * ignored.
 *
 * They stand in the tables of unsupported.c, which get shorter with every version, and the
 * contracts say of each "Not in this version.", by which the OpenAPI document leaves it out.
 *
 * Thread: any.
 */
#ifndef GOFER_API_CODEC_MODEL_UNSUPPORTED_H_
#define GOFER_API_CODEC_MODEL_UNSUPPORTED_H_

#include "base/error.h"
#include "base/macros.h"

#include <protobuf-c/protobuf-c.h>

/*
 * Looks at the fields of this message, not at those of messages within it. Code: GF_UNIMPLEMENTED
 * on the field's name.
 */
enum gf_code gf_unsupported_check(const ProtobufCMessage *message,
                                  struct gf_error *err) GF_MUST_USE;

/* GF_UNIMPLEMENTED on `field`: "'what' is not supported by this version". */
enum gf_code gf_fail_unsupported(struct gf_error *err, const char *field, const char *what);

/* Every row of the tables names a field or a word that exists: for tests. The name of the first
 * that does not, or NULL. */
const char *gf_unsupported_first_unknown(void);

#endif /* GOFER_API_CODEC_MODEL_UNSUPPORTED_H_ */
