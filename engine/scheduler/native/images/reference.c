#include "engine/scheduler/native/images/reference.h"

#include "engine/scheduler/native/images/semver.h"
#include "engine/scheduler/native/images/text.h"

static const struct gf_str default_registry = {"docker.io", 9};
static const struct gf_str default_registry_old = {"index.docker.io", 15};
static const struct gf_str default_folder = {"library", 7};

static bool is_lower_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_upper(char c) {
    return c >= 'A' && c <= 'Z';
}

static bool is_alphanumeric(char c) {
    return is_lower_or_digit(c) || is_upper(c);
}

static struct gf_str skip(struct gf_str text, size_t count) {
    return (struct gf_str){text.ptr + count, text.len - count};
}

/* lower-case letters and digits, with one ".", one or two "_" or some "-" between them */
static bool component_valid(struct gf_str component) {
    size_t i = 0;
    for (;;) {
        const size_t start = i;
        while (i < component.len && is_lower_or_digit(component.ptr[i])) {
            i++;
        }
        if (i == start) {
            return false;
        }
        if (i == component.len) {
            return true;
        }
        const char separator = component.ptr[i];
        const size_t separator_max = separator == '.' ? 1 : separator == '_' ? 2 : component.len;
        if (separator != '.' && separator != '_' && separator != '-') {
            return false;
        }
        size_t count = 0;
        while (i < component.len && component.ptr[i] == separator) {
            i++;
            count++;
        }
        if (count > separator_max) {
            return false;
        }
    }
}

static bool tag_valid(struct gf_str tag) {
    if (tag.len == 0 || tag.len > GF_REFERENCE_TAG_CHARS_MAX) {
        return false;
    }
    for (size_t i = 0; i < tag.len; i++) {
        const char c = tag.ptr[i];
        const bool inner = i > 0 && (c == '.' || c == '-');
        if (!is_alphanumeric(c) && c != '_' && !inner) {
            return false;
        }
    }
    return true;
}

static bool port_valid(struct gf_str port) {
    uint64_t number = 0;
    return port.len <= 5 && gf_parse_u64(port, &number) && number >= 1 && number <= 65535;
}

/* "[2001:db8::1]", optionally with ":port"; what is within the brackets is not looked at closely.
 */
static bool ipv6_host_valid(struct gf_str host) {
    size_t i = 1;
    while (i < host.len && (is_alphanumeric(host.ptr[i]) || host.ptr[i] == ':')) {
        i++;
    }
    if (i == 1 || i >= host.len || host.ptr[i] != ']') {
        return false;
    }
    const struct gf_str rest = skip(host, i + 1);
    return rest.len == 0 || (rest.ptr[0] == ':' && port_valid(skip(rest, 1)));
}

/* Labels of letters, digits and inner hyphens, with dots between, and perhaps a port. */
bool gf_reference_host_valid(struct gf_str host) {
    if (host.len > 0 && host.ptr[0] == '[') {
        return ipv6_host_valid(host);
    }
    struct gf_str labels;
    struct gf_str port;
    if (gf_str_cut(host, ':', &labels, &port) && !port_valid(port)) {
        return false;
    }
    bool more = true;
    while (more) {
        struct gf_str label;
        more = gf_str_cut(labels, '.', &label, &labels);
        if (label.len == 0 || label.ptr[0] == '-' || label.ptr[label.len - 1] == '-') {
            return false;
        }
        for (size_t i = 0; i < label.len; i++) {
            if (!is_alphanumeric(label.ptr[i]) && label.ptr[i] != '-') {
                return false;
            }
        }
    }
    return true;
}

static bool is_host(struct gf_str first) {
    for (size_t i = 0; i < first.len; i++) {
        if (first.ptr[i] == '.' || first.ptr[i] == ':' || is_upper(first.ptr[i])) {
            return true;
        }
    }
    return gf_str_eq(first, GF_STR("localhost"));
}

