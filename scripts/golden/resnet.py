"""Writes test/golden/resnet18.json: what timm's ResNet18, run eagerly, makes of images that any language can make.

    python scripts/golden/resnet.py --out test/golden/resnet18.json
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.append(str(Path(__file__).resolve().parents[1] / "export"))
import torchvision_operators  # noqa: E402, F401  before timm
import timm  # noqa: E402
from fill import WEIGHTS_RULE, fill_weights, images  # noqa: E402
from metadata import versions  # noqa: E402

MODEL = "resnet18"
SHAPE = (8, 3, 224, 224)
SEED, TILE = 1, 112
SAMPLES = 32


def decimals(values: torch.Tensor) -> list[float]:
    """The shortest decimals that become the same float32 again."""
    return [float(str(value)) for value in values.flatten().numpy()]


def sample(tensor: torch.Tensor) -> dict:
    """Shape, mean, and values at evenly spaced positions of the row-major order."""
    positions = np.linspace(0, tensor.numel() - 1, SAMPLES).astype(np.int64)
    return {
        "shape": list(tensor.shape),
        "mean": tensor.double().mean().item(),
        "positions": positions.tolist(),
        "values": decimals(tensor.flatten()[torch.from_numpy(positions)]),
    }


def golden() -> dict:
    model = timm.create_model(MODEL)
    fill_weights(model)
    model.eval()
    x = images(SHAPE, SEED, TILE)
    first = x[:1]
    logits1, logits8 = model(first), model(x)
    features = model.forward_features(first)
    last, intermediates = model.forward_intermediates(first)
    if not torch.equal(last, features):
        raise SystemExit("Expected forward_intermediates to end in forward_features' result but received another")
    result = {
        "metadata": {
            "model": MODEL,
            "weights": WEIGHTS_RULE,
            **versions(),
        },
        "input": {
            "rule": "scripts/export/fill.py: images",
            "shape": list(SHAPE),
            "seed": SEED,
            "tile": TILE,
            "sha256": hashlib.sha256(x.numpy().astype("<f4").tobytes()).hexdigest(),
        },
        "logits": decimals(logits1),
        "preLogits": sample(model.forward_head(features, pre_logits=True)),
        "features": sample(features),
        "intermediates": [sample(tensor) for tensor in intermediates],
        "batch": [
            {"logits": decimals(row[:10]), "mean": row.mean().item(), "deviation": row.std(correction=0).item()}
            for row in logits8.double()
        ],
    }
    exact = model.double()(x.double())
    result["metadata"]["maxDifferenceToFloat64"] = max(
        (logits1 - exact[:1]).abs().max().item(), (logits8 - exact).abs().max().item()
    )
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, type=Path)
    path = parser.parse_args().out
    torch.set_num_threads(1)  # OpenMP threads that spin beside a busy neighbour take several times as long
    with torch.inference_mode():
        text = json.dumps(golden(), indent=1)
    path.write_text(text + "\n")


if __name__ == "__main__":
    main()
