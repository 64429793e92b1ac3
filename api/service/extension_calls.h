/*
 * The handlers of ExtensionService that are in other files than its table (extension.c).
 *
 *     extension_change.c    installing, changing, removing
 *     extension_watch.c     WatchExtension
 *     extension_debug.c     GetExtensionDebugInfo
 *     extension_report.c    ListExtensionReports
 *     dead_letter.c         dead letters
 *     extension_dialog.c    dialogs
 *
 * Thread: rpc.
 */
#ifndef GOFER_API_SERVICE_EXTENSION_CALLS_H_
#define GOFER_API_SERVICE_EXTENSION_CALLS_H_

#include "gofer/v1/extension.gofer.h"

void gf_extension_install(struct gf_rpc_call *call,
                          const Gofer__V1__InstallExtensionRequest *request, void *ctx);
void gf_extension_update(struct gf_rpc_call *call, const Gofer__V1__UpdateExtensionRequest *request,
                         void *ctx);
void gf_extension_uninstall(struct gf_rpc_call *call,
                            const Gofer__V1__UninstallExtensionRequest *request, void *ctx);
void gf_extension_enable(struct gf_rpc_call *call, const Gofer__V1__EnableExtensionRequest *request,
                         void *ctx);
void gf_extension_disable(struct gf_rpc_call *call,
                          const Gofer__V1__DisableExtensionRequest *request, void *ctx);
void gf_extension_watch_start(struct gf_rpc_call *call,
                              const Gofer__V1__WatchExtensionRequest *request, void *ctx);
void gf_extension_debug_start(struct gf_rpc_call *call,
                              const Gofer__V1__GetExtensionDebugInfoRequest *request, void *ctx);
void gf_extension_list_reports(struct gf_rpc_call *call,
                               const Gofer__V1__ListExtensionReportsRequest *request, void *ctx);
void gf_dead_letter_list(struct gf_rpc_call *call, const Gofer__V1__ListDeadLettersRequest *request,
                         void *ctx);
void gf_dead_letter_get(struct gf_rpc_call *call, const Gofer__V1__GetDeadLetterRequest *request,
                        void *ctx);
void gf_dead_letter_replay(struct gf_rpc_call *call,
                           const Gofer__V1__ReplayDeadLettersRequest *request, void *ctx);
void gf_dead_letter_delete(struct gf_rpc_call *call,
                           const Gofer__V1__DeleteDeadLettersRequest *request, void *ctx);

/* Streams in both directions. */
void gf_installer_dialog_start(struct gf_rpc_call *call, void *ctx);
void gf_installer_dialog_message(struct gf_rpc_call *call,
                                 const Gofer__V1__RunExtensionInstallerRequest *request, void *ctx);
void gf_configurator_dialog_start(struct gf_rpc_call *call, void *ctx);
void gf_configurator_dialog_message(struct gf_rpc_call *call,
                                    const Gofer__V1__RunSubscriptionConfiguratorRequest *request,
                                    void *ctx);

#endif /* GOFER_API_SERVICE_EXTENSION_CALLS_H_ */
