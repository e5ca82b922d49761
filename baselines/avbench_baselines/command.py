"""Any external program: it is given the prompts as jsonl and fills a folder with clips."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from avbench.clip import Prompt
from avbench.errors import AvbenchError, UsageError
from avbench.model import FolderModel, Generate

TAIL = 2000  # bytes of stderr worth showing


@dataclass(frozen=True)
class Command(FolderModel):
    """Runs ``argv`` with ``{prompts}`` and ``{clips}`` replaced by the jsonl file and the folder to fill.

    A line of the jsonl has id, text, audio_text, speech, speaker, image and seed. The program writes ``<id>.mp4``.
    """

    title: str = "command"

    def load(self, device: str) -> Generate:
        """See ``Model.load``: one prompt at a time, one start of the program each."""

        def generate(prompt: Prompt, seed: int, path: Path) -> None:
            self.generate_all([prompt], seed, path.parent)

        return generate

    def generate_all(self, prompts: Sequence[Prompt], seed: int, folder: Path) -> None:
        """Answer all prompts.

        Raises:
            UsageError: the program does not exist or ``argv`` is empty.
            AvbenchError: it ran too long, failed, or left prompts unanswered; says which, with the end of its stderr.
        """
        if not self.argv:
            raise UsageError("There is no program to run; pass --program 'COMMAND {prompts} {clips}'.")
        with tempfile.TemporaryDirectory() as scratch:
            file = Path(scratch) / "prompts.jsonl"
            file.write_text("".join(json.dumps(_row(p, seed)) + "\n" for p in prompts), encoding="utf-8")
            places = {"{prompts}": str(file), "{clips}": str(folder.resolve())}
            self._run([_filled(word, places) for word in self.argv])
        absent = [p.id for p in prompts if not (folder / f"{p.id}.mp4").is_file()]
        if absent:
            shown = ", ".join(absent[:5]) + (" ..." if len(absent) > 5 else "")
            raise AvbenchError(f"{self.argv[0]} left {len(absent)} of {len(prompts)} prompts without <id>.mp4: {shown}.")

    def _run(self, argv: list[str]) -> None:
        """In a session of its own, so that no child outlives it where it is stopped."""
        with tempfile.TemporaryFile() as errors:
            try:
                process = subprocess.Popen(argv, stderr=errors, start_new_session=True)
            except OSError as error:
                raise UsageError(f"The program {argv[0]!r} cannot be started ({error.strerror}); check --program.") from error
            try:
                code = process.wait(self.timeout_seconds)
            except BaseException as error:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                if not isinstance(error, subprocess.TimeoutExpired):
                    raise
                words = f"{argv[0]} ran longer than {self.timeout_seconds:g} s and was stopped; raise --timeout."
                raise AvbenchError(words + _tail(errors)) from error
            if code:
                raise AvbenchError(f"{argv[0]} ended with exit code {code}.{_tail(errors)}")


def _row(prompt: Prompt, seed: int) -> dict[str, object]:
    return {
        "id": prompt.id,
        "text": prompt.text,
        "audio_text": prompt.audio_text,
        "speech": list(prompt.speech),
        "speaker": str(prompt.speaker) if prompt.speaker else None,
        "image": str(prompt.image) if prompt.image else None,
        "seed": seed,
    }


def _filled(word: str, places: dict[str, str]) -> str:
    for place, value in places.items():
        word = word.replace(place, value)
    return word


def _tail(errors: IO[bytes]) -> str:
    errors.seek(max(0, errors.seek(0, os.SEEK_END) - TAIL))
    text = errors.read().decode(errors="replace").strip()
    return f" Its stderr ends:\n{text}" if text else ""


MODEL = Command()
