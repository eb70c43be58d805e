import type { LibtorchInfo } from '../core/libtorch.js'
import type { FoundLibtorch } from '../core/libtorch-find.js'
import { glibcVersion } from '../io/glibc-version.js'
import { packageVersion } from './package-version.js'
import type { ProbeLine, ProbeResult, ProbeStage } from './probe-process.js'

export interface Problem {
  what: string
  /** The command or change that mends it. */
  fix: string
}

/** What `doctor --json` prints. */
export interface DoctorReport {
  healthy: boolean
  package: string
  node: string
  platform: string
  /** null: a system without glibc, which libtorch cannot run on */
  glibc: string | null
  /** libtorch minor versions that this package has an addon for */
  addons: string[]
  libtorch: FoundLibtorch | null
  /** The CUDA driver's [status of cuInit, version]; null without one. */
  driver: [status: number, version: number] | null
  running: (LibtorchInfo & { devices: string[]; bootMilliseconds: number }) | null
  computeMilliseconds: number | null
  problems: Problem[]
  /** What is well but may surprise. */
  notes: string[]
}

function lineOf<Stage extends ProbeLine['stage']>(lines: ProbeLine[], stage: Stage): ProbeStage<Stage> | undefined {
  return lines.find((line): line is ProbeStage<Stage> => line.stage === stage)
}

/** Puts a libtorch in the place of one that does not work, or the package in the place of one without addons. */
function reinstallCommand(found: FoundLibtorch | undefined): string {
  if (found === undefined) return 'npm install --force node-libtorch'
  if (found.source === 'cache') return 'npx node-libtorch install --force'
  const pip = `pip install --force-reinstall "torch==${found.minor}.*"`
  return found.source === 'NODE_LIBTORCH_PATH' ? `${pip}, or correct or unset NODE_LIBTORCH_PATH` : pip
}

/** The last stage that a crashed probe had reached tells what it was doing. */
function crashedWhile(lines: ProbeLine[]): string {
  if (lineOf(lines, 'computed') ?? lineOf(lines, 'failed')) return 'loading sharp'
  if (lineOf(lines, 'booted')) return 'computing'
  return lineOf(lines, 'found') ? 'opening libtorch' : 'loading the boot addon'
}

function crashProblem({ lines, end, stderr }: ProbeResult): Problem[] {
  if (end === undefined) return []
  const found = lineOf(lines, 'found')?.found
  const doing = crashedWhile(lines)
  const reason = stderr.trim().split('\n').slice(-8).join('\n')
  return [
    {
      what: `The probe process ended with ${end} while ${doing}${reason === '' ? '' : `:\n${reason}`}`,
      fix: reinstallCommand(doing === 'loading sharp' ? undefined : found),
    },
  ]
}

function failureProblems(lines: ProbeLine[]): Problem[] {
  const found = lineOf(lines, 'found')?.found
  return lines.flatMap((line) => {
    if (line.stage !== 'failed') return []
    const what = `${line.code}: ${line.message.split('\nFix: ')[0]}`
    return [{ what, fix: line.fix || reinstallCommand(found) }]
  })
}

function cudaProblem(info: LibtorchInfo | undefined, driver: DoctorReport['driver']): Problem[] {
  if (info?.variant !== 'cuda' || driver === null || info.cuda.available) return []
  if (driver[0] !== 0) {
    const what = `The CUDA driver is installed but does not start (cuInit returned ${driver[0]})`
    return [{ what, fix: 'run nvidia-smi, and look at CUDA_VISIBLE_DEVICES' }]
  }
  const what = `The driver supports CUDA ${info.cuda.driver} and libtorch ${info.version} finds no device`
  return [{ what, fix: 'update the driver, or install a torch for the CUDA version of this driver' }]
}

function notesOf(info: LibtorchInfo | undefined, driver: DoctorReport['driver']): string[] {
  if (info?.variant === 'cuda' && driver === null) return ['CUDA build, no driver: this libtorch computes on the CPU']
  if (info?.variant === 'cpu' && driver?.[0] === 0) {
    return ['CPU build beside a CUDA driver: a CUDA build of torch would use the GPU']
  }
  return []
}

export function doctorReport(result: ProbeResult): DoctorReport {
  const booted = lineOf(result.lines, 'booted')
  const driver = lineOf(result.lines, 'addons')?.driver ?? null
  const glibc = glibcVersion() ?? null
  const problems: Problem[] = []
  if (glibc === null) {
    problems.push({ what: 'This system has no glibc, and libtorch is built for glibc only', fix: 'use a glibc system' })
  }
  problems.push(...failureProblems(result.lines), ...crashProblem(result), ...cudaProblem(booted?.info, driver))
  return {
    healthy: problems.length === 0,
    package: packageVersion(),
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
    glibc,
    addons: lineOf(result.lines, 'addons')?.minors ?? [],
    libtorch: lineOf(result.lines, 'found')?.found ?? null,
    driver,
    running: booted ? { ...booted.info, devices: booted.devices, bootMilliseconds: booted.milliseconds } : null,
    computeMilliseconds: lineOf(result.lines, 'computed')?.milliseconds ?? null,
    problems,
    notes: notesOf(booted?.info, driver),
  }
}
