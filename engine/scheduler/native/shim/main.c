/*
 * gofer-shim: runs one container and tells how it ended. One process for each attempt of a task,
 * started by the server and independent of it from then on.
 *
 * DESIGN: the order of its life
 *
 *  1. Makes itself unreadable (the spec holds the task's environment), takes the spec and the masks
 *     (handover.c).
 *  2. Begins the log, makes the v2 control group, starts the container's first process. That one
 *     has a copy of the environment then: ours is wiped.
 *  3. While that one sets itself up: the v1 control groups, the network namespace, the control
 *     socket, the start record. Only then is the command released: a container that runs can be
 *     found.
 *  4. Follows the container to its end (supervisor.c).
 *  5. Tells the end to whoever is connected, writes the exit record, and cleans up. The telling
 *     comes first because somebody waits for it; should the shim be killed in between, the missing
 *     record says so. Who is in a session gets the rest of the output meanwhile.
 *
 * A failure on the way is told like any end of a container: with the sentence that says why.
 */
#include "base/clock.h"
#include "base/file.h"
#include "base/tree.h"
#include "engine/core/protection.h"
#include "engine/scheduler/native/protocol.h"
#include "engine/scheduler/native/shim/cgroup.h"
#include "engine/scheduler/native/shim/container.h"
#include "engine/scheduler/native/shim/control.h"
#include "engine/scheduler/native/shim/handover.h"
#include "engine/scheduler/native/shim/keep.h"
#include "engine/scheduler/native/shim/network.h"
#include "engine/scheduler/native/shim/probe.h"
#include "engine/scheduler/native/shim/pump.h"
#include "engine/scheduler/native/shim/record.h"
#include "engine/scheduler/native/shim/sessions.h"
#include "engine/scheduler/native/shim/spec.h"
#include "engine/scheduler/native/shim/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Static because of the pump's buffer; there is one container in the life of a shim. */
struct shim {
    struct gf_handover handover;
    struct gf_pump pump;
    struct gf_cgroup cgroup;
    struct gf_container container;
    struct gf_control control;
    struct gf_supervisor supervisor;
    struct gf_sessions sessions;
};

static struct shim shim;

/* ---- 1 ---- */

static enum gf_code protect_self(struct gf_error *err) {
    (void)prctl(PR_SET_NAME, "gofer-shim"); /* else it is that of a descriptor */
    /*
     * Nobody but the host's root may read our memory, not even root in the container; and there is
     * no core of it, whatever the limit (see rights.c for that of the container).
     */
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
        syscall(SYS_close_range, GF_SHIM_FDS_END, ~0U, 0) != 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot protect the shim");
    }
    for (int fd = GF_SHIM_FD_SPEC; fd < GF_SHIM_FDS_END; fd++) {
        enum gf_code rc = gf_fd_set_cloexec(fd, true, err);
        if (rc != GF_OK) {
            return rc;
        }
    }
    umask(022);
    if (chdir("/") != 0) { /* else the server's directory could not be unmounted while we live */
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot enter '/'");
    }
    return GF_OK;
}

