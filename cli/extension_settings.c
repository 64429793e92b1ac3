#include "cli/extension_settings.h"

#include "base/str.h"

enum gf_code gf_read_settings(struct gf_cli *cli, const struct gf_setting_list *before,
                              struct gf_setting_list *out, struct gf_error *err) {
    struct gf_pair *given = NULL;
    size_t given_count = 0;
    const enum gf_code rc = gf_read_pairs(cli, "setting", "-s", &given, &given_count, err);
    if (rc != GF_OK) {
        return rc;
    }
    const size_t before_count = before == NULL ? 0 : before->count;
    struct gf_pair *all =
        GF_ARENA_ARRAY(cli->arena, before_count + given_count + 1, struct gf_pair);
    size_t count = 0;
    for (size_t i = 0; i < before_count + given_count; i++) {
        const struct gf_pair *pair =
            i < before_count ? &before->items[i] : &given[i - before_count];
        size_t at = 0;
        while (at < count && !gf_str_eq_nocase(gf_str_from(all[at].key), gf_str_from(pair->key))) {
            at++;
        }
        all[at] = *pair;
        count += at == count ? 1 : 0;
    }
    *out = (struct gf_setting_list){.items = all, .count = count};
    return GF_OK;
}

static void set_text(ProtobufCMessage *message, const char *name, char *text) {
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
    gf_assert(field != NULL && field->type == PROTOBUF_C_TYPE_STRING);
    *(char **)((char *)message + field->offset) = text;
}

void *gf_settings_entries(struct gf_cli *cli, const ProtobufCMessageDescriptor *entry,
                          const struct gf_setting_list *settings, size_t *out_count) {
    ProtobufCMessage **entries =
        GF_ARENA_ARRAY(cli->arena, settings->count + 1, ProtobufCMessage *);
    for (size_t i = 0; i < settings->count; i++) {
        entries[i] = gf_arena_alloc(cli->arena, entry->sizeof_message);
        protobuf_c_message_init(entry, entries[i]);
        set_text(entries[i], "key", settings->items[i].key);
        set_text(entries[i], "value", settings->items[i].value);
    }
    *out_count = settings->count;
    return entries;
}
