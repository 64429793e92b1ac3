#!/usr/bin/python3
"""Every command of the CLI, its forms of output, exit codes and messages, against a real server.

Usage: cli_test.py GOFER [-kPATTERN]

The null scheduler runs the tasks: no container is started. cli_native_test.py has what needs one,
command_line_test.py what all commands have in common.
"""

import json
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import e2e  # pylint: disable=wrong-import-position
from e2e import CONFLICT, FAILED, NOT_FOUND, USAGE  # pylint: disable=wrong-import-position

RFC3339 = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"

# Name -> (the file, what the error says behind the file's name).
BAD_FILES = {
    "unknown field": ('{"id": "bad",\n "tasks": [{"id": "one", "image": "busybox",\n  "colour": 3}]}',
                      ":3:3: 'tasks[0].colour' is no known field"),
    "unknown field at the top": ('{"id": "bad", "taskz": []}', ":1:15: 'taskz' is no known field"),
    "cycle": ('{"id": "bad", "tasks": [\n'
              ' {"id": "one", "image": "busybox", "depends_on": {"two": "any"}},\n'
              ' {"id": "two", "image": "busybox", "depends_on": {"one": "any"}}]}',
              ':2:58: tasks[0].depends_on["two"]: tasks form a cycle: one -> two -> one'),
    "task on itself": ('{"id": "bad", "tasks": [\n'
                       ' {"id": "one", "image": "busybox", "depends_on": {"one": "any"}}]}', ":2:"),
    "duplicate task": ('{"id": "bad", "tasks": [\n {"id": "one", "image": "busybox"},\n'
                       ' {"id": "one", "image": "busybox"}]}',
                       ":3:9: tasks[1].id: task 'one' is there twice"),
    "unknown parent": ('{"id": "bad", "tasks": [\n'
                       ' {"id": "one", "image": "busybox", "depends_on": {"nobody": "any"}}]}',
                       ":2:61: tasks[0].depends_on[\"nobody\"]: task 'one' depends on 'nobody'"),
    "unknown condition": ('{"id": "bad", "tasks": [{"id": "one", "image": "busybox"},\n'
                          ' {"id": "two", "image": "busybox", "dependsOn": {"one": "maybe"}}]}',
                          ":2:57: tasks[1].depends_on[\"one\"]: 'maybe' is no condition"),
    "bad identifier": ('{"id": "b!",\n "tasks": [{"id": "one", "image": "busybox"}]}',
                       ":1:8: id: identifier has '!' at position 2"),
    "bad task identifier": ('{"id": "bad",\n "tasks": [{"id": "o n e", "image": "busybox"}]}',
                            ":2:19: tasks[0].id: "),
    "short identifier": ('{"id": "ba", "tasks": [{"id": "one", "image": "busybox"}]}', ":1:8: id: "),
    "no tasks": ('{"id": "bad"}', ":1:1: tasks: a pipeline needs"),
    "no image": ('{"id": "bad", "tasks": [\n {"id": "one"}]}', ":2:"),
    "broken JSON": ('{"id": "bad",\n "tasks": [', ":2:12: expected a value, found the end"),
    "empty file": ("", ":1:1: expected "),
    "not an object": ("[1, 2]", ":1:1: "),
    "trailing garbage": ('{"id": "bad", "tasks": [{"id": "one", "image": "busybox"}]}\n x',
                         ":2:2: expected the end of the text, found 'x'"),
    "duplicate key": ('{"id": "bad",\n "id": "bad", "tasks": [{"id": "one", "image": "busybox"}]}',
                      ":2:2: the key 'id' occurs twice"),
    "wrong type": ('{"id": "bad", "parallelism":\n "many", "tasks": []}', ":2:2: "),
    "negative": ('{"id": "bad", "tasks": [{"id": "one", "image": "busybox"}],\n "parallelism": -1}',
                 ":2:17: parallelism: "),
    "invalid UTF-8": ('{"id": "bad", "name": "\\ud800"}', ":1:"),
}


