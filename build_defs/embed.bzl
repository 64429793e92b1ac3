"""embed_bytes: a file as bytes in a program."""

def embed_bytes(name, src, symbol, **kwargs):
    """
    Makes NAME.s, a source with the bytes of src between SYMBOL_start and SYMBOL_end.

    Written out as numbers rather than by .incbin, which Bazel would not see: a file named there does
    not count as an input once the object has been built. clang says of every option that it has no
    use for it in assembly: libraries with such a source take EMBED_COPTS.
    """
    native.genrule(
        name = name,
        srcs = [src],
        outs = [name + ".s"],
        cmd = " ".join([
            "{{ echo '.section .rodata.{symbol}, \"a\"; .balign 16';",
            "echo '.globl {symbol}_start, {symbol}_end; {symbol}_start:';",
            "od -An -v -tu1 -w32 $< | sed 's/^ *//; s/  */,/g; s/^/.byte /';",
            "echo '{symbol}_end:'; echo '.section .note.GNU-stack, \"\", %progbits'; }} > $@",
        ]).format(symbol = symbol),
        **kwargs
    )

EMBED_COPTS = ["-Wno-unused-command-line-argument"]
