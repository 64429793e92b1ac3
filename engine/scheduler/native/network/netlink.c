/*
 * DESIGN
 * A request is built in a buffer on the stack that is larger than any of them; attributes are
 * appended, nested ones closed from the inside out. What comes back is the kernel's own, but its
 * lengths are checked all the same.
 */
#include "engine/scheduler/native/network/netlink.h"

#include "base/clock.h"
#include "base/file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum {
    REQUEST_BYTES_MAX = 1024,
    ANSWER_BYTES_MAX = 32768, /* a part of a list; the kernel's own limit */
};

struct request {
    union {
        struct nlmsghdr header;
        char bytes[REQUEST_BYTES_MAX];
    } u;
};

/* ---- building ---- */

static void begin(struct request *request, int type, int flags, const void *body, size_t size) {
    memset(request, 0, sizeof(*request));
    request->u.header.nlmsg_type = (uint16_t)type;
    request->u.header.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
    request->u.header.nlmsg_len = (uint32_t)NLMSG_LENGTH(size);
    memcpy(NLMSG_DATA(&request->u.header), body, size);
}

/* Appends bytes that are aligned afterwards, and gives their offset. */
static size_t append(struct request *request, const void *bytes, size_t size) {
    const size_t at = NLMSG_ALIGN(request->u.header.nlmsg_len);
    gf_assert(at + NLMSG_ALIGN(size) <= REQUEST_BYTES_MAX);
    if (size > 0) {
        memcpy(request->u.bytes + at, bytes, size);
    }
    request->u.header.nlmsg_len = (uint32_t)(at + size);
    return at;
}

static void attribute(struct request *request, int type, const void *value, size_t size) {
    const struct rtattr head = {.rta_type = (uint16_t)type, .rta_len = (uint16_t)RTA_LENGTH(size)};
    (void)append(request, &head, sizeof(head));
    (void)append(request, value, size);
}

static void text_attribute(struct request *request, int type, const char *text) {
    attribute(request, type, text, strlen(text) + 1);
}

static size_t open_nest(struct request *request, int type) {
    const struct rtattr head = {.rta_type = (uint16_t)type, .rta_len = (uint16_t)RTA_LENGTH(0)};
    return append(request, &head, sizeof(head));
}

static void close_nest(struct request *request, size_t at) {
    struct rtattr head;
    memcpy(&head, request->u.bytes + at, sizeof(head));
    head.rta_len = (uint16_t)(request->u.header.nlmsg_len - at);
    memcpy(request->u.bytes + at, &head, sizeof(head));
}

/* ---- talking ---- */

enum gf_code gf_netlink_open(struct gf_netlink *netlink, struct gf_error *err) {
    const struct timeval wait = {.tv_sec = GF_NETLINK_WAIT_MS / 1000};
    GF_CLEANUP(gf_close_p) int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) != 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot open a netlink socket");
    }
    *netlink = (struct gf_netlink){.fd = gf_take_fd(&fd)};
    return GF_OK;
}

void gf_netlink_close(struct gf_netlink *netlink) {
    gf_close(&netlink->fd);
}

static enum gf_code refused(int errnum, const char *what, struct gf_error *err) {
    enum gf_code code = GF_INTERNAL;
    if (errnum == ENODEV || errnum == ENOENT) {
        code = GF_NOT_FOUND;
    } else if (errnum == EEXIST) {
        code = GF_ALREADY_EXISTS;
    } else if (errnum == EPERM) {
        code = GF_PERMISSION_DENIED;
    } else if (errnum == EOPNOTSUPP || errnum == EPROTONOSUPPORT || errnum == EAFNOSUPPORT) {
        code = GF_FAILED_PRECONDITION;
    } else if (errnum == EAGAIN) {
        code = GF_DEADLINE_EXCEEDED;
    }
    return gf_fail_errno(err, code, errnum, "cannot %s", what);
}

static enum gf_code send_request(struct gf_netlink *netlink, struct request *request,
                                 const char *what, struct gf_error *err) {
    request->u.header.nlmsg_seq = ++netlink->sequence;
    const ssize_t sent = send(netlink->fd, request->u.bytes, request->u.header.nlmsg_len, 0);
    return sent < 0 ? refused(errno, what, err) : GF_OK;
}

/* Takes one message of the answer; true when it was the last. */
typedef bool message_fn(const struct nlmsghdr *header, void *ctx, int *out_errnum);

