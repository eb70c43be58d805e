"""Writes test/golden/saved-models.json: what timm makes of folders as save_for_hf and others write them.

    python scripts/golden/saved_models.py --out test/golden/saved-models.json

Weights follow the rule of fill.py, stored in several precisions. `changes` are those of the folder's config.json.
"""

import argparse
import inspect
import json
import sys
import tempfile
from pathlib import Path

import torch
from safetensors.torch import save_file

from resnet_surface import sample

sys.path.append(str(Path(__file__).resolve().parents[1] / "export"))
import torchvision_operators  # noqa: E402, F401  before timm
import timm  # noqa: E402
from fill import WEIGHTS_RULE, fill_weights, images  # noqa: E402
from metadata import versions  # noqa: E402

INPUT = {"shape": [1, 3, 64, 64], "seed": 21, "tile": 32}
PRETRAINED = {
    "num_classes": 1000,
    "input_size": [3, 64, 64],
    "crop_pct": 1.0,
    "interpolation": "bicubic",
    "mean": [0.5, 0.5, 0.5],
    "std": [0.5, 0.5, 0.5],
    "first_conv": "conv1",
    "classifier": "fc",
}
CONFIG = {"architecture": "resnet18", "num_classes": 1000, "num_features": 512, "pretrained_cfg": PRETRAINED}
LEGACY = {"architecture": "resnet18", "num_features": 512, **PRETRAINED}
NAMES = [f"name {i}" for i in range(4)]

STORED = {
    "float32": lambda state: state,
    "float16": lambda state: cast(state, torch.float16),
    "bfloat16": lambda state: cast(state, torch.bfloat16),
    "float64": lambda state: cast(state, torch.float64),
    "float32, float16 by turns": lambda state: {
        name: tensor.half() if i % 2 and tensor.is_floating_point() else tensor
        for i, (name, tensor) in enumerate(sorted(state.items()))
    },
    "without num_batches_tracked": lambda state: {
        name: tensor for name, tensor in state.items() if not name.endswith("num_batches_tracked")
    },
}
CONFIGS = [
    ("a pool at the root, which is for people", {**CONFIG, "global_pool": "max"}),
    ("a pool of model_args", {**CONFIG, "global_pool": "avg", "model_args": {"global_pool": "max"}}),
    ("all in one dictionary", {**LEGACY, "labels": NAMES}),
    ("all in one dictionary, in today's words", {**LEGACY, "label_names": NAMES}),
    ("labels that timm does not read", {**CONFIG, "labels": NAMES}),
]
# Values that are not the builder's own. Some end in other numbers, others in weights that do not fit or in an error.
OTHER = {
    "resnet18": {
        "act_layer": "silu",
        "aa_layer": "avg",
        "avg_down": True,
        "base_width": 32,
        "block": "Bottleneck",
        "block_args": {"attn_layer": "se"},
        "block_reduce_first": 2,
        "cardinality": 2,
        "channels": [32, 64, 128, 256],
        "down_kernel_size": 3,
        "features_only": True,
        "layers": [3, 4, 6, 3],
        "norm_layer": "layernorm2d",
        "replace_stem_pool": True,
        "stem_type": "deep",
        "img_size": 64,
    },
    "tf_efficientnet_lite0": {
        "act_layer": "relu",
        "bn_eps": 1e-5,
        "norm_layer": "batchnorm2d",
        "pad_type": "",
        "stem_kernel_size": 5,
        "zero_init_last": False,
    },
}
# Those that act in training only; the numbers of training are the program's too.
TRAINING = {
    "resnet18": {"drop_path_rate": 0.05, "drop_block_rate": 0.1},
    "tf_efficientnet_lite0": {"drop_path_rate": 0.2, "bn_momentum": 0.01},
}
# The builder's own where its signature does not say them, and what changes nothing once weights are loaded.
OWN = {
    "resnet18": {
        "act_layer": "relu",
        "norm_layer": "batchnorm2d",
        "layers": [2, 2, 2, 2],
        "features_only": False,
        "zero_init_last": False,
        "block_args": {},
    },
    "tf_efficientnet_lite0": {
        "act_layer": "relu6",
        "pad_type": "same",
        "bn_eps": 1e-3,
        "bn_momentum": 0.1,
        "features_only": False,
    },
}
UNSAID = {"device", "dtype"}  # where it runs, which timm does not store
GIVEN = {"num_classes", "in_chans", "output_stride", "global_pool", "drop_rate"}  # changes that this package makes


