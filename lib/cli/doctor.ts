import { Command } from 'commander'
import { cudaVersionText } from '../core/cuda-version.js'
import { type DoctorReport, doctorReport } from './doctor-report.js'
import { printJson } from './json-output.js'
import { runProbe } from './probe-process.js'
import { concluded } from './verb-ending.js'

function driverText({ driver, running }: DoctorReport): string {
  if (driver === null) return running?.variant === 'cuda' ? 'CUDA build, no driver' : 'no driver'
  if (driver[0] !== 0) return `driver does not start (cuInit returned ${driver[0]})`
  return `driver for CUDA ${cudaVersionText(driver[1])}`
}

function rows(report: DoctorReport): [string, string][] {
  const { libtorch, running, computeMilliseconds } = report
  const table: [string, string][] = [
    ['package', `node-libtorch ${report.package}`],
    ['node', `${report.node}, ${report.platform}, ${report.glibc === null ? 'no glibc' : `glibc ${report.glibc}`}`],
    ['addons', report.addons.length === 0 ? 'none' : `for libtorch ${report.addons.join(', ')}`],
  ]
  table.push(['libtorch', libtorch ? `${libtorch.version}, ${libtorch.variant} build` : 'none'])
  if (libtorch) table.push(['path', libtorch.path], ['found by', libtorch.source])
  table.push(['cuda', driverText(report)])
  if (running) {
    table.push(
      ['devices', running.devices.join(', ')],
      ['threads', `${running.threads} (${running.threadsReason})`],
      ['spin', running.spin],
      ['cpu', running.cpuCapability],
      ['boot', `${running.bootMilliseconds.toFixed(0)} ms`],
    )
  }
  if (computeMilliseconds !== null) table.push(['compute', `right, ${computeMilliseconds.toFixed(0)} ms`])
  return table
}

/** The report for people. */
export function doctorText(report: DoctorReport): string {
  const lines = rows(report).map(([name, value]) => `${name.padEnd(10)}${value}`)
  for (const note of report.notes) lines.push(`note      ${note}`)
  for (const { what, fix } of report.problems) lines.push(`problem   ${what}`, `fix       ${fix}`)
  lines.push(report.healthy ? 'healthy' : 'not healthy')
  return lines.join('\n')
}

async function doctor({ json }: { json?: true }): Promise<void> {
  const work = async (signal: AbortSignal) => {
    const report = doctorReport(await runProbe({ signal }))
    process.exitCode = report.healthy ? 0 : 1
    if (json) printJson(report)
    else process.stdout.write(`${doctorText(report)}\n`)
  }
  await concluded(work, { json })
}

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('say what this machine runs, what is wrong and what mends it')
    .option('--json', 'one JSON document instead of text')
    .addHelpText(
      'after',
      '\nA machine that is not healthy is a failure.\n\nExample:\n  $ npx node-libtorch doctor --json\n',
    )
    .action(doctor)
}
