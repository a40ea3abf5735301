"""A real Chromium without a window, told what to do over its own pipe (the DevTools protocol): no driver in between."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HOW = "no Chromium: its tests are left out (Debian, Ubuntu: apt-get install chromium)"
NAMES = ("chromium", "chromium-browser", "google-chrome")
WITHIN_S = 60.0
POLL_S = 0.1
_TEXT = "document.body.innerText"
_ON_3_AND_4 = (  # where the protocol speaks
    "import os, sys; read, write = os.dup(int(sys.argv[1])), os.dup(int(sys.argv[2])); "
    "os.dup2(read, 3); os.dup2(write, 4); [os.set_inheritable(n, True) for n in (3, 4)]; "
    "os.execvp(sys.argv[3], sys.argv[3:])"
)
_FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars --remote-debugging-pipe"
)


class Browser:
    """One page. Skips the test, saying why, where there is no Chromium."""

    def __init__(self, folder: Path, width: int = 1280, height: int = 900) -> None:
        program = next((found for name in NAMES if (found := shutil.which(name))), None)
        if program is None:
            pytest.skip(HOW)
        to_read, self._to = os.pipe()
        self._from, to_write = os.pipe()
        command = [program, *_FLAGS.split(), f"--user-data-dir={folder}", f"--window-size={width},{height}"]
        on_3_and_4 = [sys.executable, "-c", _ON_3_AND_4, str(to_read), str(to_write), *command]
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(on_3_and_4, stdout=quiet, stderr=quiet, pass_fds=(to_read, to_write))
        os.close(to_read)
        os.close(to_write)
        self._buffer, self._number, self._session = b"", 0, ""
        [target] = [t for t in self._ask("Target.getTargets")["targetInfos"] if t["type"] == "page"]
        attached = self._ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        self._ask("Page.enable")

    def close(self) -> None:
        os.close(self._to)
        try:
            self._process.wait(20)  # its pipe is gone: it ends by itself
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._from)

    def cookie(self, url: str, name: str, value: str) -> None:
        self._ask("Network.setCookie", url=url, name=name, value=value)

    def open(self, url: str) -> None:
        """Returns when the document is there."""
        told = self._ask("Page.navigate", url=url)
        assert not told.get("errorText"), told
        self.until("document.readyState === 'complete'")

    def js(self, expression: str) -> Any:
        """What an expression is in the page; DevTools may ask even where pages may run no script."""
        told = self._ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def until(self, expression: str) -> None:
        deadline_s = time.monotonic() + WITHIN_S
        while not self.quietly(lambda: self.js(expression)):
            assert time.monotonic() < deadline_s, (
                f"not within {WITHIN_S:.0f} s: {expression}\n{self.js('document.body.innerText')}"
            )
            time.sleep(POLL_S)

    @staticmethod
    def quietly(ask: Callable[[], Any]) -> Any:
        """While a page is on its way, there is nothing to ask."""
        try:
            return ask()
        except AssertionError:
            return None

    def press(self, key: str) -> None:
        """``Tab`` or ``Enter``, down and up."""
        code, text = {"Tab": (9, ""), "Enter": (13, "\r")}[key]
        given = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self._ask("Input.dispatchKeyEvent", type="keyDown", **given, **({"text": text} if text else {}))
        self._ask("Input.dispatchKeyEvent", type="keyUp", **given)

    def focused(self) -> str:
        """What the keyboard would press now."""
        return str(self.js("(document.activeElement.innerText || document.activeElement.id || '').trim()"))

    def screenshot(self, file: Path, *, whole: bool = False) -> None:
        told = self._ask("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        file.write_bytes(base64.b64decode(told["data"]))

    def _ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = json.loads(self._next())
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result

    def _next(self) -> bytes:
        while b"\0" not in self._buffer:
            read = os.read(self._from, 1 << 20)
            assert read, "Chromium has ended"
            self._buffer += read
        message, _, self._buffer = self._buffer.partition(b"\0")
        return message
