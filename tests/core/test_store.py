"""The feature store under crashes, rivals and damage."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from avbench.errors import MediaError, Unscorable, UsageError
from avbench.store import Store

KEY = "ab" + "0" * 62


def test_round_trip_of_arrays_and_failures(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for value in (np.arange(6.0).reshape(2, 3), np.zeros((0, 3), np.float32), np.asarray(3)):
        store.put(KEY, value)
        found = store.get(KEY)
        assert isinstance(found, np.ndarray)
        assert np.array_equal(found, value) and found.dtype == value.dtype
    store.put(KEY, MediaError("broken", "no_audio"))
    failure = store.get(KEY)
    assert isinstance(failure, MediaError) and (failure.reason, failure.kind) == ("broken", "no_audio")
    store.put(KEY, Unscorable("no speech"))
    assert type(store.get(KEY)) is Unscorable


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b[:50] + b"x" + b[51:], lambda b: b"", lambda b: b"other" + b])
def test_damage_is_found_counted_and_removed(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    store = Store(tmp_path)
    store.put(KEY, np.arange(100.0))
    path = tmp_path / "ab" / KEY
    path.write_bytes(damage(path.read_bytes()))
    assert store.get(KEY) is None
    assert store.corrupted == 1 and not path.exists()


def test_a_crash_in_mid_write_leaves_no_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", crash)
    with pytest.raises(KeyboardInterrupt):
        store.put(KEY, np.arange(10.0))
    monkeypatch.undo()
    assert store.get(KEY) is None and store.size() == (0, 0)
    leftover = next((tmp_path / "ab").iterdir())
    os.utime(leftover, (time.time() - 7200,) * 2)
    assert store.prune(max_bytes=10**9)[0] == 1


HAMMER = """
import sys, numpy as np
from pathlib import Path
from avbench.store import Store
store = Store(Path(sys.argv[1]))
for _ in range(100):
    store.put(sys.argv[2], np.full(1000, 7.0))
    assert (store.get(sys.argv[2]) == 7).all()
"""


def test_two_processes_may_write_one_key(tmp_path: Path) -> None:
    processes = [subprocess.Popen([sys.executable, "-c", HAMMER, str(tmp_path), KEY]) for _ in range(2)]
    assert [p.wait() for p in processes] == [0, 0]


def test_prune_removes_what_was_unused_for_longest(tmp_path: Path) -> None:
    store = Store(tmp_path)
    keys = [f"{i:02x}" + "0" * 62 for i in range(4)]
    for age, key in enumerate(keys):
        store.put(key, np.zeros(1000))
        os.utime(tmp_path / key[:2] / key, (time.time() - 1000 + age,) * 2)
    assert store.get(keys[0]) is not None  # used just now
    entries, size = store.size()
    removed, freed = store.prune(max_bytes=size // 2)
    assert (entries, removed) == (4, 2) and freed == size // 2
    assert store.get(keys[0]) is not None and store.get(keys[1]) is None


def test_prune_leaves_what_is_not_the_stores(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.put(KEY, np.zeros(3))
    own = [tmp_path / name for name in ("ab/thesis.tex", f"ab/{KEY.replace('0', '1')}", "de/.hidden", f"de/{KEY}")]
    (tmp_path / "de").mkdir()
    for path in own:
        path.write_bytes(b"mine")
        os.utime(path, (0, 0))
    own[-1].write_bytes((tmp_path / "ab" / KEY).read_bytes())  # an entry, but not where the store would have put it
    assert store.size()[0] == 1 and store.prune()[0] == 1
    assert all(path.exists() for path in own)


def test_a_store_that_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="AVBENCH_CACHE"):
        Store(tmp_path / "file").put(KEY, np.zeros(1))


def test_a_folder_in_the_place_of_an_entry_is_a_damaged_entry(tmp_path: Path) -> None:
    store = Store(tmp_path)
    (tmp_path / "ab" / KEY / "deep").mkdir(parents=True)
    assert store.get(KEY) is None and store.corrupted == 1
    store.put(KEY, np.zeros(1))
    assert store.get(KEY) is not None


def test_a_store_that_cannot_be_read_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    store.put(KEY, np.zeros(1))

    def refuse(*_: object) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(UsageError, match=r"cannot be read \(Permission denied\).*--store"):
        store.get(KEY)
