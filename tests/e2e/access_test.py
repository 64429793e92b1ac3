#!/usr/bin/python3
"""Tokens, roles, secrets and contexts: the CLI against servers that ask for tokens.

Usage: access_test.py GOFER [-kPATTERN]
"""

import base64
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import e2e  # pylint: disable=wrong-import-position
from e2e import (  # pylint: disable=wrong-import-position
    CONFLICT, FAILED, NOT_ALLOWED, NOT_FOUND, OK, UNREACHABLE, USAGE)

TOKEN_FORM = r"^gfr_[hber]_[0-9A-Za-z]{36}\n$"
VALUE = "correct-horse-battery-staple"


def mode_of(path):
    return stat.S_IMODE(os.stat(path).st_mode)


class AuthTest(e2e.ServerTest):
    """With a namespace of a team and a role for it, and a contexts file for each test."""

    auth = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server.run("namespace", "create", "team-a")
        cls.server.run("role", "create", "team-a-dev", "--like", "developer", "-n", "team-a")

    def setUp(self):
        self.contexts = os.path.join(tempfile.mkdtemp(dir=self.folder), "deep", "contexts.json")

    def run_gofer(self, *arguments, environment=None, **options):
        variables = {"GOFER_CONTEXTS": self.contexts}
        variables.update(environment or {})
        return super().run_gofer(*arguments, environment=variables, **options)

    def token(self, *options, user="alice", roles=("team-a-dev",)):
        """The environment with a new token, and what the token is called."""
        chosen = [word for role in roles for word in ("--role", role)]
        created = self.json("token", "create", "--user", user, *chosen, *options)
        return {"GOFER_TOKEN": created["tokenText"]}, created["token"]["tokenId"]

    def register(self, pipeline_id, namespace="team-a", **variables):
        path = self.file(pipeline_id + ".json", e2e.pipeline(
            pipeline_id, e2e.task("one", variables=variables)))
        self.gofer("up", path, "-n", namespace)