/* Receives up to the message that ends the answer to the newest request. */
static enum gf_code receive_answer(struct gf_netlink *netlink, message_fn *fn, void *ctx,
                                   const char *what, struct gf_error *err) {
    _Alignas(struct nlmsghdr) char bytes[ANSWER_BYTES_MAX];
    for (;;) {
        const ssize_t n = recv(netlink->fd, bytes, sizeof(bytes), 0);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return refused(errno, what, err);
        }
        size_t left = (size_t)n;
        for (const struct nlmsghdr *header = (const struct nlmsghdr *)bytes; NLMSG_OK(header, left);
             header = NLMSG_NEXT(header, left)) {
            int errnum = 0;
            if (header->nlmsg_seq != netlink->sequence) {
                continue; /* what is left of an answer that came too late */
            }
            if (fn(header, ctx, &errnum)) {
                return errnum == 0 ? GF_OK : refused(errnum, what, err);
            }
        }
    }
}

static bool take_end(const struct nlmsghdr *header, int *out_errnum) {
    if (header->nlmsg_type == NLMSG_ERROR &&
        header->nlmsg_len >= NLMSG_LENGTH(sizeof(struct nlmsgerr))) {
        const struct nlmsgerr *answer = NLMSG_DATA(header);
        *out_errnum = -answer->error;
        return true;
    }
    return header->nlmsg_type == NLMSG_DONE;
}

static bool take_acknowledgement(const struct nlmsghdr *header, void *ctx, int *out_errnum) {
    (void)ctx;
    return take_end(header, out_errnum);
}

/* A request that is answered by yes or no. */
static enum gf_code ask(struct gf_netlink *netlink, struct request *request, const char *what,
                        struct gf_error *err) {
    request->u.header.nlmsg_flags |= NLM_F_ACK;
    enum gf_code rc = send_request(netlink, request, what, err);
    return rc == GF_OK ? receive_answer(netlink, take_acknowledgement, NULL, what, err) : rc;
}

/* ---- devices ---- */

static void name_attribute(struct request *request, int type, const char *name) {
    gf_assert(strlen(name) <= GF_NETLINK_NAME_BYTES_MAX);
    text_attribute(request, type, name);
}

enum gf_code gf_netlink_make_bridge(struct gf_netlink *netlink, const char *name,
                                    const struct gf_mac *mac, struct gf_error *err) {
    const struct ifinfomsg link = {.ifi_family = AF_UNSPEC};
    struct request request;
    begin(&request, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &link, sizeof(link));
    name_attribute(&request, IFLA_IFNAME, name);
    attribute(&request, IFLA_ADDRESS, mac->bytes, sizeof(mac->bytes));
    const size_t info = open_nest(&request, IFLA_LINKINFO);
    text_attribute(&request, IFLA_INFO_KIND, "bridge");
    close_nest(&request, info);
    return ask(netlink, &request, "make a bridge", err);
}

enum gf_code gf_netlink_make_pair(struct gf_netlink *netlink, const struct gf_netlink_pair *pair,
                                  struct gf_error *err) {
    const struct ifinfomsg link = {.ifi_family = AF_UNSPEC};
    struct request request;
    begin(&request, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &link, sizeof(link));
    name_attribute(&request, IFLA_IFNAME, pair->name);
    if (pair->bridge_index > 0) {
        attribute(&request, IFLA_MASTER, &pair->bridge_index, sizeof(pair->bridge_index));
    }
    const size_t info = open_nest(&request, IFLA_LINKINFO);
    text_attribute(&request, IFLA_INFO_KIND, "veth");
    const size_t data = open_nest(&request, IFLA_INFO_DATA);
    const size_t peer = open_nest(&request, VETH_INFO_PEER);
    (void)append(&request, &link, sizeof(link));
    name_attribute(&request, IFLA_IFNAME, pair->peer_name);
    attribute(&request, IFLA_ADDRESS, pair->peer_mac.bytes, sizeof(pair->peer_mac.bytes));
    attribute(&request, IFLA_NET_NS_FD, &pair->peer_namespace_fd, sizeof(pair->peer_namespace_fd));
    close_nest(&request, peer);
    close_nest(&request, data);
    close_nest(&request, info);
    return ask(netlink, &request, "make a pair of network devices", err);
}

static enum gf_code set_port_flags(struct gf_netlink *netlink, int port_index,
                                   struct gf_error *err) {
    const struct ifinfomsg link = {.ifi_family = AF_BRIDGE, .ifi_index = port_index};
    const uint8_t on = 1;
    const uint8_t off = 0;
    struct request request;
    begin(&request, RTM_SETLINK, 0, &link, sizeof(link));
    const size_t port = open_nest(&request, IFLA_PROTINFO | NLA_F_NESTED);
    attribute(&request, IFLA_BRPORT_ISOLATED, &on, sizeof(on));
    attribute(&request, IFLA_BRPORT_LEARNING, &off, sizeof(off));
    attribute(&request, IFLA_BRPORT_UNICAST_FLOOD, &off, sizeof(off));
    close_nest(&request, port);
    return ask(netlink, &request, "isolate a port of the bridge", err);
}

