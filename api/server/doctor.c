#include "api/server/doctor.h"

#include "base/str.h"
#include "engine/core/protection.h"
#include "engine/scheduler/native/network/network.h"

#include <inttypes.h>
#include <sys/stat.h>

/* Findings are added one after the other. */
struct findings {
    struct gf_arena *arena;
    struct gf_named_finding *items;
    size_t count;
};

static void add(struct findings *findings, const char *name, enum gf_finding_result result,
                const char *description, const char *remedy) {
    gf_assert(findings->count < GF_FINDINGS_MAX);
    findings->items[findings->count++] = (struct gf_named_finding){
        .name = name,
        .finding = {.result = result, .description = description, .remedy = remedy},
    };
}

static void add_ok(struct findings *findings, const char *name, const char *description) {
    add(findings, name, GF_FINDING_OK, description, NULL);
}

/* The sentence as it is put behind another one. */
static struct gf_str sentence(const char *text) {
    struct gf_str view = gf_str_from(text);
    if (gf_str_has_suffix(view, GF_STR("."))) {
        view.len--;
    }
    return view;
}

/* ---- Protections ---- */

static const char *remedy_of(uint32_t protection) {
    switch ((enum gf_protection)protection) {
    case GF_PROTECTION_USER_NAMESPACE:
        return "use Linux 5.19 or later with user namespaces (sysctl user.max_user_namespaces), "
               "and a file system for the data directory that can be mounted with other ids, as "
               "ext4 or xfs";
    case GF_PROTECTION_SYSTEM_CALL_FILTER:
        return "use a kernel with CONFIG_SECCOMP_FILTER, on a processor that gofer has a list for";
    case GF_PROTECTION_MEMORY_LIMIT:
    case GF_PROTECTION_CPU_LIMIT:
    case GF_PROTECTION_PID_LIMIT:
        return "give the service the controllers of its control group (systemd: Delegate=yes)";
    case GF_PROTECTION_DISK_LIMIT:
        return "install e2fsprogs, and let the service use loop devices";
    case GF_PROTECTION_NETWORK_ISOLATION:
        return "allow network namespaces for the service";
    case GF_PROTECTIONS_ALL:
        break;
    }
    return "use a newer version of gofer";
}

static void check_protection(struct findings *findings, const struct gf_doctor *doctor,
                             const struct gf_native_protection *protection) {
    const char *text = gf_protection_text(protection->protection);
    const char *name = gf_arena_printf(findings->arena, "protection_%s", text);
    const bool required = (doctor->required_protections & protection->protection) != 0;
    if (protection->given) {
        add_ok(findings, name,
               gf_arena_printf(findings->arena, "containers have the protection %s", text));
        return;
    }
    const struct gf_str reason = sentence(protection->reason);
    add(findings, name, required ? GF_FINDING_FAILED : GF_FINDING_WARNING,
        gf_arena_printf(findings->arena, "containers go without the protection %s%s: %" GF_STR_FMT,
                        text, required ? ", which is required, and do not start" : "",
                        GF_STR_ARG(reason)),
        remedy_of(protection->protection));
}

/* ---- Networks ---- */

static void check_note(struct findings *findings, const char *name, const char *note,
                       const char *good, const char *remedy) {
    if (note[0] == '\0') {
        add_ok(findings, name, good);
        return;
    }
    add(findings, name, GF_FINDING_WARNING, gf_arena_str(findings->arena, sentence(note)).ptr,
        remedy);
}

