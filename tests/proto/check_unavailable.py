#!/usr/bin/env python3
"""The contracts say of exactly that which the server refuses that it is not in this version.

    check_unavailable.py                compare the tables of the server with the comments below proto
    check_unavailable.py --self-test    check that each direction is able to fail

What is refused stands in api/service/unimplemented.c (calls) and api/codec/model/unsupported.c (fields, words of
enums). The OpenAPI document is made from the comments, so that what it describes is what there is.
"""

import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from check_protos import Checker

CALLS = "api/service/unimplemented.c"
FIELDS = "api/codec/model/unsupported.c"
RPC_WORDING = "Not in this version: answers UNIMPLEMENTED."
WORDING = "Not in this version."
ROW = re.compile(r'\{\s*&(\w+)__descriptor,\s*(?:"(\w+)",\s*)?\{([^}]*)\}\s*\}')


def in_snake_case(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def refused(calls, fields):
    """What the tables name: "/package.Service/Call", "package.message.field", "package.enum.VALUE"."""
    names = set(re.findall(r'\{"(/[\w.]+/\w+)",', calls))
    for message, prefix, words in ROW.findall(fields):
        for word in re.findall(r'"(\w+)"', words):
            names.add("%s.%s%s" % (message.replace("__", "."), prefix, word))
    return names


def described(trees):
    """What the comments say it of, and what says it in the wording of another kind."""
    names, wrong = set(), set()
    for tree in trees:
        for service in tree.all("service"):
            for rpc in service.all("rpc"):
                name = "/%s.%s/%s" % (tree.package, service.name, rpc.name)
                names.update([name] if RPC_WORDING in rpc.comment else [])
                wrong.update([name] if WORDING in rpc.comment else [])
        for node in tree.all("message", "enum"):
            for child in node.all("field", "value"):
                name = "%s.%s.%s" % (tree.package, in_snake_case(node.name), child.name)
                names.update([name] if WORDING in child.comment else [])
                wrong.update([name] if RPC_WORDING in child.comment else [])
    return names, wrong


def findings(calls, fields, trees):
    tables = refused(calls, fields)
    names, wrong = described(trees)
    return (["%s is refused, and its comment does not say \"Not in this version\"" % name
             for name in sorted(tables - names)]
            + ["%s says \"Not in this version\", and no table refuses it" % name
               for name in sorted(names - tables)]
            + ["%s says \"Not in this version\" as another kind does" % name
               for name in sorted(wrong)])


def read():
    checker = Checker()
    checker.read("proto")
    texts = []
    for path in (CALLS, FIELDS):
        with open(path, encoding="utf-8") as file:
            texts.append(file.read())
    return texts[0], texts[1], list(checker.files.values())


def self_test(calls, fields, trees):
    """Without any one of the names, and with one more, there is a finding."""
    failures = 0
    tables = refused(calls, fields)
    for name in sorted(tables):
        word = name.split("/")[-1] if "/" in name else name.split(".")[-1]
        word = word.replace("DEPLOYMENT_STRATEGY_KIND_", "")
        fewer = findings(re.sub(r'/%s"' % word, '/Other"', calls),
                         re.sub(r'"%s"' % word, '"other"', fields), trees)
        if len(fewer) < 2:
            print("self-test: nothing is found without %s" % name)
            failures += 1
    for node in [node for tree in trees for node in tree.all("rpc", "field", "value")][::40]:
        before = node.comment
        node.comment = "Not said." if WORDING[:-1] in before else (
            before + " " + (RPC_WORDING if node.kind == "rpc" else WORDING))
        if not findings(calls, fields, trees):
            print("self-test: nothing is found when %s says it" % node.name)
            failures += 1
        node.comment = before
    print("%d names, %d failures" % (len(tables), failures))
    return 1 if failures or len({name[0] for name in tables}) < 2 else 0


def main(arguments):
    calls, fields, trees = read()
    if arguments == ["--self-test"]:
        return self_test(calls, fields, trees)
    found = findings(calls, fields, trees)
    print("\n".join(found) or "%d names are refused, and said to be" % len(refused(calls, fields)))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
