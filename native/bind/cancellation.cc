#include "bind/classes.h"

namespace bind {
namespace {

std::unique_ptr<Handle> construct(Environment& environment, const Napi::CallbackInfo&) {
  return std::make_unique<CancellationHandle>(environment);
}

napi_value cancel(Environment& environment, const Napi::CallbackInfo& info) {
  live<CancellationHandle>(environment, info).cancellation->cancel();
  return info.Env().Undefined();
}

}  // namespace

void define_cancellation(Environment& environment, Napi::Object& exports) {
  define_class<construct>(environment, exports, Kind::cancellation, "NativeCancellation",
                          {method("cancel", entry<cancel>)});
}

}  // namespace bind
