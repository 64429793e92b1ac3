/*
 * What of a list or a stream its caller may see. Both are let in where the caller may read
 * something of the kind; what they show is asked about here, thing by thing.
 *
 * Thread: any.
 */
#ifndef GOFER_API_ACCESS_VISIBILITY_H_
#define GOFER_API_ACCESS_VISIBILITY_H_

#include "api/access/principal.h"

/* Whether it may read a thing of this kind; namespace_id is empty where it belongs to none. */
bool gf_may_read(const struct gf_principal *principal, enum gf_permission_resource resource,
                 struct gf_str namespace_id, struct gf_str id);

/*
 * Whether it may see the event: of what belongs to a namespace, where it may read events there, and
 * of a secret also where it may read secrets; of anything else, where it may read the thing that
 * the event is about.
 */
bool gf_may_see_event(const struct gf_principal *principal, const struct gf_event *event);

#endif /* GOFER_API_ACCESS_VISIBILITY_H_ */
