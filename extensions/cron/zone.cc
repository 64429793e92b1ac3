/*
 * Design: the one file in C++, because the library for this is: Abseil's time zones (which are
 * Google's cctz) tell a local time that is unique from one that is skipped or repeated, which the C
 * library's mktime() does not, need no global state as its TZ, and are linked by gRPC anyway.
 */
#include "extensions/cron/zone.h"

#include <absl/time/civil_time.h>
#include <absl/time/time.h>
#include <string>
#include <sys/stat.h>

struct gf_zone {
    absl::TimeZone zone;
};

namespace {

const absl::CivilSecond local_origin(1970, 1, 1, 0, 0, 0);

bool is_name(const std::string &name) {
    if (name.empty() || name.size() > GF_ZONE_NAME_BYTES_MAX) {
        return false;
    }
    for (const char c : name) {
        const bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        const bool first = &c == &name[0];
        if (!letter &&
            (first || ((c < '0' || c > '9') && c != '_' && c != '+' && c != '-' && c != '/'))) {
            return false;
        }
    }
    return true;
}

// Abseil keeps every name that it was ever asked for: it is asked for those of files only.
bool has_file(const std::string &name) {
    const char *directory = getenv("TZDIR");
    const std::string path =
        std::string(directory == nullptr ? "/usr/share/zoneinfo" : directory) + "/" + name;
    struct stat info = {};
    return stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

} // namespace

extern "C" struct gf_zone *gf_zone_create(const char *name, size_t name_len) {
    const std::string text(name, name_len);
    absl::TimeZone zone = absl::UTCTimeZone();
    if (text != "UTC" && (!is_name(text) || !has_file(text) || !absl::LoadTimeZone(text, &zone))) {
        return nullptr;
    }
    return new gf_zone{zone};
}

extern "C" void gf_zone_destroy(struct gf_zone *zone) {
    delete zone;
}

extern "C" void gf_zone_destroy_p(struct gf_zone **zone) {
    delete *zone;
    *zone = nullptr;
}

extern "C" int64_t gf_zone_local(const struct gf_zone *zone, int64_t time_s) {
    return time_s + zone->zone.At(absl::FromUnixSeconds(time_s)).offset;
}

extern "C" int64_t gf_zone_first_time(const struct gf_zone *zone, int64_t local_s) {
    const absl::TimeZone::TimeInfo info = zone->zone.At(local_origin + local_s);
    return absl::ToUnixSeconds(info.kind == absl::TimeZone::TimeInfo::SKIPPED ? info.trans
                                                                              : info.pre);
}

extern "C" int64_t gf_zone_next_change(const struct gf_zone *zone, int64_t time_s) {
    absl::TimeZone::CivilTransition change;
    if (!zone->zone.NextTransition(absl::FromUnixSeconds(time_s), &change)) {
        return INT64_MAX;
    }
    return absl::ToUnixSeconds(zone->zone.At(change.to).trans);
}
