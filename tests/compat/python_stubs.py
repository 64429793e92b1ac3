"""Python messages and stubs of the proto files, by protoc and the official plug-in."""

import os
import subprocess
import sys


def generate(proto_dir, out_dir):
    """Writes the modules into out_dir."""
    protos = []
    for top in ("gofer/v1", "grpc/reflection/v1alpha", "grpc/health/v1", "google/rpc"):
        folder = os.path.join(proto_dir, top)
        protos += [os.path.join(top, name) for name in sorted(os.listdir(folder))
                   if name.endswith(".proto")]
    subprocess.run(
        ["protoc", "-I" + proto_dir, "-I/usr/include", "--python_out=" + out_dir,
         "--grpc_out=" + out_dir, "--plugin=protoc-gen-grpc=/usr/bin/grpc_python_plugin"] + protos,
        check=True)


def use(out_dir):
    """Lets this process import them."""
    sys.path.insert(0, out_dir)
    # The official packages `grpc` and `google` exist already: let them find ours, too.
    import google  # pylint: disable=import-outside-toplevel
    import grpc  # pylint: disable=import-outside-toplevel
    google.__path__.append(os.path.join(out_dir, "google"))
    grpc.__path__.append(os.path.join(out_dir, "grpc"))
