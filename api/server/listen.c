#include "api/server/address.h"
#include "api/server/server_internal.h"
#include "base/alloc.h"

#include <string.h>
#include <sys/stat.h>

enum {
    SOCKET_UMASK = 0177, /* unix sockets get the mode 0600 */
};

enum gf_code gf_server__check_addresses(const struct gf_server_options *options,
                                        struct gf_error *err) {
    if (options->address_count == 0 || options->address_count > GF_SERVER_ADDRESSES_MAX) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "there are %zu addresses, expected 1 to %d",
                       options->address_count, GF_SERVER_ADDRESSES_MAX);
    }
    if (!options->development_mode) {
        return gf_fail_reason(err, GF_FAILED_PRECONDITION, "NO_TOKENS",
                              "this version cannot check who calls, so it serves nobody but those "
                              "on this machine: start it with --dev");
    }
    for (size_t i = 0; i < options->address_count; i++) {
        if (strchr(options->addresses[i], ':') == NULL) {
            return gf_fail(err, GF_INVALID_ARGUMENT, "address '%s' must be host:port or unix:/path",
                           options->addresses[i]);
        }
        if (!gf_address_is_local(options->addresses[i])) {
            return gf_fail_reason(err, GF_FAILED_PRECONDITION, "ADDRESS_NOT_LOCAL",
                                  "address '%s' can be reached from other machines, and in "
                                  "development mode everybody may do everything: listen on "
                                  "127.0.0.1, [::1], localhost or a unix socket",
                                  options->addresses[i]);
        }
    }
    return GF_OK;
}

/* "127.0.0.1:0" and 40117 -> "127.0.0.1:40117". */
static char *with_port(const char *address, int port) {
    const char *colon = strrchr(address, ':');
    if (gf_address_unix_path(address) != NULL || colon == NULL) {
        return gf_strdup(address);
    }
    return gf_asprintf("%.*s:%d", (int)(colon - address), address, port);
}

enum gf_code gf_server__listen(struct gf_server *server, const struct gf_server_options *options,
                               struct gf_error *err) {
    for (size_t i = 0; i < options->address_count; i++) {
        const char *address = options->addresses[i];
        int port = 0;
        const mode_t before = umask(SOCKET_UMASK);
        const enum gf_code rc = gf_rpc_server_listen(server->rpc, address, NULL, &port, err);
        (void)umask(before);
        if (rc != GF_OK) {
            return rc;
        }
        server->addresses[server->address_count++] = with_port(address, port);
    }
    return GF_OK;
}