class Tokens(AuthTest):

    def test_bootstrap_happens_once(self):
        self.assertRegex(self.server.token + "\n", TOKEN_FORM)
        error = self.error("token", "bootstrap", code=CONFLICT)
        self.assertIn("first token", error)
        self.error("token", "bootstrap", "--save-as-context", "admin", code=CONFLICT)

    def test_without_a_token(self):
        error = self.error("pipeline", "list", environment={"GOFER_TOKEN": ""}, code=NOT_ALLOWED)
        self.assertIn("hint: no token was sent", error)
        self.assertIn("gofer token bootstrap", error)
        self.gofer("service", "info", environment={"GOFER_TOKEN": ""})

    def test_wrong_tokens(self):
        wrong = self.server.token[:-1] + ("A" if self.server.token[-1] != "A" else "B")
        for token in (wrong, "gfr_h_" + "0" * 36, "nonsense"):
            error = self.error("pipeline", "list", environment={"GOFER_TOKEN": token}, code=NOT_ALLOWED)
            self.assertIn("hint: the token is that of GOFER_TOKEN", error)
            self.assertNotIn(token, error)

    def test_life_of_a_token(self):
        out, err = self.gofer("token", "create", "--user", "alice", "--kind", "human", "--role", "team-a-dev",
                              "--lifetime", "30d", "--description", "hers", "--metadata", "desk=4")
        self.assertRegex(out, TOKEN_FORM)
        self.assertRegex(err, r"^token tok_\w+ for alice, with the roles team-a-dev; ")
        token_id = err.split()[1]
        mine = {"GOFER_TOKEN": out.strip()}
        token = self.json("token", "get", token_id)["token"]
        self.assertEqual(
            (token["user"], token["kind"], token["roleIds"], token["metadata"], token["state"]),
            ("alice", "TOKEN_KIND_HUMAN", ["team-a-dev"], {"desk": "4"}, "TOKEN_STATE_ENABLED"))
        self.assertIn("expireTime", token)
        self.assertEqual(self.json("whoami", environment=mine)["token"]["tokenId"], token_id)
        self.assertEqual(self.answer("whoami", "-o", "name", environment=mine).strip(), token_id)
        self.assertIn(token_id, self.lines("token", "list", "--user", "alice", "-o", "name"))
        self.assertNotIn(out.strip(), self.answer("token", "list", "-o", "json"))
        self.gofer("pipeline", "list", "-n", "team-a", environment=mine)

        self.assertEqual(self.answer("token", "disable", token_id), "token %s disabled\n" % token_id)
        self.assertEqual(self.answer("token", "disable", token_id), "token %s is disabled already\n" % token_id)
        self.error("pipeline", "list", "-n", "team-a", environment=mine, code=NOT_ALLOWED)
        self.assertEqual(self.answer("token", "enable", token_id), "token %s enabled\n" % token_id)
        self.gofer("pipeline", "list", "-n", "team-a", environment=mine)

        self.error("token", "delete", token_id, code=USAGE)
        self.assertEqual(self.answer("token", "delete", token_id, "--yes"), "token %s deleted\n" % token_id)
        self.error("pipeline", "list", "-n", "team-a", environment=mine, code=NOT_ALLOWED)
        error = self.error("token", "get", token_id, code=NOT_FOUND)
        self.assertIn("hint: gofer token list", error)
        self.error("token", "delete", token_id, "--yes", code=NOT_FOUND)

    def test_a_file_of_its_own(self):
        path = os.path.join(self.folder, "its.token")
        for mode, warned in ((0o644, True), (0o600, False)):
            with open(path, "w", encoding="utf-8") as file:
                os.chmod(path, mode)
                result = subprocess.run(
                    [self.server.gofer, "token", "create", "--user", "x", "--role", "reader"], stdout=file,
                    env=self.server.environment(), stderr=subprocess.PIPE, text=True, check=True)
            with open(path, encoding="utf-8") as file:
                self.assertRegex(file.read(), TOKEN_FORM)
            self.assertEqual("is open to others: chmod 600" in result.stderr, warned, result.stderr)

    def test_made_once(self):
        first = self.json("token", "create", "--user", "ci", "--role", "reader", "--request-id", "once")
        again, err = self.gofer("token", "create", "--user", "ci", "--role", "reader", "--request-id", "once",
                                "-o", "json")
        self.assertEqual(json.loads(again)["token"]["tokenId"], first["token"]["tokenId"])
        self.assertNotIn("tokenText", json.loads(again))
        self.assertIn("cannot be had again", err)
        self.gofer("token", "create", "--user", "ci", "--role", "reader", "--request-id", "once", code=FAILED)

    def test_what_cannot_be(self):
        own = self.answer("whoami", "-o", "name").strip()
        self.error("token", "disable", own, code=CONFLICT)
        self.error("token", "delete", own, "--yes", code=CONFLICT)
        self.error("token", "create", "--user", "x", "--role", "nowhere", code=NOT_FOUND)
        self.error("token", "create", "--user", "x", "--role", "bootstrap", code=NOT_ALLOWED)
        self.error("token", "create", "--user", "x", "--role", "reader", "-o", "name", code=USAGE)
        self.error("token", "create", "--user", "x", "--lifetime", "1s", "--role", "reader", code=USAGE)
        self.error("token", "create", "--role", "reader", code=USAGE)
        self.error("token", "create", "--user", "x", "--token", "gfr_x", "--role", "reader", code=USAGE)

    def test_nobody_gives_more_than_they_have(self):
        self.gofer("role", "create", "clerk", "--allow", "all:tokens,roles", "--allow", "read:runs@team-a")
        clerk, _ = self.token(user="clerk", roles=["clerk"])
        self.gofer("token", "create", "--user", "x", "--role", "clerk", environment=clerk)
        self.error("token", "create", "--user", "x", "--role", "admin", environment=clerk, code=NOT_ALLOWED)
        self.error("role", "create", "more", "--allow", "write:runs@team-a", environment=clerk, code=NOT_ALLOWED)
        self.gofer("role", "create", "less", "--allow", "read:runs/x*@team-a", environment=clerk)

    def test_expired_ones_are_cleared_away(self):
        self.assertEqual(self.answer("token", "delete-expired"), "0 expired tokens deleted\n")
        self.assertEqual(self.answer("token", "delete-expired", "-o", "name"), "0\n")

    def test_a_stream_ends_with_its_token(self):
        mine, token_id = self.token()
        with subprocess.Popen(
                [self.server.gofer, "event", "list", "--follow", "-n", "team-a", "-o", "jsonl"],
                env=dict(self.server.environment(), **mine), stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as follower:
            self.addCleanup(follower.kill)
            # It follows once it shows what happened.
            while follower.poll() is None:
                self.register("seen")
                self.gofer("pipeline", "delete", "seen", "-n", "team-a", "--yes")
                if follower.stdout.readline():
                    break
            self.gofer("token", "disable", token_id)
            _, err = follower.communicate(timeout=e2e.WAIT_S)
            self.assertEqual(follower.returncode, NOT_ALLOWED, err)


class Parts(AuthTest):
    """Who may do a part of what a command does."""

    def test_a_pipeline_is_shown_without_its_runs(self):
        self.register("parts")
        self.gofer("pipeline", "run", "parts", "-n", "team-a", "--wait")
        self.gofer("role", "create", "parts-reader", "--allow",
                   "read:pipelines,pipeline-configs@team-a")
        reader = self.token(roles=["parts-reader"])[0]
        result = self.run_gofer("pipeline", "get", "parts", "-n", "team-a", environment=reader)
        self.assertEqual(result.returncode, OK, result.stderr)
        self.assertIn("Newest run:   1", result.stdout)
        self.assertIn("left out: needs action READ on resource RUNS", result.stderr)


class Roles(AuthTest):

    def test_life_of_a_role(self):
        self.assertEqual(
            self.answer("role", "create", "watcher", "--allow", "read:runs,task-executions/web-*|api-*@team-*",
                        "--allow", "read:images", "--description", "looks on", "-n", "team-a"),
            "role watcher created\n")
        self.error("role", "create", "watcher", "--allow", "read:runs", code=CONFLICT)
        out = self.answer("role", "get", "watcher")
        self.assertIn("Permissions:\n  read:runs,task-executions/web-*|api-*@team-*\n  read:images@team-a\n", out)
        self.assertEqual(self.answer("role", "update", "watcher", "--allow", "read:runs@team-a"),
                         "role watcher updated\n")
        self.assertEqual(self.answer("role", "update", "watcher", "--allow", "read:runs@team-a"),
                         "role watcher is as asked for already\n")
        self.assertIn("Description: looks on\n", self.answer("role", "get", "watcher"))
        self.assertIn("watcher", self.lines("role", "list", "-o", "name"))
        _, token_id = self.token(roles=["watcher"])
        self.error("role", "delete", "watcher", "--yes", code=CONFLICT)
        self.gofer("token", "delete", token_id, "--yes")
        self.assertEqual(self.answer("role", "delete", "watcher", "--yes"), "role watcher deleted\n")
        self.error("role", "get", "watcher", code=NOT_FOUND)

    def test_a_change_holds_at_once(self):
        self.gofer("role", "create", "changing", "--allow", "read:pipelines@team-a")
        mine, _ = self.token(roles=["changing"])
        self.gofer("pipeline", "list", "-n", "team-a", environment=mine)
        self.gofer("role", "update", "changing", "--allow", "read:pipelines@default")
        self.error("pipeline", "list", "-n", "team-a", environment=mine, code=NOT_ALLOWED)
        self.gofer("pipeline", "list", environment=mine)

    def test_files(self):
        role = self.json("role", "get", "team-a-dev")["role"]
        path = self.file("role.json", dict(role, roleId="copied", description="a copy"))
        self.gofer("role", "create", "copied", "--file", path)
        copied = self.json("role", "get", "copied")["role"]
        self.assertEqual((copied["permissions"], copied["description"]), (role["permissions"], "a copy"))
        error = self.error("role", "create", "other", "--file", path, code=FAILED)
        self.assertIn("role.json:1:", error)
        path = self.file("bad.json", {"permissions": [{"namespaces": ["a b"], "actions": [
            "PERMISSION_ACTION_READ"], "targets": [{"resource": "PERMISSION_RESOURCE_RUNS"}]}]})
        self.assertIn("bad.json:1:34: permissions[0].namespaces[0]: ",
                      self.error("role", "create", "other", "--file", path, code=FAILED))
        self.assertIn("permissions[0]",
                      self.error("role", "create", "other", "--allow", "read-logs:runs@team-a", code=FAILED))

    def test_roles_of_the_system(self):
        self.assertIn("system", self.answer("role", "list").split("\n")[0])
        error = self.error("role", "update", "admin", "--description", "x", code=CONFLICT)
        self.assertIn("admin", error)
        self.error("role", "delete", "reader", "--yes", code=CONFLICT)

    def test_methods(self):
        lines = self.lines("role", "methods")
        self.assertIn("gofer.v1.RunService/StartRun\twrite\truns", lines)
        self.assertIn("gofer.v1.SystemService/GetSystemInfo\t-\tno token needed", lines)
        self.assertEqual(len(self.json("role", "methods")["methods"]), len(lines))

    def test_walls(self):
        mine, token_id = self.token()
        self.register("inside")
        self.register("outside", namespace="default")
        self.assertEqual(self.answer("pipeline", "list", "-n", "team-a", "-o", "name", environment=mine), "inside\n")
        there = self.error("pipeline", "get", "outside", environment=mine, code=NOT_ALLOWED)
        absent = self.error("pipeline", "get", "not-there", environment=mine, code=NOT_ALLOWED)
        self.assertEqual(there, absent, "a denial does not tell what there is")
        self.assertIn("needs action READ on resource PIPELINES in namespace 'default'", there)
        self.assertNotIn("default", self.lines("namespace", "list", "-o", "name", environment=mine))
        error = self.error("pipeline", "get", "outside", "--verbose", environment=mine, code=NOT_ALLOWED)
        self.assertIn("code: PERMISSION_DENIED", error)
        self.assertIn("you are: token %s of alice, with the roles team-a-dev\n" % token_id, error)

    def test_completion(self):
        def complete(*words):
            return [line.split("\t")[0] for line in self.lines("__complete", *words)]
        self.assertEqual(complete("role", "get", "team-a-d"), ["team-a-dev"])
        self.assertEqual(complete("token", "create", "--role", "team-a-d"), ["team-a-dev"])
        self.assertEqual(complete("token", "create", "--kind", "h"), ["human"])
        self.assertEqual(complete("role", "up"), ["update"])
        self.assertEqual(complete("help", "tok"), ["token"])
        self.assertEqual(complete("help", "token", "boot"), ["bootstrap"])
        self.gofer("context", "set", "somewhere", "--host", "127.0.0.1:1")
        self.assertEqual(complete("context", "use", "some"), ["somewhere"])
        self.assertEqual(complete("pipeline", "list", "-c", "some"), ["somewhere"])
        self.assertEqual(complete("-c", "some"), ["somewhere"])
        self.assertEqual(complete("-c", "somewhere", "role", "get", ""), [])
        self.gofer("secret", "put", "--global", "shared-key", "--namespaces", "x*", stdin=VALUE)
        self.assertEqual(complete("secret", "get", "--global", "shared"), ["shared-key"])


class Secrets(AuthTest):

    def setUp(self):
        super().setUp()
        self.register("backup")

    def put(self, *arguments, value=VALUE, **options):
        return self.gofer("secret", "put", *arguments, "-n", "team-a", stdin=value, **options)

    def reveal(self, *arguments):
        return self.answer("secret", "reveal", *arguments, "-n", "team-a")

    def test_life_of_a_secret(self):
        self.assertEqual(self.put("backup", "db-password", "--description", "of the database"),
                         ("secret backup/db-password created\n", ""))
        _, err = self.put("backup", "db-password", code=CONFLICT)
        self.assertIn("hint: --force", err)
        self.assertEqual(self.put("backup", "db-password", "--force", value="another-long-value")[0],
                         "secret backup/db-password updated: version 2\n")
        out = self.answer("secret", "get", "backup", "db-password", "-n", "team-a")
        self.assertRegex(out, r"Description: of the database\n")
        self.assertRegex(out, r"Versions:\n2\t\S+\tbootstrap\t18\n1\t\S+\tbootstrap\t28\n")
        secret = self.json("secret", "get", "backup", "db-password", "-n", "team-a")["secret"]
        self.assertEqual((secret["latestVersion"], secret["pipelineId"]), ("2", "backup"))
        self.assertEqual(self.reveal("backup", "db-password"), "another-long-value")
        self.assertEqual(self.reveal("backup", "db-password", "--version", "1"), VALUE)
        revealed = self.json("secret", "reveal", "backup", "db-password", "-n", "team-a")
        self.assertEqual(base64.b64decode(revealed["plaintext"]), b"another-long-value")
        self.assertIn("db-password", self.lines("secret", "list", "backup", "-n", "team-a", "-o", "name"))
        self.error("secret", "delete", "backup", "db-password", "-n", "team-a", code=USAGE)
        self.assertEqual(self.answer("secret", "delete", "backup", "db-password", "-n", "team-a", "--yes"),
                         "secret db-password deleted\n")
        error = self.error("secret", "get", "backup", "db-password", "-n", "team-a", code=NOT_FOUND)
        self.assertIn("hint: gofer secret list backup -n team-a", error)

    def test_where_values_come_from(self):
        self.put("backup", "from-stdin", value=VALUE + "\n")
        self.assertEqual(self.reveal("backup", "from-stdin"), VALUE)
        self.put("backup", "from-stdin", "--force", "--exact", value=VALUE + "\n")
        self.assertEqual(self.reveal("backup", "from-stdin"), VALUE + "\n")
        self.put("backup", "from-stdin", "--force", "--unsealed", value=VALUE + "\n\n")
        self.assertEqual(self.reveal("backup", "from-stdin"), VALUE + "\n")
        path = self.file("value.txt", VALUE + "\n")
        self.put("backup", "from-file", "--file", path)
        self.assertEqual(self.reveal("backup", "from-file"), VALUE + "\n")
        self.put("backup", "largest", value="a" * 65536)
        self.assertEqual(len(self.reveal("backup", "largest")), 65536)
        for arguments, value, code in ((["backup", "bad"], "", FAILED),
                                       (["backup", "bad"], "a" * 65538, FAILED),
                                       (["backup", "bad", "hush-hush"], VALUE, USAGE),
                                       (["backup", "bad", "--file", "/nowhere/x"], VALUE, NOT_FOUND),
                                       (["backup", "x"], VALUE, FAILED),
                                       (["nowhere", "bad"], VALUE, NOT_FOUND)):
            with self.subTest(arguments=arguments):
                out, err = self.put(*arguments, value=value, code=code)
                self.assertNotIn(VALUE, out + err)
        self.error("secret", "get", "backup", "bad", "-n", "team-a", code=NOT_FOUND)

    def test_what_cannot_be_masked_is_warned_about(self):
        out, err = self.put("backup", "short", value="abc")
        self.assertEqual(out, "secret backup/short created\n")
        self.assertTrue(err.startswith("warning: "), err)
        self.assertNotIn("abc", err)
        self.put("backup", "short-too", "-q", value="abc")

    def test_global_secrets(self):
        self.gofer("secret", "put", "--global", "registry-key", "--namespaces", "team-*,ops", stdin=VALUE)
        self.assertRegex(self.answer("secret", "list", "--global"), r"registry-key\t1\tteam-\*,ops\t")
        self.assertIn("Namespaces:  team-*,ops\n", self.answer("secret", "get", "--global", "registry-key"))
        self.assertEqual(self.answer("secret", "reveal", "-g", "registry-key"), VALUE)
        self.gofer("secret", "put", "--global", "registry-key", "--force", "--namespaces", "ops", stdin="a-new-value")
        self.assertIn("Namespaces:  ops\n", self.answer("secret", "get", "--global", "registry-key"))
        self.error("secret", "put", "--global", "no-namespaces", stdin=VALUE, code=USAGE)
        self.gofer("secret", "delete", "--global", "registry-key", "--yes")
        self.error("secret", "get", "--global", "registry-key", code=NOT_FOUND)

    def test_rights_of_their_own(self):
        self.put("backup", "guarded")
        mine, _ = self.token()
        self.gofer("secret", "get", "backup", "guarded", "-n", "team-a", environment=mine)
        error = self.error("secret", "reveal", "backup", "guarded", "-n", "team-a", environment=mine,
                           code=NOT_ALLOWED)
        self.assertIn("needs action REVEAL_SECRET on resource PIPELINE_SECRETS", error)
        self.assertNotIn(VALUE, error)
        self.put("backup", "guarded", "--force", environment=mine, code=NOT_ALLOWED)
        self.error("secret", "delete", "backup", "guarded", "-n", "team-a", "--yes", environment=mine,
                   code=NOT_ALLOWED)
        self.error("secret", "rotate-keys", "--scope", "namespace", environment=mine, code=NOT_ALLOWED)

    def test_keys_are_rotated(self):
        self.put("backup", "turning")
        for scope in ("namespace", "sealing"):
            self.assertRegex(self.answer("secret", "rotate-keys", "--scope", scope), "^%s keys rotated; " % scope)
            self.assertEqual(self.reveal("backup", "turning"), VALUE)
        self.gofer("secret", "rotate-keys", "--scope", "namespace", "-n", "team-a")
        self.put("backup", "turning", "--force", value="sealed-to-the-new-key")
        self.assertEqual(self.reveal("backup", "turning"), "sealed-to-the-new-key")
        self.error("secret", "rotate-keys", "--scope", "namespace", "-n", "nowhere", code=NOT_FOUND)

    def test_what_happened_is_an_event_without_the_value(self):
        self.put("backup", "told")
        self.reveal("backup", "told")
        events = self.answer("event", "list", "--all-namespaces", "-o", "jsonl")
        self.assertIn("REVEALED", events)
        self.assertIn('"key":"told"', events)
        self.assertRegex(self.answer("event", "list", "-n", "team-a", "--kind", "secret-revealed"),
                         r"SECRET_REVEALED\tbackup/told version 1\t\tbootstrap\n")
        self.assertNotIn(VALUE, events)


class Contexts(AuthTest):

    def bare(self, *arguments, **options):
        """A command that knows its server by contexts alone."""
        variables = {"GOFER_HOST": "", "GOFER_TOKEN": "", "GOFER_CONTEXTS": self.contexts}
        variables.update(options.pop("environment", {}))
        return self.gofer(*arguments, environment=variables, **options)

    def text(self):
        with open(self.contexts, encoding="utf-8") as file:
            return file.read()

    def test_a_context_leads_to_its_server(self):
        out, err = self.bare("context", "set", "work", "--host", self.server.address, "-n", "team-a",
                             "--token-stdin", stdin=self.server.token + "\n")
        self.assertEqual((out, err), ("context work created, and in use\n", ""))
        self.assertEqual((mode_of(self.contexts), mode_of(os.path.dirname(self.contexts))), (0o600, 0o700))
        self.register("context-run")
        self.assertIn("context-run", self.bare("pipeline", "list", "-o", "name")[0])
        self.assertEqual(self.bare("pipeline", "list", "-n", "default", "-o", "name")[0], "")
        for form in ("table", "json", "jsonl", "name"):
            for command in (["context", "list"], ["context", "get"], ["context", "get", "work"]):
                self.assertNotIn("gfr_", "".join(self.bare(*command, "-o", form)))
        listed = json.loads(self.bare("context", "list", "-o", "json")[0])["contexts"]
        self.assertEqual(listed, [{"name": "work", "current": True, "host": self.server.address,
                                   "namespace": "team-a", "tokenSet": True}])

    def test_tokens_are_saved_as_contexts(self):
        out = self.answer("token", "create", "--user", "alice", "--role", "team-a-dev", "-n", "team-a",
                          "--save-as-context", "alice")
        self.assertRegex(out, r"^token tok_\w+ created, and kept in context alice\n$")
        self.assertEqual(self.bare("whoami", "-o", "name")[0].strip(), out.split()[1])
        self.assertIn(out.split()[1], self.bare("context", "get")[0])
        self.assertEqual(mode_of(self.contexts), 0o600)
        created = self.json("token", "create", "--user", "bob", "--role", "reader", "--save-as-context", "bob")
        self.assertEqual(created.get("tokenText", ""), "")
        self.assertNotEqual(self.bare("whoami", "-c", "bob", "-o", "name")[0], self.bare("whoami", "-o", "name")[0])
        self.error("token", "create", "--user", "x", "--role", "reader", "--save-as-context", "a b", code=USAGE)

    def test_what_counts(self):
        self.bare("context", "set", "here", "--host", self.server.address, "--token-stdin", stdin=self.server.token)
        self.bare("context", "set", "there", "--host", "127.0.0.1:1")
        self.bare("pipeline", "list", "-c", "there", code=UNREACHABLE)
        self.bare("pipeline", "list", environment={"GOFER_CONTEXT": "there"}, code=UNREACHABLE)
        self.bare("pipeline", "list", "-c", "here", environment={"GOFER_CONTEXT": "there"})
        self.bare("pipeline", "list", "-c", "here", environment={"GOFER_HOST": "127.0.0.1:1"})
        self.bare("pipeline", "list", environment={"GOFER_HOST": "127.0.0.1:1"}, code=UNREACHABLE)
        self.bare("pipeline", "list", environment={"GOFER_TOKEN": "gfr_h_x"}, code=NOT_ALLOWED)
        _, err = self.bare("pipeline", "list", "--host", self.server.socket, code=NOT_ALLOWED)
        self.assertIn("no token was sent", err, "the token is for another address")
        self.bare("pipeline", "list", "-c", "here", "--host", self.server.socket)
        _, err = self.bare("pipeline", "list", "-c", "nowhere", code=NOT_FOUND)
        self.assertIn("hint: gofer context list", err)

    def test_change_and_delete(self):
        self.bare("context", "set", "one", "--host", "127.0.0.1:1", "--token-stdin", stdin="gfr_h_one")
        self.bare("context", "set", "two", "--host", "127.0.0.1:2")
        self.assertEqual(self.bare("context", "use", "two")[0], "context two is in use\n")
        self.assertEqual(self.bare("context", "get", "-o", "name")[0], "two\n")
        _, err = self.bare("context", "set", "one", "--host", "127.0.0.1:3", code=FAILED)
        self.assertIn("is for '127.0.0.1:1'", err)
        self.assertIn("gfr_h_one", self.text())
        self.bare("context", "set", "one", "--host", "127.0.0.1:3", "--unset", "token")
        self.assertNotIn("gfr_h_one", self.text())
        self.bare("context", "set", "one", "--tls-ca", "ca.pem", "--token-file", "t.token", cwd=self.folder)
        one = json.loads(self.bare("context", "get", "one", "-o", "json")[0])
        self.assertEqual((one["tlsCaFile"], one["tokenFile"], one["tls"]),
                         (os.path.join(self.folder, "ca.pem"), os.path.join(self.folder, "t.token"), True))
        self.bare("context", "delete", "two", code=USAGE)
        self.assertEqual(self.bare("context", "delete", "two", "--yes")[0], "context two deleted\n")
        self.bare("context", "get", code=NOT_FOUND)
        self.bare("context", "use", "two", code=NOT_FOUND)
        self.bare("context", "set", "x", code=FAILED)

    def test_files_that_others_may_read_are_refused(self):
        self.bare("context", "set", "work", "--host", self.server.address, "--token-stdin", stdin=self.server.token)
        os.chmod(self.contexts, 0o644)
        for command in (["pipeline", "list"], ["context", "list"], ["context", "set", "other"]):
            _, err = self.bare(*command, code=CONFLICT)
            self.assertIn("is open to others (mode 0644), and is not used: chmod 600 " + self.contexts, err)
        os.chmod(self.contexts, 0o600)
        self.bare("pipeline", "list")
        os.chmod(os.path.dirname(self.contexts), 0o777)
        self.bare("context", "set", "other", code=CONFLICT)
        path = self.file("a.token", self.server.token + "\n")
        os.chmod(path, 0o644)
        _, err = self.bare("pipeline", "list", "--host", self.server.address, "--token-file", path, code=CONFLICT)
        self.assertIn("chmod 600 " + path, err)
        os.chmod(path, 0o600)
        self.bare("pipeline", "list", "--host", self.server.address, "--token-file", path)
        self.bare("pipeline", "list", environment={"GOFER_HOST": self.server.address, "GOFER_TOKEN_FILE": path})

    def test_a_broken_file(self):
        self.bare("context", "set", "work", "--host", self.server.address)
        with open(self.contexts, "w", encoding="utf-8") as file:
            file.write('{"contexts": {\n  "work": {"hots": "x"}}}')
        _, err = self.bare("pipeline", "list", code=FAILED)
        self.assertIn("%s:2:12: 'hots' is not known here" % self.contexts, err)
        self.bare("context", "set", "work", "--host", "127.0.0.1:1", code=FAILED)
        self.bare("version")
        self.bare("help", "connection")
        self.assertEqual(self.bare("__complete", "pipeline", "get", ""), ("", ""))

    def test_nothing_goes_in_the_clear(self):
        _, err = self.bare("pipeline", "list", "--host", "192.0.2.1:8080",
                           environment={"GOFER_TOKEN": self.server.token}, code=CONFLICT)
        self.assertIn("is not sent to '192.0.2.1:8080' without TLS", err)
        self.assertIn("hint: --tls", err)
        self.assertNotIn(self.server.token, err)


class OverTls(unittest.TestCase):
    """A server whose address has a certificate."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="gofer-tls-", dir="/tmp")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        cls.cert, cls.key = cls.make_certificate("server")
        config = os.path.join(cls.folder, "config.yaml")
        with open(config, "w", encoding="utf-8") as file:
            file.write("tls:\n  certificate_file: %s\n  key_file: %s\n" % (cls.cert, cls.key))
        cls.server = e2e.GoferServer(e2e.GOFER, options=["--config", config], auth=True)
        cls.addClassCleanup(cls.server.__exit__)
        cls.server.start()
        cls.host = cls.server.address

    @classmethod
    def make_certificate(cls, name):
        path = os.path.join(cls.folder, name)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", path + ".key", "-out", path + ".pem", "-days", "1", "-subj", "/CN=gofer",
                        "-addext", "subjectAltName=IP:127.0.0.1,DNS:gofer.example"], check=True, capture_output=True)
        os.chmod(path + ".key", 0o600)
        return path + ".pem", path + ".key"

    def gofer(self, *arguments, code=OK, **environment):
        variables = dict(self.server.environment(), GOFER_HOST=self.host, **environment)
        result = subprocess.run([e2e.GOFER] + list(arguments), env=variables, stdin=subprocess.DEVNULL, timeout=60,
                                capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return result.stdout + result.stderr

    def test_options_and_environment(self):
        self.gofer("whoami", "--tls-ca", self.cert)
        self.gofer("whoami", GOFER_TLS_CA=self.cert)
        self.gofer("whoami", "--tls-ca", self.cert, "--tls-server-name", "gofer.example")
        self.gofer("whoami", GOFER_TLS_CA=self.cert, GOFER_TLS="0", code=UNREACHABLE)

    def test_who_the_server_is_is_checked(self):
        other, _ = self.make_certificate("other")
        refused = self.gofer("whoami", "--tls-ca", other, code=UNREACHABLE)
        self.assertRegex(refused, r"^gofer: server '\S+' cannot be reached: .*certificate verify failed\nhint: --tls-ca")
        self.gofer("whoami", "--tls", code=UNREACHABLE)
        self.gofer("whoami", "--tls-ca", self.cert, "--tls-server-name", "else.example", code=UNREACHABLE)
        self.assertIn("hint: a server that speaks TLS does so: try --tls",
                      self.gofer("whoami", code=UNREACHABLE, GOFER_TLS_CERT="", GOFER_TLS_KEY=""))
        self.assertIn("no-such.pem", self.gofer("whoami", "--tls-ca", "/no-such.pem", code=USAGE))
        contexts = {"GOFER_CONTEXTS": os.path.join(self.folder, "lost.json"), "GOFER_TLS_CERT": "", "GOFER_TLS_KEY": ""}
        self.gofer("context", "set", "lost", "--host", self.host, "--tls-ca", "/no-such.pem", **contexts)
        refused = self.gofer("whoami", "-c", "lost", code=FAILED, **contexts)
        self.assertIn("gofer: context 'lost': TLS authorities: file '/no-such.pem'", refused)
        self.assertNotIn("usage:", refused)
        self.assertIn("must be given together",
                      self.gofer("whoami", "--tls-cert", self.cert, code=USAGE, GOFER_TLS_KEY=""))

    def test_a_context_keeps_it(self):
        contexts = {"GOFER_CONTEXTS": os.path.join(self.folder, "contexts.json"), "GOFER_TOKEN": ""}
        with open(os.path.join(self.folder, "t.token"), "w", encoding="utf-8") as file:
            os.chmod(file.name, 0o600)
            file.write(self.server.token + "\n")
        self.gofer("context", "set", "secure", "--host", self.host, "--tls-ca", self.cert, "--token-file",
                   file.name, **contexts)
        self.assertIn("Authorities: " + self.cert, self.gofer("context", "get", **contexts))
        self.gofer("whoami", **contexts)
        self.gofer("token", "create", "--user", "x", "--role", "reader", "--save-as-context", "reader", **contexts)
        self.assertIn("reader", self.gofer("whoami", "-c", "reader", **contexts))


class ClientCertificates(OverTls):
    """The same server, but it asks clients for certificates as well."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server.stop()
        client, cls.client_key = cls.make_certificate("client")
        cls.client_cert = client
        with open(os.path.join(cls.folder, "config.yaml"), "a", encoding="utf-8") as file:
            file.write("  client_ca_file: %s\n" % client)
        cls.server.start()
        cls.host = cls.server.address

    def gofer(self, *arguments, code=OK, **environment):
        certificate = {"GOFER_TLS_CERT": self.client_cert, "GOFER_TLS_KEY": self.client_key}
        return super().gofer(*arguments, code=code, **dict(certificate, **environment))

    def test_without_one(self):
        refused = self.gofer("whoami", "--tls-ca", self.cert, GOFER_TLS_CERT="", GOFER_TLS_KEY="", code=UNREACHABLE)
        self.assertIn("hint: the server may ask for your certificate: --tls-cert", refused)
        other, key = self.make_certificate("another")
        self.gofer("whoami", "--tls-ca", self.cert, "--tls-cert", other, "--tls-key", key, code=UNREACHABLE)
        self.assertIn("cannot be used together", self.gofer("whoami", "--tls-cert", other, code=USAGE))


class Diagnosis(AuthTest):

    def test_diagnose(self):
        checks = {check["name"]: check for check in self.json("service", "doctor")["checks"]}
        self.assertEqual(checks["authentication"]["result"], "SYSTEM_CHECK_RESULT_OK")
        self.assertRegex(self.answer("service", "doctor"), r"(?m)^master_key\tOK\t")
        self.assertIn("secrets", self.lines("service", "doctor", "-o", "name"))


if __name__ == "__main__":
    e2e.main()
