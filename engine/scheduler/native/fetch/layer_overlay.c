/*
 * What hides the layers below, in the form that overlayfs reads.
 */
#include "engine/scheduler/native/fetch/beneath.h"
#include "engine/scheduler/native/fetch/fail.h"
#include "engine/scheduler/native/fetch/layer.h"
#include "engine/scheduler/native/fetch/layer_internal.h"
#include "engine/scheduler/native/images/text.h"

#include <fcntl.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

static const char opaque_attribute[] = "trusted.overlay.opaque";

enum gf_code gf_layer__set_opaque(int dir_fd, struct gf_error *err) {
    if (fsetxattr(dir_fd, opaque_attribute, "y", 1, 0) != 0) {
        return gf_fail_system(err, "cannot set the attribute '%s'", opaque_attribute);
    }
    return GF_OK;
}

bool gf_layer_is_opaque(int root_fd) {
    char value = 0;
    return fgetxattr(root_fd, opaque_attribute, &value, sizeof(value)) == 1 && value == 'y';
}

enum gf_code gf_layer__make_whiteout(int parent_fd, const char *name, struct gf_error *err) {
    if (mknodat(parent_fd, name, S_IFCHR, makedev(0, 0)) == 0) {
        return GF_OK;
    }
    if (errno != EEXIST) {
        return gf_fail_system(err, "cannot make the whiteout '%s'", gf_show_cstr(name).text);
    }
    struct stat status;
    if (fstatat(parent_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(status.st_mode)) {
        return GF_OK; /* the layer's own file hides it */
    }
    GF_CLEANUP(gf_close_p) int fd = -1;
    const enum gf_code rc = gf_beneath_open_dir(parent_fd, gf_str_from(name), &fd, err);
    return rc == GF_OK ? gf_layer__set_opaque(fd, err) : rc;
}
