#include "engine/scheduler/native/network/filter.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/proc.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum {
    OUTPUT_BYTES_MAX = 65536,
    COMPLAINT_BYTES_MAX = 4096,
    TABLE_NAME_BYTES_MAX = 32,
    ANSWER_BYTES_MAX = 4096,
    ASK_SECONDS_MAX = 5,
};

static const char *const PROGRAMS[] = {
    "/usr/sbin/nft",
    "/sbin/nft",
    "/usr/bin/nft",
    "/usr/local/sbin/nft",
};

/* ---- the rules ---- */

static void write_name_servers(const struct gf_filter *filter, struct gf_strbuf *out) {
    char address[GF_IPV4_TEXT_BYTES_MAX];
    gf_strbuf_append_cstr(out, "  set name_servers {\n    type ipv4_addr\n");
    for (size_t i = 0; i < filter->resolv.count; i++) {
        gf_strbuf_printf(out, "%s%s", i == 0 ? "    elements = { " : ", ",
                         gf_ipv4_format(filter->resolv.servers[i], address));
    }
    gf_strbuf_append_cstr(out, filter->resolv.count > 0 ? " }\n  }\n" : "  }\n");
}

void gf_filter_write(const struct gf_filter *filter, struct gf_strbuf *out) {
    static const char ask_names[] = "ip daddr @name_servers meta l4proto { tcp, udp } th dport 53 "
                                    "accept";
    static const char refuse[] = "reject with icmpx type admin-prohibited";
    /* Where clouds keep credentials beside 169.254.169.254: Alibaba's, Azure's, Oracle's. */
    static const char metadata[] = "100.100.100.200, 168.63.129.16, 192.0.0.192";
    const char *bridge = filter->bridge;
    char text[GF_IPV4_TEXT_BYTES_MAX];
    const char *network = gf_ipv4_format(filter->subnet.network, text);
    const int prefix = filter->subnet.prefix;

    /* Naming it first makes the removal of one that is not there no error. */
    gf_strbuf_printf(out,
                     "table inet gofer_%s\ndelete table inet gofer_%s\ntable inet gofer_%s {\n",
                     bridge, bridge, bridge);
    write_name_servers(filter, out);
    gf_strbuf_printf(out,
                     "  chain input {\n"
                     "    type filter hook input priority -10; policy accept;\n"
                     "    iifname \"%s\" jump to_this_machine\n"
                     "  }\n"
                     "  chain to_this_machine {\n"
                     "    ct state established,related accept\n"
                     "    %s\n    %s\n"
                     "  }\n",
                     bridge, ask_names, refuse);
    gf_strbuf_printf(out,
                     "  chain forward {\n"
                     "    type filter hook forward priority -10; policy accept;\n"
                     "    oifname \"%s\" ct state established,related accept\n"
                     "    oifname \"%s\" %s\n"
                     "    iifname \"%s\" jump to_outside\n"
                     "  }\n",
                     bridge, bridge, refuse, bridge);
    gf_strbuf_printf(out,
                     "  chain to_outside {\n"
                     "    meta nfproto != ipv4 drop\n"
                     "    ip saddr != %s/%d drop\n"
                     "    %s\n"
                     "    ip daddr { 0.0.0.0/8, 127.0.0.0/8, 169.254.0.0/16, 224.0.0.0/3 } %s\n"
                     "    ip daddr { %s } %s\n"
                     "  }\n",
                     network, prefix, ask_names, refuse, metadata, refuse);
    gf_strbuf_printf(out,
                     "  chain postrouting {\n"
                     "    type nat hook postrouting priority 100; policy accept;\n"
                     "    ip saddr %s/%d oifname != \"%s\" masquerade\n"
                     "  }\n"
                     "}\n",
                     network, prefix, bridge);
}

/* ---- nft ---- */

static const char *find_program(void) {
    for (size_t i = 0; i < GF_ARRAY_COUNT(PROGRAMS); i++) {
        if (access(PROGRAMS[i], X_OK) == 0) {
            return PROGRAMS[i];
        }
    }
    return NULL;
}

/* The first line of what nft says is wrong. */
static struct gf_str first_line(int fd, char *bytes, size_t size) {
    struct gf_str line;
    struct gf_str rest;
    const ssize_t n = pread(fd, bytes, size, 0);
    (void)gf_str_cut((struct gf_str){bytes, n > 0 ? (size_t)n : 0}, '\n', &line, &rest);
    return line;
}

