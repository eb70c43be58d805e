// The clock of the rows that count CPU time.

/**
 * ms of CPU time, all threads of the process, of each run of `work` for `seconds`, at least five. What comes before that
 * warms up: JavaScript is compiled while it runs.
 */
export async function cpuMilliseconds(work, seconds) {
  const warm = performance.now() + seconds * 250
  while (performance.now() < warm) await work()
  const milliseconds = []
  const end = performance.now() + seconds * 1000
  while (performance.now() < end || milliseconds.length < 5) {
    const start = process.cpuUsage()
    await work()
    const { user, system } = process.cpuUsage(start)
    milliseconds.push((user + system) / 1000)
  }
  return milliseconds
}
