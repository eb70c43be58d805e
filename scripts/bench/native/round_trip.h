#pragma once

#include <napi.h>

// Both resolve to the number that they were given, after a trip to another thread.

/// One own thread, a queue, one ThreadSafeFunction call per result: the floor of any call that leaves the JS thread.
Napi::Value CallThread(const Napi::CallbackInfo& info);

/// Napi::AsyncWorker on libuv's pool: what most addons do.
Napi::Value CallAsyncWorker(const Napi::CallbackInfo& info);
