#!/usr/bin/python3
"""The commands for the rules of runs that need no container: starts, inputs, retries, registration, switches.

Usage: rules_test.py GOFER [-kPATTERN]

The null scheduler runs the tasks: everything is successful at once. rules_native_test.py has queues,
timeouts and attempts.
"""

import base64
import json
import os
import pty
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import e2e  # pylint: disable=wrong-import-position
from e2e import CONFLICT, FAILED, NOT_FOUND, OK, USAGE  # pylint: disable=wrong-import-position

TERMINAL = {"GOFER_FORCE_TTY": "100", "NO_COLOR": "1"}


class Starts(e2e.ServerTest):
    """pipeline run with all that it can be given, and what the run tells of it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server.run("up", cls.file(cls, "hello.json", e2e.pipeline(
            "hello", e2e.task("greet"), e2e.task("after", depends_on={"greet": "success"}),
            e2e.task("never", depends_on={"greet": "failure"}))))

    def start(self, *options):
        return self.json("pipeline", "run", "hello", "--wait", *options)["run"]

    def test_labels(self):
        run = self.start("--label", "team=a", "-l", "ref=main=1", "--label", "team=b")
        self.assertEqual(run["labels"], {"team": "b", "ref": "main=1"})
        out = self.answer("run", "get", "hello", run["runId"])
        self.assertIn("team=b\n", out)
        self.assertIn("ref=main=1\n", out)
        self.assertIn("--label takes KEY=VALUE", self.error(
            "pipeline", "run", "hello", "--label", "team", code=USAGE))
        self.error("pipeline", "run", "hello", "--label", "=b", code=USAGE)
        self.error("pipeline", "run", "hello", "--label", "x" * 64 + "=b", code=FAILED)

    def test_priority_and_ordering(self):
        run = self.start("--priority", "-7", "--ordering-key", "prod", "--ordering", "newest")
        self.assertEqual((run["priority"], run["orderingKey"], run["orderingPolicy"]),
                         (-7, "prod", "RUN_ORDERING_POLICY_NEWEST"))
        out = self.answer("run", "get", "hello", run["runId"])
        self.assertRegex(out, r"Priority: +-7\n")
        self.assertRegex(out, r"Ordering: +prod, NEWEST\n")
        self.assertEqual(self.start("--ordering-key", "prod")["orderingPolicy"],
                         "RUN_ORDERING_POLICY_STRICT")
        for words in (["--priority", "1001"], ["--priority", "high"], ["--ordering", "strict"],
                      ["--ordering-key", "k", "--ordering", "oldest"]):
            self.error("pipeline", "run", "hello", *words, code=USAGE)

    def test_input_of_a_file(self):
        content = '{"ä": [1, 2]}\n'
        run = self.start("--input", self.file("input.json", content))
        run_id = run["runId"]
        self.assertNotIn("content", self.json("run", "list", "hello")["runs"][0]["input"])
        self.assertEqual(self.answer("run", "input", "hello", run_id), content)
        got = self.json("run", "input", "hello", run_id)
        self.assertEqual(got["mediaType"], "application/json")
        self.assertEqual(base64.b64decode(got["content"]).decode(), content)
        self.assertEqual(int(got["sizeBytes"]), len(content.encode()))
        self.assertEqual(self.answer("run", "input", "hello", run_id, "-o", "name"),
                         got["digest"] + "\n")
        self.assertRegex(self.answer("run", "get", "hello", run_id),
                         r"Input: +application/json, 15 bytes, digest %s\n" % got["digest"][:12])

    def test_input_in_other_ways(self):
        run_id = self.answer("pipeline", "run", "hello", "--input", "-", "--input-type", "text/x-list",
                             "-o", "name", stdin="one\ntwo").strip()
        self.assertEqual(self.answer("run", "input", "hello", run_id), "one\ntwo")
        self.assertEqual(self.json("run", "input", "hello", run_id)["mediaType"], "text/x-list")
        run_id = self.start("--input-json", ' {"a": 1} ')["runId"]
        self.assertEqual(self.answer("run", "input", "hello", run_id), ' {"a": 1} ')
        run_id = self.start("--input", "/dev/null")["runId"]
        self.assertEqual(self.answer("run", "input", "hello", run_id), "")

    def test_bad_inputs(self):
        for words, code, message in (
                (["--input-json", '{"a":}'], USAGE, "--input-json: line 1, column 6: expected a value"),
                (["--input-json", "{}", "--input", "-"], USAGE, "do not go together"),
                (["--input-type", "text/plain"], USAGE, "--input-type goes with --input"),
                (["--input", self.folder + "/none"], NOT_FOUND, "No such file"),
                (["--input", self.folder], FAILED, "directory"),
                (["--input", self.file("large", "x" * (256 * 1024 + 1))], FAILED, "larger than 262144")):
            with self.subTest(words[0]):
                self.assertIn(message, self.error("pipeline", "run", "hello", *words, code=code))
        self.start("--input", self.file("large", "x" * (256 * 1024)))
        run_id = self.start()["runId"]
        error = self.error("run", "input", "hello", run_id, code=NOT_FOUND)
        self.assertIn("run hello/%s has none" % run_id, error)

    def test_request_ids(self):
        first = self.start("--request-id", "once", "--label", "a=1")["runId"]
        self.assertEqual(self.start("--request-id", "once", "--label", "a=1")["runId"], first)
        self.error("pipeline", "run", "hello", "--request-id", "once", "--label", "a=2", code=CONFLICT)
        self.error("pipeline", "run", "hello", "--request-id", "no spaces", code=FAILED)

    def test_refusals_name_their_field(self):
        for arguments, message in (
                (["--reason", "x" * 1025], "gofer: reason: text is too long"),
                (["--ordering-key", "a\nb"], "gofer: ordering_key: text has a control character"),
                (["--label", "x" * 64 + "=y"], "gofer: labels["),
                (["--request-id", "no spaces"], "gofer: request_id: expected letters, digits")):
            with self.subTest(message):
                self.assertIn(message, self.error("pipeline", "run", "hello", *arguments, code=FAILED))
        self.assertIn("gofer: windows[1]: expected a duration of 1 minute", self.error(
            "pipeline", "stats", "hello", "-w", "1h", "-w", "1s", code=FAILED))

    def test_list_by_state_and_status(self):
        self.start()
        every = self.lines("run", "list", "hello", "-o", "name", "--limit", "0")
        done = self.lines("run", "list", "hello", "--state", "complete", "--status", "successful",
                          "--status", "failed", "-o", "name", "--limit", "0")
        self.assertEqual(done, every)
        self.assertEqual(self.answer("run", "list", "hello", "--status", "failed", "--status",
                                     "cancelled"), "")
        self.assertEqual(self.answer("run", "list", "hello", "--state", "queued", "--state", "running"),
                         "")
        self.error("run", "list", "hello", "--state", "asleep", code=USAGE)

    def test_timeline(self):
        run_id = self.start()["runId"]
        out = self.answer("run", "get", "hello", run_id)
        self.assertRegex(out, r"Tasks: +2 successful, 1 skipped\n")
        rows = [line.split("\t") for line in out.split("Timeline:\n")[1].splitlines()]
        self.assertEqual([row[:3] for row in rows], [
            ["greet", "1", "SUCCESSFUL"], ["after", "1", "SUCCESSFUL"], ["never", "-", "SKIPPED"]])
        self.assertRegex(rows[0][5], r"^\+")
        self.assertRegex(rows[0][7], r"^\+")
        self.assertEqual(rows[2][5:7], ["-", "-"])
        self.assertNotEqual(rows[2][8], "")
        out, err = self.gofer("run", "get", "hello", run_id, "--tasks", "1")
        self.assertEqual(len(out.split("Timeline:\n")[1].splitlines()), 1)
        self.assertIn("--tasks 0", err)
        out = self.answer("run", "get", "hello", run_id, environment=TERMINAL)
        self.assertRegex(out, r"TASK +TRY +STATUS +QUEUED +PULL +STARTED +RAN +ENDED +REASON")
        self.assertNotIn("timeline", self.json("run", "get", "hello", run_id))

    def test_moments_of_a_task(self):
        run_id = self.start()["runId"]
        out = self.answer("task", "get", "hello", run_id, "greet")
        self.assertRegex(out, r"Timeline:\n  ready +\+\S+ +\d{4}-")
        self.assertRegex(out, r"(?m)^  ended +\+")
        self.assertNotIn("Earlier attempts", out)


class Wide(e2e.ServerTest):
    """A run of more tasks than the server keeps events of in memory."""

    def test_waiting_and_following(self):
        count = 20000
        self.up(*[e2e.task("task-%d" % number) for number in range(count)], pipeline_id="wide")
        self.assertEqual(self.gofer("pipeline", "run", "wide", "--wait"),
                         ("run wide/1 SUCCESSFUL\n", ""))
        out, err = self.gofer("pipeline", "run", "wide", "--follow")
        self.assertEqual(out, "run wide/2 SUCCESSFUL\n")
        self.assertEqual(len(set(err.splitlines()) - {""}), count + 1)
        self.assertEqual(err.count("are not shown"), 1)
        out = self.answer("run", "get", "wide", "1", "--tasks", "0")
        self.assertEqual(len(out.split("Timeline:\n")[1].splitlines()), count)


class Retries(e2e.ServerTest):
    """run retry, repair and cancel of what has ended."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for command in ("true", "false"):
            cls.server.run("up", cls.file(cls, "hello.json", e2e.pipeline(
                "hello", e2e.task("greet", command))), *([] if command == "true" else ["--no-deploy"]))
        cls.server.run("pipeline", "run", "hello", "--wait", "-v", "WHO=you", "-l", "team=a",
                       "--input-json", "[1]")

    def test_retry(self):
        out, err = self.gofer("run", "retry", "hello", "1", "--reason", "again")
        self.assertRegex(out, r"^run hello/\d+ started\n$")
        self.assertRegex(err, r"^hint: gofer run get hello \d+\n$")
        run_id = self.answer("run", "retry", "hello", "1", "-o", "name").strip()
        run = self.json("run", "get", "hello", run_id)["run"]
        self.assertEqual((run["retriedRunId"], run["labels"]), ("1", {"team": "a"}))
        self.assertEqual(run["variables"][0]["value"], "you")
        self.assertEqual(self.answer("run", "input", "hello", run_id), "[1]")
        self.assertRegex(self.answer("run", "get", "hello", run_id), r"Retry of: +1\n")
        self.assertRegex(self.answer("run", "retry", "hello", "1", "--wait"),
                         r"^run hello/\d+ SUCCESSFUL\n$")
        self.assertIn("greet SUCCESSFUL", self.gofer("run", "retry", "hello", "1", "--follow")[1])

    def test_request_id(self):
        first = self.json("run", "retry", "hello", "1", "--request-id", "again-1")["run"]["runId"]
        self.assertEqual(
            self.json("run", "retry", "hello", "1", "--request-id", "again-1")["run"]["runId"], first)

    def test_errors(self):
        self.assertIn("no failed task", self.error("run", "retry", "hello", "1", "--failed",
                                                   code=CONFLICT))
        self.error("run", "retry", "hello", "999", code=NOT_FOUND)
        self.error("run", "retry", "hello", "1", "--failed", "--live", code=USAGE)
        self.error("run", "retry", "hello", "1", "--timeout", "1s", code=USAGE)
        self.error("run", "retry", "hello", "one", code=USAGE)

    def test_repair_of_a_healthy_run(self):
        self.assertEqual(self.answer("run", "repair", "hello", "1"),
                         "run hello/1 had nothing to repair\n")
        self.assertFalse(self.json("run", "repair", "hello", "1").get("changed", False))
        self.assertEqual(self.answer("run", "repair", "hello", "1", "-o", "name"), "1\n")
        self.error("run", "repair", "hello", "999", code=NOT_FOUND)

    def test_cancel_without_anything_to_cancel(self):
        self.assertEqual(self.answer("run", "cancel", "hello", "--all"),
                         "pipeline hello has no runs to cancel\n")
        self.assertEqual(self.answer("run", "cancel", "hello", "--all", "-o", "name"), "")
        self.assertEqual(self.json("run", "cancel", "hello", "--all"), {})
        self.error("run", "cancel", "hello", code=USAGE)
        self.error("run", "cancel", "hello", "1", "--all", code=USAGE)
        self.error("run", "cancel", "nope", "--all", code=NOT_FOUND)
        self.assertEqual(self.answer("task", "cancel", "hello", "1", "greet"),
                         "task greet of hello/1 had ended already\n")
        self.assertEqual(self.answer("task", "cancel", "hello", "1", "greet", "-o", "name"), "greet\n")
        self.error("task", "cancel", "hello", "1", "nobody", code=NOT_FOUND)

    def test_deleting_logs_where_there_are_none(self):
        call = ("task", "delete-logs", "hello", "1", "greet")
        self.assertIn("--yes", self.error(*call, code=USAGE))
        self.assertEqual(self.answer(*call, "--yes"), "task greet of hello/1 had no logs\n")
        self.assertEqual(self.answer(*call, "-y", "-o", "name"), "greet\n")
        self.assertEqual(self.json(*call, "-y"), {})
        self.error("task", "delete-logs", "hello", "1", "nobody", "--yes", code=NOT_FOUND)
        self.error("task", "delete-logs", "hello", "one", "greet", "--yes", code=USAGE)

    def test_logs_of_an_attempt_that_was_not_made(self):
        self.error("task", "logs", "hello", "1", "greet", "--attempt", "2", code=NOT_FOUND)
        self.error("task", "logs", "hello", "1", "greet", "--attempt", "0", code=USAGE)