enum gf_code gf_netlink_isolate(struct gf_netlink *netlink, int port_index,
                                const struct gf_mac *mac, struct gf_error *err) {
    const struct ndmsg entry = {
        .ndm_family = AF_BRIDGE,
        .ndm_ifindex = port_index,
        .ndm_state = NUD_NOARP,
        .ndm_flags = NTF_MASTER,
    };
    struct request request;
    enum gf_code rc = set_port_flags(netlink, port_index, err);
    if (rc != GF_OK) {
        return rc;
    }
    begin(&request, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &entry, sizeof(entry));
    attribute(&request, NDA_LLADDR, mac->bytes, sizeof(mac->bytes));
    return ask(netlink, &request, "tell the bridge an address", err);
}

enum gf_code gf_netlink_raise(struct gf_netlink *netlink, int index, struct gf_error *err) {
    const struct ifinfomsg link = {
        .ifi_family = AF_UNSPEC, .ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
    struct request request;
    begin(&request, RTM_NEWLINK, 0, &link, sizeof(link));
    return ask(netlink, &request, "bring a network device up", err);
}

enum gf_code gf_netlink_remove(struct gf_netlink *netlink, int index, struct gf_error *err) {
    const struct ifinfomsg link = {.ifi_family = AF_UNSPEC, .ifi_index = index};
    struct request request;
    begin(&request, RTM_DELLINK, 0, &link, sizeof(link));
    return ask(netlink, &request, "remove a network device", err);
}

/* ---- addresses and routes ---- */

enum gf_code gf_netlink_add_address(struct gf_netlink *netlink, int index, uint32_t address,
                                    int prefix, struct gf_error *err) {
    const struct ifaddrmsg head = {
        .ifa_family = AF_INET, .ifa_prefixlen = (uint8_t)prefix, .ifa_index = (uint32_t)index};
    const uint32_t wire = htonl(address);
    struct request request;
    begin(&request, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head));
    attribute(&request, IFA_LOCAL, &wire, sizeof(wire));
    attribute(&request, IFA_ADDRESS, &wire, sizeof(wire));
    return ask(netlink, &request, "give a network device its address", err);
}

enum gf_code gf_netlink_add_default_route(struct gf_netlink *netlink, uint32_t gateway,
                                          struct gf_error *err) {
    const struct rtmsg route = {
        .rtm_family = AF_INET,
        .rtm_table = RT_TABLE_MAIN,
        .rtm_protocol = RTPROT_BOOT,
        .rtm_scope = RT_SCOPE_UNIVERSE,
        .rtm_type = RTN_UNICAST,
    };
    const uint32_t wire = htonl(gateway);
    struct request request;
    begin(&request, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &route, sizeof(route));
    attribute(&request, RTA_GATEWAY, &wire, sizeof(wire));
    return ask(netlink, &request, "add a default route", err);
}

/* ---- lists ---- */

struct listing {
    void (*link)(const char *name, int index, void *ctx);
    void (*address)(int index, uint32_t address, int prefix, void *ctx);
    void *ctx;
};

/* The attribute of that type behind a header of `size` bytes; NULL where there is none. */
static const struct rtattr *find_attribute(const struct nlmsghdr *header, size_t size, int type) {
    if (header->nlmsg_len < NLMSG_LENGTH(size)) {
        return NULL;
    }
    size_t left = header->nlmsg_len - NLMSG_LENGTH(size);
    const char *at = (const char *)NLMSG_DATA(header) + NLMSG_ALIGN(size);
    for (const struct rtattr *found = (const struct rtattr *)at; RTA_OK(found, left);
         found = RTA_NEXT(found, left)) {
        if (found->rta_type == type) {
            return found;
        }
    }
    return NULL;
}

/* The name of a device in a message about it; false where it has none. */
static bool link_name(const struct nlmsghdr *header, char out_name[GF_NETLINK_NAME_BYTES_MAX + 1]) {
    const struct rtattr *name = find_attribute(header, sizeof(struct ifinfomsg), IFLA_IFNAME);
    if (name == NULL) {
        return false;
    }
    const size_t size = RTA_PAYLOAD(name);
    snprintf(out_name, GF_NETLINK_NAME_BYTES_MAX + 1, "%.*s", (int)size, (char *)RTA_DATA(name));
    return true;
}

