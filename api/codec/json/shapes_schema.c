#include "api/codec/json/shapes_schema.h"

__asm__(".pushsection .rodata.gf_shapes, \"a\"\n"
        ".balign 16\n"
        "gf_shapes_start:\n"
        ".incbin \"tests/proto/shapes_descriptors.pb\"\n"
        "gf_shapes_end:\n"
        ".popsection\n");

extern const char gf_shapes_start[];
extern const char gf_shapes_end[];

struct gf_schema *gf_shapes_schema_create(void) {
    struct gf_schema *schema = NULL;
    struct gf_str set = {gf_shapes_start, (size_t)(gf_shapes_end - gf_shapes_start)};
    enum gf_code code = gf_schema_create(set, &schema, NULL);
    gf_assert(code == GF_OK);
    return schema;
}
