#include "api/server/address.h"
#include "api/server/server_internal.h"
#include "base/alloc.h"
#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum {
    TASK_SOCKET_MODE = 0666, /* a container runs as any user, and needs a token anyhow */
    TASK_ADDRESS_BYTES_MAX = 64,
};

static const char task_socket[] = "gofer.sock";

/* An error about an address says by its field which setting has it. */
static enum gf_code at(const char *setting, struct gf_error *err) {
    return gf_wrap_field(err, setting);
}

static enum gf_code check_form(const struct gf_server_listener *listener, struct gf_error *err) {
    const char *address = listener->address;
    const char *path = address != NULL ? gf_address_unix_path(address) : NULL;
    if (address == NULL || strchr(address, ':') == NULL || (path != NULL && path[0] != '/')) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "address '%s' must be host:port or unix:/path",
                       address != NULL ? address : "");
    }
    if (path != NULL && listener->tls.cert_file != NULL) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "address '%s' is a unix socket, which has no TLS: it does not leave this "
                       "machine",
                       address);
    }
    return GF_OK;
}

static enum gf_code check_reach(const struct gf_server_options *options,
                                const struct gf_server_listener *listener, struct gf_error *err) {
    const char *address = listener->address;
    if (gf_address_is_local(address)) {
        return GF_OK;
    }
    if (options->development_mode) {
        return gf_fail_reason(err, GF_FAILED_PRECONDITION, "ADDRESS_NOT_LOCAL",
                              "address '%s' can be reached from other machines, and in "
                              "development mode everybody may do everything: listen on "
                              "127.0.0.1, [::1], localhost or a unix socket",
                              address);
    }
    if (listener->tls.cert_file == NULL && !listener->allow_plaintext_beyond_this_machine) {
        return gf_fail_reason(err, GF_FAILED_PRECONDITION, "TLS_MISSING",
                              "address '%s' can be reached from other machines, and without TLS "
                              "everybody on the way can read tokens and secrets: give it a "
                              "certificate, or listen on 127.0.0.1, [::1], localhost or a unix "
                              "socket",
                              address);
    }
    return GF_OK;
}

/* All listeners of the options, and the settings that they are from. */
struct door_list {
    const char *setting;
    const struct gf_server_listener *items;
    size_t count;
};

enum {
    DOOR_LISTS = 3
};

static void lists_of(const struct gf_server_options *options, struct door_list out[DOOR_LISTS]) {
    out[0] = (struct door_list){GF_SETTING_LISTENERS, options->listeners, options->listener_count};
    out[1] = (struct door_list){GF_SETTING_GATEWAY_LISTENERS, options->gateway.listeners,
                                options->gateway.listener_count};
    out[2] = (struct door_list){GF_SETTING_EXTERNAL_LISTENERS, options->external.listeners,
                                options->external.listener_count};
}

/* Port 0 is another one each time. */
static bool is_same(const char *left, const char *right) {
    const struct gf_str text = gf_str_from(left);
    const bool is_any = gf_address_unix_path(left) == NULL && gf_str_has_suffix(text, GF_STR(":0"));
    return !is_any && strcmp(left, right) == 0;
}

/* The one at `index` of `list` against all before it. */
static enum gf_code check_once(const struct door_list *lists, const struct door_list *list,
                               size_t index, struct gf_error *err) {
    const char *address = list->items[index].address;
    for (const struct door_list *other = lists; other <= list; other++) {
        const size_t count = other == list ? index : other->count;
        for (size_t i = 0; i < count; i++) {
            if (is_same(other->items[i].address, address)) {
                return gf_fail(err, GF_INVALID_ARGUMENT, "address '%s' is given twice, %s %s",
                               address, other == list ? "both in" : "first in", other->setting);
            }
        }
    }
    return GF_OK;
}

