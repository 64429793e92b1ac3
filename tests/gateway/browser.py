"""Headless Chromium, driven by its DevTools protocol over two pipes: no driver, no port.

    with Browser() as browser:
        page = browser.open("http://127.0.0.1:8081/page.html")
        value = browser.evaluate(page, "work()")      # awaits a promise; gives what it gave, as JSON
"""

import json
import os
import select
import shutil
import subprocess
import tempfile
import time

CHROMIUM = "chromium-headless-shell"
ANSWER_TIMEOUT_S = 120
# Tests run as root, where Chromium's own sandbox does not start; its pages are ours.
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-pipe",
           "--no-first-run", "--disable-background-networking", "--disable-component-update",
           "--disable-default-apps", "--disable-sync", "--no-proxy-server"]


class Browser:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="gofer-browser-", dir="/tmp")
        self.messages = []  # what the pages have written to their consoles, and errors
        self.next_id = 0
        self.left = b""
        read_end, self.commands = os.pipe()
        self.answers, write_end = os.pipe()

        def place():  # the browser reads from 3 and writes to 4
            spare = (os.dup(read_end), os.dup(write_end))
            os.dup2(spare[0], 3)
            os.dup2(spare[1], 4)

        self.process = subprocess.Popen(  # pylint: disable=consider-using-with,subprocess-popen-preexec-fn
            [CHROMIUM] + OPTIONS + ["--user-data-dir=" + self.folder, "about:blank"],
            preexec_fn=place, pass_fds=(3, 4), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=dict(os.environ, HOME=self.folder))
        os.close(read_end)
        os.close(write_end)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.commands)
        os.close(self.answers)
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def receive(self, deadline):
        """The next message: an answer or an event."""
        while b"\0" not in self.left:
            if not select.select([self.answers], [], [], max(0, deadline - time.monotonic()))[0]:
                raise TimeoutError("the browser does not answer; its pages said:\n%s"
                                   % "\n".join(self.messages))
            more = os.read(self.answers, 1 << 20)
            if not more:
                raise RuntimeError("the browser has ended; exit %s" % self.process.poll())
            self.left += more
        line, self.left = self.left.split(b"\0", 1)
        return json.loads(line)

    def note(self, event):
        what, told = event.get("method"), event.get("params", {})
        if what == "Runtime.consoleAPICalled":
            self.messages.append(" ".join(str(each.get("value", each.get("description")))
                                          for each in told["args"]))
        elif what == "Runtime.exceptionThrown":
            self.messages.append(json.dumps(told["exceptionDetails"])[:1000])
        elif what == "Log.entryAdded":
            self.messages.append(told["entry"]["text"])

    def command(self, name, session=None, **parameters):
        self.next_id += 1
        message = {"id": self.next_id, "method": name, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + ANSWER_TIMEOUT_S
        while True:
            answer = self.receive(deadline)
            if answer.get("id") == self.next_id:
                if "error" in answer:
                    raise RuntimeError("%s: %s" % (name, answer["error"]))
                return answer["result"]
            self.note(answer)

    def open(self, url):
        """A new page, when it has been loaded."""
        target = self.command("Target.createTarget", url="about:blank")["targetId"]
        session = self.command("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.command(domain + ".enable", session)
        self.command("Page.navigate", session, url=url)
        deadline = time.monotonic() + ANSWER_TIMEOUT_S
        while True:
            event = self.receive(deadline)
            if event.get("method") == "Page.loadEventFired":
                return session
            self.note(event)

    def evaluate(self, session, expression):
        result = self.command("Runtime.evaluate", session, expression=expression,
                              awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError("%s\n%s" % (json.dumps(result["exceptionDetails"])[:3000],
                                           "\n".join(self.messages)))
        return result["result"].get("value")