class Lives(e2e.ServerTest):
    """Pipelines that are disabled and deleted, and how their runs fared."""

    def up_and_run(self, pipeline_id):
        self.up(e2e.task("one"), pipeline_id=pipeline_id)
        self.gofer("pipeline", "run", pipeline_id, "--wait")

    def test_disable_and_enable(self):
        self.up_and_run("nightly")
        self.assertEqual(self.answer("pipeline", "disable", "nightly", "--reason", "the disk is full"),
                         "pipeline nightly disabled\n")
        self.assertEqual(self.answer("pipeline", "disable", "nightly", "--reason", "the disk is full"),
                         "pipeline nightly is disabled already\n")
        out = self.answer("pipeline", "get", "nightly")
        self.assertRegex(out, r"State: +DISABLED\n")
        self.assertRegex(out, r"Reason: +the disk is full\n")
        error = self.error("pipeline", "run", "nightly", code=CONFLICT)
        self.assertIn("the disk is full", error)
        self.assertIn("hint: gofer pipeline enable nightly\n", error)
        self.error("run", "retry", "nightly", "1", code=CONFLICT)
        self.assertEqual(self.answer("pipeline", "enable", "nightly"), "pipeline nightly enabled\n")
        self.assertEqual(self.answer("pipeline", "enable", "nightly"),
                         "pipeline nightly is enabled already\n")
        self.assertEqual(self.answer("pipeline", "enable", "nightly", "-o", "name"), "nightly\n")
        self.assertFalse(self.json("pipeline", "enable", "nightly").get("changed", False))
        self.gofer("pipeline", "run", "nightly", "--wait")
        for verb in ("enable", "disable"):
            self.error("pipeline", verb, "nope", code=NOT_FOUND)

    def test_delete(self):
        self.up_and_run("doomed")
        self.assertIn("--yes", self.error("pipeline", "delete", "doomed", code=USAGE))
        self.gofer("pipeline", "get", "doomed")
        self.assertEqual(self.answer("pipeline", "delete", "doomed", "--yes"),
                         "pipeline doomed deleted\n")
        self.error("pipeline", "get", "doomed", code=NOT_FOUND)
        self.error("run", "get", "doomed", "1", code=NOT_FOUND)
        self.error("pipeline", "delete", "doomed", "-y", code=NOT_FOUND)
        self.up_and_run("doomed")
        self.assertEqual(self.lines("run", "list", "doomed", "-o", "name"), ["1"])

    def typed(self, text, *arguments):
        """Runs the CLI at a terminal where somebody types a line; gives exit code and what is seen."""
        ours, theirs = pty.openpty()
        try:
            with subprocess.Popen([self.server.gofer] + list(arguments), stdin=theirs, stderr=theirs,
                                  stdout=subprocess.PIPE, env=self.server.environment(),
                                  text=True) as process:
                seen = b""
                while b"[y/N]" not in seen:
                    seen += os.read(ours, 1000)
                os.write(ours, text)
                out = process.communicate(timeout=60)[0]
            return process.returncode, out, seen.decode()
        finally:
            os.close(ours)
            os.close(theirs)

    def test_delete_asks_at_a_terminal(self):
        self.up_and_run("asked")
        code, out, seen = self.typed(b"n\n", "pipeline", "delete", "asked")
        self.assertEqual((code, out), (FAILED, ""))
        self.assertIn("delete pipeline 'asked' of namespace 'default'", seen)
        self.gofer("pipeline", "get", "asked")
        code, out, _ = self.typed(b"yes\n", "pipeline", "delete", "asked")
        self.assertEqual((code, out), (OK, "pipeline asked deleted\n"))
        self.error("pipeline", "get", "asked", code=NOT_FOUND)

    def test_stats(self):
        self.up_and_run("counted")
        self.gofer("pipeline", "run", "counted", "--wait")
        rows = [line.split("\t") for line in self.lines("pipeline", "stats", "counted")]
        self.assertEqual([row[:5] for row in rows],
                         [[window, "2", "0", "0", "100.0%"] for window in ("1h", "1d", "7d", "30d")])
        rows = [line.split("\t") for line in self.lines("pipeline", "stats", "counted", "-w", "12h",
                                                        "--window", "1m")]
        self.assertEqual([row[0] for row in rows], ["12h", "1m"])
        self.assertEqual(len(self.json("pipeline", "stats", "counted")["stats"]), 4)
        out = self.answer("pipeline", "get", "counted", environment=TERMINAL)
        self.assertIn("Runs that ended within:\n", out)
        self.assertRegex(out, r"(?m)^WINDOW +SUCCESSFUL +FAILED +CANCELLED +SUCCESS +MEDIAN +P95 +QUEUED")
        self.assertRegex(out, r"(?m)^7d +2 +0 +0 +100.0%")
        self.error("pipeline", "stats", "counted", "-w", "soon", code=USAGE)
        self.error("pipeline", "stats", "counted", "-w", "1s", code=FAILED)
        self.error("pipeline", "stats", "nope", code=NOT_FOUND)

    def test_stats_of_a_pipeline_without_runs(self):
        self.up(e2e.task("one"), pipeline_id="fresh")
        self.assertNotIn("Runs that ended", self.answer("pipeline", "get", "fresh"))
        self.assertEqual(self.lines("pipeline", "stats", "fresh")[0].split("\t"),
                         ["1h", "0", "0", "0", "-", "-", "-", "-"])


