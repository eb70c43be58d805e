"""Prints by how much each floating-point tensor of an exported ResNet moves the logits when it is perturbed.

    python scripts/golden/resnet_sensitivity.py .artifacts/resnet18.pt

JSON on stdout: {"parameters": {name: change}, "buffers": {name: change}}, change = max |logits - unperturbed logits|.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path

import torch

sys.path.append(str(Path(__file__).resolve().parents[1] / "export"))
from fill import images  # noqa: E402

FACTOR = 1.125


def changes(model: torch.jit.ScriptModule, tensors: Iterable[tuple[str, torch.Tensor]]) -> dict[str, float]:
    x = images((2, 3, 64, 64), seed=5, tile=32)
    unperturbed = model(x)
    result = {}
    for name, tensor in tensors:
        if tensor.is_floating_point():
            original = tensor.clone()
            tensor.mul_(FACTOR)
            result[name] = (model(x) - unperturbed).abs().max().item()
            tensor.copy_(original)
    if not torch.equal(model(x), unperturbed):
        raise SystemExit("Expected the unperturbed logits after restoring every tensor but received others")
    return result


def main() -> None:
    torch.set_num_threads(1)  # OpenMP threads that spin beside a busy neighbour take ten times as long
    model = torch.jit.load(sys.argv[1]).eval()
    with torch.no_grad():
        parameters, buffers = changes(model, model.named_parameters()), changes(model, model.named_buffers())
    print(json.dumps({"parameters": parameters, "buffers": buffers}))


if __name__ == "__main__":
    main()
