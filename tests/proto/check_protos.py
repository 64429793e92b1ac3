#!/usr/bin/env python3
"""Checks the contracts against the rules of proto/README.md.

    check_protos.py [PROTO_ROOT]    check every .proto file below PROTO_ROOT (default: proto)
    check_protos.py --self-test     check that each rule is able to fail

Prints `file:line: what is wrong` for each finding and exits with 1 if there is any. It reads the
files as text, with no more than the Python standard library, because comments and their places are
part of the contract and are not in a descriptor. Whether the files compile is protoc's to say.
"""

import os
import re
import sys
import tempfile

LINE_COLUMNS_MAX = 100
OWN_IMPORTS = {
    "google/protobuf/timestamp.proto",
    "google/protobuf/duration.proto",
    "google/protobuf/field_mask.proto",
}
GO_MODULE = "github.com/gofer/gofer/clients/go"
SCALARS = {"double", "int32", "int64", "bool", "string", "bytes"}
FOREIGN_SCALARS = {
    "float", "uint32", "uint64", "sint32", "sint64", "fixed32", "fixed64", "sfixed32", "sfixed64",
}
MAP_FIELDS = {"labels", "variables", "metadata", "settings", "depends_on"}
# Words that a compiler of C, C++ or Python, or a header of the C library, gives a meaning of its
# own. `namespace` is not among them: no other name would do, and protoc-gen-c appends a `_`.
TAKEN_WORDS = set(
    "alignas alignof and asm auto bool break case catch char class const continue default "
    "delete do double else enum errno explicit export extern false final float for friend goto "
    "if inline int linux long major minor mutable new not operator or override private "
    "protected public register requires restrict return short signed sizeof static stderr stdin "
    "stdout struct switch template this throw true try typedef typename union unix unsigned "
    "using virtual void volatile while xor from import lambda None global pass yield raise".split()
)
# Calls that make something need a request_id, so that they can be repeated.
CREATING_VERBS = ("Create", "Start", "Install", "Register", "Deploy", "Retry", "Rollback")
PRESENCE_WORDS = ("Required", "Optional", "Output only.", "Immutable.")

TOKEN = re.compile(r'//[^\n]*|"[^"\n]*"|[A-Za-z_][\w.]*|\d+|[^\s\w]|\n')


class Node:
    """A declaration: its kind, name, line, the comment above it, and what it holds."""

    def __init__(self, kind, name, line, comment, **more):
        self.kind, self.name, self.line, self.comment = kind, name, line, comment
        self.children = []
        self.__dict__.update(more)

    def all(self, *kinds):
        for child in self.children:
            if child.kind in kinds:
                yield child
            yield from child.all(*kinds)