static void check_networks(struct findings *findings, const struct gf_doctor *doctor) {
    struct gf_network_report report = {0};
    gf_native_network_report(doctor->native, &report);
    if (!report.bridge_available) {
        const bool needed = doctor->default_network == GF_NETWORK_BRIDGE;
        const struct gf_str why = sentence(report.why_not);
        add(findings, "network_bridge", needed ? GF_FINDING_FAILED : GF_FINDING_WARNING,
            gf_arena_printf(findings->arena, "tasks cannot have the network bridge: %" GF_STR_FMT,
                            GF_STR_ARG(why)),
            "install nftables, and let the service make bridges; tasks without a network need "
            "neither");
        return;
    }
    add_ok(findings, "network_bridge",
           gf_arena_printf(findings->arena,
                           "tasks can have the network bridge; %" PRId32 " of %" PRId32
                           " addresses are in use",
                           report.addresses_used, report.addresses));
    /* The first task on the bridge turns it on, which is worth knowing and no fault. */
    add_ok(findings, "network_forwarding",
           report.forwarding[0] == '\0'
               ? "packets of containers are forwarded"
               : gf_arena_str(findings->arena, sentence(report.forwarding)).ptr);
    check_note(findings, "network_firewall", report.firewall,
               "no firewall of this machine is known to stop the packets of containers",
               "let the firewall of this machine pass what comes from and goes to the bridge");
    check_note(findings, "network_name_servers", report.name_servers,
               "containers have name servers", "set scheduler.dns_servers in the configuration");
}

/* ---- Images ---- */

static bool is_open_to_others(const char *path) {
    struct stat status = {0};
    return path != NULL && path[0] != '\0' && stat(path, &status) == 0 &&
           (status.st_mode & (S_IRWXO | S_IWGRP)) != 0;
}

static bool is_gone(const char *path) {
    struct stat status = {0};
    return path != NULL && path[0] != '\0' && stat(path, &status) != 0;
}

static void check_credentials(struct findings *findings, const struct gf_image_settings *images) {
    const char *files[GF_IMAGE_REGISTRIES_MAX + 1];
    size_t count = 0;
    files[count++] = images->docker_config_file;
    for (size_t i = 0; i < images->registry_count; i++) {
        files[count++] = images->registries[i].password_file;
    }
    for (size_t i = 0; i < count; i++) {
        if (is_gone(files[i])) {
            add(findings, "registry_credentials", GF_FINDING_FAILED,
                gf_arena_printf(findings->arena,
                                "%s, with credentials for a registry, is not there", files[i]),
                "put it there, or take it out of the configuration");
            return;
        }
        if (is_open_to_others(files[i])) {
            add(findings, "registry_credentials", GF_FINDING_FAILED,
                gf_arena_printf(findings->arena,
                                "others may read or change %s, with credentials "
                                "for a registry",
                                files[i]),
                "take that from them with chmod 640, and renew the credentials");
            return;
        }
    }
    add_ok(findings, "registry_credentials", "no credentials for registries lie open");
}

static void check_registries(struct findings *findings, const struct gf_image_settings *images) {
    for (size_t i = 0; i < images->registry_count; i++) {
        if (images->registries[i].plain_http) {
            add(findings, "registries", GF_FINDING_WARNING,
                gf_arena_printf(findings->arena,
                                "the registry %s is asked without TLS: images can be changed on "
                                "the way",
                                images->registries[i].host),
                "give the registry a certificate, and take plain_http out of the configuration");
            return;
        }
    }
    add_ok(findings, "registries",
           images->allow_count == 0
               ? "images may be pulled from every registry, over TLS"
               : gf_arena_printf(findings->arena,
                                 "images may be pulled that match one of %zu patterns, over TLS",
                                 images->allow_count));
}

size_t gf_doctor_check(void *ctx, struct gf_arena *arena,
                       struct gf_named_finding out[GF_FINDINGS_MAX]) {
    const struct gf_doctor *doctor = ctx;
    struct findings findings = {.arena = arena, .items = out};
    struct gf_native_protection protections[GF_NATIVE_PROTECTIONS_MAX];
    const size_t count = gf_native_protections(doctor->native, protections);
    for (size_t i = 0; i < count; i++) {
        check_protection(&findings, doctor, &protections[i]);
    }
    check_networks(&findings, doctor);
    check_registries(&findings, doctor->images);
    check_credentials(&findings, doctor->images);
    return findings.count;
}
