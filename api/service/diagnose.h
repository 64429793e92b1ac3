/*
 * The checks of DiagnoseSystem. Each looks at one thing, changes nothing and says what it found;
 * one that does not apply to this host or this configuration says so.
 *
 *     diagnose.c        the call, and the checks of gofer's own configuration
 *     diagnose_host.c   the checks of the machine
 *
 * Thread: a worker.
 */
#ifndef GOFER_API_SERVICE_DIAGNOSE_H_
#define GOFER_API_SERVICE_DIAGNOSE_H_

#include "api/service/read_call.h"
#include "gofer/v1/system.gofer.h"

enum gf_finding_result {
    GF_FINDING_OK = 1,
    GF_FINDING_WARNING, /* it works, with less speed or less protection */
    GF_FINDING_FAILED,  /* gofer needs it */
    GF_FINDING_SKIPPED,
};

/* What came of a check: sentences without a final period, in the read's arena or static. */
struct gf_finding {
    enum gf_finding_result result;
    const char *description;
    const char *remedy; /* NULL: nothing is to be done */
};

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
