"""What the tests that compare protocols share: the API, servers, answers without what may differ.

Programs give GOFER and PROTO_DIR as their first two arguments.
"""

import base64
import json
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "harness"))
# pylint: disable=wrong-import-position
import protocols
import scenario
import schema
from gofer_server import GoferServer

GOFER, PROTO_DIR = sys.argv[1:3]
API = schema.Api(PROTO_DIR)
METHODS = {path.split("/")[1]: method for path, method in API.methods.items()}
WRONG_TOKEN = "gofer_notoken"
# What differs from one call to the next of the same server, and besides from server to server: fields
# by their names in JSON.
MOMENTARY = {"serverTime", "text", "duration", "databaseBytes", "logBytes", "lastUseTime",
             "result"}
RANDOM = {"tokenId", "tokenText", "publicKey", "keyId", "resumeToken", "nextPageToken", "terminalId"}
TIMES = ("Time", "Duration")  # what ends so differs from server to server
FIGURE = re.compile(r"\b[0-9]+ (MiB|ms|percent)\b")  # what DiagnoseSystem has measured
TOKEN_ID = re.compile(r"\btok_[0-9A-Za-z]+")
PEER = re.compile(r"127\.0\.0\.1:[0-9]+")  # each client comes from a port of its own

# What is compared with gRPC: (name, what makes a client of an address).
CLIENTS = [
    ("Connect JSON", lambda address: protocols.Connect(API, address, "json")),
    ("Connect binary", lambda address: protocols.Connect(API, address, "proto")),
    ("Connect JSON gzip", lambda address: protocols.Connect(API, address, "json", packed=True)),
    ("Connect binary gzip", lambda address: protocols.Connect(API, address, "proto", packed=True)),
    ("gRPC-Web", lambda address: protocols.GrpcWeb(API, address)),
    ("gRPC-Web text", lambda address: protocols.GrpcWeb(API, address, text=True)),
    ("gRPC-Web gzip", lambda address: protocols.GrpcWeb(API, address, packed=True)),
    ("gRPC-Web JSON", lambda address: protocols.GrpcWeb(API, address, codec="json")),
]


def tool(*path):
    """A file of .deps, which is no input of Bazel's: it is in the tree that this file really stands in."""
    found = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..", ".deps", *path)
    if not os.path.exists(found):
        raise RuntimeError("there is no %s: tools/deps installs it" % found)
    return os.path.realpath(found)


def steps_as_json():
    """The steps, for clients in other languages."""
    return [{"service": METHODS[step.method].path.split("/")[0], "method": step.method,
             "request": step.request, "token": step.token, "save": step.save,
             "take": step.take, "timeout": step.timeout} for step in scenario.STEPS]


def masked(value, names, texts, key=""):
    """The value without what may differ: fields of these names, and these texts in strings."""
    if isinstance(value, dict):
        if str(value.get("name")).startswith("disk_"):  # how full and how slow it is at this moment
            return {"name": value["name"]}
        return {name: masked(each, names, texts, name) for name, each in value.items()}
    if key in names or ("times" in names and key.endswith(TIMES)):
        return "<%s>" % key
    if isinstance(value, list):
        return [masked(each, names, texts, key) for each in value]
    if isinstance(value, str):
        for text, name in texts.items():
            value = value.replace(text, name)
        value = FIGURE.sub("<figure>", PEER.sub("127.0.0.1:<port>", value))
        if "times" in names:
            value = TOKEN_ID.sub("<tokenId>", value)
    return value


class Lane:
    """A server of its own, and what the answers of one client so far have given."""

    def __init__(self, options=(), scheduler="null"):
        self.server = GoferServer(GOFER, scheduler=scheduler, auth=True, http=True,
                                  options=options).start()
        self.values = {"admin": self.server.token, "wrong": WRONG_TOKEN}

    def close(self):
        self.server.__exit__()

    def fill(self, value):
        """The request with what was saved in the place of `$name`."""
        if isinstance(value, dict):
            return {key: self.fill(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self.fill(each) for each in value]
        if isinstance(value, str) and value.startswith("$"):
            return self.values[value[1:]]
        return value

    def save(self, step, answer):
        if answer.code != "ok":
            return
        for name, path in step.save.items():
            value = API.to_json(answer.messages[0])
            for part in path.split("."):
                value = value[part]
            self.values[name] = value

    def comparable(self, answer, same_server=False, only_end=False):
        """What must be the same in two answers."""
        texts = {value: "<%s>" % name for name, value in self.values.items() if len(value) > 8}
        texts[self.server.data_dir] = "<data>"
        messages = [API.to_json(message) for message in answer.messages]
        if only_end:
            messages = [each["run"] for each in messages if "run" in each][-1:]
        details = [(name, API.to_json(API.type(name).FromString(data)))
                   for name, data in answer.details]
        if answer.code == "deadline_exceeded":
            answer.text = "<in words of the client, whose clock may be first>"
        return masked({"code": answer.code, "message": answer.text, "errors": details,
                       "messages": messages},
                      MOMENTARY if same_server else MOMENTARY | RANDOM | {"times"}, texts)


def answer_of(step, value):
    """The Answer that steps.js has told of."""
    method = METHODS[step.method]
    answer = protocols.Answer()
    answer.code = protocols.CODES[value["code"]]
    answer.text = value["text"]
    answer.details = [(name, base64.b64decode(data)) for name, data in value["details"]]
    answer.messages = [API.from_json(method.response, each) for each in value["messages"]]
    answer.headers["x-request-id"] = value["requestId"]
    return answer


def ask(lane, step, call, request_id):
    """Does a step by a client of protocols.py."""
    method = METHODS[step.method]
    request = API.from_json(method.request, lane.fill(step.request))
    token = None if step.token is None else lane.values[step.token]
    answer = call(method, request, headers=[("x-request-id", request_id)], take=step.take,
                  timeout=step.timeout, token=token)
    if answer.headers.get("x-request-id") != request_id:
        raise AssertionError("the request id of %s is %r" % (step, answer.headers))
    return answer


def reference(lane, client):
    """What all steps give by gRPC, each with the code that it must have."""
    answers = []
    for at, step in enumerate(scenario.STEPS):
        answer = ask(lane, step, client.call, "reference.%d" % at)
        if answer.code != step.code:
            raise AssertionError("%s by %s: %r, not %s" % (step, step.token, answer, step.code))
        lane.save(step, answer)
        answers.append(lane.comparable(answer, only_end=step.only_end))
    return answers


def compare(test, lane, name, line, expected):
    """Compares what steps.js has given for all steps, as JSON, with the reference; gives it likewise."""
    value = json.loads(line)
    lane.values = value["values"]
    test.assertEqual(len(value["answers"]), len(scenario.STEPS))
    answers = []
    for at, (step, told) in enumerate(zip(scenario.STEPS, value["answers"])):
        answer = answer_of(step, told)
        answers.append(lane.comparable(answer, only_end=step.only_end))
        with test.subTest(client=name, step=str(step), token=step.token):
            test.assertEqual(answer.code, step.code, answer.text)
            if step.code != "deadline_exceeded":
                test.assertEqual(answer.headers["x-request-id"], "step.%d" % at)
            if expected is not None:
                test.assertEqual(answers[at], expected[at])
    sys.stderr.write("%s: %d answers\n" % (name, len(answers)))
    return answers
