/*
 * Functions that nobody may call: this file is included before every file of gofer's own code by
 * the build (build_defs/defs.bzl). A call becomes one of a function that does not exist, whose name
 * says why. The headers that declare the real ones come first, so that their declarations stay
 * intact.
 */
#ifndef GOFER_BASE_BANNED_H_
#define GOFER_BASE_BANNED_H_

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Unbounded writes: use gf_strbuf, gf_arena_printf or snprintf. */
#undef strcpy
#define strcpy(...) strcpy_is_banned_see_base_banned_h()
#undef strcat
#define strcat(...) strcat_is_banned_see_base_banned_h()
#undef sprintf
#define sprintf(...) sprintf_is_banned_see_base_banned_h()
#undef vsprintf
#define vsprintf(...) vsprintf_is_banned_see_base_banned_h()
#undef gets
#define gets(...) gets_is_banned_see_base_banned_h()
#undef stpcpy
#define stpcpy(...) stpcpy_is_banned_see_base_banned_h()

/* Hidden state between calls: use gf_str_cut. */
#undef strtok
#define strtok(...) strtok_is_banned_see_base_banned_h()

/* No report of errors: use gf_parse_i64 and gf_parse_u64. */
#undef atoi
#define atoi(...) atoi_is_banned_see_base_banned_h()
#undef atol
#define atol(...) atol_is_banned_see_base_banned_h()
#undef atoll
#define atoll(...) atoll_is_banned_see_base_banned_h()
#undef strtol
#define strtol(...) strtol_is_banned_see_base_banned_h()
#undef strtoul
#define strtoul(...) strtoul_is_banned_see_base_banned_h()
#undef strtoll
#define strtoll(...) strtoll_is_banned_see_base_banned_h()
#undef strtoull
#define strtoull(...) strtoull_is_banned_see_base_banned_h()

/* Static buffers: use base/time.h. */
#undef gmtime
#define gmtime(...) gmtime_is_banned_see_base_banned_h()
#undef localtime
#define localtime(...) localtime_is_banned_see_base_banned_h()
#undef ctime
#define ctime(...) ctime_is_banned_see_base_banned_h()
#undef asctime
#define asctime(...) asctime_is_banned_see_base_banned_h()

/* A shell between us and the program: use base/proc.h. */
#undef system
#define system(...) system_is_banned_see_base_banned_h()
#undef popen
#define popen(...) popen_is_banned_see_base_banned_h()

/* A stack that a peer may size: use an arena. */
#undef alloca
#define alloca(...) alloca_is_banned_see_base_banned_h()

#endif /* GOFER_BASE_BANNED_H_ */
