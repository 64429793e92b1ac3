/* How the extension looks inside: what the library knows, then what the program says. */
#include "base/clock.h"
#include "base/time.h"
#include "extensions-sdk/src/deliveries.h"
#include "extensions-sdk/src/internal.h"

#include <stdarg.h>

enum {
    DEBUG_FIELD = GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_DEBUG_INFO,
};

struct gofer_text {
    struct gf_strbuf buffer;
};

void gofer_text_printf(struct gofer_text *text, const char *format, ...) {
    va_list args;
    va_start(args, format);
    gf_strbuf_vprintf(&text->buffer, format, args);
    va_end(args);
}

void gf_sdk_debug_take(struct gofer_extension *extension,
                       const Gofer__Extension__V1__DebugRequest *message) {
    static const char *const drains[] = {
        [GF_SDK_WORKING] = "working", [GF_SDK_DRAINING] = "draining", [GF_SDK_DRAINED] = "drained"};
    struct gofer_text text;
    size_t sent = 0;
    char age[GF_DURATION_BYTES_MAX];
    gf_strbuf_init(&text.buffer, GF_SDK_DEBUG_BYTES_MAX);
    const size_t waiting = gf_sdk_outbox_count(extension->outbox, &sent);
    gofer_text_printf(&text, "%s %s, gofer-c/%s\n", extension->environment.extension_id,
                      extension->definition.version, GOFER_EXTENSION_SDK_VERSION);
    gofer_text_printf(&text, "connected for %s, %s\n",
                      gf_duration_format(gf_mono_ns() - extension->ready_mono_ns, age),
                      drains[extension->drain]);
    gofer_text_printf(&text, "subscriptions: %zu\n", gf_map_count(&extension->subscriptions));
    gofer_text_printf(&text, "unacknowledged by gofer: %zu, of them under way: %zu\n", waiting,
                      sent);
    gofer_text_printf(&text, "deliveries of gofer's in work: %zu\n",
                      gf_sdk_deliveries_count(extension->deliveries));
    if (extension->definition.debug != NULL) {
        gofer_text_printf(&text, "\n");
        extension->definition.debug(extension, &text, extension->definition.ctx);
    }
    Gofer__Extension__V1__DebugInfo info = GOFER__EXTENSION__V1__DEBUG_INFO__INIT;
    info.request_id = message->request_id;
    info.info = gf_utf8_valid(gf_strbuf_view(&text.buffer))
                    ? text.buffer.ptr
                    : gf_sdk_text("the extension's text is no UTF-8");
    gf_sdk_outbox_say(extension->outbox, gf_sdk_outbox_connection(extension->outbox), DEBUG_FIELD,
                      &info.base);
    gf_strbuf_fini(&text.buffer);
}
