#include "api/service/unimplemented.h"

#include "base/macros.h"

#include <stdlib.h>
#include <string.h>

const struct gf_unimplemented gf_unimplemented_calls[] = {
    {"/gofer.v1.DeploymentService/AbortDeployment", "deployments in steps"},
    {"/gofer.v1.DeploymentService/PromoteDeployment", "deployments in steps"},
    {"/gofer.v1.DeploymentService/RollbackPipeline", "deployments in steps"},
    {"/gofer.v1.ObjectService/DeleteExtensionObject", "objects"},
    {"/gofer.v1.ObjectService/DeletePipelineObject", "objects"},
    {"/gofer.v1.ObjectService/DeleteRunObject", "objects"},
    {"/gofer.v1.ObjectService/GetExtensionObject", "objects"},
    {"/gofer.v1.ObjectService/GetPipelineObject", "objects"},
    {"/gofer.v1.ObjectService/GetRunObject", "objects"},
    {"/gofer.v1.ObjectService/ListExtensionObjects", "objects"},
    {"/gofer.v1.ObjectService/ListPipelineObjects", "objects"},
    {"/gofer.v1.ObjectService/ListRunObjects", "objects"},
    {"/gofer.v1.ObjectService/PutExtensionObject", "objects"},
    {"/gofer.v1.ObjectService/PutPipelineObject", "objects"},
    {"/gofer.v1.ObjectService/PutRunObject", "objects"},
};
const size_t gf_unimplemented_count = GF_ARRAY_COUNT(gf_unimplemented_calls);

static int compare(const void *path, const void *row) {
    return strcmp(path, ((const struct gf_unimplemented *)row)->path);
}

const struct gf_unimplemented *gf_unimplemented_find(const char *path) {
    return bsearch(path, gf_unimplemented_calls, gf_unimplemented_count,
                   sizeof(gf_unimplemented_calls[0]), compare);
}
