/*
 * What the listener keeps of each extension that takes requests: the key that is ready to be used,
 * and how many requests are on their way to the disk.
 *
 * Thread: the http server's.
 */
#ifndef GOFER_API_EXTERNAL_TAKERS_H_
#define GOFER_API_EXTERNAL_TAKERS_H_

#include "api/extension/hub.h"
#include "api/external/verify.h"
#include "base/map.h"

struct gf_external_taker {
    struct gf_extension_intake *intake; /* counted */
    struct gf_external_check check;     /* key NULL: its requests are not verified */
    int64_t storing;                    /* kept by the listener */
    int64_t complaints;                 /* that were not logged */
    int64_t complained_mono;            /* when one was */
};

struct gf_external_takers {
    struct gf_map_i64 by_key; /* of gf_external_taker, by extension_key */
};

/* That of an intake, as it is now. It is there while it stores something, and until the next call
 * otherwise. */
struct gf_external_taker *gf_external_takers_get(struct gf_external_takers *takers,
                                                 struct gf_extension_intake *intake);

/* Nothing is on its way. */
void gf_external_takers_fini(struct gf_external_takers *takers);

#endif /* GOFER_API_EXTERNAL_TAKERS_H_ */
