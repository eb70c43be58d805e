"""Layers, distances, resampling, losses, and operators in place."""

import torch

from .fill import ALL, FLOATS, SHAPES, fill, ints, positive, share, unit


def activation(case):
    names = "relu silu gelu leaky_relu elu softplus hardsigmoid hardswish".split()
    for name in names:
        for dtype in FLOATS:
            case(name, fill([2, 3], dtype))
        for shape in SHAPES[1:]:
            case(name, fill(shape))
    case("relu", fill([3], torch.int64))
    case("gelu", fill([2, 3]), approximate="tanh")
    case("leaky_relu", fill([2, 3]), 0.25)
    case("elu", fill([2, 3]), 1.5)
    case("softplus", fill([2, 3]), 2, 1.5)
    for name in ("softmax.int", "log_softmax.int"):
        for dtype in FLOATS:
            case(name, fill([2, 3], dtype), -1)
        case(name, fill([2, 3]), 0)
        case(name, fill([2, 3], torch.float16), 1, torch.float32)
        case(name, fill([]), 0)
        case(name, fill([0, 3]), 1)


def linear_algebra(case):
    for dtype in FLOATS:
        case("matmul", unit([2, 3], dtype), unit([3, 2], dtype, 1))
        case("mm", unit([2, 3], dtype), unit([3, 2], dtype, 1))
        case("bmm", unit([2, 1, 3], dtype), unit([2, 3, 2], dtype, 1))
        case("linear", unit([2, 3], dtype), unit([2, 3], dtype, 1), unit([2], dtype, 2))
    case("matmul", fill([2, 3], torch.int64), fill([3, 2], torch.int64, 1))
    case("matmul", fill([3]), fill([3], seed=1))
    case("matmul", fill([2, 1, 2, 3]), fill([3, 1], seed=1))
    case("mm", fill([0, 3]), fill([3, 2]))
    case("addmm", fill([2]), fill([2, 3]), fill([3, 2], seed=1))
    case("addmm", fill([2, 2]), fill([2, 3]), fill([3, 2], seed=1), beta=0.5, alpha=2)
    case("linear", fill([3]), fill([2, 3], seed=1))
    case("einsum", "ij,jk->ki", [fill([2, 3]), fill([3, 2], seed=1)])
    case("einsum", "bij,bjk,kl->bil", [fill([1, 2, 2]), fill([1, 2, 2]), fill([2, 1])], path=[0, 1, 0, 1])
    for dtype in (torch.float32, torch.float64):
        case("cdist", fill([2, 3], dtype), fill([3, 3], dtype, 1))
        case("cosine_similarity", fill([2, 3], dtype), fill([2, 3], dtype, 1))
        case("pairwise_distance", fill([2, 3], dtype), fill([2, 3], dtype, 1))
    case("cdist", fill([2, 3]), fill([1, 3], seed=1), 1.0)
    case("cdist", fill([2, 3]), fill([1, 3], seed=1), 2.0, 2)
    case("cosine_similarity", fill([2, 3]), fill([2, 3], seed=1), 0, 0.5)
    case("pairwise_distance", fill([2, 3]), fill([2, 3], seed=1), 1.0, 0.25, True)


def convolution(case):
    image = unit([1, 2, 4, 5])
    for dtype in FLOATS:
        case("conv1d", unit([1, 2, 5], dtype), unit([2, 2, 3], dtype, 1), unit([2], dtype, 2))
        case("conv2d", unit([1, 2, 4, 4], dtype), unit([2, 2, 3, 3], dtype, 1), unit([2], dtype, 2))
    case("conv1d", unit([1, 2, 6]), unit([2, 1, 2], seed=1), None, [2], [1], [2], 2)
    case("conv2d", image, unit([2, 1, 2, 3], seed=1), None, [2, 1], [0, 1], [1, 2], 2)
    case("conv2d", unit([2, 4, 4]), unit([1, 2, 1, 1], seed=1), stride=[3, 3])
    # Whole numbers: without a CPU's own bfloat16 instructions each of the sums' terms is rounded.
    whole = [fill([1, 1, 2, 2], torch.int64, seed).float() for seed in range(2)]
    case("conv_transpose2d.input", *whole)
    case("conv_transpose2d.input", image, unit([2, 1, 2, 2], seed=1))
    case("conv_transpose2d.input", image, unit([2, 1, 3, 3], seed=1), unit([2]), [2, 2], [1, 1], [1, 0], 2, [1, 1])
    for dtype in FLOATS:
        case("max_pool2d", fill([1, 1, 4, 4], dtype), [2, 2])
        case("avg_pool2d", fill([1, 1, 4, 4], dtype), [2, 2])
        case("adaptive_avg_pool2d", fill([1, 1, 4, 3], dtype), [2, 2])
    case("max_pool2d", image, [3, 2], [1, 2], [1, 0], [1, 2], True)
    case("avg_pool2d", image, [3, 2], [2, 1], [1, 1], True, False)
    case("avg_pool2d", image, [2, 2], divisor_override=3)
    case("adaptive_avg_pool1d", fill([1, 2, 5]), [2])
    case("adaptive_avg_pool2d", image, [1, 1])
    case("adaptive_avg_pool3d", fill([1, 1, 2, 3, 4]), [1, 2, 3])
    case("adaptive_max_pool2d", image, [2, 3])
    case("pad", fill([2, 3]), [1, -1], "constant", 2.0)
    case("pad", fill([2, 3]), [1, -1], "constant", 2.5)
    for mode in ("constant", "reflect", "replicate", "circular"):
        case("pad", image, [1, 2, 0, 1], mode)
    case("pad", fill([2], torch.int64), [1, 0], value=7.0)
    grid = unit([1, 2, 3, 2], seed=5)
    for interpolation in (0, 1, 2):
        for padding in (0, 1, 2):
            case("grid_sampler", image, grid * 1.25, interpolation, padding, interpolation == 1)


