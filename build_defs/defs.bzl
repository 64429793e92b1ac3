"""Rules for gofer's own C: gf_library, gf_binary, gf_test (Criterion), gf_plain_test."""

# Warnings are errors under gcc 12 and clang 14. Third parties' headers are system headers.
# The language is here too, not only in .bazelrc, for programs that the build itself runs.
GF_COPTS = [
    "-std=gnu17",
    "-D_GNU_SOURCE",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wshadow",
    "-Wstrict-prototypes",
    "-Wmissing-prototypes",
    "-Wswitch-enum",
    "-Wvla",
    "-Wformat=2",
    "-Wno-missing-field-initializers",
    "-include",
    "base/banned.h",
]

_BANNED = ["//base:banned"]

# Code of tests is never optimised: a sanitizer's checks in it take a compiler thrice the time with
# -O1, and what it does takes no time worth saving.
_TEST_COPTS = ["-O0"]

def gf_library(name, srcs = [], hdrs = [], deps = [], copts = [], **kwargs):
    """A library of gofer's own code, with the project's warnings and banned functions."""
    native.cc_library(
        name = name,
        srcs = srcs,
        hdrs = hdrs,
        copts = GF_COPTS + copts,
        deps = deps + (_BANNED if srcs else []),
        **kwargs
    )

def gf_binary(name, srcs = [], deps = [], copts = [], **kwargs):
    """A program of gofer's own code."""
    native.cc_binary(
        name = name,
        srcs = srcs,
        copts = GF_COPTS + copts,
        deps = deps + _BANNED,
        **kwargs
    )

def gf_test(name, srcs, deps = [], copts = [], size = "small", **kwargs):
    """A Criterion test. Every test case runs in a process of its own."""
    native.cc_test(
        name = name,
        srcs = srcs,
        # Criterion's macros declare what they define, without a prototype.
        copts = GF_COPTS + ["-Wno-missing-prototypes"] + _TEST_COPTS + copts,
        size = size,
        deps = deps + _BANNED + [
            "//base/testing:criterion_main",
            "//base/testing:skip",
            "//third_party/system:criterion",
        ],
        **kwargs
    )

def gf_plain_test(name, srcs, deps = [], copts = [], tags = [], size = "small", **kwargs):
    """A test with a main of its own: what Criterion cannot run, above all under --config=tsan."""
    native.cc_test(
        name = name,
        srcs = srcs,
        copts = GF_COPTS + copts,
        size = size,
        tags = tags + ["tsan"],
        deps = deps + _BANNED,
        **kwargs
    )

def gf_fuzz(name, srcs, deps = [], corpus = [], **kwargs):
    """
    A fuzz target: LLVMFuzzerTestOneInput in srcs.

    NAME is a test that replays the corpus; with --config=fuzz, NAME_fuzzer is the libFuzzer program.
    """
    native.cc_test(
        name = name,
        srcs = srcs,
        copts = GF_COPTS + ["-Wno-missing-prototypes"],
        size = "small",
        args = ["$(locations %s)" % c for c in corpus],
        data = corpus,
        deps = deps + _BANNED + ["//base/testing:fuzz_replay_main"],
        **kwargs
    )
    native.cc_binary(
        name = name + "_fuzzer",
        testonly = True,
        srcs = srcs,
        copts = GF_COPTS + ["-Wno-missing-prototypes"],
        tags = ["manual"],
        deps = deps + _BANNED,
    )

# For programs that become images of containers: with --config=release nothing at all is linked
# dynamically. The linker warns of what glibc would load by name, as modules of NSS; names are
# resolved by c-ares there, without them.
STATIC_LINKOPTS = select({
    "//third_party/system:static_link": [
        "-static",
        "-Wl,--no-warnings",
    ],
    "//conditions:default": [],
})
