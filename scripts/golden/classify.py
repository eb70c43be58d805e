"""Writes test/golden/classify.json: what timm makes of the photographs of assets/photos, from file to top-5.

    python scripts/golden/classify.py --weights model.safetensors --out test/golden/classify.json [--inputs FOLDER]

--weights are those of EfficientNet-Lite0 (scripts/export/efficientnet_lite0_weights.py); ResNet18 has none that mean
anything, its weights follow the rule of scripts/export/fill.py. --inputs also keeps each model's input of each
photograph, float32 [3,H,W] little-endian, as <model>.<photograph>.f32.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path

import PIL
import torch

root = Path(__file__).resolve().parents[2]
sys.path.append(str(root / "scripts" / "export"))
import torchvision_operators  # noqa: E402, F401  before timm
import safetensors.torch  # noqa: E402
import timm  # noqa: E402
from fill import WEIGHTS_RULE, fill_weights  # noqa: E402
from metadata import versions  # noqa: E402
from PIL import Image  # noqa: E402
from timm.data import ImageNetInfo, create_transform, resolve_model_data_config  # noqa: E402

PHOTOS = root / "assets" / "photos"
TOP = 5


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def decimals(values: torch.Tensor) -> list[float]:
    """The shortest decimals that become the same float32 again."""
    return [float(str(value)) for value in values.flatten().numpy()]


def models(weights: Path) -> dict[str, tuple[torch.nn.Module, dict]]:
    """Each in evaluation mode, with the origin of its weights."""
    content = weights.read_bytes()
    efficientnet = timm.create_model("tf_efficientnet_lite0").eval()
    efficientnet.load_state_dict(safetensors.torch.load(content))
    resnet = timm.create_model("resnet18").eval()
    fill_weights(resnet)
    return {
        "tf_efficientnet_lite0": (efficientnet, {"sha256": sha256(content)}),
        "resnet18": (resnet, {"rule": WEIGHTS_RULE}),
    }


def classify(model: torch.nn.Module, x: torch.Tensor, info: ImageNetInfo) -> dict:
    """x: float32 [3,H,W]"""
    logits = model(x[None])[0]
    probabilities, indices = logits.softmax(-1).topk(TOP)
    return {
        "inputSha256": sha256(x.numpy().astype("<f4").tobytes()),
        "top": [
            {
                "index": index,
                "wordnetId": info.index_to_label_name(index),
                "label": info.index_to_description(index),
                "probability": probability,
            }
            for index, probability in zip(indices.tolist(), decimals(probabilities))
        ],
        "logits": decimals(logits),
    }


def golden(weights: Path, inputs: Path | None) -> dict:
    info = ImageNetInfo("imagenet-1k")
    photos = sorted(path for path in PHOTOS.iterdir() if path.suffix in (".jpg", ".png"))
    result = {
        "metadata": {
            **versions(),
            "pillow": PIL.__version__,
        },
        "photos": {path.name: sha256(path.read_bytes()) for path in photos},
        "models": {},
    }
    for name, (model, origin) in models(weights).items():
        config = resolve_model_data_config(model)
        transform = create_transform(**config)
        batch = torch.stack([transform(Image.open(path).convert("RGB")) for path in photos])
        if inputs is not None:
            for path, x in zip(photos, batch):
                (inputs / f"{name}.{path.name}.f32").write_bytes(x.numpy().astype("<f4").tobytes())
        classified = {path.name: classify(model, x, info) for path, x in zip(photos, batch)}
        logits = torch.tensor([entry["logits"] for entry in classified.values()], dtype=torch.float64)
        result["models"][name] = {
            "weights": origin,
            "config": config,
            # One forward per photograph, in float32, held against float64.
            "maxDifferenceToFloat64": (logits - model.double()(batch.double())).abs().max().item(),
            "photos": classified,
        }
    return result


def one_line_per_list(value: object, indent: str = "") -> str:
    """JSON with lists of numbers on one line, so that a golden's differences can be read."""
    deeper = indent + " "
    if isinstance(value, dict):
        lines = [f"{deeper}{json.dumps(key)}: {one_line_per_list(item, deeper)}" for key, item in value.items()]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    if isinstance(value, list) and not all(isinstance(item, float) for item in value):
        return "[\n" + ",\n".join(f"{deeper}{json.dumps(item)}" for item in value) + f"\n{indent}]"
    return json.dumps(value)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", required=True, type=Path, help="a safetensors file with timm's keys")
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--inputs", type=Path, help="an existing folder")
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # OpenMP threads that spin beside a busy neighbour take several times as long
    with torch.inference_mode():
        text = one_line_per_list(golden(arguments.weights, arguments.inputs))
    arguments.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