class Files(e2e.ServerTest):
    """Pipeline files that are wrong register nothing."""

    def test_each_names_its_place_and_registers_nothing(self):
        for name, (text, message) in BAD_FILES.items():
            with self.subTest(name):
                path = self.file("bad.json", text)
                error = self.error("up", path, code=FAILED)
                self.assertTrue(error.startswith("gofer: " + path + message), error)
                self.assertEqual(self.answer("pipeline", "list"), "")
                self.assertNotIn("PIPELINE", self.answer("event", "list", "-o", "json"))

    def test_standard_input(self):
        error = self.error("up", "-", code=FAILED, stdin='{"id": 3}')
        self.assertTrue(error.startswith("gofer: -:1:8: "), error)

    def test_no_such_file(self):
        self.assertIn("No such file", self.error("up", self.folder + "/none.json", code=NOT_FOUND))
        self.assertIn("directory", self.error("up", self.folder, code=FAILED))

    def test_unknown_namespace(self):
        path = self.file("good.json", e2e.pipeline("good", e2e.task("one")))
        error = self.error("up", path, "-n", "nowhere", code=NOT_FOUND)
        self.assertEqual(error.splitlines()[0], "gofer: namespace 'nowhere' not found")


class Pipelines(e2e.ServerTest):
    """up, pipeline, config, deployment."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.path = cls.file(cls, "hello.json", e2e.pipeline(
            "hello", e2e.task("greet"), e2e.task("after", depends_on={"greet": "SUCCESS"})))
        cls.server.run("up", cls.path)

    def test_up_says_what_it_did(self):
        path = self.file("three.json", e2e.pipeline("three", e2e.task("one")))
        out, err = self.gofer("up", path)
        self.assertEqual(out, "pipeline three version 1 registered and deployed\n")
        self.assertEqual(err, "hint: gofer pipeline run three\n")
        self.assertEqual(self.answer("up", path),
                         "pipeline three version 1 is registered already and live\n")
        path = self.file("three.json", e2e.pipeline("three", e2e.task("one", "false")))
        self.assertEqual(self.gofer("up", "--no-deploy", path),
                         ("pipeline three version 2 registered\n", ""))
        got = self.json("pipeline", "get", "three")["pipeline"]
        self.assertEqual((got["liveVersion"], got["latestVersion"]), ("1", "2"))
        self.assertEqual(self.answer("up", path, "-o", "name"), "three\n")
        self.assertEqual(self.json("pipeline", "get", "three")["pipeline"]["liveVersion"], "2")
        self.assertFalse(self.json("up", path).get("created", False))
        self.assertEqual(self.answer("up", path, "-q"),
                         "pipeline three version 2 is registered already and live\n")

    def test_list(self):
        rows = [line.split("\t") for line in self.lines("pipeline", "list")]
        row = next(row for row in rows if row[0] == "hello")
        self.assertEqual(row[:4], ["hello", "ACTIVE", "1", "1"])
        self.assertRegex(row[5], RFC3339)
        self.assertIn("hello", self.lines("pipelines", "list", "-o", "name"))
        listed = self.json("pipeline", "list")["pipelines"]
        self.assertIn("hello", [pipeline["pipelineId"] for pipeline in listed])
        each = [json.loads(line) for line in self.lines("pipeline", "list", "-o", "jsonl")]
        self.assertEqual(each, listed)
        self.assertEqual(len(self.lines("pipeline", "list", "--limit", "1")), 1)

    def test_list_on_a_terminal(self):
        out = self.answer("pipeline", "list", environment={"GOFER_FORCE_TTY": "80", "TERM": "xterm"})
        self.assertRegex(out.splitlines()[0], r"PIPELINE.*STATE")
        self.assertIn("\033[32mACTIVE\033[0m", out)
        plain = self.answer("pipeline", "list", "--no-color",
                            environment={"GOFER_FORCE_TTY": "80", "TERM": "xterm"})
        self.assertNotIn("\033", plain)
        self.assertRegex(plain, "ago|just now")
        for line in plain.splitlines():
            self.assertLessEqual(len(line), 80)

    def test_get(self):
        out = self.answer("pipeline", "get", "hello")
        self.assertRegex(out, r"Pipeline: +hello\n")
        self.assertIn("after greet (success)", out)
        self.assertEqual(self.answer("pipeline", "get", "hello", "-o", "name"), "hello\n")
        tasks = self.json("pipeline", "get", "hello")["liveConfig"]["spec"]["tasks"]
        self.assertEqual([task["id"] for task in tasks], ["greet", "after"])
        self.assertEqual(len(self.lines("pipeline", "get", "hello", "-o", "jsonl")), 1)

    def test_not_found(self):
        error = self.error("pipeline", "get", "nope", code=NOT_FOUND)
        self.assertEqual(error.splitlines()[0],
                         "gofer: pipeline 'nope' not found in namespace 'default'")
        self.assertIn("hint: gofer pipeline list", error)
        self.assertIn("code: NOT_FOUND", self.error("pipeline", "get", "nope", "--verbose",
                                                    code=NOT_FOUND))
        self.assertNotIn("hint", self.error("pipeline", "get", "nope", "-q", code=NOT_FOUND))
        self.error("pipeline", "list", "-n", "nope", code=NOT_FOUND)

    def test_nothing_live(self):
        self.gofer("up", "--no-deploy", self.file("shy.json", e2e.pipeline("shy", e2e.task("one"))))
        self.error("pipeline", "run", "shy", code=CONFLICT)


class Runs(e2e.ServerTest):
    """pipeline run, run, task."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        path = cls.file(cls, "hello.json", e2e.pipeline(
            "hello", e2e.task("greet"), e2e.task("after", depends_on={"greet": "success"}),
            e2e.task("never", depends_on={"greet": "failure"})))
        cls.server.run("up", path)
        cls.server.run("pipeline", "run", "hello", "--wait")

    def test_start(self):
        out, err = self.gofer("pipeline", "run", "hello")
        self.assertRegex(out, r"^run hello/\d+ started\n$")
        self.assertRegex(err, r"^hint: gofer run get hello \d+\n$")
        self.assertRegex(self.answer("pipeline", "run", "hello", "-o", "name"), r"^\d+\n$")
        self.assertEqual(self.json("pipeline", "run", "hello")["run"]["pipelineId"], "hello")
        self.assertEqual(self.gofer("pipeline", "run", "hello", "-q")[1], "")

    def test_wait_and_follow(self):
        out, err = self.gofer("pipeline", "run", "hello", "--wait")
        self.assertRegex(out, r"^run hello/\d+ SUCCESSFUL\n$")
        self.assertEqual(err, "")
        out, err = self.gofer("pipeline", "run", "hello", "--follow")
        self.assertRegex(out, r"^run hello/\d+ SUCCESSFUL\n$")
        self.assertIn("greet SUCCESSFUL", err)
        self.assertIn("never SKIPPED", err)
        run = self.json("pipeline", "run", "hello", "--wait")["run"]
        self.assertEqual(run["status"], "RUN_STATUS_SUCCESSFUL")

    def test_request_id_starts_one_run(self):
        first = self.answer("pipeline", "run", "hello", "--request-id", "once-1", "-o", "name")
        again = self.answer("pipeline", "run", "hello", "--request-id", "once-1", "-o", "name")
        self.assertEqual(first, again)

    def test_variables_reach_the_run(self):
        run = self.json("pipeline", "run", "hello", "-v", "WHO=a=b", "--variable", "EMPTY=", "-vX=1",
                        "-vX=2", "--reason", "because")["run"]
        given = {entry["key"]: entry.get("value", "") for entry in run["variables"]}
        self.assertEqual(given, {"WHO": "a=b", "EMPTY": "", "X": "2"})
        out = self.answer("run", "get", "hello", run["runId"])
        self.assertIn("WHO=a=b", out)
        self.assertIn("because", out)

    def test_bad_variables(self):
        for text in ("WHO", "=x"):
            self.assertIn("KEY=VALUE", self.error("pipeline", "run", "hello", "-v", text, code=USAGE))

    def test_list(self):
        row = self.lines("run", "list", "hello")[-1].split("\t")
        self.assertEqual(row[:3], ["1", "COMPLETE", "SUCCESSFUL"])
        self.assertEqual(self.lines("run", "list", "hello", "-o", "name")[-1], "1")
        self.assertEqual(self.json("run", "list", "hello")["runs"][-1]["runId"], "1")
        self.assertEqual(json.loads(self.lines("run", "list", "hello", "-o", "jsonl")[-1])["runId"],
                         "1")
        self.error("run", "list", "nope", code=NOT_FOUND)

    def test_get(self):
        self.assertRegex(self.answer("run", "get", "hello", "1"), r"Status: +SUCCESSFUL\n")
        self.assertEqual(self.answer("run", "get", "hello", "1", "-o", "name"), "1\n")
        self.assertEqual(self.json("run", "get", "hello", "1")["run"]["state"], "RUN_STATE_COMPLETE")
        self.error("run", "get", "hello", "9999", code=NOT_FOUND)
        for number in ("x", "0", "-1", "1x", "99999999999999999999"):
            self.error("run", "get", "--", "hello", number, code=USAGE)

    def test_cancel_of_what_has_ended(self):
        self.assertEqual(self.answer("run", "cancel", "hello", "1"), "run hello/1 had ended already\n")
        self.assertFalse(self.json("run", "cancel", "hello", "1").get("changed", False))
        self.assertEqual(self.answer("run", "cancel", "hello", "1", "-o", "name"), "1\n")
        self.error("run", "cancel", "hello", "9999", code=NOT_FOUND)

    def test_tasks(self):
        rows = [line.split("\t") for line in self.lines("task", "list", "hello", "1")]
        self.assertEqual([(row[0], row[2]) for row in rows],
                         [("greet", "SUCCESSFUL"), ("after", "SUCCESSFUL"), ("never", "SKIPPED")])
        self.assertEqual(self.lines("task", "list", "hello", "1", "-o", "name"),
                         ["greet", "after", "never"])
        self.assertEqual(len(self.json("task", "list", "hello", "1")["taskExecutions"]), 3)
        self.assertRegex(self.answer("task", "get", "hello", "1", "greet"), r"Status: +SUCCESSFUL\n")
        self.assertEqual(self.answer("task", "get", "hello", "1", "greet", "-o", "name"), "greet\n")
        self.error("task", "get", "hello", "1", "nobody", code=NOT_FOUND)
        self.error("task", "list", "hello", "9999", code=NOT_FOUND)
        self.error("task", "logs", "hello", "1", "nobody", code=NOT_FOUND)
        self.assertEqual(self.gofer("task", "logs", "hello", "1", "never"),
                         ("", "the task never ran, so there is no log\n"))


