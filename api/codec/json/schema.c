/*
 * DESIGN. upb keeps the definitions. It does not keep the bytes of a file's descriptor, which
 * server reflection hands out, so the set stays where it is and a map leads from a file's name to
 * its part.
 */
#include "api/codec/json/schema_internal.h"
#include "base/alloc.h"
#include "base/map.h"

#include <pthread.h>
#include <string.h>

#include <google/protobuf/descriptor.upb.h>

/* The bytes of the descriptor set, put into the program by the build. */
extern const char gf_descriptors_start[];
extern const char gf_descriptors_end[];

enum {
    SYMBOL_BYTES_MAX = 512, /* with the final NUL; longer ones are not looked for */
};

struct gf_schema {
    upb_DefPool *pool;
    struct gf_map files; /* name -> struct gf_schema_file, owned */
};

/* Splits the first file off a FileDescriptorSet, whose one field is `repeated file = 1`. */
static bool cut_file(struct gf_str *set, struct gf_str *out_file) {
    const char file_tag = 0x0a;
    if (set->len == 0 || set->ptr[0] != file_tag) {
        return false;
    }
    size_t size = 0;
    size_t at = 1;
    for (unsigned shift = 0; shift < 32; shift += 7) {
        if (at == set->len) {
            return false;
        }
        unsigned char byte = (unsigned char)set->ptr[at++];
        size |= (size_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            break;
        }
    }
    if (size > set->len - at) {
        return false;
    }
    *out_file = (struct gf_str){set->ptr + at, size};
    set->ptr += at + size;
    set->len -= at + size;
    return true;
}

/* What is kept of a file that has been added. */
static const struct gf_schema_file *find_def(const struct gf_schema *schema,
                                             const upb_FileDef *def) {
    const struct gf_schema_file *file =
        gf_schema_find_file(schema, gf_str_from(upb_FileDef_Name(def)));
    gf_assert(file != NULL);
    return file;
}

static enum gf_code add_file(struct gf_schema *schema, struct gf_str descriptor, upb_Arena *arena,
                             struct gf_error *err) {
    const google_protobuf_FileDescriptorProto *proto =
        google_protobuf_FileDescriptorProto_parse(descriptor.ptr, descriptor.len, arena);
    if (proto == NULL) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "malformed file in a descriptor set");
    }
    upb_Status status;
    upb_Status_Clear(&status);
    const upb_FileDef *def = upb_DefPool_AddFile(schema->pool, proto, &status);
    if (def == NULL) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "descriptor set: %s",
                       upb_Status_ErrorMessage(&status));
    }
    size_t import_count = (size_t)upb_FileDef_DependencyCount(def);
    const struct gf_schema_file **imports = gf_calloc(import_count, sizeof(*imports));
    for (size_t i = 0; i < import_count; i++) {
        imports[i] = find_def(schema, upb_FileDef_Dependency(def, (int)i));
    }
    struct gf_schema_file *file = GF_NEW(struct gf_schema_file);
    *file = (struct gf_schema_file){upb_FileDef_Name(def), descriptor, imports, import_count};
    gf_map_put(&schema->files, gf_str_from(file->name), file);
    return GF_OK;
}

enum gf_code gf_schema_create(struct gf_str set, struct gf_schema **out_schema,
                              struct gf_error *err) {
    GF_CLEANUP(gf_schema_destroy_p) struct gf_schema *schema = GF_NEW(struct gf_schema);
    schema->pool = upb_DefPool_New();
    upb_Arena *arena = upb_Arena_New();
    if (schema->pool == NULL || arena == NULL) {
        gf_oom();
    }
    enum gf_code code = GF_OK;
    while (code == GF_OK && set.len > 0) {
        struct gf_str file;
        code = cut_file(&set, &file)
                   ? add_file(schema, file, arena, err)
                   : gf_fail(err, GF_INVALID_ARGUMENT, "malformed descriptor set");
    }
    upb_Arena_Free(arena);
    if (code != GF_OK) {
        return code;
    }
    *out_schema = GF_TAKE(schema);
    return GF_OK;
}

