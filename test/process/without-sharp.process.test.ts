// sharp's binary is an optional package of its own, which `npm install --omit=optional` leaves out.
import { mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import type { DoctorReport } from '../../lib/cli/doctor-report.js'
import { runNode, runScript } from '../support/child-script.js'
import { temporaryFolder } from '../support/libtorch-folders.js'
import { repositoryRoot } from '../support/source-files.js'

/** The package with all that it needs but the folder of sharp's binaries; Node is not to look where links lead. */
function withoutSharp(): { dist: string; env: Record<string, string> } {
  const root = temporaryFolder()
  const modules = join(root, 'node_modules')
  mkdirSync(modules)
  for (const name of ['dist', 'addons', 'data', 'package.json'])
    symlinkSync(join(repositoryRoot, name), join(root, name))
  for (const name of readdirSync(join(repositoryRoot, 'node_modules'))) {
    if (name !== '@img') symlinkSync(join(repositoryRoot, 'node_modules', name), join(modules, name))
  }
  return { dist: join(root, 'dist'), env: { NODE_OPTIONS: '--preserve-symlinks --preserve-symlinks-main' } }
}

const fix = 'npm install --include=optional sharp'
const problem = /Expected the package sharp to decode images but it does not load: \S/

test('an image is not blamed for a sharp that does not load', async () => {
  const { dist, env } = withoutSharp()
  const photo = join(repositoryRoot, 'test', 'golden', 'images', '420.jpg')
  const script = `
    const { preprocess } = await import(${JSON.stringify(pathToFileURL(join(dist, 'io', 'index.js')).href)})
    const { code, details, message, operation } = await preprocess(${JSON.stringify(photo)}).catch((error) => error)
    console.log(JSON.stringify({ code, details, message, operation }))`
  const { stdout } = await runScript(script, { env })
  const message = expect.stringMatching(problem)
  const error = { code: 'ERR_TORCH_DEPENDENCY', details: { package: 'sharp', fix }, message, operation: 'preprocess' }
  expect(JSON.parse(stdout)).toEqual(error)
})

test('doctor says so, with the fix, beside what is well', async () => {
  const { dist, env } = withoutSharp()
  const { stdout, code } = await runNode([join(dist, 'cli', 'main.js'), 'doctor', '--json'], { env })
  const report: DoctorReport = JSON.parse(stdout)
  expect(report.problems).toEqual([{ what: expect.stringMatching(problem), fix }])
  expect(report.computeMilliseconds).toBeGreaterThan(0)
  expect({ healthy: report.healthy, code }).toEqual({ healthy: false, code: 1 })
})
