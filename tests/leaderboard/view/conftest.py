"""Reports and their pages, and a headless Chromium spoken to over its DevTools pipe: no driver, no port, no library."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import avbench
from avbench.leaderboard.view.folder import write_view
from avbench.media import write_clip

HOSTILE = "<script>alert('x')</script> ünï & \"co\""
METRICS = ["av_offset", "loudness", "frozen"]
PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-pipe", "--mute-audio",
           "--disable-background-networking", "--disable-component-update", "--no-first-run")  # fmt: skip
PATIENCE_SECONDS = 30.0


class Browser:
    """One tab. ``problems`` gathers console errors, exceptions and refused resources, ``requests`` every address asked for."""

    def __init__(self, program: str, profile: Path) -> None:
        here_reads, browser_writes = os.pipe()
        browser_reads, here_writes = os.pipe()

        def connect() -> None:  # DevTools listens on descriptor 3 and answers on 4
            spare = [os.dup(browser_reads), os.dup(browser_writes)]
            os.dup2(spare[0], 3)
            os.dup2(spare[1], 4)

        command = [program, *OPTIONS, f"--user-data-dir={profile}", "about:blank"]
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(
            command, stdout=quiet, stderr=quiet, preexec_fn=connect, close_fds=False, start_new_session=True
        )
        os.close(browser_reads)
        os.close(browser_writes)
        self._out, self._in = os.fdopen(here_writes, "wb", 0), os.fdopen(here_reads, "rb")
        self._number, self._session = 0, ""
        self.problems: list[str] = []
        self.requests: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and wait for its answer; events on the way are kept."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._out.write(json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                result: dict[str, Any] = answer["result"]
                return result

    def _read(self) -> dict[str, Any]:
        data = bytearray()
        while (byte := self._in.read(1)) != b"\0":
            assert byte, "the browser has gone"
            data += byte
        message: dict[str, Any] = json.loads(data)
        self._note(message.get("method", ""), message.get("params", {}))
        return message

    def _note(self, method: str, facts: dict[str, Any]) -> None:
        if method == "Runtime.exceptionThrown":
            self.problems.append(json.dumps(facts["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and facts["type"] in ("error", "warning", "assert"):
            self.problems.append(json.dumps(facts["args"]))
        elif method == "Log.entryAdded" and facts["entry"]["level"] in ("error", "warning"):
            self.problems.append(json.dumps(facts["entry"]))
        elif method == "Network.requestWillBeSent":
            self.requests.append(facts["request"]["url"])
        elif method == "Network.loadingFailed" and not facts.get("canceled"):
            self.problems.append(json.dumps(facts))

    def open(self, page: Path | str) -> None:
        """Load a page whole."""
        self.call("Page.navigate", url=page if isinstance(page, str) else page.as_uri())
        self.until("location.href !== 'about:blank' && document.readyState === 'complete'")

    def run(self, script: str) -> Any:
        """The value of an expression; promises are awaited, a thrown error fails. Counts as the user's own action."""
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, userGesture=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def until(self, condition: str) -> None:
        """Wait for an expression to be true."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not self.run(condition):
            assert time.monotonic() < end, f"never true: {condition}"
            time.sleep(0.02)

    def set(self, selector: str, value: object) -> None:
        """Give a field a value as a hand does: its listeners hear of it."""
        self.run(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.value = {json.dumps(str(value))}; "
            "for (const kind of ['input', 'change']) e.dispatchEvent(new Event(kind)); })()"
        )

    def click(self, selector: str) -> None:
        """Press the middle of an element as a mouse does."""
        place = self.run(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.scrollIntoView({{block: 'center'}}); "
            "const b = e.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1)

    def screenshot(self, path: Path, width: int, height: int, *, dark: bool = False) -> None:
        """What the window shows, as PNG."""
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", features=scheme)
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def close(self) -> None:
        """End the browser and its children."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._out.close()
        self._in.close()


@pytest.fixture(scope="session")
def _chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = next((found for name in PROGRAMS if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip(f"no browser is installed ({', '.join(PROGRAMS)}): apt-get install chromium-headless-shell")
    browser = Browser(program, tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.close()


@pytest.fixture
def browser(_chromium: Browser) -> Browser:
    """The browser with nothing remembered; where none is installed the test is skipped and says so."""
    _chromium.open("about:blank#fresh")
    _chromium.problems.clear()
    _chromium.requests.clear()
    return _chromium


@pytest.fixture(scope="session")
def reports(toybox_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two models of four prompts: one whole, one of a hostile name with a file missing and one without sound."""
    root = tmp_path_factory.mktemp("reports")
    whole, damaged = root / "whole clips ü", root / "damaged <b>"
    shutil.copytree(toybox_folder, whole)
    shutil.copytree(toybox_folder, damaged)
    (damaged / "toybox-test-0001.mp4").unlink()
    write_clip(damaged / "toybox-test-0002.mp4", np.full((32, 64, 64, 3), 90, np.uint8), 16)
    for folder, model, name in ((whole, "whole", "whole.json"), (damaged, HOSTILE, "damaged.json")):
        avbench.run(folder, "toybox", metrics=METRICS, model=model, limit=4, store=None).save(root / name)
    return root / "whole.json", root / "damaged.json"


@pytest.fixture(scope="session")
def view(reports: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("view") / "out"
    write_view(reports, out)
    return out