class Namespaces(e2e.ServerTest):
    """namespace, and what -n does."""

    def test_life(self):
        self.assertEqual(self.answer("namespace", "create", "team-a", "--description", "What A runs"),
                         "namespace team-a created\n")
        self.error("namespace", "create", "team-a", code=CONFLICT)
        out = self.answer("namespace", "get", "team-a")
        self.assertRegex(out, r"Description: +What A runs\n")
        self.assertEqual(self.answer("namespace", "update", "team-a", "--name", "Team A"),
                         "namespace team-a updated\n")
        self.assertEqual(self.answer("namespace", "update", "team-a", "--name", "Team A"),
                         "namespace team-a is as asked for already\n")
        got = self.json("namespace", "get", "-n", "team-a")["namespace"]
        self.assertEqual((got["name"], got["description"]), ("Team A", "What A runs"))
        self.assertIn("team-a", self.lines("namespace", "list", "-o", "name"))
        row = next(line.split("\t") for line in self.lines("namespace", "list")
                   if line.startswith("team-a"))
        self.assertEqual(row[:2], ["team-a", "Team A"])
        path = self.file("a.json", e2e.pipeline("only-a", e2e.task("one")))
        self.assertEqual(self.gofer("up", path, "-n", "team-a")[1],
                         "hint: gofer pipeline run only-a -n team-a\n")
        self.assertEqual(self.lines("pipeline", "list", "-n", "team-a", "-o", "name"), ["only-a"])
        self.assertEqual(self.answer("pipeline", "list"), "")
        error = self.error("pipeline", "get", "other", "-n", "team-a", code=NOT_FOUND)
        self.assertIn("hint: gofer pipeline list -n team-a", error)
        self.error("namespace", "delete", "team-a", "--yes", code=CONFLICT)
        self.assertEqual(self.answer("namespace", "delete", "team-a", "--cascade", "--yes"),
                         "namespace team-a deleted\n")
        error = self.error("namespace", "get", "team-a", code=NOT_FOUND)
        self.assertIn("hint: gofer namespace list", error)

    def test_errors(self):
        self.error("namespace", "create", "a!", code=FAILED)
        self.error("namespace", "update", "default", code=USAGE)
        self.error("namespace", "update", "nobody", "--name", "x", code=NOT_FOUND)
        self.error("namespace", "delete", "default", "--yes", code=CONFLICT)


