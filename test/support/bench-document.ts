// What `npm run -s bench -- <suite> --json` prints, and a run of it that proves that every row can be measured.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import { repositoryRoot } from './source-files.js'

const run = promisify(execFile)
const main = join(repositoryRoot, 'scripts', 'bench', 'main.mjs')

const measured = {
  row: z.string(),
  ours: z.number(),
  unit: z.string(),
  n: z.int().min(1),
  correct: z.literal(true),
  note: z.string().optional(),
}
const documentSchema = z.strictObject({
  suite: z.string(),
  machine: z.strictObject({ cpu: z.string().min(1), isa: z.string().min(1), cores: z.int().min(1) }),
  versions: z.record(z.string(), z.string()),
  rows: z.array(
    z.union([
      z.strictObject({ ...measured, peer: z.number(), peerName: z.string(), ratio: z.number() }),
      z.strictObject({ ...measured, peer: z.null(), peerName: z.null(), ratio: z.null() }),
    ]),
  ),
})

export const runBench = (args: string[], env: Record<string, string> = {}) =>
  run(process.execPath, [main, ...args], { cwd: repositoryRoot, env: { ...process.env, ...env } })

/** What a child of a suite prints. */
export async function runBenchChild(suite: string, name: string, options: object) {
  const file = join(repositoryRoot, 'scripts', 'bench', suite, 'children', `${name}.mjs`)
  return JSON.parse((await run(process.execPath, [file, JSON.stringify(options)], { cwd: repositoryRoot })).stdout)
}

/** The rows of a short run, all measured and correct: those beside a peer, and those without one. */
export async function quickRows(suite: string): Promise<{ besidePeers: string[]; alone: string[] }> {
  const { stdout } = await runBench([suite, '--json'], { BENCH_QUICK: '1' })
  const document = documentSchema.parse(JSON.parse(stdout))
  if (document.suite !== suite) throw new Error(`Expected the suite ${suite} but received ${document.suite}`)
  const names = (hasPeer: boolean) =>
    document.rows.filter(({ peer }) => (peer !== null) === hasPeer).map(({ row }) => row)
  return { besidePeers: names(true), alone: names(false) }
}
