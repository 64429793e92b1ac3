"""A folder with page.html and all that it imports, for a server of static files.

A page under a strict policy can have no import map, so that imports by the names of packages become paths
here.
"""

import json
import os
import re
import shutil

import comparing

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGES = ("@bufbuild/protobuf", "@connectrpc/connect", "@connectrpc/connect-web")
IMPORT = re.compile(r'(\b(?:from|import)\s*)"([^."/][^"]*)"')


def path_of(name):
    """Where a package's name, or a part of it ("@bufbuild/protobuf/wire"), is served."""
    for package in sorted(PACKAGES, key=len, reverse=True):
        if name == package or name.startswith(package + "/"):
            part = name[len(package):]
            return "/modules/%s%s/index.js" % (package, part)
    raise RuntimeError("a module imports %s" % name)


def make(folder, job):
    """Fills the folder; `job` is what node.js has, too: {descriptors, steps}."""
    for package in PACKAGES:
        source = comparing.tool("node", "node_modules", package, "dist", "esm")
        shutil.copytree(source, os.path.join(folder, "modules", package),
                        ignore=shutil.ignore_patterns("*.ts"))
    for name in ("steps.js", "page.js", "page.html"):
        shutil.copy(os.path.join(HERE, "node", name), folder)
    for top, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(top, name)
            if not name.endswith(".js"):
                continue
            with open(path, encoding="utf-8") as file:
                text = file.read()
            with open(path, "w", encoding="utf-8") as file:
                file.write(IMPORT.sub(lambda match: '%s"%s"' % (match[1], path_of(match[2])), text))
    with open(os.path.join(folder, "job.json"), "w", encoding="utf-8") as file:
        json.dump(job, file)