static enum gf_code run(const char *const *argv, int script_fd, struct gf_strbuf *output,
                        struct gf_error *err) {
    char bytes[COMPLAINT_BYTES_MAX];
    struct gf_proc_exit status;
    GF_CLEANUP(gf_close_p) int complaint_fd = memfd_create("nft-stderr", MFD_CLOEXEC);
    if (complaint_fd < 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot make a memory file");
    }
    const struct gf_proc_fd fds[] = {{complaint_fd, STDERR_FILENO}, {script_fd, STDIN_FILENO}};
    const struct gf_proc_spec spec = {
        .program = find_program(),
        .argv = argv,
        .fds = fds,
        .fd_count = script_fd >= 0 ? 2 : 1,
    };
    if (spec.program == NULL) {
        return gf_fail(err, GF_FAILED_PRECONDITION,
                       "there is no nft program: install nftables for bridged networks");
    }
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), GF_FILTER_RUN_MS_MAX);
    enum gf_code rc = gf_proc_run(&spec, deadline, output, &status, err);
    if (rc == GF_OK && (status.signaled || status.status != 0)) {
        const struct gf_str line = first_line(complaint_fd, bytes, sizeof(bytes));
        rc = gf_fail(err, GF_FAILED_PRECONDITION, "nft: %" GF_STR_FMT,
                     (int)(line.len < 160 ? line.len : 160), line.ptr);
    }
    return rc;
}

enum gf_code gf_filter_load(const struct gf_filter *filter, struct gf_error *err) {
    static const char *const argv[] = {"nft", "-f", "-", NULL};
    GF_CLEANUP(gf_close_p) int script_fd = -1;
    struct gf_strbuf script;
    struct gf_strbuf output;
    gf_strbuf_init(&script, GF_FILTER_SCRIPT_BYTES_MAX);
    gf_strbuf_init(&output, OUTPUT_BYTES_MAX);
    gf_filter_write(filter, &script);
    enum gf_code rc = gf_memfd_sealed("nft-script", gf_strbuf_view(&script),
                                      /* executable = */ false, &script_fd, err);
    if (rc == GF_OK) {
        rc = run(argv, script_fd, &output, err);
    }
    gf_strbuf_fini(&script);
    gf_strbuf_fini(&output);
    return rc == GF_OK ? rc : gf_wrap(err, "packet filter of the bridge");
}

/* ---- asking ---- */

/* A request of nftables for one table, with its name as the only attribute. */
struct table_request {
    struct nlmsghdr header;
    struct nfgenmsg family;
    struct nlattr name_head;
    char name[TABLE_NAME_BYTES_MAX];
};

bool gf_filter_is_loaded(const char *bridge) {
    const struct timeval wait = {.tv_sec = ASK_SECONDS_MAX};
    _Alignas(struct nlmsghdr) char answer[ANSWER_BYTES_MAX];
    struct table_request request = {
        .header = {.nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE,
                   .nlmsg_flags = NLM_F_REQUEST},
        .family = {.nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0},
        .name_head = {.nla_type = NFTA_TABLE_NAME},
    };
    const int len = snprintf(request.name, sizeof(request.name), "gofer_%s", bridge);
    gf_assert(len > 0 && len < TABLE_NAME_BYTES_MAX);
    request.name_head.nla_len = (uint16_t)(NLA_HDRLEN + len + 1);
    request.header.nlmsg_len = (uint32_t)(offsetof(struct table_request, name_head) +
                                          NLA_ALIGN(request.name_head.nla_len));
    GF_CLEANUP(gf_close_p) int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) != 0 ||
        send(fd, &request, request.header.nlmsg_len, 0) < 0) {
        return true;
    }
    const ssize_t n = recv(fd, answer, sizeof(answer), 0);
    const struct nlmsghdr *header = (const struct nlmsghdr *)answer;
    if (n < 0 || !NLMSG_OK(header, (size_t)n) || header->nlmsg_type != NLMSG_ERROR) {
        return true;
    }
    const struct nlmsgerr *error = NLMSG_DATA(header);
    return error->error != -ENOENT;
}

bool gf_filter_forwarding_is_dropped(void) {
    static const char *const argv[] = {"nft", "list", "chain", "ip", "filter", "FORWARD", NULL};
    struct gf_strbuf output;
    gf_strbuf_init(&output, OUTPUT_BYTES_MAX);
    const bool dropped = run(argv, -1, &output, NULL) == GF_OK && output.len > 0 &&
                         memmem(output.ptr, output.len, "policy drop", 11) != NULL;
    gf_strbuf_fini(&output);
    return dropped;
}
