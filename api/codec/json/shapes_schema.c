#include "api/codec/json/shapes_schema.h"

/* The bytes of the descriptor set, put into the program by the build. */
extern const char gf_shapes_start[];
extern const char gf_shapes_end[];

struct gf_schema *gf_shapes_schema_create(void) {
    struct gf_schema *schema = NULL;
    struct gf_str set = {gf_shapes_start, (size_t)(gf_shapes_end - gf_shapes_start)};
    enum gf_code code = gf_schema_create(set, &schema, NULL);
    gf_assert(code == GF_OK);
    return schema;
}
