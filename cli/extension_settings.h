/*
 * Settings of extensions and subscriptions: from -s, and from a dialog with the extension.
 *
 * Thread: the main thread.
 */
#ifndef GOFER_CLI_EXTENSION_SETTINGS_H_
#define GOFER_CLI_EXTENSION_SETTINGS_H_

#include "cli/cli.h"
#include "cli/read.h"
#include "gofer/v1/extension.pb-c.h"

#include <protobuf-c/protobuf-c.h>

/* -s KEY=VALUE, for the table of a command. */
#define GF_OPTION_SETTING                                                                          \
    {                                                                                              \
        .name = "setting", .letter = 's', .kind = GF_OPTION_LIST, .value_name = "NAME=VALUE",      \
        .complete = "setting",                                                                     \
        .help = "a setting that the extension declares; may be given many times"                   \
    }

/* Settings by name, in the cli's arena. Zeroed: none. */
struct gf_setting_list {
    struct gf_pair *items;
    size_t count;
};

/*
 * Those that -s gives, over those of `before` (of a dialog; NULL = none): names are compared
 * without case, the last one counts. GF_INVALID_ARGUMENT as of gf_read_pairs.
 */
enum gf_code gf_read_settings(struct gf_cli *cli, const struct gf_setting_list *before,
                              struct gf_setting_list *out, struct gf_error *err) GF_MUST_USE;

/*
 * The entries of a map<string, string> field of a request; `entry` is the descriptor of its entry
 * message. In the cli's arena: assign both to the field and its count.
 */
void *gf_settings_entries(struct gf_cli *cli, const ProtobufCMessageDescriptor *entry,
                          const struct gf_setting_list *settings, size_t *out_count);

/* A dialog with an extension that is not installed, in a container of that image. */
enum gf_exit_code gf_run_installer(struct gf_cli *cli, const char *image,
                                   Gofer__V1__RegistryAuth *registry_auth,
                                   struct gf_setting_list *out_settings);

/* A dialog with an installed extension about a subscription of a pipeline. */
enum gf_exit_code gf_run_configurator(struct gf_cli *cli, const char *pipeline_id,
                                      const char *extension_id,
                                      struct gf_setting_list *out_settings);

#endif /* GOFER_CLI_EXTENSION_SETTINGS_H_ */
