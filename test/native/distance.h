#pragma once

#include <ATen/ATen.h>

namespace check {

/// The largest difference, in parts of the largest number of the second, which is of double precision.
inline double distance(const at::Tensor& a, const at::Tensor& b) {
  return ((a.to(at::kDouble) - b).abs().max() / b.abs().max()).item<double>();
}

}  // namespace check
