// SIGTERM and SIGINT: the JS thread's, whatever the threads of libtorch do.
import { describe, test } from 'vitest'
import { repeated, runProgram } from '../support/program.js'

const running = `
await startHeavyWork()
print('ready')
setInterval(() => {}, 1000)
`

/** 'ready' comes before the load; what follows outlasts the signal. */
const loading = `
print('ready')
libtorch.boot()
${running}
`

const loadingModules = `
const bytes = await (await slowModule()).toBytes()
print('ready')
for (;;) await Promise.all(Array.from({ length: 8 }, () => Module.load(bytes).then((module) => module.dispose())))
`

describe.each(['SIGTERM', 'SIGINT'] as const)('%s', (signal) => {
  describe('without a handler', repeated, () => {
    test('in mid-run ends the process by that signal', async () => {
      await runProgram(running, { signal, kill: { signal, when: 'ready' } })
    })

    test.each([0, 40, 120])('%d ms after the load of libtorch began ends the process by that signal', async (after) => {
      await runProgram(loading, { signal, kill: { signal, when: 'ready', after } })
    })

    test('while modules are loaded ends the process by that signal', async () => {
      await runProgram(loadingModules, { signal, kill: { signal, when: 'ready', after: 20 } })
    })
  })

  describe('with a handler of the program that calls process.exit', repeated, () => {
    const handler = `process.on('${signal}', () => process.exit(17))\n`

    test('in mid-run ends with that code', async () => {
      await runProgram(handler + running, { code: 17, kill: { signal, when: 'ready' } })
    })

    test('during the load of libtorch ends with that code after it', async () => {
      await runProgram(handler + loading, { code: 17, kill: { signal, when: 'ready', after: 20 } })
    })

    test('while modules are loaded ends with that code', async () => {
      await runProgram(handler + loadingModules, { code: 17, kill: { signal, when: 'ready', after: 20 } })
    })
  })

  test('with a handler that only notes it leaves calls running to their end', repeated, async () => {
    await runProgram(
      `
      process.on('${signal}', () => { noted = true })
      let noted = false
      const module = await slowModule()
      const { settled } = await startRunning(module, 40_000)
      print('ready')
      const result = await settled
      await until(() => noted)
      if (result.shape.length !== 2) throw new Error('no result')`,
      { kill: { signal, when: 'ready' } },
    )
  })
})
