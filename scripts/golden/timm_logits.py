"""Prints what timm's models make of an image, run eagerly. It and the weights follow scripts/export/fill.py.

    python scripts/golden/timm_logits.py test_vit test_convnext

JSON on stdout: {model: {"input": {"shape": [1,C,H,W], "seed", "tile"}, "logits": [K floats], "preLogits": [D floats]}}.
"""

import json
import sys
from pathlib import Path

import torch

sys.path.append(str(Path(__file__).resolve().parents[1] / "export"))
import torchvision_operators  # noqa: E402, F401  before timm
import timm  # noqa: E402
from fill import fill_weights, images  # noqa: E402


def results(name: str) -> dict:
    model = timm.create_model(name).eval()
    fill_weights(model)
    shape = (1, *model.pretrained_cfg["input_size"])
    given = {"shape": shape, "seed": 31, "tile": shape[-1] // 2}
    features = model.forward_features(images(**given))
    pooled = model.forward_head(features, pre_logits=True)
    return {"input": given, "logits": model.forward_head(features)[0].tolist(), "preLogits": pooled[0].tolist()}


def main() -> None:
    torch.set_num_threads(1)  # OpenMP threads that spin beside a busy neighbour take several times as long
    with torch.inference_mode():
        print(json.dumps({name: results(name) for name in sys.argv[1:]}))


if __name__ == "__main__":
    main()