static enum gf_code check_components(struct gf_str text, struct gf_str path, struct gf_error *err) {
    bool more = true;
    while (more) {
        struct gf_str component;
        more = gf_str_cut(path, '/', &component, &path);
        if (!component_valid(component)) {
            return gf_fail(err, GF_INVALID_ARGUMENT,
                           "image reference '%s': '%s' must be lower-case letters and digits, with "
                           "'.', '_', '__' or '-' between them",
                           gf_show(text).text, gf_show(component).text);
        }
    }
    return GF_OK;
}

/* Checks host and components, and leaves the default registry and folder out. */
static enum gf_code parse_name(struct gf_str text, struct gf_str name, struct gf_reference *out,
                               struct gf_error *err) {
    struct gf_str host;
    struct gf_str path;
    if (!gf_str_cut(name, '/', &host, &path) || !is_host(host)) {
        host = (struct gf_str){NULL, 0};
        path = name;
    }
    if (host.len > 0 && !gf_reference_host_valid(host)) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "image reference '%s': '%s' is neither a host with an optional port nor a "
                       "lower-case folder",
                       gf_show(text).text, gf_show(host).text);
    }
    const enum gf_code rc = check_components(text, path, err);
    if (rc != GF_OK) {
        return rc;
    }
    struct gf_str folder;
    struct gf_str rest;
    if (gf_str_eq(host, default_registry) || gf_str_eq(host, default_registry_old)) {
        /* Where what remains would read as another host, the registry stays. */
        const bool folder_is_host = gf_str_cut(path, '/', &folder, &rest) && is_host(folder);
        host = folder_is_host ? default_registry : (struct gf_str){NULL, 0};
    }
    if (host.len == 0 && gf_str_cut(path, '/', &folder, &rest) &&
        gf_str_eq(folder, default_folder) && memchr(rest.ptr, '/', rest.len) == NULL) {
        path = rest;
    }
    const size_t host_len = host.len > 0 ? host.len + 1 : 0;
    if (host_len + path.len > GF_REFERENCE_CHARS_MAX) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "image reference '%s' has more than %d characters",
                       gf_show(text).text, GF_REFERENCE_CHARS_MAX);
    }
    if (host.len > 0) {
        memcpy(out->name, host.ptr, host.len);
        out->name[host.len] = '/';
    }
    memcpy(out->name + host_len, path.ptr, path.len);
    out->name[host_len + path.len] = '\0';
    return GF_OK;
}

/* Cuts ":tag" off the end of *name: a ":" behind the last "/" begins a tag, not a port. */
static enum gf_code parse_tag(struct gf_str text, struct gf_str *name, struct gf_reference *out,
                              struct gf_error *err) {
    size_t last = name->len;
    while (last > 0 && name->ptr[last - 1] != '/' && name->ptr[last - 1] != ':') {
        last--;
    }
    if (last == 0 || name->ptr[last - 1] != ':') {
        return GF_OK;
    }
    const struct gf_str tag = skip(*name, last);
    if (gf_semver_is_range(tag)) {
        struct gf_semver_range range;
        const enum gf_code rc = gf_semver_range_parse(tag, &range, err);
        if (rc != GF_OK) {
            return gf_wrap(err, "image reference");
        }
        memcpy(out->range, tag.ptr, tag.len);
        out->range[tag.len] = '\0';
        name->len = last - 1;
        return GF_OK;
    }
    if (!tag_valid(tag)) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "image reference '%s': the tag must be 1 to %d letters, digits, '_', '.' "
                       "and '-', and begin with none of '.' and '-'",
                       gf_show(text).text, GF_REFERENCE_TAG_CHARS_MAX);
    }
    memcpy(out->tag, tag.ptr, tag.len);
    out->tag[tag.len] = '\0';
    name->len = last - 1;
    return GF_OK;
}

/* What would otherwise be a long tag of an image "sha256": nobody's. */
static bool is_digest_alone(struct gf_str text) {
    return text.len == GF_DIGEST_BYTES - 1 && gf_str_has_prefix(text, GF_STR("sha256:")) &&
           memchr(text.ptr, '/', text.len) == NULL;
}

