"""extension_conformance_test: runs the conformance suite against an extension."""

def extension_conformance_test(name, program, args = [], program_args = [], data = [], **kwargs):
    """
    A test that passes when the extension keeps to the protocol.

    program is a label of an executable; args are options of the suite (`gofer-extension-conformance
    --help`), program_args words for the program.
    """
    suite = "//extensions-sdk/conformance:gofer-extension-conformance"
    native.sh_test(
        name = name,
        size = kwargs.pop("size", "medium"),
        srcs = ["//extensions-sdk/conformance:run.sh"],
        args = ["$(rootpath %s)" % suite] + args + ["--", "$(rootpath %s)" % program] +
               program_args,
        data = [suite, program] + data,
        **kwargs
    )