static bool take_item(const struct nlmsghdr *header, void *ctx, int *out_errnum) {
    const struct listing *listing = ctx;
    char name[GF_NETLINK_NAME_BYTES_MAX + 1];
    if (header->nlmsg_type == RTM_NEWLINK && listing->link != NULL && link_name(header, name)) {
        const struct ifinfomsg *link = NLMSG_DATA(header);
        listing->link(name, link->ifi_index, listing->ctx);
    } else if (header->nlmsg_type == RTM_NEWADDR && listing->address != NULL) {
        const struct ifaddrmsg *head = NLMSG_DATA(header);
        const struct rtattr *local = find_attribute(header, sizeof(*head), IFA_LOCAL);
        if (local != NULL && RTA_PAYLOAD(local) == sizeof(uint32_t)) {
            uint32_t wire = 0;
            memcpy(&wire, RTA_DATA(local), sizeof(wire));
            listing->address((int)head->ifa_index, ntohl(wire), head->ifa_prefixlen, listing->ctx);
        }
    }
    return take_end(header, out_errnum);
}

enum gf_code gf_netlink_list(struct gf_netlink *netlink,
                             void (*fn)(const char *name, int index, void *ctx), void *ctx,
                             struct gf_error *err) {
    const struct ifinfomsg link = {.ifi_family = AF_UNSPEC};
    struct listing listing = {.link = fn, .ctx = ctx};
    struct request request;
    begin(&request, RTM_GETLINK, NLM_F_DUMP, &link, sizeof(link));
    enum gf_code rc = send_request(netlink, &request, "list network devices", err);
    return rc == GF_OK ? receive_answer(netlink, take_item, &listing, "list network devices", err)
                       : rc;
}

enum gf_code gf_netlink_list_addresses(struct gf_netlink *netlink,
                                       void (*fn)(int index, uint32_t address, int prefix,
                                                  void *ctx),
                                       void *ctx, struct gf_error *err) {
    const struct ifaddrmsg head = {.ifa_family = AF_INET};
    struct listing listing = {.address = fn, .ctx = ctx};
    struct request request;
    begin(&request, RTM_GETADDR, NLM_F_DUMP, &head, sizeof(head));
    enum gf_code rc = send_request(netlink, &request, "list addresses", err);
    return rc == GF_OK ? receive_answer(netlink, take_item, &listing, "list addresses", err) : rc;
}

/* The answer to a question about one device. */
static bool take_link(const struct nlmsghdr *header, void *ctx, int *out_errnum) {
    int *index = ctx;
    if (header->nlmsg_type == RTM_NEWLINK) {
        const struct ifinfomsg *link = NLMSG_DATA(header);
        *index = link->ifi_index;
        return false;
    }
    return take_end(header, out_errnum);
}

enum gf_code gf_netlink_find(struct gf_netlink *netlink, const char *name, int *out_index,
                             struct gf_error *err) {
    const struct ifinfomsg link = {.ifi_family = AF_UNSPEC};
    struct request request;
    int index = 0;
    begin(&request, RTM_GETLINK, NLM_F_ACK, &link, sizeof(link));
    name_attribute(&request, IFLA_IFNAME, name);
    enum gf_code rc = send_request(netlink, &request, "find a network device", err);
    if (rc == GF_OK) {
        rc = receive_answer(netlink, take_link, &index, "find a network device", err);
    }
    if (rc == GF_OK && index == 0) {
        rc = gf_fail(err, GF_NOT_FOUND, "there is no network device '%s'", name);
    }
    if (rc == GF_OK) {
        *out_index = index;
    }
    return rc;
}

/* ---- devices that go ---- */

enum gf_code gf_netlink_watch(int *out_fd, struct gf_error *err) {
    const struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
    GF_CLEANUP(gf_close_p)
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot watch network devices");
    }
    *out_fd = gf_take_fd(&fd);
    return GF_OK;
}

/* The kernel puts one message about a device into each datagram of this group. */
bool gf_netlink_next_gone(int fd, char out_name[GF_NETLINK_NAME_BYTES_MAX + 1], bool *out_lost) {
    _Alignas(struct nlmsghdr) char bytes[ANSWER_BYTES_MAX];
    for (;;) {
        const ssize_t n = recv(fd, bytes, sizeof(bytes), 0);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            *out_lost = errno == ENOBUFS;
            return false;
        }
        const struct nlmsghdr *header = (const struct nlmsghdr *)bytes;
        const struct ifinfomsg *link = NLMSG_DATA(header);
        /* A bridge tells with the same message, of its own family, that a port leaves it. */
        if (NLMSG_OK(header, (size_t)n) && header->nlmsg_type == RTM_DELLINK &&
            header->nlmsg_len >= NLMSG_LENGTH(sizeof(*link)) && link->ifi_family != AF_BRIDGE &&
            link_name(header, out_name)) {
            return true;
        }
    }
}
