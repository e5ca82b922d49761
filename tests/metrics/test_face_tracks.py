"""From detections to tracks: boxes, suppression, shots, tracks, and which of them count."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from avbench_metrics._features.face_detection import centred, s3fd_boxes, scrfd_boxes
from avbench_metrics._maths import lip_choice
from avbench_metrics._maths.face_boxes import anchored, best_first, decoded, overlaps, priors
from avbench_metrics._maths.face_tracks import runs, tracks
from avbench_metrics._maths.shots import content, shots

from avbench.errors import Unscorable
from avbench.feature import Array


def test_priors_are_squares_in_the_middle_of_cells() -> None:
    found = priors([(2, 3), (1, 2), (1, 1), (1, 1), (1, 1), (1, 1)])
    assert found[:6].tolist() == [[2, 2, 16], [6, 2, 16], [10, 2, 16], [2, 6, 16], [6, 6, 16], [10, 6, 16]]
    assert found[6:8].tolist() == [[4, 4, 32], [12, 4, 32]]
    assert found[8:].tolist() == [[8, 8, 64], [16, 16, 128], [32, 32, 256], [64, 64, 512]]


def test_offsets_move_and_stretch() -> None:
    around = np.asarray([[100.0, 60.0, 32.0]])
    assert decoded([[0, 0, 0, 0]], around).tolist() == [[84, 44, 116, 76]]
    wanted = np.asarray([110.0, 50.0, 40.0, 20.0])  # centre and size
    offsets = np.concatenate([(wanted[:2] - around[0, :2]) / (0.1 * 32), np.log(wanted[2:] / 32) / 0.2])
    assert decoded(offsets[None], around)[0] == pytest.approx([90, 40, 130, 60])


def test_anchors_lie_two_to_a_cell_at_its_corner() -> None:
    found = anchored(np.tile([1.0, 0.5, 2.0, 3.0], (12, 1)), stride=8, columns=3)
    assert np.array_equal(found[0], found[1])
    assert found[2].tolist() == [8 - 8, -4, 8 + 16, 24]
    assert found[6].tolist() == [-8, 8 - 4, 16, 8 + 24]


def test_overlap_by_hand() -> None:
    assert overlaps([0, 0, 10, 10], [[5, 0, 15, 10], [0, 0, 10, 10], [20, 0, 30, 10]]).tolist() == [50 / 150, 1, 0]
    assert overlaps([0, 0, 9, 9], [[5, 0, 14, 9]], border=1.0).tolist() == [50 / 150]


def test_the_best_box_of_each_heap_stays() -> None:
    boxes = np.asarray([[0, 0, 10, 10], [1, 0, 11, 10], [40, 0, 50, 10], [4, 0, 14, 10]], dtype=float)
    assert best_first(boxes, [0.8, 0.9, 0.95, 0.7], 0.5).tolist() == [2, 1]
    assert best_first(boxes, [0.8, 0.9, 0.95, 0.7], 0.6).tolist() == [2, 1, 3]
    assert best_first(boxes[:0], [], 0.5).tolist() == []


def test_a_suppressed_box_suppresses_none() -> None:
    chain = np.asarray([[0, 0, 10, 10], [4, 0, 14, 10], [8, 0, 18, 10]], dtype=float)
    assert best_first(chain, [0.9, 0.8, 0.7], 0.3).tolist() == [0, 2]


def test_s3fd_boxes_are_those_of_the_picture() -> None:
    torch = pytest.importorskip("torch")
    seen = []

    def network(picture: Any) -> Any:
        """Sure of a face at row 3, column 5 of the second map; less so of its neighbours that share 0.6 and 0.14 with it."""
        seen.append(picture.numpy())
        maps = [(25, 50), (13, 25), (6, 12), (3, 6), (2, 3), (1, 2)]
        faces = torch.full((1, sum(rows * columns for rows, columns in maps)), 0.2)
        start = 25 * 50 + 3 * 25
        faces[0, start + 5], faces[0, start + 6], faces[0, start + 8], faces[0, 0] = 0.99, 0.95, 0.93, 0.9
        return SimpleNamespace(faces=faces, offsets=torch.zeros(*faces.shape, 4), maps=maps)

    picture = np.zeros((400, 800, 3), np.uint8)
    picture[..., 0], picture[..., 2] = 104, 223
    found = s3fd_boxes(network, "cpu", picture, 0.25)
    assert found.tolist() == [[4 * (44 - 16), 4 * (28 - 16), 4 * (44 + 16), 4 * (28 + 16)]]
    assert seen[0].shape == (1, 3, 100, 200)
    assert seen[0][0, :, 0, 0].tolist() == [100, -117, 0]  # red, green, blue less their means


@pytest.mark.parametrize(("height", "width", "scale"), [(960, 1280, 2.0), (240, 640, 1.0), (960, 640, 2.0)])
def test_scrfd_boxes_are_those_of_the_picture(height: int, width: int, scale: float) -> None:
    def run(names: None, inputs: dict[str, Array]) -> list[Array]:
        """Sure of a face at stride 16, row 4, column 7, first anchor; of the second anchor too."""
        assert inputs["input.1"].shape == (1, 3, 480, 640)
        assert inputs["input.1"].max() == pytest.approx(127.5 / 128) and inputs["input.1"].dtype == np.float32
        counts = [2 * (480 // stride) * (640 // stride) for stride in (8, 16, 32)]
        scores, distances = [np.zeros((count, 1), np.float32) for count in counts], [np.ones((count, 4)) for count in counts]
        scores[1][2 * (4 * 40 + 7) : 2 * (4 * 40 + 7) + 2, 0] = 0.6, 0.7
        return [*scores, *distances, *[np.zeros((count, 10)) for count in counts]]

    session = SimpleNamespace(run=run, get_inputs=lambda: [SimpleNamespace(name="input.1")])
    found = scrfd_boxes(session, np.full((height, width, 3), 255, np.uint8))
    assert found.tolist() == [[scale * 96, scale * 48, scale * 128, scale * 80]]


def test_the_stand_in_sees_one_face_in_the_middle() -> None:
    assert centred(np.zeros((100, 200, 3), np.uint8), 1.0).tolist() == [[70, 20, 130, 80]]


def boxes_of(frames: int, left: float = 100.0, step: float = 1.0, side: float = 60.0) -> list[Array]:
    """One face that drifts to the right."""
    return [np.asarray([[left + step * i, 50, left + step * i + side, 50 + side]]) for i in range(frames)]


def test_two_faces_make_two_tracks() -> None:
    faces = [np.concatenate(pair) for pair in zip(boxes_of(40, left=400), boxes_of(40), strict=True)]
    found = tracks(faces, [(0, 40)], least=20)
    assert [(t.first, len(t.boxes), t.detections, t.shot) for t in found] == [(0, 40, 40, 40)] * 2
    assert found[0].boxes[0, 0] == 400 and found[1].boxes[0, 0] == 100
    assert found[0].side == 60


def test_missed_frames_are_interpolated_up_to_25() -> None:
    faces = boxes_of(80, step=0.5)
    none = np.zeros((0, 4))
    bridged = [none if 20 <= i < 44 else box for i, box in enumerate(faces)]
    (found,) = tracks(bridged, [(0, 80)], least=20)
    assert (found.first, len(found.boxes), found.detections) == (0, 80, 56)
    assert found.boxes[30, 0] == pytest.approx(115)
    broken = [none if 20 <= i < 45 else box for i, box in enumerate(faces)]
    (found,) = tracks(broken, [(0, 80)], least=20)  # 20 detections are too few, the 35 behind the gap are a track
    assert (found.first, len(found.boxes), found.detections) == (45, 35, 35)


def test_a_jump_begins_a_new_track() -> None:
    faces = boxes_of(30) + boxes_of(30, left=165)  # from 129 to 165: overlap 24/96
    assert [(t.first, t.detections) for t in tracks(faces, [(0, 60)], least=20)] == [(0, 30), (30, 30)]
    near = boxes_of(30) + boxes_of(30, left=145)  # 44/76
    assert [(t.first, t.detections) for t in tracks(near, [(0, 60)], least=20)] == [(0, 60)]


def test_no_track_crosses_a_cut() -> None:
    found = tracks(boxes_of(60), [(0, 25), (25, 60)], least=20)
    assert [(t.first, t.detections, t.shot) for t in found] == [(0, 25, 25), (25, 35, 35)]
    assert tracks(boxes_of(60), [(0, 20), (20, 60)], least=40) == []


def test_runs_take_the_surest_face_whoever_it_is() -> None:
    faces = [np.concatenate([box, box + 300]) for box in boxes_of(60)] + [np.zeros((0, 4))] + boxes_of(49)
    (found,) = runs(faces, least=50)
    assert (found.first, len(found.boxes)) == (0, 60)
    assert found.boxes[:, 0].tolist() == [100.0 + i for i in range(60)]
    assert [t.first for t in runs(faces, least=49)] == [0, 61]
    assert runs([np.zeros((0, 4))] * 60, least=50) == []


def flat(hue: int, count: int) -> list[Array]:
    """Pictures of one bright colour of the rainbow, blue-green-red."""
    import cv2

    picture = cv2.cvtColor(np.full((40, 60, 3), (hue, 255, 255), np.uint8), cv2.COLOR_HSV2BGR)
    return [content(np.asarray(picture))] * count


def test_cuts_lie_where_the_content_changes() -> None:
    assert shots(flat(0, 30)) == [(0, 30)]
    assert shots(flat(0, 30) + flat(90, 20)) == [(0, 30), (30, 50)]
    assert shots([]) == []


def test_the_threshold_is_a_mean_over_three_channels() -> None:
    assert shots(flat(0, 30) + flat(84, 20)) == [(0, 30), (30, 50)]  # 84 / 3 = 28
    assert shots(flat(0, 30) + flat(78, 20)) == [(0, 50)]  # 26
    assert shots(flat(0, 30) + flat(84, 20), threshold=30.0) == [(0, 50)]


def test_behind_a_cut_none_is_looked_for_in_15_frames() -> None:
    assert shots(flat(0, 30) + flat(90, 14) + flat(0, 30)) == [(0, 30), (30, 74)]
    assert shots(flat(0, 30) + flat(90, 15) + flat(0, 30)) == [(0, 30), (30, 45), (45, 75)]
    assert shots(flat(0, 3) + flat(90, 30)) == [(0, 3), (3, 33)]


def test_large_pictures_are_thinned() -> None:
    assert content(np.zeros((100, 399, 3), np.uint8)).shape == (100, 399, 3)
    assert content(np.zeros((100, 400, 3), np.uint8)).shape == (50, 200, 3)
    assert content(np.zeros((700, 1280, 3), np.uint8)).shape == (140, 256, 3)


def row(least: float, median: float, offset: int = 0, frames: int = 120, first: int = 0, **head: int) -> Array:
    """A track of a clip of 125 frames with LSE-D ``least`` and LSE-C ``median - least``."""
    means = np.full(31, float(median))
    means[15 - offset] = least
    return np.concatenate([[first, frames, head.get("detections", 120), head.get("shot", 125), 120.0, 0.1, 125], means])


def test_scores_are_those_of_the_means() -> None:
    (found,) = lip_choice.scores(row(6.0, 9.0, offset=3)[None])
    assert (found.offset, found.distance, found.confidence) == (3, 6.0, 3.0)


def test_means_and_the_best() -> None:
    rows = np.stack([row(6.0, 9.0, frames=100), row(8.0, 9.0, frames=25)])
    assert lip_choice.mean(rows, weighted=False) == pytest.approx((7.0, 2.0))
    assert lip_choice.mean(rows, weighted=True) == pytest.approx((6.4, 2.6))
    assert lip_choice.best(rows) == (6.0, 3.0)
    assert lip_choice.best(rows[::-1]) == (6.0, 3.0)


def test_who_counts() -> None:
    rows = np.stack([row(6, 9, detections=101), row(6, 9, detections=100), row(6, 9, detections=101, shot=99)])
    assert len(lip_choice.usable(rows, 100, 100)) == 1
    assert len(lip_choice.usable(rows, 20, 20)) == 3
    gone = rows[:1].copy()
    gone[:, lip_choice.HEAD :] = np.nan
    for none in (rows[1:2], gone, rows[:0]):
        with pytest.raises(Unscorable) as found:
            lip_choice.usable(none, 100, 100)
        assert found.value.kind == "no_face"


def test_verse_bench_drops_far_offsets_and_means_all_distances() -> None:
    rows = np.stack([row(6.0, 9.0), row(8.0, 9.0, offset=13)])
    distance, confidence = lip_choice.verse_bench(rows)
    assert confidence == pytest.approx(2.0)
    assert distance == pytest.approx((9 * 60 + 6 + 8) / 62)
    with pytest.raises(Unscorable, match="14 frames apart"):
        lip_choice.verse_bench(np.stack([row(6.0, 9.0), row(8.0, 9.0, offset=14)]))


def test_coverage_is_the_union() -> None:
    assert lip_choice.coverage(np.stack([row(6, 9, frames=50), row(6, 9, frames=50, first=25)])) == 75 / 125