class Configs(e2e.ServerTest):
    """Registering, comparing and deleting versions."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.specs = [
            e2e.pipeline("hello", e2e.task("greet", "true")),
            e2e.pipeline("hello", e2e.task("greet", "false"), e2e.task("after"), priority=5),
            e2e.pipeline("hello", e2e.task("greet", "false"), priority=5)]
        for number, spec in enumerate(cls.specs):
            cls.server.run("up", cls.file(cls, "%d.json" % number, spec),
                           *(["--no-deploy"] if number > 0 else []))

    def changes(self, *words):
        return {line.split("\t")[1]: line.split("\t") for line in self.lines("config", "diff", "hello",
                                                                             *words)}

    def test_diff_of_versions(self):
        changes = self.changes("1", "2")
        self.assertEqual(changes["priority"][0], "ADDED")
        self.assertEqual(changes["priority"][2:], ["", "5"])
        self.assertTrue(any(field.startswith("tasks[greet].command") for field in changes), changes)
        self.assertTrue(any(field.startswith("tasks[after]") for field in changes), changes)
        self.assertEqual(self.changes("2", "3").popitem()[1][0], "REMOVED")

    def test_diff_without_versions_is_of_live_and_newest(self):
        self.assertEqual(self.changes(), self.changes("1", "3"))
        self.assertEqual(self.changes("2"), self.changes("2", "3"))
        fields = self.lines("config", "diff", "hello", "-o", "name")
        self.assertEqual(fields, list(self.changes()))
        self.assertEqual(len(self.json("config", "diff", "hello")["changes"]), len(fields))
        each = [json.loads(line) for line in self.lines("config", "diff", "hello", "-o", "jsonl")]
        self.assertEqual([change["field"] for change in each], fields)

    def test_no_differences(self):
        self.assertEqual(self.answer("config", "diff", "hello", "2", "2"), "")
        self.assertEqual(self.gofer("config", "diff", "hello", "2", "2", environment=TERMINAL),
                         ("", "no differences\n"))

    def test_diff_on_a_terminal(self):
        out = self.answer("config", "diff", "hello", "1", "2", environment=TERMINAL)
        self.assertIn("priority\n  + 5\n", out)
        self.assertIn("  - ", out)

    def test_diff_with_a_file(self):
        path = self.file("next.json", e2e.pipeline("hello", e2e.task("greet", "true"), parallelism=3))
        self.assertEqual(list(self.changes("1", "--file", path)), ["parallelism"])
        with open(path, encoding="utf-8") as file:
            text = file.read()
        self.assertEqual(self.answer("config", "diff", "hello", "--file", "-", stdin=text),
                         self.answer("config", "diff", "hello", "1", "--file", path))
        self.assertEqual([row[0] for row in self.lines("config", "list", "hello")], ["3", "2", "1"])

    def test_diff_errors(self):
        path = self.file("bad.json", '{"id": "hello", "tasks": [\n {"id": "one", "image": "busybox"},\n'
                                     ' {"id": "one", "image": "busybox"}]}')
        error = self.error("config", "diff", "hello", "--file", path, code=FAILED)
        self.assertTrue(error.startswith("gofer: " + path + ":3:9: tasks[1].id: "), error)
        self.error("config", "diff", "hello", "1", "2", "--file", path, code=USAGE)
        self.error("config", "diff", "hello", "1", "9", code=NOT_FOUND)
        self.error("config", "diff", "nope", code=NOT_FOUND)
        self.error("config", "diff", "hello", "one", code=USAGE)

    def test_validate(self):
        path = self.file("good.json", self.specs[2])
        self.assertEqual(self.answer("config", "validate", path),
                         path + " is valid and says the same as the newest version\n")
        self.assertTrue(self.json("config", "validate", path)["valid"])
        path = self.file("new.json", e2e.pipeline("brand-new", e2e.task("one")))
        self.assertEqual(self.answer("config", "validate", path), path + " is valid\n")
        self.assertRegex(self.answer("config", "validate", path, "-o", "name"), r"^[0-9a-f]{64}\n$")
        self.error("pipeline", "get", "brand-new", code=NOT_FOUND)
        path = self.file("bad.json", '{"id": "bad", "tasks": [\n {"id": "one", "image": "busybox"},\n'
                                     ' {"id": "one", "image": "busybox"}]}')
        out, err = self.gofer("config", "validate", path, code=FAILED)
        self.assertTrue(out.startswith("ERROR %s:3:9: tasks[1].id: task 'one'" % path), out)
        self.assertEqual(err, "")
        problem = json.loads(self.gofer("config", "validate", path, "-o", "json",
                                        code=FAILED)[0])["problems"][0]
        self.assertEqual(problem["field"], "spec.tasks[1].id")
        error = self.error("config", "validate", self.file("broken.json", "{"), code=FAILED)
        self.assertIn("broken.json:1:", error)
        self.error("config", "validate", path, "-n", "nowhere", code=NOT_FOUND)

    def test_delete(self):
        for number in (1, 2):
            self.up(e2e.task("one"), pipeline_id="short", description=str(number))
            self.gofer("pipeline", "run", "short", "--wait")
        self.assertEqual(self.answer("config", "delete", "short", "1"),
                         "config short version 1 deleted\n")
        self.assertEqual(self.lines("config", "list", "short", "-o", "name"), ["2"])
        self.error("config", "delete", "short", "1", code=NOT_FOUND)
        self.error("config", "delete", "short", "2", code=CONFLICT)
        self.error("config", "delete", "short", "latest", code=USAGE)
        # What a run recorded stays; the name of the image was in the config alone.
        self.assertIn("SUCCESSFUL", self.answer("task", "get", "short", "1", "one"))
        self.assertNotIn("Image:", self.answer("task", "get", "short", "1", "one"))
        self.assertIn("Image:", self.answer("task", "get", "short", "2", "one"))

    def test_request_id_of_up(self):
        path = self.file("once.json", e2e.pipeline("once", e2e.task("one")))
        other = self.file("other.json", e2e.pipeline("once", e2e.task("two")))
        first = self.json("up", path, "--request-id", "once-1")["config"]["version"]
        self.gofer("up", other)
        again = self.json("up", path, "--request-id", "once-1")["config"]["version"]
        self.assertEqual((first, again), ("1", "1"))
        self.assertEqual(self.json("pipeline", "get", "once")["pipeline"]["liveVersion"], "2",
                         "the deployment is not made again either")
        self.error("up", other, "--request-id", "once-1", code=CONFLICT)
        self.error("up", path, "--request-id", "x" * 58, code=USAGE)


class Service(e2e.ServerTest):
    """The switches, the limits and the figures of the server; and its namespaces' share of it."""

    def test_pause_and_resume(self):
        self.up(e2e.task("one"), pipeline_id="paused")
        self.gofer("pipeline", "run", "paused", "--wait")
        self.assertRegex(self.answer("service", "preferences"), r"Run starts: +allowed\n")
        self.assertEqual(self.answer("service", "resume"), "starts of runs were not paused\n")
        self.assertEqual(self.answer("service", "pause", "--reason", "the registry moves"),
                         "starts of runs paused\n")
        self.assertEqual(self.answer("service", "pause", "--reason", "the registry moves"),
                         "starts of runs were paused already\n")
        for words in (["pipeline", "run", "paused"], ["run", "retry", "paused", "1"]):
            error = self.error(*words, code=CONFLICT)
            self.assertIn("the registry moves", error)
            self.assertIn("hint: gofer service resume\n", error)
        self.server.stop()
        self.server.start()
        out = self.answer("service", "preferences")
        self.assertRegex(out, r"Run starts: +paused\n")
        self.assertRegex(out, r"Reason: +the registry moves\n")
        self.assertTrue(self.json("service", "preferences")["preferences"]["runStartsPaused"])
        self.assertEqual(self.answer("service", "preferences", "-o", "name"), "paused\n")
        self.assertEqual(self.answer("service", "resume"), "starts of runs resumed\n")
        self.assertNotIn("Reason", self.answer("service", "preferences"))
        self.gofer("pipeline", "run", "paused", "--wait")

    def test_limits(self):
        rows = [line.split("\t") for line in self.lines("service", "limits")]
        self.assertEqual([row[0] for row in rows], sorted(row[0] for row in rows))
        self.assertGreater(len(rows), 10)
        for row in rows:
            self.assertRegex(row[1], r"^\d+$")
            self.assertIn(row[2], ("bytes", "milliseconds", "count"))
            self.assertNotEqual(row[3], "")
        self.assertEqual(self.lines("service", "limits", "-o", "name"), [row[0] for row in rows])
        self.assertEqual(len(self.json("service", "limits")["limits"]), len(rows))
        self.assertRegex(self.answer("service", "limits", environment=TERMINAL), r"\d (KiB|MiB) ")

    def test_summary(self):
        self.up(e2e.task("one"), pipeline_id="summed")
        self.gofer("pipeline", "run", "summed", "--wait")
        summary = self.json("service", "summary")
        self.assertGreaterEqual(int(summary["runCount"]), 1)
        self.assertGreater(int(summary["databaseBytes"]), 0)
        out = self.answer("service", "summary")
        self.assertRegex(out, r"Namespaces: +\d+\n")
        self.assertRegex(out, r"Runs: +\d+, of which 0 queued and 0 running\n")

    def test_parallelism_of_a_namespace(self):
        self.gofer("namespace", "create", "team-p", "--run-parallelism", "3")
        self.assertRegex(self.answer("namespace", "get", "team-p"), r"Parallelism: +3 runs at once\n")
        self.assertEqual(self.answer("namespace", "update", "team-p", "--run-parallelism", "3"),
                         "namespace team-p is as asked for already\n")
        self.gofer("namespace", "update", "team-p", "--run-parallelism", "0", "--name", "P")
        got = self.json("namespace", "get", "team-p")["namespace"]
        self.assertEqual((got["name"], got.get("runParallelism", 0)), ("P", 0))
        self.error("namespace", "create", "team-q", "--run-parallelism", "-1", code=USAGE)
        self.error("namespace", "create", "team-q", "--run-parallelism", "3000000000", code=USAGE)

    def test_request_id_of_a_namespace(self):
        self.gofer("namespace", "create", "team-r", "--request-id", "make-r")
        self.assertEqual(self.answer("namespace", "create", "team-r", "--request-id", "make-r"),
                         "namespace team-r created\n")
        self.error("namespace", "create", "team-s", "--request-id", "make-r", code=CONFLICT)
        self.error("namespace", "create", "team-r", code=CONFLICT)


if __name__ == "__main__":
    e2e.main()
