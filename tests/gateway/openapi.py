"""The OpenAPI document, asked by tests: whether it is one, and whether what a server answers is what
it says.

    api = openapi.Document(json.load(...))
    api.check_answer("/gofer.v1.RunService/GetRun", status, body)

Runs with the Python of .deps (tools/deps), which has jsonschema.

    openapi.py DOCUMENT    checks the document itself, by an independent validator and by rules of ours
"""

import base64
import json
import sys

import jsonschema
import openapi_spec_validator
from openapi_schema_validator import oas31_format_checker


class Document:
    """A document of version 3.1."""

    def __init__(self, document):
        self.document = document
        self.validators = {}

    def operations(self):
        """(method, path, operation) of all."""
        for path, item in self.document["paths"].items():
            for method, operation in item.items():
                yield method, path, operation

    def shape(self, path):
        """"unary", "server_stream", or "" of what is no call."""
        item = self.document["paths"][path]
        return item.get("post", {}).get("x-gofer-shape", "")

    def validator(self, schema):
        """A validator of a component, by its name ("gofer.v1.Run")."""
        if schema not in self.validators:
            root = {
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "$ref": "#/components/schemas/" + schema,
                "components": self.document["components"],
            }
            self.validators[schema] = jsonschema.Draft202012Validator(
                root, format_checker=oas31_format_checker)
        return self.validators[schema]

    def faults(self, schema, value):
        """What is wrong with a value, a line each: [] where nothing is."""
        return ["%s: %s" % (error.json_path, error.message[:300])
                for error in self.validator(schema).iter_errors(value)]

    def message_of(self, path, which):
        """The component of a call's request or answer."""
        post = self.document["paths"][path]["post"]
        media = post["requestBody"] if which == "request" else post["responses"]["200"]
        content = next(iter(media["content"].values()))
        reference = content.get("x-gofer-message") or content["schema"]["$ref"]
        return reference.rsplit("/", 1)[1]

    def check_request(self, path, body):
        """Raises ValueError where the document would refuse a request (as text or as value)."""
        self._check(path, self.message_of(path, "request"), body)

    def check_answer(self, path, status, body):
        """Raises ValueError where an answer of a unary call (as text or as value), or a message of a
        stream's envelope (status 200), is not as the document says."""
        component = self.message_of(path, "answer") if status == 200 else "connect.Error"
        self._check(path, component, body)
        if status == 200:
            return
        value = json.loads(body) if isinstance(body, (str, bytes)) else body
        for detail in value.get("details", []):
            padding = "=" * (-len(detail["value"]) % 4)
            base64.b64decode(detail["value"] + padding, validate=True)

    def _check(self, path, component, body):
        value = json.loads(body) if isinstance(body, (str, bytes)) else body
        faults = self.faults(component, value)
        if faults:
            raise ValueError("%s: no %s:\n  %s" % (path, component, "\n  ".join(faults[:10])))


def check_document(document):
    """Raises where it is no document of OpenAPI, or not as ours are."""
    openapi_spec_validator.validate(document)
    api = Document(document)
    seen = set()
    tags = {tag["name"] for tag in document["tags"]}
    calls = 0
    for method, path, operation in api.operations():
        where = "%s %s" % (method, path)
        assert operation["operationId"] not in seen, where
        seen.add(operation["operationId"])
        assert set(operation["tags"]) <= tags, where
        assert operation["summary"], where
        if operation.get("x-gofer-shape"):
            calls += 1
            assert operation["description"], where
            assert "default" in operation["responses"], where
    assert calls > 100, calls
    missing = ["/gofer.v1.%s/%s" % (tag["name"], call["name"]) for tag in document["tags"]
               for call in tag.get("x-gofer-unavailable", [])]
    assert missing and not set(missing) & set(document["paths"]), missing
    assert "Not in this version" not in json.dumps([document["paths"], document["components"]])
    for name, schema in document["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema["description"], name
        for field, inner in schema.get("properties", {}).items():
            assert name == "connect.Error" or inner["description"], "%s.%s" % (name, field)
        if schema["type"] == "object" and name != "connect.Error":
            assert schema["additionalProperties"] is False, name
    return calls


def check_schemas(document):
    """Samples that the schemas must take, and some that they must not."""
    api = Document(document)
    start = "/gofer.v1.RunService/StartRun"
    good = [
        {"pipelineId": "nightly"},
        {"pipelineId": "nightly", "namespaceId": "", "variables": {"A": "b"}},
        {"pipelineId": "nightly", "input": {"content": "aGVsbG8="}},
        {"pipelineId": "nightly", "input": {}, "priority": {"value": -1000}},
    ]
    bad = [
        {},
        {"pipelineId": "no"},
        {"pipelineId": "nightly", "unknown": 1},
        {"pipelineId": "nightly", "priority": {"value": 1001}},
        {"pipelineId": "nightly", "reason": "x" * 1025},
        {"pipelineId": "nightly", "variables": {"A": 1}},
        {"pipelineId": "nightly", "orderingPolicy": "STRICT"},
        {"pipelineId": "nightly", "input": {"content": "", "objectKey": "abc"}},
    ]
    for sample in good:
        api.check_request(start, sample)
    for sample in bad:
        assert api.faults(api.message_of(start, "request"), sample), sample
    for run_id in (7, "7"):
        api.check_request("/gofer.v1.RunService/GetRun", {"pipelineId": "nightly", "runId": run_id})
    answer = {"run": {"runId": "7", "state": "RUN_STATE_RUNNING",
                      "createTime": "2026-11-21T20:12:52.120Z"}}
    api.check_answer("/gofer.v1.RunService/GetRun", 200, answer)
    answer["run"]["createTime"] = "yesterday"
    assert api.faults("gofer.v1.GetRunResponse", answer)
    api.check_answer(start, 404, {"code": "not_found", "message": "no", "details": [
        {"type": "google.rpc.ErrorInfo", "value": "CgFh", "debug": {"reason": "a"}}]})
    assert api.faults("connect.Error", {"code": "NOT_FOUND"})


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        document = json.load(file)
    calls = check_document(document)
    check_schemas(document)
    print("%d operations of calls, %d schemas: all well" %
          (calls, len(document["components"]["schemas"])))


if __name__ == "__main__":
    main()
