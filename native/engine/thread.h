#pragma once

#include <functional>
#include <string>
#include <thread>

namespace engine {

/// A thread that shows as "torch <name>" and that no signal interrupts: signals belong to the JS thread. Throws
/// std::system_error where the system has no more of them.
std::thread start_thread(const std::string& name, std::function<void()> work);

}  // namespace engine
