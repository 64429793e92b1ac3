#include "engine/scheduler/native/shim/user.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>

enum {
    PASSWD_COLUMNS = 7, /* name:password:uid:gid:comment:home:shell */
    GROUP_COLUMNS = 4,  /* name:password:gid:member,member */
    ID_MAX = INT32_MAX,
};

enum passwd_column {
    PASSWD_NAME = 0,
    PASSWD_UID = 2,
    PASSWD_GID = 3,
    PASSWD_HOME = 5
};
enum group_column {
    GROUP_NAME = 0,
    GROUP_GID = 2,
    GROUP_MEMBERS = 3
};

/* Splits a line at ':'; false when it has fewer columns. The last column takes the rest. */
static bool split(struct gf_str line, struct gf_str *columns, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const bool cut = gf_str_cut(line, ':', &columns[i], &line);
        if (!cut && i + 1 < count) {
            return false;
        }
    }
    return true;
}

static bool parse_id(struct gf_str text, uint32_t *out_id) {
    uint64_t id = 0;
    if (!gf_parse_u64(text, &id) || id > ID_MAX) {
        return false;
    }
    *out_id = (uint32_t)id;
    return true;
}

struct account {
    struct gf_str name;
    uint32_t uid;
    uint32_t gid;
    struct gf_str home;
};

/* The first account with this name, or where `name` is empty, with this uid. */
static bool find_account(struct gf_str passwd, struct gf_str name, uint32_t uid,
                         struct account *out) {
    while (passwd.len > 0) {
        struct gf_str line;
        struct gf_str columns[PASSWD_COLUMNS];
        struct account account = {0};
        (void)gf_str_cut(passwd, '\n', &line, &passwd);
        if (!split(line, columns, PASSWD_COLUMNS) || !parse_id(columns[PASSWD_UID], &account.uid) ||
            !parse_id(columns[PASSWD_GID], &account.gid)) {
            continue;
        }
        account.name = columns[PASSWD_NAME];
        account.home = columns[PASSWD_HOME];
        if (name.len > 0 ? gf_str_eq(account.name, name) : account.uid == uid) {
            *out = account;
            return true;
        }
    }
    return false;
}

static bool lists_member(struct gf_str members, struct gf_str name) {
    while (members.len > 0) {
        struct gf_str member;
        (void)gf_str_cut(members, ',', &member, &members);
        if (gf_str_eq(member, name)) {
            return true;
        }
    }
    return false;
}

/* The group with this name. */
static bool find_group(struct gf_str group, struct gf_str name, uint32_t *out_gid) {
    while (group.len > 0) {
        struct gf_str line;
        struct gf_str columns[GROUP_COLUMNS];
        (void)gf_str_cut(group, '\n', &line, &group);
        if (split(line, columns, GROUP_COLUMNS) && gf_str_eq(columns[GROUP_NAME], name) &&
            parse_id(columns[GROUP_GID], out_gid)) {
            return true;
        }
    }
    return false;
}

/* All groups that list the account; none for one without a name. */
static void add_groups(struct gf_user *user, struct gf_str group, struct gf_str name) {
    while (name.len > 0 && group.len > 0 && user->group_count < GF_USER_GROUPS_MAX) {
        struct gf_str line;
        struct gf_str columns[GROUP_COLUMNS];
        uint32_t gid = 0;
        (void)gf_str_cut(group, '\n', &line, &group);
        if (split(line, columns, GROUP_COLUMNS) && parse_id(columns[GROUP_GID], &gid) &&
            lists_member(columns[GROUP_MEMBERS], name)) {
            user->groups[user->group_count++] = gid;
        }
    }
}

static void set_home(struct gf_user *user, struct gf_str home) {
    if (home.len == 0 || home.len >= sizeof(user->home) || home.ptr[0] != '/') {
        home = GF_STR("/");
    }
    memcpy(user->home, home.ptr, home.len);
    user->home[home.len] = '\0';
}

static bool is_number(struct gf_str text) {
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') {
            return false;
        }
    }
    return text.len > 0;
}

static enum gf_code resolve_user(struct gf_str name, struct gf_str passwd, struct gf_user *user,
                                 struct account *account, struct gf_error *err) {
    const bool numeric = name.len == 0 || is_number(name);
    uint32_t uid = 0;
    bool found = name.len > 0 && find_account(passwd, name, 0, account);
    if (!found && !numeric) {
        return gf_fail(err, GF_NOT_FOUND, "user '%" GF_STR_FMT "' not found in the image",
                       GF_STR_ARG(name));
    }
    if (!found) {
        if (name.len > 0 && !parse_id(name, &uid)) {
            return gf_fail(err, GF_INVALID_ARGUMENT, "user id %" GF_STR_FMT " is out of range",
                           GF_STR_ARG(name));
        }
        found = find_account(passwd, GF_STR(""), uid, account);
    }
    user->uid = found ? account->uid : uid;
    user->gid = found ? account->gid : 0;
    return GF_OK;
}

enum gf_code gf_user_resolve(const char *text, struct gf_str passwd, struct gf_str group,
                             struct gf_user *out_user, struct gf_error *err) {
    struct gf_str user_part;
    struct gf_str group_part;
    struct account account = {0};
    struct gf_user user = {0};
    (void)gf_str_cut(gf_str_from(text), ':', &user_part, &group_part);

    enum gf_code rc = resolve_user(user_part, passwd, &user, &account, err);
    if (rc != GF_OK) {
        return rc;
    }
    set_home(&user, account.home);
    if (group_part.len == 0) {
        add_groups(&user, group, account.name);
    } else if (!find_group(group, group_part, &user.gid)) {
        if (!is_number(group_part)) {
            return gf_fail(err, GF_NOT_FOUND, "group '%" GF_STR_FMT "' not found in the image",
                           GF_STR_ARG(group_part));
        }
        if (!parse_id(group_part, &user.gid)) {
            return gf_fail(err, GF_INVALID_ARGUMENT, "group id %" GF_STR_FMT " is out of range",
                           GF_STR_ARG(group_part));
        }
    }
    /* A rule that shuts a group out must hold for the user's main group as well (CVE-2022-36109).
     */
    if (user.group_count < GF_USER_GROUPS_MAX) {
        user.groups[user.group_count++] = user.gid;
    }
    *out_user = user;
    return GF_OK;
}

/* Appends the file's content. Opening does not wait for the writer of a named pipe. */
static enum gf_code read_database(const char *path, struct gf_strbuf *out, struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int fd = -1;
    struct stat status;
    if (gf_file_open(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, &fd, NULL) != GF_OK ||
        fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        return GF_OK;
    }
    enum gf_code rc = gf_read_all(fd, out, err);
    return rc == GF_OK ? GF_OK : gf_wrap(err, "%s of the image", path);
}

enum gf_code gf_user_find(const char *user, struct gf_user *out_user, struct gf_error *err) {
    struct gf_strbuf passwd;
    struct gf_strbuf group;
    gf_strbuf_init(&passwd, GF_USER_DATABASE_BYTES_MAX);
    gf_strbuf_init(&group, GF_USER_DATABASE_BYTES_MAX);

    enum gf_code rc = read_database("/etc/passwd", &passwd, err);
    if (rc == GF_OK) {
        rc = read_database("/etc/group", &group, err);
    }
    if (rc == GF_OK) {
        rc = gf_user_resolve(user, gf_strbuf_view(&passwd), gf_strbuf_view(&group), out_user, err);
    }
    gf_strbuf_fini(&passwd);
    gf_strbuf_fini(&group);
    return rc;
}
