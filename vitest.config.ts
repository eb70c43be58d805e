import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Child processes: an addon that owns threads is loaded, used and left as in production.
    pool: 'forks',
    testTimeout: 30_000,
    // No test asks the public hub; those of the hub's client have one of their own.
    env: { HF_HUB_OFFLINE: '1' },
  },
})
