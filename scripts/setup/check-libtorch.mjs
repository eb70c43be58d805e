// Builds and boots against another libtorch, a CUDA build with all that it needs: `check-libtorch 2.14.1`.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { command, SetupError } from './command.mjs'
import { ensureLibtorch } from './libtorch.mjs'
import { ensureNative } from './native.mjs'

export function minorOf(version) {
  const minor = /^(\d+\.\d+)\.\d+$/.exec(version ?? '')?.[1]
  if (minor === undefined)
    throw new SetupError(`Expected a torch version such as 2.14.1 but received '${version ?? ''}'`)
  return minor
}

/** What in the report of `doctor --json` is not as a CUDA build of that version has it, a sentence each. */
export function doctorProblems({ problems, running, driver, notes }, version) {
  const sentences = problems.map(({ what }) => what)
  const actual = running === null ? 'none' : `${running.version}, ${running.variant} build`
  if (actual.replace(/\+\w+/, '') !== `${version}, cuda build`) {
    sentences.push(`Expected libtorch ${version}, cuda build, to run but received ${actual}`)
  }
  if (driver === null && !notes.some((note) => note.startsWith('CUDA build, no driver'))) {
    sentences.push(`Expected the note 'CUDA build, no driver' but received '${notes.join("', '")}'`)
  }
  return sentences
}

function doctorFails({ version, options, log }) {
  const doctor = [join('dist', 'cli', 'main.js'), 'doctor', '--json']
  const { stdout } = spawnSync(process.execPath, doctor, {
    ...{ cwd: options.cwd, env: { ...process.env, ...options.env }, encoding: 'utf8' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  process.stdout.write(stdout)
  const sentences =
    stdout === '' ? ['Expected a report of doctor but received none'] : doctorProblems(JSON.parse(stdout), version)
  for (const sentence of sentences) log(sentence)
  return sentences.length > 0
}

/** Resolves to the exit status. */
export async function checkLibtorch({ root, version, log }) {
  const torchDir = await ensureLibtorch({ version, variant: 'cu', log })
  await ensureNative({ root, torchDir, minor: minorOf(version), log })
  const options = { cwd: root, env: { NODE_LIBTORCH_PATH: torchDir } }
  const isUnfit = doctorFails({ version, options, log })
  const smoke = [join('node_modules', 'vitest', 'vitest.mjs'), 'run', 'test/core/smoke.test.ts']
  const { code } = await command(process.execPath, smoke, options)
  return isUnfit || code !== 0 ? 1 : 0
}
