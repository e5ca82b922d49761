"""Faces on one picture, by S3FD or by SCRFD."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from avbench import weights
from avbench.feature import Array
from avbench_metrics._maths.face_boxes import ANCHOR_STRIDES, anchored, best_first, decoded, priors

Detector = Callable[[Array, float], Array]  # uint8 BGR and the scale to look at; boxes (k, 4) of the picture itself, surest first

SUREST, SAME_FACE, SAME_BOX = 0.9, 0.1, 0.3
SCRFD_SIZE, SCRFD_SUREST, SCRFD_SAME, SCRFD_BORDER = (640, 480), 0.5, 0.4, 1.0
STAND_IN_SHARE = 0.6


def s3fd(device: str) -> Detector:
    """Faces of which S3FD is sure by more than 0.9; where a stand-in is used, ``centred``.

    Boxes that share more than 0.3 with a better one go first, then those of the rest that share more than 0.1.
    """
    if weights.stands_in("s3fd"):
        return centred
    from avbench_metrics._features.networks import s3fd as network

    module = weights.network("s3fd", network.build, network.tiny, device)
    return lambda picture, scale: s3fd_boxes(module, device, picture, scale)


def s3fd_boxes(network: Any, device: str, picture: Array, scale: float) -> Array:
    """What ``s3fd`` finds with a given network."""
    import cv2
    import torch

    from avbench_metrics._features.networks.s3fd import MEANS

    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    levels = (small.astype(np.float32) - np.asarray(MEANS, dtype=np.float32))[..., ::-1].transpose(2, 0, 1)
    with torch.inference_mode():
        found = network(torch.from_numpy(np.ascontiguousarray(levels))[None].to(device))
        faces, offsets = found.faces[0].cpu().numpy(), found.offsets[0].cpu().numpy()
    sure = faces > SUREST
    boxes, scores = decoded(offsets[sure], priors(found.maps)[sure]), faces[sure]
    for most in (SAME_BOX, SAME_FACE):
        kept = best_first(boxes, scores, most)
        boxes, scores = boxes[kept], scores[kept]
    height, width = small.shape[:2]
    return np.asarray(boxes * np.tile([picture.shape[1] / width, picture.shape[0] / height], 2))


def scrfd(device: str) -> Detector:
    """Faces of which SCRFD is sure by 0.5 on a picture of 640 x 480 at most; where a stand-in is used, ``centred``.

    The scale that it is called with does not matter to it.
    """
    if weights.stands_in("scrfd"):
        return centred

    def make() -> Any:
        import onnxruntime

        (path,) = weights.paths("scrfd").values()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # the same digits whatever the machine does beside
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    session = weights.shared(("scrfd",), "scrfd", make)
    return lambda picture, scale: scrfd_boxes(session, picture)


def scrfd_boxes(session: Any, picture: Array) -> Array:
    """What ``scrfd`` finds with a given ONNX session: nine outputs, of which the first six are scores and distances by stride."""
    import cv2

    width, height = SCRFD_SIZE
    ratio = picture.shape[0] / picture.shape[1]
    size = (int(height / ratio), height) if ratio > height / width else (width, int(width * ratio))
    canvas = np.zeros((height, width, 3), np.uint8)
    canvas[: size[1], : size[0]] = cv2.resize(picture, size)
    levels = ((canvas[..., ::-1].astype(np.float32) - 127.5) / 128).transpose(2, 0, 1)
    outputs = session.run(None, {session.get_inputs()[0].name: np.ascontiguousarray(levels)[None]})
    count = len(ANCHOR_STRIDES)
    boxes = np.concatenate([anchored(outputs[count + i], stride, width // stride) for i, stride in enumerate(ANCHOR_STRIDES)])
    scores = np.concatenate([output.ravel() for output in outputs[:count]])
    sure = scores >= SCRFD_SUREST
    boxes, scores = boxes[sure] * (picture.shape[0] / size[1]), scores[sure]
    return np.asarray(boxes[best_first(boxes, scores, SCRFD_SAME, SCRFD_BORDER)])


def centred(picture: Array, scale: float) -> Array:
    """Stand-in for a detector: one face in the middle of every picture, a square of 0.6 of its shorter side."""
    height, width = picture.shape[:2]
    half = STAND_IN_SHARE * min(height, width) / 2
    return np.asarray([[width / 2 - half, height / 2 - half, width / 2 + half, height / 2 + half]])
