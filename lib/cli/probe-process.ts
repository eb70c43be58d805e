import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { FoundLibtorch, LibtorchInfo } from '../core/libtorch.js'

/** What the probe prints, one line per stage that it reached. */
export type ProbeLine =
  | { stage: 'addons'; minors: string[]; driver: [status: number, version: number] | null }
  | { stage: 'found'; found: FoundLibtorch }
  | { stage: 'booted'; info: LibtorchInfo; devices: string[]; milliseconds: number }
  | { stage: 'computed'; milliseconds: number }
  | { stage: 'failed'; code: string; message: string; fix: string }

export type ProbeStage<Stage extends ProbeLine['stage']> = Extract<ProbeLine, { stage: Stage }>

export interface ProbeResult {
  lines: ProbeLine[]
  /** How the process ended, where it did not end well: 'signal SIGSEGV', 'exit status 134', 'no answer in 60 s'. */
  end: string | undefined
  stderr: string
}

export interface ProbeOptions {
  file?: string | undefined
  timeoutMilliseconds?: number | undefined
  /** Ends the probe; rejects with its reason. */
  signal?: AbortSignal | undefined
}

const probeFile = fileURLToPath(new URL('./probe.js', import.meta.url))

/** Runs the probe in a process of its own, so that a crash or a hang in native code is a result like others. */
export function runProbe({
  file = probeFile,
  timeoutMilliseconds = 60_000,
  signal: interruption,
}: ProbeOptions = {}): Promise<ProbeResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'pipe'] })
    const result: ProbeResult = { lines: [], end: undefined, stderr: '' }
    const kill = () => child.kill('SIGKILL')
    interruption?.addEventListener('abort', kill)
    const timer = setTimeout(() => {
      result.end = `no answer in ${timeoutMilliseconds / 1000} s`
      kill()
    }, timeoutMilliseconds)
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith('{"stage":')) result.lines.push(JSON.parse(line))
    })
    child.stderr.on('data', (chunk) => {
      result.stderr = (result.stderr + chunk).slice(-4000)
    })
    child.on('error', (error) => {
      result.end = error.message
    })
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      interruption?.removeEventListener('abort', kill)
      if (interruption?.aborted) reject(interruption.reason)
      if (signal !== null) result.end ??= `signal ${signal}`
      else if (code !== 0) result.end ??= `exit status ${code}`
      resolve(result)
    })
  })
}
