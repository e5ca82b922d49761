"""Checkpoints of sync metrics."""

from __future__ import annotations

from avbench.weights import Checkpoint, File

# The digests of these files are not their authors' but those that several users recorded, alike, of the authors' files.
LIPSYNC = "https://www.robots.ox.ac.uk/~vgg/software/lipsync/data"

SYNC: tuple[Checkpoint, ...] = (
    Checkpoint(
        name="synchformer",
        what="Synchformer 24-01-04T16-39-21, trained on AudioSet, as a plain state dict",
        source="https://github.com/hkchengrex/MMAudio/releases/tag/v0.1 (md5 5b2f5594b0730f70e41e549b7c94390c)",
        licence="unknown; Synchformer's code is MIT",
        files=(
            File(
                "synchformer_state_dict.pth",
                "https://github.com/hkchengrex/MMAudio/releases/download/v0.1/synchformer_state_dict.pth",
                950_058_171,
                "8aff082f2df5c3bc52759db0c865c7ee772ae6400b860d1b7e90413f2defb67c",
            ),
        ),
    ),
    Checkpoint(
        name="synchformer_upstream",
        what="the same training run as its authors saved it, with optimiser and configuration around the weights",
        source="https://github.com/v-iashin/Synchformer (md5 54037d261253aad8bd8ba82cdd7e71a7)",
        licence="unknown; Synchformer's code is MIT",
        files=(
            File(
                "24-01-04T16-39-21.pt",
                "https://a3s.fi/swift/v1/AUTH_a235c0f452d648828f745589cde1219a/sync/sync_models/24-01-04T16-39-21/24-01-04T16-39-21.pt",
                1_131_153_989,
                "5b4b3557fbd96b61aaffa8bc70b28f9ff53f8fa98edc202655c5d94ab3c719ee",
            ),
        ),
    ),
    Checkpoint(
        name="syncnet",
        what="SyncNet v2, 1024 outputs, trained on television speakers",
        source="https://github.com/joonson/syncnet_python",
        licence="unknown; syncnet_python's code is MIT",
        files=(
            File(
                "syncnet_v2.model",
                f"{LIPSYNC}/syncnet_v2.model",
                54_573_114,
                "961e8696f888fce4f3f3a6c3d5b3267cf5b343100b238e79b2659bff2c605442",
            ),
        ),
    ),
    Checkpoint(
        name="s3fd",
        what="S3FD face detector, trained on WIDER FACE",
        source="https://github.com/joonson/syncnet_python",
        licence="unknown; syncnet_python's code is MIT",
        files=(
            File(
                "sfd_face.pth",
                f"{LIPSYNC}/sfd_face.pth",
                89_844_381,
                "d54a87c2b7543b64729c9a25eafd188da15fd3f6e02f0ecec76ae1b30d86c491",
            ),
        ),
    ),
    Checkpoint(
        name="scrfd",
        what="SCRFD-10GF face detector of insightface's buffalo_l, ONNX",
        source="det_10g.onnx inside https://github.com/deepinsight/insightface/releases/download/v0.7/buffalo_l.zip",
        licence="non-commercial research only",
        files=(
            File(
                "det_10g.onnx",
                bytes=16_923_827,
                sha256="5838f7fe053675b1c7a08b633df49e7af5495cee0493c7dcf6697200b85b5b91",
            ),
        ),
    ),
)
