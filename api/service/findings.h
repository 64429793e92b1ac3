/*
 * What a check of DiagnoseSystem finds.
 *
 * Thread: any; values.
 */
#ifndef GOFER_API_SERVICE_FINDINGS_H_
#define GOFER_API_SERVICE_FINDINGS_H_

enum gf_finding_result {
    GF_FINDING_OK = 1,
    GF_FINDING_WARNING, /* it works, with less speed or less protection */
    GF_FINDING_FAILED,  /* gofer needs it */
    GF_FINDING_SKIPPED,
};

/* What came of a check: sentences without a final period, in the arena of the check or static. */
struct gf_finding {
    enum gf_finding_result result;
    const char *description;
    const char *remedy; /* NULL: nothing is to be done. There for a WARNING and a FAILED */
};

/* One with the stable name of its check. */
struct gf_named_finding {
    const char *name;
    struct gf_finding finding;
};

enum {
    GF_FINDINGS_MAX = 32, /* of one function that gives many */
};

#endif /* GOFER_API_SERVICE_FINDINGS_H_ */