enum gf_code gf_reference_parse(struct gf_str text, struct gf_reference *out,
                                struct gf_error *err) {
    struct gf_reference reference = {.name = ""};
    if (text.len == 0) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "image reference is empty");
    }
    struct gf_str name;
    struct gf_str digest;
    bool has_digest = gf_str_cut(text, '@', &name, &digest);
    if (!has_digest && is_digest_alone(text)) {
        digest = text;
        name = (struct gf_str){NULL, 0};
        has_digest = true;
    } else if (name.len == 0) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "image reference '%s' has no name",
                       gf_show(text).text);
    }
    if (has_digest) {
        const enum gf_code rc = gf_digest_parse(digest, &reference.digest, err);
        if (rc != GF_OK) {
            return gf_wrap(err, "image reference");
        }
    }
    if (name.len > 0) {
        enum gf_code rc = parse_tag(text, &name, &reference, err);
        if (rc == GF_OK) {
            rc = parse_name(text, name, &reference, err);
        }
        if (rc != GF_OK) {
            return rc;
        }
        if (has_digest && reference.range[0] != '\0') {
            return gf_fail(err, GF_INVALID_ARGUMENT,
                           "image reference '%s' has both a range of versions and a digest",
                           gf_show(text).text);
        }
        if (!has_digest && reference.tag[0] == '\0' && reference.range[0] == '\0') {
            memcpy(reference.tag, "latest", sizeof("latest"));
        }
    }
    const size_t tag_len = strlen(reference.tag) + strlen(reference.range);
    if (strlen(reference.name) + 1 + tag_len > GF_REFERENCE_CHARS_MAX) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "image reference '%s' has more than %d characters",
                       gf_show(text).text, GF_REFERENCE_CHARS_MAX);
    }
    *out = reference;
    return GF_OK;
}

enum gf_code gf_reference_parse_name(struct gf_str text, struct gf_reference *out,
                                     struct gf_error *err) {
    struct gf_reference reference;
    const enum gf_code rc = gf_reference_parse(text, &reference, err);
    if (rc != GF_OK) {
        return rc;
    }
    if (gf_digest_is_set(&reference.digest)) {
        return gf_fail(
            err, GF_INVALID_ARGUMENT,
            "image name '%s' must not hold a digest: an image is called NAME or NAME:TAG",
            gf_show(text).text);
    }
    if (reference.range[0] != '\0') {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "image name '%s' must not hold a range of versions: an image is called NAME "
                       "or NAME:TAG",
                       gf_show(text).text);
    }
    *out = reference;
    return GF_OK;
}

void gf_reference_split(const struct gf_reference *reference, char *out_host,
                        char *out_repository) {
    struct gf_str host;
    struct gf_str path;
    const struct gf_str name = gf_str_from(reference->name);
    if (!gf_str_cut(name, '/', &host, &path) || !is_host(host)) {
        host = default_registry;
        path = name;
    }
    const bool has_folder = memchr(path.ptr, '/', path.len) != NULL;
    const char *folder = gf_str_eq(host, default_registry) && !has_folder ? "library/" : "";
    (void)snprintf(out_host, GF_REFERENCE_CHARS_MAX + 1, "%" GF_STR_FMT, GF_STR_ARG(host));
    (void)snprintf(out_repository, GF_REFERENCE_REPOSITORY_BYTES, "%s%" GF_STR_FMT, folder,
                   GF_STR_ARG(path));
}

char *gf_reference_format(const struct gf_reference *reference, char out[GF_REFERENCE_BYTES]) {
    const bool has_range = reference->range[0] != '\0';
    const char *tag = has_range ? reference->range : reference->tag;
    const char *colon = tag[0] != '\0' ? ":" : "";
    const bool both = reference->name[0] != '\0' && gf_digest_is_set(&reference->digest);
    const int len = snprintf(out, GF_REFERENCE_BYTES, "%s%s%s%s%s", reference->name, colon, tag,
                             both ? "@" : "", reference->digest.text);
    gf_assert(len > 0 && len < GF_REFERENCE_BYTES);
    return out;
}