def normalization(case):
    for dtype in FLOATS:
        x = fill([2, 4, 2], dtype)
        case("layer_norm", x, [2], positive([2], dtype), unit([2], dtype))
        case("group_norm", x, 2, positive([4], dtype), unit([4], dtype))
    x = fill([2, 4, 2])
    case("layer_norm", x, [4, 2], eps=0.5)
    case("group_norm", x, 4)
    statistics = (unit([4]), positive([4], seed=2))
    case("batch_norm", x, positive([4]), unit([4], seed=1), *statistics, False, 0.1, 1e-5, True)
    case("batch_norm", x, None, None, *statistics, True, 0.25, 0.5, True)
    case("batch_norm", x, None, None, None, None, True, 0.1, 1e-5, True)
    case("embedding", fill([4, 2]), torch.tensor([[3, 0], [1, 1]]))
    case("embedding", fill([4, 2], torch.float16), ints(), 1)
    case("dropout", fill([2, 3]), 0.5, False)
    case("dropout", fill([2, 3]), 0.0, True)
    query, key, value = (unit([1, 2, 3, 4], seed=seed) for seed in range(3))
    case("scaled_dot_product_attention", query, key, value)
    case("scaled_dot_product_attention", query, key, value, is_causal=True, scale=0.25)
    case("scaled_dot_product_attention", query, key, value, fill([3, 3], torch.bool))
    case("scaled_dot_product_attention", query, key[:, :1], value[:, :1], enable_gqa=True)


def resampling(case):
    inputs = {1: fill([1, 2, 4]), 2: fill([1, 2, 4, 3]), 3: fill([1, 1, 2, 3, 2])}
    for dims, x in inputs.items():
        small, large = [2, 2, 1][:dims], [5, 7, 3][:dims]
        for name in ("upsample_nearest", "_upsample_nearest_exact"):
            case(f"{name}{dims}d.vec", x, large, None)
            case(f"{name}{dims}d.vec", x, small, None)
            case(f"{name}{dims}d.vec", x, None, [1.5] * dims)
    linear = ["upsample_linear1d", "upsample_bilinear2d", "upsample_bicubic2d", "upsample_trilinear3d"]
    for name in [*linear, "_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa"]:
        x = next(x for dims, x in inputs.items() if f"{dims}d" in name)
        dims = x.dim() - 2
        for align in (False, True):
            case(f"{name}.vec", x, [5, 7, 3][:dims], align, None)
            case(f"{name}.vec", x, [2, 2, 1][:dims], align, None)
        case(f"{name}.vec", x, None, False, [1.5] * dims)
        case(f"{name}.vec", x.double(), None, False, [0.75] * dims)
    for name in ("upsample_bilinear2d", "_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa"):
        case(f"{name}.vec", fill([1, 1, 3, 3], torch.uint8), [2, 4], False, None)


def loss(case):
    for name in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"):
        for dtype in FLOATS:
            case(name, fill([2, 3], dtype), fill([2, 3], dtype, 5))
        for reduced in (0, 2):
            case(name, fill([2, 3]), fill([2, 3], seed=5), reduced)
    case("smooth_l1_loss", fill([2, 3]), fill([2, 3], seed=5), 1, 0.5)
    case("huber_loss", fill([2, 3]), fill([2, 3], seed=5), 1, 2.5)
    logits, target = fill([3, 4]), ints(0, 3, 1)
    for dtype in FLOATS:
        case("cross_entropy_loss", logits.to(dtype), target)
    case("cross_entropy_loss", logits, target, positive([4]), 2, 1, 0.25)
    case("cross_entropy_loss", logits, logits.softmax(1))
    case("nll_loss_nd", logits.log_softmax(1), target)
    case("nll_loss_nd", logits.log_softmax(1), target, positive([4]), 0, 3)
    for dtype in (torch.float32, torch.float64):
        case("binary_cross_entropy", share([2, 3], dtype), share([2, 3], dtype, 4))
        case("binary_cross_entropy_with_logits", fill([2, 3], dtype), share([2, 3], dtype, 4))
        case("kl_div", fill([2, 3], dtype), share([2, 3], dtype, 4))
    case("binary_cross_entropy", share([2, 3]), share([2, 3]), positive([3]), 2)
    case("binary_cross_entropy_with_logits", fill([2, 3]), share([2, 3]), None, positive([3]), 0)
    case("kl_div", fill([2, 3]), fill([2, 3], seed=1), 2, log_target=True)


def in_place(case):
    for name in ("add_", "sub_", "mul_", "div_"):
        for dtype in FLOATS:
            case(f"{name}.Tensor", fill([2, 3], dtype), positive([3], dtype, 1))
            case(f"{name}.Scalar", fill([2, 3], dtype), 2)
    for name in ("add_", "sub_"):
        case(f"{name}.Tensor", fill([2, 3]), fill([3]), alpha=2)
        case(f"{name}.Scalar", fill([3], torch.int64), 2, 3)
    for dtype in ALL:
        case("copy_", fill([2, 3], dtype), fill([3], torch.float32, 2))
        case("zero_", fill([2, 3], dtype))
        case("fill_.Scalar", fill([2, 3], dtype), 1)
    case("clamp_", fill([2, 3]), -1, 1.5)


GROUPS = [activation, linear_algebra, convolution, normalization, resampling, loss, in_place]
