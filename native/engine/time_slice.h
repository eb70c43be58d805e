#pragma once

#include <chrono>

namespace engine {

/// How Linux divides the processors among the threads of this process (EEVDF, 6.12 and newer): a thread that wakes up
/// with a shorter slice than the one that runs takes its place at once. Shares of the processor stay equal. Older
/// kernels refuse or ignore it, and a policy that somebody has chosen stays as it is.

/// For the calling thread and those that it makes: slices of this length, and SCHED_BATCH, by which a thread that wakes
/// up does not take the place of another.
void compute_in_slices_of(std::chrono::nanoseconds slice);

/// Slices of this length for the calling thread alone: its threads and child processes have what they would have had.
void set_own_time_slice(std::chrono::nanoseconds slice);

/// That for every thread that the process has now.
void set_time_slice_of_all(std::chrono::nanoseconds slice);

}  // namespace engine
