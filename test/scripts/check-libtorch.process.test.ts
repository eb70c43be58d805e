// What `npm run check:libtorch` makes of doctor's report.
import { expect, test } from 'vitest'
import { type DoctorReport, doctorReport } from '../../lib/cli/doctor-report.js'
import type { ProbeLine } from '../../lib/cli/probe-process.js'
import { cliProgram, runNode } from '../support/child-script.js'

const script = new URL('../../scripts/setup/check-libtorch.mjs', import.meta.url).href
const { doctorProblems } = await import(script)

const { stdout } = await runNode([cliProgram, 'doctor', '--json'])
const report: DoctorReport = JSON.parse(stdout)
if (report.running === null || report.libtorch === null) throw new Error(stdout)
const { running, libtorch } = report

/** What doctor says on this machine, and would say of another build on one with or without a driver. */
function reportOf(build: { version: string; variant: 'cpu' | 'cuda' }, driver: DoctorReport['driver']) {
  const info = { ...running, ...build, cuda: { driver: null, available: driver !== null } }
  const lines: ProbeLine[] = [
    { stage: 'addons', minors: report.addons, driver },
    { stage: 'found', found: { ...libtorch, ...build } },
    { stage: 'booted', info, devices: running.devices, milliseconds: 1 },
    { stage: 'computed', milliseconds: 1 },
  ]
  return doctorReport({ lines, end: undefined, stderr: '' })
}

const cuda = { version: '2.14.1+cu130', variant: 'cuda' } as const
const received = (version: string, actual: string) =>
  `Expected libtorch ${version}, cuda build, to run but received ${actual}`

test('the CUDA build that was asked for is right, with a driver and without', () => {
  expect(doctorProblems(reportOf(cuda, null), '2.14.1')).toEqual([])
  expect(doctorProblems(reportOf(cuda, [0, 13000]), '2.14.1')).toEqual([])
})

test('another version or a CPU build is not, however healthy', () => {
  expect(report.healthy).toBe(true)
  const actual = `${running.version}, ${running.variant} build`
  expect(doctorProblems(report, '1.2.3')[0]).toBe(received('1.2.3', actual))
  expect(doctorProblems(reportOf(cuda, [0, 13000]), '2.14.10')).toEqual([
    received('2.14.10', '2.14.1+cu130, cuda build'),
  ])
  const cpu = { version: '2.14.1+cpu', variant: 'cpu' } as const
  expect(doctorProblems(reportOf(cpu, [0, 13000]), '2.14.1')).toEqual([received('2.14.1', '2.14.1+cpu, cpu build')])
})

test('a CUDA build that does not say that it has no driver is not', () => {
  const silent = { ...reportOf(cuda, null), notes: [] }
  expect(doctorProblems(silent, '2.14.1')).toEqual(["Expected the note 'CUDA build, no driver' but received ''"])
})

test('what doctor finds wrong is said', () => {
  const crashed = doctorReport({ lines: [], end: 'signal SIGSEGV', stderr: '' })
  expect(doctorProblems(crashed, '2.14.1').slice(0, 2)).toEqual([
    expect.stringContaining('signal SIGSEGV'),
    received('2.14.1', 'none'),
  ])
})