class Parser:
    """Reads the part of the proto3 language that the contracts use."""

    def __init__(self, text):
        self.tokens, self.position, line = [], 0, 1
        comment, comment_line = [], 0
        for match in TOKEN.finditer(text):
            word = match.group()
            if word == "\n":
                line += 1
            elif word.startswith("//"):
                if comment_line != line - 1:
                    comment = []
                comment.append(word[2:].strip())
                comment_line = line
            else:
                above = " ".join(comment) if comment_line in (line - 1, line) and comment else ""
                self.tokens.append((word, line, above))
                comment, comment_line = [], 0

    def peek(self):
        return self.tokens[self.position][0] if self.position < len(self.tokens) else ""

    def next(self, expected=None):
        if self.position >= len(self.tokens):
            raise SyntaxError("the file ends in the middle of a declaration")
        token = self.tokens[self.position]
        if expected and token[0] != expected:
            raise SyntaxError("line %d: expected %r, found %r" % (token[1], expected, token[0]))
        self.position += 1
        return token

    def statement(self):
        """The words up to the next semicolon."""
        words = []
        while self.peek() != ";":
            words.append(self.next()[0])
        self.next(";")
        return words

    def file(self):
        root = Node("file", "", 1, "", syntax="", package="", imports=[], options={})
        while self.peek():
            word, line, comment = self.next()
            if word == "syntax":
                root.syntax, root.comment = self.statement()[1].strip('"'), comment
            elif word == "package":
                root.package = self.statement()[0]
            elif word == "import":
                root.imports.append((self.statement()[-1].strip('"'), line))
            elif word == "option":
                words = self.statement()
                root.options[words[0]] = words[-1].strip('"')
            elif word == "service":
                root.children.append(self.service(line, comment))
            elif word == "message":
                root.children.append(self.message(line, comment))
            elif word == "enum":
                root.children.append(self.enum(line, comment))
            else:
                raise SyntaxError("line %d: %r is not understood" % (line, word))
        return root

    def service(self, line, comment):
        node = Node("service", self.next()[0], line, comment)
        self.next("{")
        while self.peek() != "}":
            _, rpc_line, rpc_comment = self.next("rpc")
            rpc = Node("rpc", self.next()[0], rpc_line, rpc_comment)
            rpc.request_stream, rpc.request = self.rpc_type()
            self.next("returns")
            rpc.response_stream, rpc.response = self.rpc_type()
            rpc.options = self.rpc_options()
            node.children.append(rpc)
        self.next("}")
        return node

    def rpc_options(self):
        options = {}
        if self.next()[0] == "{":
            while self.peek() != "}":
                self.next("option")
                words = self.statement()
                options[words[0]] = words[-1]
            self.next("}")
        return options

    def rpc_type(self):
        self.next("(")
        words = [self.next()[0]]
        while self.peek() != ")":
            words.append(self.next()[0])
        self.next(")")
        return len(words) == 2, words[-1]

    def message(self, line, comment):
        node = Node("message", self.next()[0], line, comment)
        self.next("{")
        while self.peek() != "}":
            word, child_line, child_comment = self.next()
            if word == "message":
                node.children.append(self.message(child_line, child_comment))
            elif word == "enum":
                node.children.append(self.enum(child_line, child_comment))
            elif word == "reserved":
                self.statement()
            elif word == "oneof":
                oneof = Node("oneof", self.next()[0], child_line, child_comment)
                self.next("{")
                while self.peek() != "}":
                    oneof.children.append(self.field(*self.next()))
                self.next("}")
                node.children.append(oneof)
            else:
                node.children.append(self.field(word, child_line, child_comment))
        self.next("}")
        return node

    def field(self, word, line, comment):
        label = ""
        if word in ("repeated", "optional", "required"):
            label, word = word, self.next()[0]
        if word == "map":
            self.next("<")
            key = self.next()[0]
            self.next(",")
            word = "map<%s, %s>" % (key, self.next()[0])
            self.next(">")
        name = self.next()[0]
        number = int(self.statement()[1])
        return Node("field", name, line, comment, type=word, label=label, number=number)

    def enum(self, line, comment):
        node = Node("enum", self.next()[0], line, comment)
        self.next("{")
        while self.peek() != "}":
            name, value_line, value_comment = self.next()
            number = int(self.statement()[1])
            node.children.append(Node("value", name, value_line, value_comment, number=number))
        self.next("}")
        return node