class History(e2e.ServerTest):
    """event, config, deployment."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for command in ("true", "false"):
            cls.server.run("up", cls.file(cls, "hello.json", e2e.pipeline(
                "hello", e2e.task("greet", command), description=command)))
        cls.server.run("pipeline", "run", "hello", "--wait")

    def test_configs(self):
        rows = [line.split("\t") for line in self.lines("config", "list", "hello")]
        self.assertEqual([row[:2] for row in rows], [["2", "LIVE"], ["1", "DEPRECATED"]])
        self.assertEqual(self.lines("config", "list", "hello", "-o", "name"), ["2", "1"])
        self.assertIn("greet  busybox:latest  at once", self.answer("config", "get", "hello"))
        self.assertEqual(self.json("config", "get", "hello", "1")["config"]["spec"]["description"],
                         "true")
        self.assertEqual(self.answer("config", "get", "hello", "-o", "name"), "2\n")
        path = self.file("again.json", self.answer("config", "get", "hello", "2", "--spec"))
        self.assertEqual(self.answer("up", path),
                         "pipeline hello version 2 is registered already and live\n")
        self.error("config", "get", "hello", "9", code=NOT_FOUND)
        self.error("config", "get", "hello", "new", code=USAGE)

    def test_deployments(self):
        rows = [line.split("\t") for line in self.lines("deployment", "list", "hello")]
        self.assertEqual([row[:3] for row in rows],
                         [["2", "COMPLETE", "SUCCESSFUL"], ["1", "COMPLETE", "SUCCESSFUL"]])
        self.assertRegex(self.answer("deployment", "get", "hello", "2"), r"Versions: +1 -> 2\n")
        self.assertEqual(self.answer("deployment", "get", "hello", "2", "-o", "name"), "2\n")
        self.assertEqual(len(self.json("deployment", "list", "hello")["deployments"]), 2)
        self.error("deployment", "get", "hello", "9", code=NOT_FOUND)

    def test_event_list(self):
        rows = [line.split("\t") for line in self.lines("event", "list", "--oldest-first")]
        numbers = [int(row[0]) for row in rows]
        self.assertEqual(numbers, sorted(numbers))
        self.assertIn(["RUN_COMPLETED", "hello/1", "SUCCESSFUL"], [row[2:5] for row in rows])
        self.assertRegex(rows[0][1], RFC3339)
        for line in self.lines("event", "list", "--kind", "run-completed", "-o", "jsonl"):
            self.assertEqual(json.loads(line)["kind"], "EVENT_KIND_RUN_COMPLETED")
        self.assertEqual(len(self.lines("event", "list", "--limit", "2", "-o", "name")), 2)
        self.assertTrue(self.lines("event", "list", "--pipeline", "hello", "--run", "1"))
        self.assertTrue(self.lines("event", "list", "--since", "1h", "--all-namespaces"))
        self.assertEqual(self.answer("event", "list", "-n", "other"), "")
        for words in (["--kind", "sneezed"], ["--run", "1"], ["--history"]):
            self.error("event", "list", *words, code=USAGE)

    def test_event_follow(self):
        history = self.lines("event", "list", "--oldest-first", "-o", "name")
        count = str(len(history))
        self.assertEqual(self.lines("event", "list", "--follow", "--history", "--limit", count,
                                    "-o", "name"), history)
        follower = subprocess.Popen(
            [self.server.gofer, "event", "list", "-f", "-o", "json", "--history"],
            env=self.server.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        with follower:
            for number in history:
                self.assertEqual(json.loads(follower.stdout.readline())["eventId"], number)
            self.gofer("namespace", "update", "default", "--description", "changed")
            self.assertEqual(json.loads(follower.stdout.readline())["kind"],
                             "EVENT_KIND_NAMESPACE_UPDATED")
            follower.send_signal(signal.SIGINT)
            self.assertEqual(follower.wait(30), e2e.INTERRUPTED)
            self.assertEqual(follower.stderr.read(), "")


if __name__ == "__main__":
    e2e.main()
