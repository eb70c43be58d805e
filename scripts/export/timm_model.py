"""Exports a timm model that TorchScript can hold as it is, and holds it against timm before it writes anything.

    python scripts/export/timm_model.py --model tf_efficientnet_lite0 --out tf_efficientnet_lite0.pt
        [--weights model.safetensors] [--weightless tf_efficientnet_lite0.weightless.pt]

The archive's methods are `forward`, `forward_features` and `forward_head`. Without --weights the weights follow the
rule of fill.py. Scripted, never traced: a trace cannot train.
"""

import torch
from archive import Call, build, export, parse_arguments


def calls(model: torch.nn.Module, x: torch.Tensor) -> list[Call]:
    features = model.forward_features(x)
    return [
        Call("forward", (x,)),
        Call("forward_features", (x,)),
        Call("forward_head", (features,)),
        Call("forward_head", (features, True)),
    ]


def main() -> None:
    arguments = parse_arguments(__doc__)
    model, origin = build(arguments.model, arguments.weights)
    export(arguments, model, origin, model, lambda x: calls(model, x))


if __name__ == "__main__":
    main()
