#pragma once

#include <cstdint>

namespace engine {

/// One convolution, 3x3 with a padding of 1, in tiles of 4x4 results; the last ones of a row or column may be smaller.
/// Images are channels last; `inputs` is a multiple of 8, `outputs` of 16.
struct WinogradShape {
  int64_t height, width, inputs, outputs;
  int64_t tiles_down, tiles_across;
};

/// 6x6 numbers stand for a tile between the transforms.
constexpr int64_t kPositions = 36;
/// Outputs that lie beside each other in a weight: [36, outputs / 16, inputs, 16].
constexpr int64_t kPanel = 16;

/// Floats from a position to the next, for so many tiles of so many channels. Were it a power of two, all positions of
/// a tile would have the same few places in the processor's cache.
static constexpr int64_t position_stride(int64_t tiles, int64_t channels) { return tiles * channels + 16; }

// For processors with AVX2 and FMA. Tiles are counted through all images; `between` and `products` are
// [36, count, channels] with position_stride.
void winograd_input(const WinogradShape& shape, const float* x, int64_t first, int64_t count, float* patch,
                    float* between);
void winograd_products(const WinogradShape& shape, const float* between, const float* weight, int64_t count,
                       float* products);
/// `bias` and `residual` may be null; the residual lies as y does.
void winograd_output(const WinogradShape& shape, const float* products, const float* bias, const float* residual,
                     bool relu, int64_t first, int64_t count, float* y);

}  // namespace engine