class Checker:
    def __init__(self):
        self.findings = []
        self.files = {}
        self.messages = {}
        self.rpc_types = {}

    def add(self, path, line, text):
        self.findings.append((path, line, text))

    def read(self, root):
        for folder, _, names in sorted(os.walk(root)):
            for name in sorted(names):
                if name.endswith(".proto"):
                    path = os.path.join(folder, name)
                    self.read_file(path, os.path.relpath(path, root))
        if not self.files:
            self.add(root, 1, "there is no .proto file here")

    def read_file(self, path, relative):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for number, line in enumerate(text.split("\n"), 1):
            if len(line) > LINE_COLUMNS_MAX:
                self.add(path, number, "the line is longer than %d columns" % LINE_COLUMNS_MAX)
            if line != line.rstrip() or "\t" in line:
                self.add(path, number, "the line has a tab or ends with a space")
        if not text.endswith("\n"):
            self.add(path, text.count("\n") + 1, "the file does not end with a newline")
        try:
            tree = Parser(text).file()
        except SyntaxError as error:
            self.add(path, 1, "cannot be read: %s" % error)
            return
        tree.relative = relative
        self.files[path] = tree
        for message in tree.all("message"):
            self.messages["%s.%s" % (tree.package, message.name)] = (path, tree, message)

    def check(self):
        for path, tree in self.files.items():
            own = tree.package.startswith("gofer.")
            self.check_file(path, tree, own)
            self.check_comments(path, tree, own)
            if own:
                for service in tree.all("service"):
                    self.check_service(path, tree, service)
                for message in tree.all("message"):
                    self.check_message(path, message)
                for enum in tree.all("enum"):
                    self.check_enum(path, tree, enum)
        self.check_recursion()

    def check_file(self, path, tree, own):
        if tree.syntax != "proto3":
            self.add(path, 1, "the syntax is not proto3")
        if not tree.comment:
            self.add(path, 1, "there is no comment that says what the file holds")
        if os.path.dirname(tree.relative).replace("/", ".") != tree.package:
            self.add(path, 1, "package %s is not the folder of the file" % tree.package)
        if not own:
            return
        package = tree.package
        want = "%s/%s;%s" % (GO_MODULE, package.replace(".", "/"), package.replace(".", ""))
        if tree.options.get("go_package") != want:
            self.add(path, 1, "go_package is not %s" % want)
        for name, line in tree.imports:
            if name not in OWN_IMPORTS and not name.startswith("gofer/"):
                self.add(path, line, "import of %s is not allowed" % name)

    def check_comments(self, path, tree, own):
        for node in tree.all("service", "rpc", "message", "oneof", "field", "enum", "value"):
            if not node.comment:
                self.add(path, node.line, "%s %s has no comment" % (node.kind, node.name))
            elif not node.comment.endswith((".", "?")):
                self.add(path, node.line, "the comment of %s is no sentence" % node.name)
        for rpc in tree.all("rpc"):
            if "Errors: " not in rpc.comment:
                self.add(path, rpc.line, "the comment of %s does not list errors" % rpc.name)
            if own and not rpc.comment.startswith(rpc.name + " "):
                self.add(path, rpc.line, "the comment of %s does not begin with it" % rpc.name)

    def check_service(self, path, tree, service):
        if not service.name.endswith("Service"):
            self.add(path, service.line, "service %s does not end in Service" % service.name)
        for rpc in service.all("rpc"):
            for name, suffix in ((rpc.request, "Request"), (rpc.response, "Response")):
                if name != rpc.name + suffix:
                    self.add(path, rpc.line, "%s is not %s%s" % (name, rpc.name, suffix))
                first = self.rpc_types.setdefault((tree.package, name), rpc.name)
                if first != rpc.name:
                    self.add(path, rpc.line, "%s is used by %s already" % (name, first))
            self.check_rpc_fields(path, tree, rpc)
            self.check_rpc_options(path, rpc)

    def check_rpc_options(self, path, rpc):
        """What only reads may be asked by GET, and says so in both ways, or in none."""
        unary = not rpc.request_stream and not rpc.response_stream
        reads = unary and "Reads only." in rpc.comment
        level = rpc.options.get("idempotency_level", "")
        if level != ("NO_SIDE_EFFECTS" if reads else ""):
            self.add(path, rpc.line, "%s: `Reads only.` and NO_SIDE_EFFECTS do not agree" % rpc.name)

    def check_rpc_fields(self, path, tree, rpc):
        request = self.fields(tree, rpc.request)
        response = self.fields(tree, rpc.response)
        want = []
        if rpc.name.startswith("List"):
            want = [(request, "page_size", "int32"), (request, "page_token", "string"),
                    (response, "next_page_token", "string")]
        if rpc.name.startswith("Follow"):
            want = [(request, "resume_token", "string"), (response, "resume_token", "string")]
        if rpc.name.startswith(CREATING_VERBS) and not rpc.request_stream:
            want = [(request, "request_id", "string")]
        for fields, name, kind in want:
            if name not in fields or fields[name].type != kind:
                self.add(path, rpc.line, "%s lacks %s %s" % (rpc.name, kind, name))
        for field in request.values():
            if not field.comment.startswith(PRESENCE_WORDS):
                self.add(path, field.line,
                         "the comment of %s does not say Required or Optional" % field.name)

    def fields(self, tree, name):
        """The fields and oneofs of a message of the file's package, by name."""
        found = self.messages.get("%s.%s" % (tree.package, name))
        return {node.name: node for node in found[2].children} if found else {}

    def check_message(self, path, message):
        if not re.fullmatch(r"[A-Z][A-Za-z0-9]*", message.name):
            self.add(path, message.line, "message %s is not in CamelCase" % message.name)
        seen = {}
        for node in message.children:
            members = node.children if node.kind == "oneof" else [node]
            for field in members:
                if field.kind != "field":
                    self.add(path, field.line, "%s is not at the top level" % field.name)
                    continue
                if field.number in seen:
                    self.add(path, field.line, "number %d is used twice" % field.number)
                seen[field.number] = field
                self.check_field(path, field)

    def check_field(self, path, field):
        name, kind = field.name, field.type
        if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
            self.add(path, field.line, "field %s is not in lower_snake_case" % name)
        if name in TAKEN_WORDS:
            self.add(path, field.line, "field %s is a word of a language" % name)
        if field.label in ("optional", "required"):
            self.add(path, field.line, "field %s is %s" % (name, field.label))
        if kind in FOREIGN_SCALARS:
            self.add(path, field.line, "field %s has the type %s" % (name, kind))
        if kind.startswith("map<") and (kind != "map<string, string>" or name not in MAP_FIELDS):
            self.add(path, field.line, "field %s may not be a %s" % (name, kind))
        allowed = ("google.protobuf.Timestamp", "google.protobuf.Duration",
                   "google.protobuf.FieldMask")
        if kind.startswith("google.") and kind not in allowed:
            self.add(path, field.line, "field %s has the type %s" % (name, kind))
        if (kind == "google.protobuf.Timestamp") != name.endswith("_time"):
            self.add(path, field.line, "field %s: a Timestamp, and it alone, ends in _time" % name)
        if name.endswith("_bytes") and kind != "int64":
            self.add(path, field.line, "field %s counts bytes and is no int64" % name)
        if name.endswith("_count") and kind not in ("int32", "int64"):
            self.add(path, field.line, "field %s counts and is no integer" % name)
        if name.endswith("_id") and kind not in ("string", "int64"):
            self.add(path, field.line, "field %s is an id and neither string nor int64" % name)

    def check_enum(self, path, tree, enum):
        if enum not in tree.children:
            self.add(path, enum.line, "enum %s is not at the top level" % enum.name)
        prefix = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", enum.name).upper() + "_"
        seen = set()
        for value in enum.children:
            if not value.name.startswith(prefix):
                self.add(path, value.line, "%s does not begin with %s" % (value.name, prefix))
            if value.number in seen:
                self.add(path, value.line, "number %d is used twice" % value.number)
            seen.add(value.number)
        first = enum.children[0] if enum.children else enum
        if first is enum or first.number != 0 or first.name != prefix + "UNSPECIFIED":
            self.add(path, first.line, "the first value of %s is not %sUNSPECIFIED = 0"
                     % (enum.name, prefix))

    def check_recursion(self):
        """Reports each message of a request or a response that can hold itself."""
        edges = {}
        for full_name, (_, tree, message) in self.messages.items():
            targets = set()
            for field in message.all("field"):
                for candidate in (field.type, "%s.%s" % (tree.package, field.type)):
                    if candidate in self.messages:
                        targets.add(candidate)
            edges[full_name] = targets
        for start in sorted(edges):
            reached, waiting = set(), list(edges[start])
            while waiting:
                name = waiting.pop()
                if name not in reached:
                    reached.add(name)
                    waiting.extend(edges[name])
            if start in reached:
                path, _, message = self.messages[start]
                self.add(path, message.line, "message %s can hold itself" % message.name)