void gf_schema_destroy(struct gf_schema *schema) {
    if (schema == NULL) {
        return;
    }
    size_t position = 0;
    void *value = NULL;
    while (gf_map_next(&schema->files, &position, NULL, &value)) {
        struct gf_schema_file *file = value;
        free((void *)file->imports);
        free(file);
    }
    gf_map_fini(&schema->files);
    upb_DefPool_Free(schema->pool);
    free(schema);
}

void gf_schema_destroy_p(struct gf_schema **schema) {
    gf_schema_destroy(*schema);
    *schema = NULL;
}

static struct gf_schema *gofer;

static void load_gofer(void) {
    struct gf_error err;
    struct gf_str set = {gf_descriptors_start, (size_t)(gf_descriptors_end - gf_descriptors_start)};
    enum gf_code code = gf_schema_create(set, &gofer, &err);
    gf_assert(code == GF_OK);
}

const struct gf_schema *gf_schema_gofer(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, load_gofer);
    return gofer;
}

/* ---- look-ups ---- */

/* Copies the text with a final NUL. False when it does not fit, or holds a NUL itself. */
static bool copy_symbol(struct gf_str text, char out[SYMBOL_BYTES_MAX]) {
    if (text.len == 0 || text.len >= SYMBOL_BYTES_MAX || memchr(text.ptr, '\0', text.len) != NULL) {
        return false;
    }
    memcpy(out, text.ptr, text.len);
    out[text.len] = '\0';
    return true;
}

/* The file that declares the method, "package.Service.Method"; NULL when there is none. */
static const upb_FileDef *find_method(const struct gf_schema *schema, char *symbol) {
    char *dot = strrchr(symbol, '.');
    if (dot == NULL) {
        return NULL;
    }
    *dot = '\0';
    const upb_ServiceDef *service = upb_DefPool_FindServiceByName(schema->pool, symbol);
    if (service == NULL || upb_ServiceDef_FindMethodByName(service, dot + 1) == NULL) {
        return NULL;
    }
    return upb_ServiceDef_File(service);
}

const struct gf_schema_file *gf_schema_find_file(const struct gf_schema *schema,
                                                 struct gf_str name) {
    return gf_map_get(&schema->files, name);
}

const struct gf_schema_file *gf_schema_find_symbol(const struct gf_schema *schema,
                                                   struct gf_str symbol) {
    char name[SYMBOL_BYTES_MAX];
    if (!copy_symbol(symbol, name)) {
        return NULL;
    }
    const upb_FileDef *def = upb_DefPool_FindFileContainingSymbol(schema->pool, name);
    if (def == NULL) {
        def = find_method(schema, name);
    }
    return def != NULL ? find_def(schema, def) : NULL;
}

bool gf_schema_has_message(const struct gf_schema *schema, struct gf_str symbol) {
    return upb_DefPool_FindMessageByNameWithSize(schema->pool, symbol.ptr, symbol.len) != NULL;
}

bool gf_schema_method_only_reads(const struct gf_schema *schema, const char *service,
                                 const char *method) {
    const upb_ServiceDef *def = upb_DefPool_FindServiceByName(schema->pool, service);
    const upb_MethodDef *found = def != NULL ? upb_ServiceDef_FindMethodByName(def, method) : NULL;
    return found != NULL &&
           google_protobuf_MethodOptions_idempotency_level(upb_MethodDef_Options(found)) ==
               google_protobuf_MethodOptions_NO_SIDE_EFFECTS;
}

const upb_MessageDef *gf_schema__message(const struct gf_schema *schema, const char *name) {
    return upb_DefPool_FindMessageByName(schema->pool, name);
}

/* ---- memory ---- */

static void *allocate(upb_alloc *alloc, void *memory, size_t old_size, size_t size) {
    struct gf_schema__arena *self = (struct gf_schema__arena *)(void *)alloc;
    if (size == 0) {
        return NULL; /* The arena frees all at once. */
    }
    void *larger = gf_arena_try_alloc(self->arena, size);
    if (larger != NULL && old_size > 0) {
        memcpy(larger, memory, old_size < size ? old_size : size);
    }
    return larger;
}

bool gf_schema__arena_init(struct gf_schema__arena *self, struct gf_arena *arena) {
    *self = (struct gf_schema__arena){.alloc = {allocate}, .arena = arena};
    self->upb = upb_Arena_Init(NULL, 0, &self->alloc);
    return self->upb != NULL;
}
