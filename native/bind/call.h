#pragma once

#include <optional>
#include <utility>

#include "bind/channel.h"
#include "bind/environment.h"
#include "engine/context.h"

namespace bind {

/// What a call says about itself. `code` names failures whose type alone does not tell.
struct Operation {
  const char* name;
  const char* code;
};

template <class Work, class Convert>
class Call final : public PendingCall {
 public:
  using Result = std::invoke_result_t<Work&>;

  Call(std::shared_ptr<Channel> channel, const Operation& operation, c10::DeviceType device, engine::Context context,
       Work work, Convert convert)
      : PendingCall(std::move(channel), operation.name),
        code_(operation.code),
        device_(device),
        context_(std::move(context)),
        work_(std::move(work)),
        convert_(std::move(convert)) {}

  void run(std::unique_ptr<engine::Task> self) noexcept override {
    if (channel_->closed()) return;
    failed_ = !engine::guard(code_, failure_, [this] {
      if (context_.cancellation != nullptr && context_.cancellation->cancelled()) {
        throw engine::Error("ERR_TORCH_ABORTED", "The call was aborted before it started");
      }
      engine::run_in(context_, device_, [this] { result_.emplace((*work_)()); });
    });
    work_.reset();                                                 // its tensors are freed here, not on the JS thread
    const std::shared_ptr<Channel> channel = std::move(channel_);  // the JS thread may delete the call before post ends
    channel->post(std::unique_ptr<PendingCall>(static_cast<PendingCall*>(self.release())));
  }

 protected:
  napi_value result(Environment& environment) override { return convert_(environment, std::move(*result_)); }

 private:
  const char* code_;
  c10::DeviceType device_;
  engine::Context context_;
  std::optional<Work> work_;
  Convert convert_;
  std::optional<Result> result_;
};

/// Queues `work` (on the executor's thread: Result()) and returns the ticket by which JS hears of the outcome of
/// `convert` (on the JS thread: napi_value(Environment&, Result)).
template <class Work, class Convert>
napi_value submit(Environment& environment, engine::Executor& executor, const Operation& operation,
                  c10::DeviceType device, engine::Context context, Work work, Convert convert) {
  if (engine::stopping()) {
    throw engine::Error("ERR_TORCH_ABORTED", "Expected a process that goes on but 'exit' has been emitted");
  }
  auto call = std::make_unique<Call<Work, Convert>>(environment.channel, operation, device, std::move(context),
                                                    std::move(work), std::move(convert));
  napi_value pending = nullptr;
  napi_create_int32(environment.env, environment.channel->expect(environment.env, *call), &pending);
  executor.submit(std::move(call));
  return pending;
}

/// The context argument of a verb: undefined, or an object as in binding.d.ts.
engine::Context to_context(Environment& environment, napi_value value);

struct Nothing {};
inline napi_value undefined(Environment& environment, Nothing) { return Napi::Env(environment.env).Undefined(); }

}  // namespace bind
