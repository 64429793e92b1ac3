#include "api/service/update_mask.h"

#include <stdio.h>

enum gf_code gf_read_update_mask(const Google__Protobuf__FieldMask *mask,
                                 bool (*set)(void *ctx, struct gf_str name), void *ctx,
                                 struct gf_error *err) {
    if (mask == NULL || mask->n_paths == 0) {
        return gf_fail_field(err, "update_mask", "names no field to change");
    }
    for (size_t i = 0; i < mask->n_paths; i++) {
        if (!set(ctx, gf_str_from(mask->paths[i]))) {
            char field[GF_ERROR_FIELD_BYTES_MAX];
            (void)snprintf(field, sizeof(field), "update_mask.paths[%zu]", i);
            return gf_fail_field(err, field, "'%.64s' is no field that can be changed",
                                 mask->paths[i]);
        }
    }
    return GF_OK;
}