def cast(state: dict, dtype: torch.dtype) -> dict:
    return {name: tensor.to(dtype) if tensor.is_floating_point() else tensor for name, tensor in state.items()}


def loaded(config: dict, state: dict) -> torch.nn.Module:
    with tempfile.TemporaryDirectory() as folder:
        save_file({name: tensor.contiguous() for name, tensor in state.items()}, Path(folder) / "model.safetensors")
        (Path(folder) / "config.json").write_text(json.dumps(config))
        return timm.create_model(f"local-dir:{folder}", pretrained=True).eval()


def gives(config: dict, state: dict, x: torch.Tensor, expected: torch.Tensor) -> bool:
    """Whether timm can build and fill the model, and its logits are these to the bit."""
    try:
        output = loaded(config, state)(x)
    except (RuntimeError, TypeError, AttributeError, AssertionError):
        return False
    return isinstance(output, torch.Tensor) and torch.equal(output, expected)


def filled_model(architecture: str) -> torch.nn.Module:
    model = timm.create_model(architecture)
    fill_weights(model)
    return model.eval()


def written_defaults(model: torch.nn.Module, own: dict) -> dict:
    """What the builder's signature says, as far as JSON can."""
    said = {
        name: parameter.default
        for name, parameter in inspect.signature(type(model).__init__).parameters.items()
        if parameter.default is None or isinstance(parameter.default, (bool, int, float, str, tuple))
    }
    usable = {name: value for name, value in said.items() if name not in UNSAID | GIVEN | set(own)}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in usable.items()}


def arguments_of(architecture: str, x: torch.Tensor) -> dict:
    model = filled_model(architecture)
    state, expected = model.state_dict(), model(x)
    config = {"architecture": architecture, "pretrained_cfg": {**model.pretrained_cfg, "url": ""}}
    same, refused = [], []
    own = OWN[architecture]
    for name, value in {**written_defaults(model, own), **own}.items():
        # Where timm gives its builder an argument itself, it takes that from nobody.
        is_same = gives({**config, "model_args": {name: value}}, state, x, expected)
        (same if is_same else refused).append([name, value])
    for name, value in OTHER[architecture].items():
        assert not gives({**config, "model_args": {name: value}}, state, x, expected), name
        refused.append([name, value])
    for name, value in TRAINING[architecture].items():
        assert gives({**config, "model_args": {name: value}}, state, x, expected), name
        refused.append([name, value])
    return {"architecture": architecture, "same": same, "refused": refused}


def folders(x: torch.Tensor) -> list[dict]:
    state = filled_model("resnet18").state_dict()
    cases = [("plain", CONFIG, stored) for stored in STORED] + [(*case, "float32") for case in CONFIGS]
    rows = []
    for name, config, stored in cases:
        model = loaded(json.loads(json.dumps(config)), STORED[stored](state))
        assert {tensor.dtype for tensor in model.state_dict().values()} == {torch.float32, torch.int64}
        labels = model.pretrained_cfg.get("label_names")
        said = {"logits": sample(model(x)), "firstLabel": labels and labels[0]}
        rows.append({"name": name, "config": config, "stored": stored, **said})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, type=Path)
    arguments = parser.parse_args()
    x = images(tuple(INPUT["shape"]), INPUT["seed"], INPUT["tile"])
    with torch.inference_mode():
        golden = {
            "versions": versions(),
            "weights": WEIGHTS_RULE,
            "input": INPUT,
            "folders": folders(x),
            "arguments": [arguments_of(name, x) for name in OWN],
        }
    arguments.out.write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
