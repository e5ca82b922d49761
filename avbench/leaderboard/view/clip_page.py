"""One clip: every model's answer side by side, and every score with its details or the reason why there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from avbench.leaderboard.rank import Column
from avbench.leaderboard.tables import number
from avbench.leaderboard.view.clip_files import ClipFile
from avbench.leaderboard.view.page import escape, name, page, region
from avbench.leaderboard.view.pictures import COLUMNS, NOTHING, ROWS, TILES, Pictures
from avbench.leaderboard.view.subject import Subject, column_head
from avbench.report import ClipScore, Missing, Result


@dataclass(frozen=True)
class Answer:
    """What a model's report knows of the clip, ready to show; links are from the clip's page, "" without one."""

    file: ClipFile | None
    pictures: Pictures = NOTHING
    media: str = ""
    sound: str = ""
    strip: str = ""


def clip_page(place: int, answers: Sequence[Answer], subject: Subject, neighbours: tuple[str, str]) -> str:
    """The whole page; ``neighbours`` are links to the clips before and after, "" at the ends."""
    clip = subject.clips[place]
    before, after = neighbours
    steps = (f'<a rel="prev" href="{escape(before)}">← previous clip</a> ' if before else "") + (
        f'<a rel="next" href="{escape(after)}">next clip →</a>' if after else ""
    )
    shown = "".join(_answer(i, answer, clip, subject) for i, answer in enumerate(answers))
    return page(
        f"{clip} – {subject.table.title}",
        f'<h1>{name(clip)}</h1><nav aria-label="Clips">{steps}</nav>{_asked(clip, subject)}{_transport(answers, subject)}'
        f'<div class="answers">{shown}</div><h2>Scores</h2>{_scores(clip, subject)}',
        root="../",
        home="../../index.html",
    )


def _asked(clip: str, subject: Subject) -> str:
    """Whatever else reports say of the clip, such as its prompt."""
    facts: dict[str, str] = {}
    for report in subject.reports:
        known = report.clips.get(clip, {})
        facts.update({key: words for key, words in known.items() if key not in ("path", "sha256") and words})
    rows = "".join(f"<dt>{escape(key)}</dt><dd>{escape(words)}</dd>" for key, words in facts.items())
    return f"<dl>{rows}</dl>" if rows else ""


def _transport(answers: Sequence[Answer], subject: Subject) -> str:
    """Controls that drive all players at once; absent where there is none."""
    heard = [i for i, answer in enumerate(answers) if answer.media]
    if not heard:
        return ""
    choices = "".join(
        f'<label><input type="radio" name="heard" value="{i}"{" checked" if i == heard[0] else ""}> '
        f"{name(subject.models[i])}</label> "
        for i in heard
    )
    return (
        '<div class="transport scripted" role="group" aria-label="Playback of all clips">'
        '<button type="button" id="play">play</button>'
        '<label>seek <input type="range" id="seek" min="0" max="1000" value="0" step="1"></label>'
        '<output id="time" for="seek">0.00 s</output><label><input type="checkbox" id="loop"> loop</label>'
        f'<span role="group" aria-label="Sound heard">sound of {choices}'
        '<label><input type="radio" name="heard" value=""> none</label></span>'
        '<span id="playback" role="status"></span></div>'
    )


def _answer(index: int, answer: Answer, clip: str, subject: Subject) -> str:
    model = subject.models[index]
    head = f'<h2><span class="swatch"></span>{name(model)}</h2>'
    if answer.file is None:
        inner = f'<p class="warning">{escape(_reasons(index, clip, subject))}</p>'
    else:
        problem = f'<p class="warning">{escape(answer.file.problem)} It is not shown.</p>' if answer.file.problem else ""
        digest = f'<code class="digest">{escape(answer.file.sha256 or "none")}</code>'
        file = f'<p class="file">{escape(answer.file.recorded)}<br>sha256 {digest}</p>'
        inner = f"{problem}{_player(index, answer, model)}{_drawings(answer, model)}{file}"
    return f'<article class="answer m{index % 8}">{head}{inner}</article>'


def _reasons(model: int, clip: str, subject: Subject) -> str:
    """Why a model has no file for the clip, each reason once."""
    outcomes = [subject.outcome(model, column, clip) for column in subject.table.columns]
    reasons = dict.fromkeys(f"{o.kind}: {o.reason}" for o in outcomes if isinstance(o, Missing))
    return " ".join(reasons) or "The report knows nothing of this clip."


def _player(index: int, answer: Answer, model: str) -> str:
    """Native controls serve where no script runs; the script takes them away and drives all players together."""
    if not answer.media or answer.file is None:
        return ""
    kind = "audio" if answer.file.sound_only else "video"
    quiet = "" if kind == "audio" else " muted playsinline"
    beside = ""
    if answer.sound:
        beside = f'<audio class="sidecar" data-model="{index}" src="{escape(answer.sound)}" preload="metadata"></audio>'
    return (
        f'<{kind} class="player" data-model="{index}" src="{escape(answer.media)}" preload="metadata" controls{quiet} '
        f'aria-label="{name(model)}"></{kind}>{beside}<p class="warning unplayable" hidden>This browser cannot play the file; '
        f'<a href="{escape(answer.media)}">open it</a> in another player.</p>'
    )


def _drawings(answer: Answer, model: str) -> str:
    """Strip and outline over one time axis, with a line at the time that plays."""
    pictures = answer.pictures
    if not answer.media:
        return ""
    strip = f'<p class="gap">no frames: {escape(pictures.no_strip)}</p>'
    if answer.strip:
        alt = f"{TILES} frames of {model} over {pictures.seconds:.2f} s"
        strip = f'<img class="strip" src="{escape(answer.strip)}" alt="{name(alt)}">'
    outline = f'<p class="gap">no waveform: {escape(pictures.no_outline)}</p>'
    if pictures.outline is not None:
        outline = (
            f'<svg class="outline" viewBox="0 0 {COLUMNS} {ROWS}" preserveAspectRatio="none" role="img" '
            f'aria-label="waveform of {name(model)}"><path class="wave" d="{pictures.outline}"/></svg>'
        )
    lines = f'{strip}{outline}<i class="playhead" hidden></i>'
    scale = f'<p class="span"><span>0 s</span><span>{pictures.seconds:.2f} s</span></p>' if pictures.seconds else ""
    return f'<div class="timeline" data-seconds="{pictures.seconds:.4f}">{lines}</div>{scale}'


def _scores(clip: str, subject: Subject) -> str:
    heads = "".join(f'<th scope="col">{name(model)}</th>' for model in subject.models)
    rows = []
    for column in subject.table.columns:
        cells = "".join(
            _score(subject.outcome(i, column, clip), result, column) for i, result in enumerate(subject.results(column))
        )
        rows.append(f'<tr><th scope="row">{column_head(column)}</th>{cells}</tr>')
    head = f'<thead><tr><th scope="col">metric</th>{heads}</tr></thead>'
    return region("Scores", f"<table><caption>Scores of this clip</caption>{head}<tbody>{''.join(rows)}</tbody></table>")


def _score(outcome: ClipScore | Missing | None, result: Result | None, column: Column) -> str:
    """Value with unit and details, or kind and reason."""
    if result is None:
        return '<td><span class="gap">not run</span></td>'
    if isinstance(outcome, Missing):
        return f'<td><span class="kind">{escape(outcome.kind)}</span> <span class="reason">{escape(outcome.reason)}</span></td>'
    if outcome is None:
        words = "no score of single clips" if column.result.kind != "clip" else "nothing is known of this clip"
        return f'<td><span class="gap">{words}</span></td>'
    unit = f" {escape(column.result.unit)}" if column.result.unit not in ("", "1") else ""
    items = "".join(f"<li>{escape(key.replace('_', ' '))} {number(value)}</li>" for key, value in outcome.details.items())
    details = f'<ul class="details">{items}</ul>' if items else ""
    return f'<td><span class="value">{number(outcome.value)}{unit}</span>{details}</td>'
