"""Fills weights and images by integer arithmetic, so that every machine and language makes the same bits.

A model's own initialisation will not do for goldens: timm starts the last norm of each residual block with gain 0, so
most convolutions would have no effect on the logits, and a random generator is one more thing that has to agree.
"""

import math
import zlib

import numpy as np
import torch

WEIGHTS_RULE = "scripts/export/fill.py: hash22(crc32(name), position), scaled by kind of tensor"


def _hash32(values: np.ndarray) -> np.ndarray:
    """uint32 to uint32, one to one: the `lowbias32` mixer of Chris Wellons' hash-prospector."""
    mixed = values.astype(np.uint32)
    mixed ^= mixed >> np.uint32(16)
    mixed *= np.uint32(0x7FEB352D)
    mixed ^= mixed >> np.uint32(15)
    mixed *= np.uint32(0x846CA68B)
    mixed ^= mixed >> np.uint32(16)
    return mixed


def hash22(seed: int, positions: np.ndarray) -> np.ndarray:
    """uint32 in [0, 2^22): the upper bits of hash32(hash32(seed) + position), the sum modulo 2^32."""
    start = _hash32(np.array([seed], dtype=np.uint32))
    return _hash32(start + positions.astype(np.uint32)) >> np.uint32(10)


def _uniform(name: str, shape: torch.Size, low: float, high: float) -> torch.Tensor:
    """float32 [shape] in [low, high], computed in float64."""
    unit = hash22(zlib.crc32(name.encode()), np.arange(math.prod(shape))) * 2.0**-22
    return torch.from_numpy((low + unit * (high - low)).astype(np.float32)).reshape(shape)


def filled(name: str, tensor: torch.Tensor) -> torch.Tensor:
    """The ranges keep activations near 1 through the residual stages, and the logits' deviation above 1."""
    kind = name.rsplit(".", 1)[-1]
    if kind == "num_batches_tracked":
        return torch.full_like(tensor, 1 + zlib.crc32(name.encode()) % 1000)
    if kind == "running_var":
        return _uniform(name, tensor.shape, 0.5, 1.5)
    if kind in ("bias", "running_mean"):
        return _uniform(name, tensor.shape, -0.25, 0.25)
    if tensor.dim() == 1:  # the gain of a norm
        return _uniform(name, tensor.shape, 0.5, 1.0)
    inputs_per_output = math.prod(tensor.shape[1:])
    bound = math.sqrt((1.5 if name == "fc.weight" else 6) / inputs_per_output)
    return _uniform(name, tensor.shape, -bound, bound)


def fill_weights(model: torch.nn.Module) -> None:
    """Overwrites every entry of a ResNet's state dict."""
    model.load_state_dict({name: filled(name, tensor) for name, tensor in model.state_dict().items()})


def images(shape: tuple[int, int, int, int], seed: int, tile: int) -> torch.Tensor:
    """float32 [N,C,H,W] in [-2, 2): large tiles under fine noise, so that pooled features differ between images.

    (3 * coarse + fine) has 24 bits, as many as a float32 holds: nothing is rounded. Image n is the same in every batch.
    """
    batch, channels, height, width = shape
    n, c, y, x = np.ogrid[:batch, :channels, :height, :width]
    rows, columns = -(-height // tile), -(-width // tile)
    fine = hash22(seed, ((n * channels + c) * height + y) * width + x).astype(np.int64)
    coarse = hash22(seed + 1, ((n * channels + c) * rows + y // tile) * columns + x // tile).astype(np.int64)
    return torch.from_numpy(((3 * coarse + fine - 2**23) * 2.0**-22).astype(np.float32))
