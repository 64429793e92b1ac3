/*
 * The checks of DiagnoseSystem. Each looks at one thing, changes nothing and says what it found;
 * one that does not apply to this host or this configuration says so.
 *
 *     diagnose.c        the call, and the checks of gofer's own configuration
 *     diagnose_host.c   the checks of the machine
 *
 * What there is to say of containers comes from gf_services.check_containers.
 *
 * Thread: a worker.
 */
#ifndef GOFER_API_SERVICE_DIAGNOSE_H_
#define GOFER_API_SERVICE_DIAGNOSE_H_

#include "api/service/findings.h"
#include "api/service/read_call.h"
#include "gofer/v1/system.gofer.h"

typedef struct gf_finding gf_check_fn(struct gf_read *read);

/* Stable names of the checks, which clients may look for. */
struct gf_check {
    const char *name;
    gf_check_fn *fn;
};

/* Those of the machine, in their order. Static storage. */
const struct gf_check *gf_host_checks(size_t *out_count);

/* The finding of a check that does not apply. */
struct gf_finding gf_finding_skipped(const char *why);

#endif /* GOFER_API_SERVICE_DIAGNOSE_H_ */
