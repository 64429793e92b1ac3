"""Makes the Python modules of gofer's proto files, by protoc and the official plug-in.

Usage: modules.py PROTO_DIR OUT_DIR
"""

import os
import subprocess
import sys


def make_modules(proto_dir, out_dir):
    """Writes gofer/v1 and gofer/extension/v1 into out_dir, which is then for PYTHONPATH."""
    protos = []
    for package in ("gofer/v1", "gofer/extension/v1"):
        folder = os.path.join(proto_dir, package)
        protos += [os.path.join(package, name) for name in sorted(os.listdir(folder))
                   if name.endswith(".proto")]
    os.makedirs(out_dir, exist_ok=True)
    subprocess.run(
        ["protoc", "-I" + proto_dir, "-I/usr/include", "--python_out=" + out_dir,
         "--grpc_out=" + out_dir, "--plugin=protoc-gen-grpc=/usr/bin/grpc_python_plugin"] + protos,
        check=True)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    make_modules(sys.argv[1], sys.argv[2])
