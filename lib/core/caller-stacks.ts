/**
 * Whether errors of asynchronous calls carry the stack of their caller: 4 us per call, so only on request, by
 * `libtorch.boot({ callerStacks: true })` or NODE_LIBTORCH_CALLER_STACKS=1.
 */
export const callerStacks = { enabled: process.env.NODE_LIBTORCH_CALLER_STACKS === '1' }
