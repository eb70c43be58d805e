#pragma once

#include <chrono>

namespace engine {

/// Asks Linux for time slices of this length for the calling thread and for those that it makes. A thread that wakes up
/// with a shorter slice than the one that runs takes its place at once (EEVDF, 6.12 and newer); shares of the processor
/// stay equal. Older kernels refuse or ignore it, and a policy that somebody has chosen stays as it is.
void set_time_slice(std::chrono::nanoseconds slice);

/// The same without those that it makes: child processes have what they would have had.
void set_own_time_slice(std::chrono::nanoseconds slice);

/// That for every thread that the process has now.
void set_time_slice_of_all(std::chrono::nanoseconds slice);

}  // namespace engine
