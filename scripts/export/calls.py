"""Calls on which an archive and its original must agree."""

from typing import NamedTuple

import torch


class Call(NamedTuple):
    """A method and its arguments."""

    method: str
    arguments: tuple
    options: dict = {}


def standard_calls(model: torch.nn.Module, x: torch.Tensor) -> list[Call]:
    """What every image classifier of timm has, for images float32 [N,C,H,W]."""
    features = model.forward_features(x)
    return [
        Call("forward", (x,)),
        Call("forward_features", (x,)),
        Call("forward_head", (features,)),
        Call("forward_head", (features, True)),
    ]