def check_tree(root):
    checker = Checker()
    checker.read(root)
    checker.check()
    return checker


GOOD = """// Things.
syntax = "proto3";

package gofer.v1;

import "google/protobuf/timestamp.proto";

option go_package = "github.com/gofer/gofer/clients/go/gofer/v1;goferv1";

// ThingService keeps things.
service ThingService {
  // ListThings lists things. Reads only.
  // Errors: none of its own.
  rpc ListThings(ListThingsRequest) returns (ListThingsResponse) {
    option idempotency_level = NO_SIDE_EFFECTS;
  }
}

// Request.
message ListThingsRequest {
  // Optional. Size.
  int32 page_size = 1;
  // Optional. Token.
  string page_token = 2;
}

// Response.
message ListThingsResponse {
  // Things.
  repeated Thing things = 1;
  // Token.
  string next_page_token = 2;
}

// A thing.
message Thing {
  // When.
  google.protobuf.Timestamp create_time = 1;
  // State.
  ThingState state = 2;
  // Labels.
  map<string, string> labels = 3;
}

// State.
enum ThingState {
  // Unknown.
  THING_STATE_UNSPECIFIED = 0;
  // On.
  THING_STATE_ON = 1;
}
"""

# What to put for what in GOOD, and a piece of the finding that must come of it.
PLANTED = [
    ("  // State.\n", "", "has no comment"),
    ("  // On.\n", "  // On\n", "is no sentence"),
    ("package gofer.v1;", "package gofer.v2;", "is not the folder"),
    (";goferv1", ";v1", "go_package is not"),
    ("google/protobuf/timestamp.proto", "google/protobuf/any.proto", "is not allowed"),
    ("  // Errors: none of its own.\n", "", "does not list errors"),
    ("ThingService keeps", "It keeps", None),
    ("service ThingService", "service Things", "does not end in Service"),
    ("rpc ListThings(ListThingsRequest)", "rpc ListThings(ARequest)", "is not ListThingsRequest"),
    ("NO_SIDE_EFFECTS", "IDEMPOTENT", "do not agree"),
    ("things. Reads only.", "things.", "do not agree"),
    ("  int32 page_size = 1;", "  int64 page_size = 1;", "lacks int32 page_size"),
    ("// Optional. Size.", "// Size.", "does not say Required or Optional"),
    ("ThingState state = 2;", "optional bool state = 2;", "is optional"),
    ("ThingState state = 2;", "uint32 state = 2;", "has the type uint32"),
    ("ThingState state = 2;", "google.protobuf.Any state = 2;", "has the type google.protobuf.Any"),
    ("ThingState state = 2;", "Thing state = 2;", "can hold itself"),
    ("ThingState state = 2;", "string stdin = 2;", "is a word of a language"),
    ("ThingState state = 2;", "string State = 2;", "lower_snake_case"),
    ("ThingState state = 2;", "ThingState state = 1;", "is used twice"),
    ("ThingState state = 2;", "string state_time = 2;", "it alone, ends in _time"),
    ("ThingState state = 2;", "int32 state_bytes = 2;", "counts bytes"),
    ("labels = 3", "things = 3", "may not be a map"),
    ("THING_STATE_ON = 1", "ON = 1", "does not begin with THING_STATE_"),
    ("THING_STATE_UNSPECIFIED", "THING_STATE_NONE", "is not THING_STATE_UNSPECIFIED = 0"),
    ("// A thing.", "// " + "x" * 100 + ".", "longer than 100"),
    ("// A thing.", "// A thing. ", "ends with a space"),
    ("message Thing {", "message Thing [", "cannot be read"),
]


def self_test():
    failures = 0
    for old, new, want in [("", "", None)] + PLANTED:
        with tempfile.TemporaryDirectory() as root:
            folder = os.path.join(root, "gofer", "v1")
            os.makedirs(folder)
            with open(os.path.join(folder, "thing.proto"), "w", encoding="utf-8") as file:
                file.write(GOOD.replace(old, new, 1) if old else GOOD)
            texts = [text for _, _, text in check_tree(root).findings]
        if want is None and texts or want is not None and not any(want in text for text in texts):
            print("self-test: %r -> %r: expected %r, found %r" % (old, new, want, texts))
            failures += 1
    print("%d rules able to fail, %d not" % (len(PLANTED) - failures, failures))
    return 1 if failures else 0


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    checker = check_tree(arguments[0] if arguments else "proto")
    for path, line, text in sorted(checker.findings):
        print("%s:%d: %s" % (path, line, text))
    trees = checker.files.values()
    counts = [sum(1 for tree in trees for _ in tree.all(kind))
              for kind in ("service", "rpc", "message", "enum")]
    print("%d files, %d services, %d RPCs, %d messages, %d enums, %d findings"
          % (len(trees), *counts, len(checker.findings)))
    return 1 if checker.findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
