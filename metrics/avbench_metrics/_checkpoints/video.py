"""Checkpoints of video metrics."""

from __future__ import annotations

from avbench.weights import Checkpoint, File, on_hub

_OPENAI = "https://openaipublic.azureedge.net/clip/models"
_CLIP_B = "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af"
_CLIP_L = "b8cca3fd41ae0c99ba7e8951adf17d267cdb84cd88be6f7c2e0eca1737a03836"
_VIDEOMAE = "mae-g/vit_g_hybrid_pt_1200e_ssv2_ft.pth"
_OPEN_SORA = "https://huggingface.co/spaces/LanguageBind/Open-Sora-Plan-v1.0.0/resolve/810fa8c4bdb3a4c8eec9bd57375c29bde6fb46de"
_VIDEO_REWARD = (
    "https://huggingface.co/KlingTeam/VideoReward/resolve/b8e421fe21aec3dde5f61fdd1dc44e1d603b9727/checkpoint-11352"
)
# Digests of files of which their authors publish none are those that several users recorded, alike.
_SIGLIP = "9fdffc58afc957d1a03a25b10dba0329ab15c2a3"
_MUSIQ = "https://github.com/chaofengc/IQA-PyTorch/releases/download/v0.1-weights"

VIDEO: tuple[Checkpoint, ...] = (
    Checkpoint(
        "i3d_kinetics_400",
        "I3D RGB, Kinetics-400, PyTorch port",
        "LanguageBind/Open-Sora-Plan-v1.0.0 (a space of huggingface.co), revision 810fa8c4bdb3a4c8eec9bd57375c29bde6fb46de; the "
        "git blob is that of github.com/songweige/TATS, which holds the file under the same name",
        "unknown",
        (
            File(
                "i3d_pretrained_400.pt",
                f"{_OPEN_SORA}/opensora/eval/fvd/videogpt/i3d_pretrained_400.pt",
                git_blob="a867b87ac3a9097d200598b1d48a1b890d8ec744",
            ),
        ),
    ),
    Checkpoint(
        "videomae_v2_g_ssv2",
        "VideoMAE V2 ViT-g/14, fine-tuned on Something-Something V2",
        "huggingface.co/OpenGVLab/VideoMAE2, revision 97d119d270aca7a1217fff7f413c0c543eb325d9",
        "non-commercial (handed out on request at github.com/OpenGVLab/VideoMAEv2, docs/MODEL_ZOO.md)",
        on_hub(
            "OpenGVLab/VideoMAE2",
            File(_VIDEOMAE, sha256="5a210a92f035dff30c53b46157b612e7a1a5d3c99700e1b2d71da5c399ca7e70"),
            revision="97d119d270aca7a1217fff7f413c0c543eb325d9",
        ),
    ),
    Checkpoint(
        "clip_vit_b_32",
        "CLIP ViT-B/32",
        "github.com/openai/CLIP",
        "MIT",
        (File("ViT-B-32.pt", f"{_OPENAI}/{_CLIP_B}/ViT-B-32.pt", sha256=_CLIP_B),),
    ),
    Checkpoint(
        "clip_vit_l_14",
        "CLIP ViT-L/14",
        "github.com/openai/CLIP",
        "MIT",
        (File("ViT-L-14.pt", f"{_OPENAI}/{_CLIP_L}/ViT-L-14.pt", sha256=_CLIP_L),),
    ),
    Checkpoint(
        "laion_aesthetic_linear",
        "LAION's linear aesthetic head on CLIP ViT-L/14",
        "github.com/LAION-AI/aesthetic-predictor, branch main (no revision is known)",
        "unknown",
        (
            File(
                "sa_0_4_vit_l_14_linear.pth",
                "https://raw.githubusercontent.com/LAION-AI/aesthetic-predictor/main/sa_0_4_vit_l_14_linear.pth",
            ),
        ),
    ),
    Checkpoint(
        "dino_vit_b_16",
        "DINO ViT-B/16",
        "github.com/facebookresearch/dino",
        "Apache-2.0",
        (
            File(
                "dino_vitbase16_pretrain.pth",
                "https://dl.fbaipublicfiles.com/dino/dino_vitbase16_pretrain/dino_vitbase16_pretrain.pth",
                343_242_485,
                "bf34ad0f424b9029b593e8dc3ed553bf26e88bcba0d32bf3e62a6209cb64c85e",
            ),
        ),
    ),
    Checkpoint(
        "viclip_internvid_10m",
        "ViCLIP ViT-L/14, InternVid-10M-FLT",
        "huggingface.co/OpenGVLab/ViCLIP, branch main (no revision is known)",
        "unknown",
        on_hub("OpenGVLab/ViCLIP", "ViClip-InternVid-10M-FLT.pth"),
    ),
    Checkpoint(
        "musiq_spaq",
        "MUSIQ, SPAQ, PyTorch port",
        "github.com/chaofengc/IQA-PyTorch",
        "unknown (the port's code: CC BY-NC-SA 4.0)",
        (File("musiq_spaq_ckpt-358bb6af.pth", f"{_MUSIQ}/musiq_spaq_ckpt-358bb6af.pth", sha256_start="358bb6af"),),
    ),
    Checkpoint(
        "musiq_koniq",
        "MUSIQ, KonIQ-10k, PyTorch port",
        "github.com/chaofengc/IQA-PyTorch",
        "unknown (the port's code: CC BY-NC-SA 4.0)",
        (File("musiq_koniq_ckpt-e95806b9.pth", f"{_MUSIQ}/musiq_koniq_ckpt-e95806b9.pth", 108_610_983, sha256_start="e95806b9"),),
    ),
    Checkpoint(
        "maniqa_koniq",
        "MANIQA, KonIQ-10k",
        "github.com/IIGROUP/MANIQA",
        "unknown",
        (
            File(
                "ckpt_koniq10k.pt",
                "https://github.com/IIGROUP/MANIQA/releases/download/Koniq10k/ckpt_koniq10k.pt",
                543_335_435,
                "a207f8ab57322e6be38ff5c8d019301dc032b454bef21c3c9f9dbf7974eebff6",
            ),
        ),
    ),
    Checkpoint(
        "raft_things",
        "RAFT (large), FlyingThings3D",
        "github.com/princeton-vl/RAFT, as github.com/sczhou/ProPainter, release v0.1.0, offers it by itself",
        "BSD-3-Clause",
        (
            File(
                "raft-things.pth",
                "https://github.com/sczhou/ProPainter/releases/download/v0.1.0/raft-things.pth",
                21_108_000,
                "fcfa4125d6418f4de95d84aec20a3c5f4e205101715a79f193243c186ac9a7e1",
            ),
        ),
    ),
    Checkpoint(
        "amt_s",
        "AMT-S, Vimeo90K",
        "huggingface.co/lalala125/AMT, branch main (no revision is known)",
        "CC BY-NC 4.0",
        on_hub("lalala125/AMT", "amt-s.pth"),
    ),
    Checkpoint(
        "siglip_so400m_384",
        "SigLIP so400m, patches of 14, 384 pixels",
        f"huggingface.co/google/siglip-so400m-patch14-384, revision {_SIGLIP}",
        "Apache-2.0",
        on_hub(
            "google/siglip-so400m-patch14-384",
            File(
                "model.safetensors",
                bytes=3_511_950_624,
                sha256="ea2abad2b7f8a9c1aa5e49a244d5d57ffa71c56f720c94bc5d240ef4d6e1d94a",
            ),
            revision=_SIGLIP,
        ),
    ),
    Checkpoint(
        "aesthetic_predictor_v2_5",
        "aesthetic-predictor-v2-5, head on SigLIP so400m",
        "github.com/discus0434/aesthetic-predictor-v2-5, branch main (no revision is known)",
        "unknown",
        (
            File(
                "aesthetic_predictor_v2_5.pth",
                "https://github.com/discus0434/aesthetic-predictor-v2-5/raw/main/models/aesthetic_predictor_v2_5.pth",
            ),
        ),
    ),
    Checkpoint(
        "dinov3_vit_l_16",
        "DINOv3 ViT-L/16, LVD-1689M",
        "huggingface.co/facebook/dinov3-vitl16-pretrain-lvd1689m (model.safetensors, after agreeing to its licence)",
        "DINOv3 License",
        (File("model.safetensors"),),
    ),
    Checkpoint(
        "video_reward",
        "VideoReward: Qwen2-VL-2B with adapters and a head, trained on people's choices between generated clips (bfloat16)",
        "huggingface.co/KlingTeam/VideoReward (before: KwaiVGI/VideoReward), revision b8e421fe21aec3dde5f61fdd1dc44e1d603b9727",
        "Apache-2.0",
        (
            File(
                "model.pth",
                f"{_VIDEO_REWARD}/model.pth",
                5_031_072_529,
                "48375908e6112de9f0248402db156a23b480709a6960b091c598c6f4c88d21b9",
            ),
        ),
    ),
    Checkpoint(
        "video_reward_tokenizer",
        "VideoReward's byte pairs: Qwen2-VL's and its three marks (151,660 entries)",
        "huggingface.co/KlingTeam/VideoReward (before: KwaiVGI/VideoReward), revision b8e421fe21aec3dde5f61fdd1dc44e1d603b9727",
        "Apache-2.0",
        (File("tokenizer.json", f"{_VIDEO_REWARD}/tokenizer/tokenizer.json"),),
    ),
)
