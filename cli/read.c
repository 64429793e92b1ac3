#include "cli/read.h"

#include "base/file.h"
#include "base/str.h"
#include "cli/ui/message.h"

#include <string.h>
#include <unistd.h>

enum {
    ENUM_NAME_BYTES_MAX = 128,
};

enum gf_code gf_read_pairs(struct gf_cli *cli, const char *option, const char *shown,
                           struct gf_pair **out_pairs, size_t *out_count, struct gf_error *err) {
    size_t text_count = 0;
    const char *const *texts = gf_parsed_list(cli->parsed, option, &text_count);
    struct gf_pair *pairs = GF_ARENA_ARRAY(cli->arena, text_count + 1, struct gf_pair);
    size_t count = 0;
    for (size_t i = 0; i < text_count; i++) {
        struct gf_str key;
        struct gf_str value;
        if (!gf_str_cut(gf_str_from(texts[i]), '=', &key, &value) || key.len == 0) {
            return gf_fail(err, GF_INVALID_ARGUMENT, "%s takes KEY=VALUE, not '%s'", shown,
                           texts[i]);
        }
        struct gf_pair pair = {.key = (char *)(uintptr_t)gf_arena_str(cli->arena, key).ptr,
                               .value = (char *)(uintptr_t)gf_arena_str(cli->arena, value).ptr};
        size_t at = 0;
        while (at < count && strcmp(pairs[at].key, pair.key) != 0) {
            at++;
        }
        pairs[at] = pair;
        count += at == count ? 1 : 0;
    }
    *out_pairs = pairs;
    *out_count = count;
    return GF_OK;
}

int gf_read_enum(const ProtobufCEnumDescriptor *descriptor, const char *word) {
    const ProtobufCEnumValue *zero = protobuf_c_enum_descriptor_get_value(descriptor, 0);
    gf_assert(zero != NULL);
    char name[ENUM_NAME_BYTES_MAX];
    int size = snprintf(name, sizeof(name), "%.*s%s", (int)gf_enum_prefix_length(descriptor),
                        zero->name, word);
    if (size < 0 || (size_t)size >= sizeof(name)) {
        return 0;
    }
    for (char *at = name; *at != '\0'; at++) {
        *at = *at == '-' ? '_' : (char)(*at >= 'a' && *at <= 'z' ? *at - 'a' + 'A' : *at);
    }
    const ProtobufCEnumValue *value =
        protobuf_c_enum_descriptor_get_value_by_name(descriptor, name);
    return value == NULL ? 0 : value->value;
}

int *gf_read_enums(struct gf_cli *cli, const char *option,
                   const ProtobufCEnumDescriptor *descriptor, size_t *out_count) {
    const char *const *words = gf_parsed_list(cli->parsed, option, out_count);
    int *values = GF_ARENA_ARRAY(cli->arena, *out_count + 1, int);
    for (size_t i = 0; i < *out_count; i++) {
        values[i] = gf_read_enum(descriptor, words[i]);
        gf_assert(values[i] != 0);
    }
    return values;
}

enum gf_code gf_read_document(struct gf_cli *cli, const char *path, struct gf_str *out_document,
                              struct gf_error *err) {
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf buffer;
    gf_strbuf_init(&buffer, GF_DOCUMENT_BYTES_MAX);
    enum gf_code rc = strcmp(path, "-") == 0 ? gf_read_all(STDIN_FILENO, &buffer, err)
                                             : gf_file_read(AT_FDCWD, path, &buffer, err);
    if (rc == GF_FAILED_PRECONDITION) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "%s: no file that can be read: is it a directory?",
                       path);
    }
    if (rc == GF_OUT_OF_RANGE) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "%s: larger than %d bytes", path,
                       GF_DOCUMENT_BYTES_MAX);
    }
    if (rc != GF_OK) {
        return rc;
    }
    *out_document = gf_arena_str(cli->arena, gf_strbuf_view(&buffer));
    return GF_OK;
}
