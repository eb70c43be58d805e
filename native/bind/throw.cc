#include "bind/throw.h"

namespace bind {

engine::Failure failure_of(const Napi::Error& error) {
  return {"ERR_TORCH_INVALID_ARGUMENT", "Expected plain values but reading them threw: " + error.Message(), {}};
}

}  // namespace bind
