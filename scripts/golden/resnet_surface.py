"""Writes test/golden/resnet-surface.json: every verb of timm's ResNets, run eagerly, on weights and images by a rule.

    python scripts/golden/resnet_surface.py --out test/golden/resnet-surface.json
"""

import argparse
import hashlib
import json
import re
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.append(str(Path(__file__).resolve().parents[1] / "export"))
import torchvision_operators  # noqa: E402, F401  before timm
import timm  # noqa: E402
from fill import WEIGHTS_RULE, fill_weights, filled, images  # noqa: E402
from metadata import versions  # noqa: E402
from PIL import Image  # noqa: E402
from timm.optim import param_groups_layer_decay  # noqa: E402
from torch.nn import functional as F  # noqa: E402

INPUT = {"shape": [2, 3, 96, 96], "seed": 11, "tile": 48}
SAMPLES = 16
MODELS = [(name, stride) for name in ("resnet18", "resnet34", "resnet50") for stride in (32, 16, 8)]
POOLS = ["avg", "max", "avgmax", "catavgmax", "fast", "fastavg", "fastmax", "fastavgmax", "fastcatavgmax"]
NODES = ["layer1.0.bn1", "layer3.1.conv2", "layer2.0.downsample.1", "maxpool", "layer4.1", "global_pool", "fc"]
FROZEN = ["conv1", "bn1", "layer1", "layer2"]
PHOTO = Path(__file__).resolve().parents[2] / "assets" / "photos" / "chelsea.png"


def decimals(values: torch.Tensor) -> list[float]:
    """The shortest decimals that become the same float32 again."""
    return [float(str(value)) for value in values.flatten().numpy()]


def sample(tensor: torch.Tensor) -> dict:
    """Shape, mean, and values at evenly spaced positions of the row-major order."""
    tensor = tensor.detach()
    positions = np.linspace(0, tensor.numel() - 1, min(SAMPLES, tensor.numel())).astype(np.int64)
    return {
        "shape": list(tensor.shape),
        "mean": tensor.double().mean().item(),
        "positions": positions.tolist(),
        "values": decimals(tensor.flatten()[torch.from_numpy(positions)]),
    }


def with_first(tensor: torch.Tensor) -> dict:
    """A sample of the whole batch, and all values of the first row."""
    return sample(tensor) | {"first": decimals(tensor[0])}


def model(name: str = "resnet18", **options: object) -> torch.nn.Module:
    made = timm.create_model(name, **options)
    fill_weights(made)
    return made.eval()


def surface(name: str, stride: int, x: torch.Tensor) -> dict:
    net = model(name, output_stride=stride)
    features = net.forward_features(x)
    last, intermediates = net.forward_intermediates(x)
    early, some = net.forward_intermediates(x, indices=[3, -4], stop_early=True, norm=True)
    final, tail = net.forward_intermediates(x, indices=2)
    assert torch.equal(last, features) and torch.equal(final, features) and len(some) == len(tail) == 2
    scales = timm.create_model(name, output_stride=stride, features_only=True)
    scales.load_state_dict(net.state_dict(), strict=False)
    info = scales.feature_info
    rows = zip(info.module_name(), info.channels(), info.reduction())
    for own, scale in zip(intermediates, scales.eval()(x)):
        assert torch.equal(own, scale)
    return {
        "model": name,
        "outputStride": stride,
        "logits": with_first(net(x)),
        "features": sample(features),
        "preLogits": with_first(net.forward_head(features, pre_logits=True)),
        "intermediates": [sample(tensor) for tensor in intermediates],
        "stoppedEarly": {"features": sample(early), "intermediates": [sample(tensor) for tensor in some]},
        "featureInfo": [{"module": m, "channels": c, "reduction": r} for m, c, r in rows],
        "numFeatures": net.num_features,
    }


def pool(name: str, x: torch.Tensor) -> dict:
    net = model()
    net.reset_classifier(10, name)
    fill_weights(net)
    features = net.forward_features(x)
    pooled = net.forward_head(features, pre_logits=True)
    return {"pool": name, "preLogits": with_first(pooled), "logits": with_first(net(x))}


def channels(count: int) -> dict:
    pretrained = model()
    net = timm.create_model(
        "resnet18", in_chans=count, pretrained=True, pretrained_cfg_overlay={"state_dict": pretrained.state_dict()}
    ).eval()
    shape = (2, count, 96, 96)
    return {
        "inChans": count,
        "weight": sample(net.conv1.weight),
        "logits": with_first(net(images(shape, INPUT["seed"], INPUT["tile"]))),
    }