/* Signals that would end us end the container first; -1 where they cannot be caught. */
static int catch_signals(void) {
    sigset_t ending;
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN); /* a log that may not grow is cut, and the container lives */
    (void)signal(SIGHUP, SIG_IGN);
    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &ending, NULL);
    return signalfd(-1, &ending, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* ---- 2 and 3 ---- */

static enum gf_code start_container(struct gf_error *err) {
    const struct gf_spec *spec = &shim.handover.spec;
    const int log_fd = spec->log_disabled ? -1 : GF_SHIM_FD_LOG;
    enum gf_code rc = gf_pump_init_ring(&shim.pump, log_fd, spec->ring_log_bytes,
                                        spec->log_bytes_max, shim.handover.mask_set, err);
    if (rc == GF_OK) {
        shim.pump.tap = gf_sessions_tap;
        shim.pump.tap_ctx = &shim.sessions;
        rc = gf_cgroup_make_unified(&shim.cgroup, err);
    }
    if (rc == GF_OK) {
        rc = gf_container_start(spec, shim.cgroup.unified_fd, &shim.container, err);
    }
    if (!spec->idle) {
        gf_handover_wipe_environment(&shim.handover);
    }
    return rc;
}

static enum gf_code prepare_outside(struct gf_error *err) {
    enum gf_code rc = gf_cgroup_make_split(&shim.cgroup, shim.container.pid, err);
    if (rc == GF_OK && !shim.handover.spec.network_host && !shim.handover.spec.has_network) {
        rc = gf_network_make(err);
    }
    if (rc == GF_OK) {
        gf_container_let_join(&shim.container);
        rc = gf_control_listen(&shim.control, GF_SHIM_FD_DIR, err);
    }
    return rc == GF_OK
               ? gf_record_write_start(GF_SHIM_FD_DIR, &shim.handover.spec, shim.container.pid, err)
               : rc;
}

/* ---- 4 and 5 ---- */

static void clean_up(void) {
    gf_supervisor_reap(&shim.supervisor);
    gf_cgroup_remove(&shim.cgroup);
    /* What cannot be removed now, the server removes with the rest of the attempt. */
    if (shim.handover.spec.upper[0] != '\0' && !shim.handover.spec.kept_upper) {
        (void)!gf_tree_remove(AT_FDCWD, shim.handover.spec.upper, NULL);
    }
}

/* Tells the end of the container, first to who is connected, then to who comes later. */
static void report_exit(const struct gf_shim_exit *exit) {
    const struct gf_shim_message message = {.kind = GF_SHIM_MESSAGE_EXITED, .u.exited = *exit};
    gf_control_announce(&shim.control, &message);
    /* Where the disk does not take it, the server that is connected knows; another will not. */
    (void)!gf_record_write_exit(GF_SHIM_FD_DIR, exit, NULL);
}

/* Before the end is told: who hears that the root is kept finds it. */
static void keep_root(struct gf_shim_exit *exit) {
    const struct gf_spec *spec = &shim.handover.spec;
    if (gf_keep_wanted(spec, exit)) {
        const bool mapped =
            (shim.supervisor.missing_protections & GF_PROTECTION_USER_NAMESPACE) == 0;
        gf_sessions_container_ended(&shim.sessions, exit);
        gf_supervisor_reap(&shim.supervisor);
        gf_keep(spec, mapped ? spec->user_id_first : 0, exit);
    }
}

/* The end of a container that never came to its command. */
static void report_failure(const struct gf_error *error) {
    const struct gf_shim_exit exit = {
        .image_digest = shim.handover.spec.image_digest,
        .failure = error->message,
        .exit_code = GF_SHIM_EXIT_SETUP_FAILED,
        .end_time = gf_wall_ns(),
    };
    if (shim.container.pid != 0) {
        gf_container_signal(&shim.container, SIGKILL);
        gf_supervisor_reap(&shim.supervisor);
    }
    report_exit(&exit);
}

static void prepare_sessions(void) {
    shim.sessions.host = (struct gf_shim_session_host){
        .place =
            {
                .spec = &shim.handover.spec,
                .container = &shim.container,
                .cgroup = &shim.cgroup,
            },
        .container = &shim.container,
        .masks = shim.handover.mask_set,
    };
    shim.control.session = gf_sessions_begin;
    shim.control.session_ctx = &shim.sessions;
}

static void run(int signal_fd) {
    struct gf_error error;
    struct gf_shim_exit exit;

    shim.supervisor = (struct gf_supervisor){
        .spec = &shim.handover.spec,
        .container = &shim.container,
        .cgroup = &shim.cgroup,
        .pump = &shim.pump,
        .control = &shim.control,
        .sessions = &shim.sessions,
        .signal_fd = signal_fd,
    };
    prepare_sessions();
    gf_supervisor_init(&shim.supervisor);
    gf_cgroup_init(&shim.cgroup, &shim.handover.spec);
    enum gf_code rc = start_container(&error);
    if (rc == GF_OK) {
        rc = prepare_outside(&error);
    }
    if (rc == GF_OK) {
        gf_container_let_run(&shim.container);
        gf_supervisor_run(&shim.supervisor, &exit);
        keep_root(&exit);
        report_exit(&exit);
        gf_sessions_container_ended(&shim.sessions, &exit);
    } else {
        report_failure(&error);
    }
    clean_up();
    gf_sessions_finish(&shim.sessions);
}

int main(int argc, char **argv) {
    struct gf_error error;
    int64_t user_id_first = 0;
    if (argc == 4 && strcmp(argv[1], GF_SHIM_PROBE) == 0 &&
        gf_parse_i64(gf_str_from(argv[3]), &user_id_first)) {
        return gf_probe_run(argv[2], user_id_first);
    }
    gf_container_init(&shim.container);
    gf_control_init(&shim.control, GF_SHIM_FD_SERVER, gf_supervisor_request, &shim.supervisor);

    enum gf_code rc = protect_self(&error);
    const int signal_fd = catch_signals();
    if (rc == GF_OK) {
        rc = gf_handover_take(&shim.handover, &error);
    }
    if (rc == GF_OK) {
        run(signal_fd);
        gf_spec_release(&shim.handover.spec);
    } else {
        report_failure(&error);
    }
    gf_control_fini(&shim.control, GF_SHIM_FD_DIR);
    return 0;
}
