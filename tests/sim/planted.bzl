"""Planted bugs: the simulator must find what is wrong with a core that is made wrong on purpose."""

load("//build_defs:defs.bzl", "GF_COPTS")

def _quote(text):
    return "'" + text.replace("'", "'\\''").replace("$", "$$") + "'"

def planted_bug(name, file, find, replace, finds, seeds = 60, size = "medium"):
    """
    A test that passes when the simulator finds a bug.

    The source is compiled with one text replaced and linked before the core, so that it takes the
    place of the object of that name. The build fails when the text is not there exactly once: then
    the source has changed, and the bug must be planted anew.

    Args:
      name: of the test; NAME.c is the source with the bug
      file: the source in //engine/core, as "run.c"
      find: the text to be replaced
      replace: what takes its place
      finds: the invariant that is broken, or several of which any may be, separated by commas
      seeds: it must be found within so many
    """
    native.genrule(
        name = name + "_source",
        testonly = True,
        srcs = ["//engine/core:" + file],
        outs = [name + ".c"],
        tools = ["plant.py"],
        cmd = "python3 $(location plant.py) $(location //engine/core:%s) $@ %s %s" %
              (file, _quote(find), _quote(replace)),
    )
    native.cc_test(
        name = name,
        size = size,
        srcs = [
            name + ".c",
            "//engine/core:internals",
        ],
        # What is left unused by the bug is no fault.
        copts = GF_COPTS + ["-Wno-unused", "-Wno-unused-parameter", "-O1"],
        args = [
            "--seeds=1..%d" % seeds,
            "--jobs=1",
            "--expect=" + finds,
        ],
        # Under the sanitizers a bug may end in other ways.
        tags = ["noasan"],
        deps = [
            ":sim",
            "//base:banned",
            "//engine/core",
        ],
    )

def planted_bugs(bugs):
    """A planted_bug for each of a list of its arguments."""
    for bug in bugs:
        planted_bug(**bug)
