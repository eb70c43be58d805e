"""Writes test/golden/features.json: scales, embeddings and class activation maps of the photographs of assets/photos.

    python scripts/golden/features.py --weights model.safetensors --out test/golden/features.json

--weights are those of EfficientNet-Lite0, as for scripts/golden/classify.py, whose models and photographs these are.
"""

import argparse
import json
from pathlib import Path

from classify import PHOTOS, decimals, models, sha256  # first: it lets timm import beside a torch for the CPU
import timm
import torch
from metadata import versions
from PIL import Image
from resnet_surface import sample
from timm.data import create_transform, resolve_model_data_config
from torch.nn import functional as F


def scales(name: str, model: torch.nn.Module, x: torch.Tensor) -> list[dict]:
    """What features_only=True gives. x: float32 [1,3,H,W]"""
    only = timm.create_model(name, features_only=True).eval()
    only.load_state_dict(model.state_dict(), strict=False)
    info = only.feature_info
    rows = zip(info.module_name(), info.channels(), info.reduction(), only(x))
    return [{"module": m, "channels": c, "reduction": r, **sample(features)} for m, c, r, features in rows]


def heat_map(model: torch.nn.Module, features: torch.Tensor) -> dict:
    """The class activation map (arXiv:1512.04150) of the best class. features: float32 [D,h,w]"""
    logits = model.forward_head(features[None])[0]
    index = int(logits.argmax())
    classifier = model.get_classifier()
    values = torch.einsum("d,dhw->hw", classifier.weight[index], features)
    # What makes it a map of the class: its mean is the class's logit but for the bias.
    difference = (values.mean() + classifier.bias[index] - logits[index]).abs().item()
    if difference > 1e-4 * logits.abs().max().item():
        raise SystemExit(f"Expected the mean of the heat map to be the logit but received {difference} more or less")
    return {
        "index": index,
        "probability": logits.softmax(-1)[index].item(),
        "height": values.shape[0],
        "width": values.shape[1],
        "values": decimals(values),
    }


def golden(weights: Path) -> dict:
    photos = sorted(path for path in PHOTOS.iterdir() if path.suffix in (".jpg", ".png"))
    result = {
        "metadata": versions(),
        "photos": {path.name: sha256(path.read_bytes()) for path in photos},
        "models": {},
    }
    for name, (model, origin) in models(weights).items():
        transform = create_transform(**resolve_model_data_config(model))
        batch = torch.stack([transform(Image.open(path).convert("RGB")) for path in photos])
        features = torch.cat([model.forward_features(x[None]) for x in batch])
        embeddings = F.normalize(model.forward_head(features, pre_logits=True), dim=1)
        rows = zip(photos, batch, features, embeddings)
        photo_rows = {
            path.name: {
                "scales": scales(name, model, x[None]),
                "embedding": sample(embedding),
                "heatMap": heat_map(model, own),
            }
            for path, x, own, embedding in rows
        }
        exact = model.double()
        exact_features = exact.forward_features(batch.double())
        exact_embeddings = F.normalize(exact.forward_head(exact_features, pre_logits=True), dim=1)
        result["models"][name] = {
            "weights": origin,
            "maxDifferenceToFloat64": (embeddings - exact_embeddings).abs().max().item(),
            "photos": photo_rows,
            # In the order of the photographs, which is that of their names.
            "cosines": [decimals(row) for row in embeddings @ embeddings.T],
        }
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", required=True, type=Path, help="a safetensors file with timm's keys")
    parser.add_argument("--out", required=True, type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # OpenMP threads that spin beside a busy neighbour take several times as long
    with torch.inference_mode():
        text = json.dumps(golden(arguments.weights), indent=1)
    arguments.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