static enum gf_code check_counts(const struct door_list lists[DOOR_LISTS], struct gf_error *err) {
    for (size_t i = 0; i < DOOR_LISTS; i++) {
        const size_t count_min = i == 0 ? 1 : 0; /* there must be one for gRPC */
        if (lists[i].count < count_min || lists[i].count > GF_SERVER_LISTENERS_MAX) {
            (void)gf_fail(err, GF_INVALID_ARGUMENT, "there are %zu addresses, expected %zu to %d",
                          lists[i].count, count_min, GF_SERVER_LISTENERS_MAX);
            return at(lists[i].setting, err);
        }
    }
    return GF_OK;
}

enum gf_code gf_server_check_addresses(const struct gf_server_options *options,
                                       struct gf_error *err) {
    struct door_list lists[DOOR_LISTS];
    lists_of(options, lists);
    enum gf_code rc = check_counts(lists, err);
    for (size_t i = 0; rc == GF_OK && i < DOOR_LISTS; i++) {
        for (size_t j = 0; rc == GF_OK && j < lists[i].count; j++) {
            const struct gf_server_listener *listener = &lists[i].items[j];
            rc = check_form(listener, err);
            if (rc == GF_OK) {
                rc = check_once(lists, &lists[i], j, err);
            }
            if (rc == GF_OK) {
                rc = check_reach(options, listener, err);
            }
            if (rc != GF_OK) {
                (void)at(lists[i].setting, err);
            }
        }
    }
    return rc;
}

/* "127.0.0.1:0" and 40117 -> "127.0.0.1:40117". */
static char *with_port(const char *address, int port) {
    const char *colon = strrchr(address, ':');
    if (gf_address_unix_path(address) != NULL || colon == NULL) {
        return gf_strdup(address);
    }
    return gf_asprintf("%.*s:%d", (int)(colon - address), address, port);
}

void gf_server__note_address(struct gf_server *server, struct gf_server_addresses *addresses,
                             const struct gf_server_listener *listener, int port) {
    char *address = with_port(listener->address, port);
    gf_assert(addresses->count < GF_SERVER_LISTENERS_MAX);
    addresses->items[addresses->count++] = address;
    server->told_listeners[server->told_listener_count++] = (struct gf_services_listener){
        .address = address,
        .purpose = addresses->purpose,
        .is_local = gf_address_is_local(address),
        .has_tls = listener->tls.cert_file != NULL,
    };
}

enum gf_code gf_server__listen(struct gf_server *server, const struct gf_server_options *options,
                               struct gf_error *err) {
    for (size_t i = 0; i < options->listener_count; i++) {
        const struct gf_server_listener *listener = &options->listeners[i];
        const bool has_tls = listener->tls.cert_file != NULL || listener->tls.key_file != NULL;
        int port = 0;
        const mode_t before = umask(GF_SERVER_SOCKET_UMASK);
        const enum gf_code rc = gf_rpc_server_listen(server->rpc, listener->address,
                                                     has_tls ? &listener->tls : NULL, &port, err);
        (void)umask(before);
        if (rc != GF_OK) {
            return rc;
        }
        gf_server__note_address(server, &server->addresses, listener, port);
    }
    return GF_OK;
}

/*
 * The path of a unix socket has 107 bytes at most, and the data directory may be any: so the socket
 * is bound by way of the descriptor of its directory.
 */
enum gf_code gf_server__listen_for_tasks(struct gf_server *server, struct gf_error *err) {
    enum gf_code rc = gf_file_open(AT_FDCWD, server->dir.tasks_path, O_RDONLY | O_DIRECTORY, 0,
                                   &server->tasks_fd, err);
    if (rc != GF_OK) {
        return rc;
    }
    char address[TASK_ADDRESS_BYTES_MAX];
    (void)snprintf(address, sizeof(address), "unix:/proc/self/fd/%d/%s", server->tasks_fd,
                   task_socket);
    rc = gf_rpc_server_listen(server->task_rpc, address, NULL, NULL, err);
    if (rc == GF_OK && fchmodat(server->tasks_fd, task_socket, TASK_SOCKET_MODE, 0) != 0) {
        rc = gf_fail_errno(err, gf_code_from_errno(errno), errno, "mode of the socket");
    }
    if (rc != GF_OK) {
        (void)gf_wrap(err, "socket for tasks in '%s'", server->dir.tasks_path);
    }
    return rc;
}
