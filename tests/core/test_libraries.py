"""Libraries behind networks: their versions stand in reports, and another version is another feature."""

from __future__ import annotations

import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest

import avbench
from avbench import catalog, libraries
from avbench.clip import Clip, Prompt
from avbench.leaderboard.pairs import mismatch
from avbench.runner import identity, provenance
from avbench.store import key_of


def test_another_version_is_another_feature_and_another_column(tmp_path: Path) -> None:
    metric = catalog.load("metric", "word_error_rate@fixed_tiny_en")
    (feature,) = metric.uses
    (tmp_path / "a.mp4").write_bytes(b"a clip")
    clip = Clip(tmp_path / "a.mp4", Prompt("a"))
    seen = []
    for number in ("5.0.0", "5.1.0", "5.0.0"):
        with libraries.recorded({"transformers": number}):
            assert feature.identity().endswith(f" transformers {number}") and number not in feature.computation()
            seen.append((feature.identity(), key_of(feature, clip), identity(metric)))
    assert seen[0] == seen[2] and not set(seen[0]) & set(seen[1])
    assert feature.identity().endswith(f" transformers {version('transformers')}")


def test_every_network_of_a_library_names_it() -> None:
    """What a package of another maker computes must not change unseen; their import names stand in the cards."""
    named = {"transformers": "transformers", "funasr": "funasr", "hear21passt": "hear21passt", "torchvision": "torchvision",
             "audiobox_aesthetics": "audiobox-aesthetics", "open_clip": "open_clip_torch", "resemblyzer": "resemblyzer",
             "speechmos": "speechmos"}  # fmt: skip
    beside = {"torchvision": "transformers", "speechmos": ""}  # helps another network, or only ships a file
    for name in catalog.entries("metric"):
        for protocol in catalog.protocols(name):
            metric = catalog.load("metric", name if protocol == "default" else f"{name}@{protocol}")
            behind = {library for feature in metric.uses for library in feature.libraries}
            for package in named.keys() & set(metric.card.packages):
                assert {named[package], beside.get(package, "-")} & {*behind, ""}, (name, protocol, package)


def test_reports_hold_the_versions_of_what_they_used(toybox_folder: Path) -> None:
    report = avbench.run(toybox_folder, metrics=["content_enjoyment", "loudness"], stand_in=True, store=None)
    found = report.provenance["versions"]
    assert found["audiobox-aesthetics"] == version("audiobox_aesthetics") and "audiobox_aesthetics" not in found
    assert found["torchaudio"] == version("torchaudio") and "transformers" not in found
    result = report["content_enjoyment"]
    assert result.libraries == {"audiobox-aesthetics": version("audiobox_aesthetics")} and report["loudness"].libraries == {}
    other = replace(result, libraries={"audiobox-aesthetics": "9.9"})
    assert mismatch((report, result), (report, other)) == [
        f"libraries (audiobox-aesthetics {version('audiobox_aesthetics')} and audiobox-aesthetics 9.9)"
    ]


def test_names_are_found_without_an_import() -> None:
    loaded = set(sys.modules)
    assert {"open_clip_torch", "pillow", "jiwer"} <= libraries.distributions_of(["open_clip", "PIL", "jiwer", "nothing_such"])
    metric = catalog.load("metric", "word_error_rate@seed_tts_en")
    assert {"jiwer", "transformers"} <= set(provenance([metric])["versions"])
    assert not {"open_clip", "jiwer"} & (set(sys.modules) - loaded)
    assert libraries.version_of("nothing-such") == ""
    with libraries.recorded({}), pytest.raises(KeyError):
        libraries.versions(["numpy"])["numpy"]
