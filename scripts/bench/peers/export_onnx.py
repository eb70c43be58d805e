"""Writes ResNet18 with the weights of a TorchScript archive as ONNX, batch 1: `export_onnx.py ARCHIVE FILE`."""

import sys
from pathlib import Path

import torch

sys.path.append(str(Path(__file__).resolve().parents[2] / "export"))
import torchvision_operators  # noqa: E402, F401  before timm, which imports torchvision
import timm  # noqa: E402


def main(archive: str, file: str) -> None:
    model = timm.create_model("resnet18").eval()
    model.load_state_dict(torch.jit.load(archive).state_dict())
    image = torch.zeros(1, 3, 224, 224)
    torch.onnx.export(model, (image,), file, dynamo=True, external_data=False, input_names=["image"], output_names=["logits"])


main(*sys.argv[1:])