def layers(x: torch.Tensor) -> dict:
    """What hooks see, before anything changes it in place."""
    net = model()
    seen = {}
    for name in NODES:
        net.get_submodule(name).register_forward_hook(lambda m, i, out, name=name: seen.update({name: out.clone()}))
    net(x)
    return {name: sample(seen[name]) for name in NODES}


def groups(name: str, frozen: bool = False, **options: object) -> dict:
    net = timm.create_model(name)
    if frozen:
        timm.utils.freeze(net, FROZEN)
    names = {id(parameter): key for key, parameter in net.named_parameters()}
    rows = [
        [row["lr_scale"], row["weight_decay"], [names[id(parameter)] for parameter in row["params"]]]
        for row in param_groups_layer_decay(net, **options)
    ]
    return {"model": name, "frozen": frozen, "options": options, "groups": rows}


def frozen_training(x: torch.Tensor) -> dict:
    net = model()
    timm.utils.freeze(net, FROZEN, include_bn_running_stats=False)
    net.train()
    for name, part in net.named_modules():
        if isinstance(part, torch.nn.BatchNorm2d) and name.startswith(tuple(FROZEN)):
            part.eval()
    logits = net(x)
    return {
        "names": FROZEN,
        "trainable": [name for name, parameter in net.named_parameters() if parameter.requires_grad],
        "logits": sample(logits),
        "runningMeans": {name: sample(net.get_buffer(f"{name}.running_mean")) for name in ("layer2.1.bn2", "layer3.0.bn1")},
    }


def heads(x: torch.Tensor) -> dict:
    """A segmentation head over three stages, and a regression head over the last map."""
    _, maps = model().forward_intermediates(x, indices=[2, 3, 4])
    size = list(maps[0].shape[-2:])
    weights = [filled(f"head.conv{i}", torch.empty(5, part.shape[1], 1, 1)) for i, part in enumerate(maps)]
    scores = [
        F.interpolate(F.conv2d(part, weight), size, mode="bilinear", align_corners=False)
        for part, weight in zip(maps, weights)
    ]
    weight = filled("head.weight", torch.empty(2, maps[-1].shape[1]))
    regressed = F.linear(torch.tanh(maps[-1]).mean((2, 3)), weight)
    return {"segmentation": sample(sum(scores)), "regression": sample(regressed)}


def photo(**options: object) -> dict:
    """The photograph as timm prepares it, and what ResNet18 makes of it."""
    net = model()
    use_test_size = bool(options.pop("use_test_size", False))
    config = timm.data.resolve_data_config(options, model=net, use_test_size=use_test_size)
    x = timm.data.create_transform(**config)(Image.open(PHOTO).convert("RGB"))[None]
    return {
        "options": options | {"use_test_size": use_test_size},
        "shape": list(x.shape),
        "sha256": hashlib.sha256(x.contiguous().numpy().tobytes()).hexdigest(),
        "logits": with_first(net(x)),
        "embedding": sample(F.normalize(net.forward_head(net.forward_features(x), pre_logits=True), dim=1)),
    }


def golden() -> dict:
    x = images(tuple(INPUT["shape"]), INPUT["seed"], INPUT["tile"])
    torch.manual_seed(7)
    linear = torch.nn.Linear(512, 10)
    with torch.inference_mode():
        result = {
            "metadata": {
                "weights": WEIGHTS_RULE,
                **versions(),
            },
            "input": {"rule": "scripts/export/fill.py: images", **INPUT},
            "models": [surface(name, stride, x) for name, stride in MODELS],
            "pools": [pool(name, x) for name in POOLS],
            "channels": [channels(count) for count in (1, 2, 4, 7)],
            "layers": layers(x),
            "linear": {"seed": 7, "weight": sample(linear.weight), "bias": sample(linear.bias)},
            "groups": [
                groups("resnet18"),
                groups("resnet50", layer_decay=0.65, min_scale=0.1, weight_decay=0.01),
                groups("resnet18", frozen=True, no_weight_decay_list=["fc.weight"], weight_decay_exclude_1d=False),
                groups("tf_efficientnet_lite0"),
            ],
            "heads": heads(x),
            "photos": [
                photo(),
                photo(use_test_size=True),
                photo(crop_mode="squash"),
                photo(crop_mode="border"),
                photo(input_size=(3, 160, 192), crop_pct=0.9, interpolation="bilinear"),
            ],
        }
    result["frozenTraining"] = frozen_training(x)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, type=Path)
    path = parser.parse_args().out
    torch.set_num_threads(1)  # OpenMP threads that spin beside a busy neighbour take several times as long
    text = json.dumps(golden(), indent=1)
    # Numbers of a list on one line.
    text = re.sub(r"\[\s+([^][{}\"]+?)\s+\]", lambda numbers: f"[{''.join(numbers[1].split())}]", text)
    path.write_text(text + "\n")


if __name__ == "__main__":
    main()
