// The document as text for a person, and as the Markdown of BENCHMARKS.md.

const columns = ['row', 'ours', 'peer', 'unit', 'ratio', 'n', 'correct', 'peer is']

function cells({ row, ours, peer, unit, ratio, n, correct, peerName }) {
  return [row, ours ?? '-', peer ?? '-', unit, ratio ?? '-', n, correct ? 'yes' : 'NO', peerName ?? '-'].map(String)
}

function describeRun({ suite, machine, versions }) {
  const versionList = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  return [`suite ${suite} on ${machine.cpu} (${machine.isa}), ${machine.cores} cores`, versionList.join(', ')]
}

export function formatMarkdown(document) {
  const line = (texts) => `| ${texts.join(' | ')} |`
  const remark = ({ note, why }) => (why === undefined ? (note ?? '') : `did not run: ${why}`)
  return [
    ...describeRun(document),
    '',
    line([...columns, 'note']),
    line([...columns, 'note'].map(() => '---')),
    ...document.rows.map((row) => line([...cells(row), remark(row)])),
  ].join('\n')
}

export function formatTable({ rows, ...run }) {
  const lines = [columns, ...rows.map(cells)]
  const widths = columns.map((_, column) => Math.max(...lines.map((line) => line[column].length)))
  const table = lines.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column]))
      .join('  ')
      .trimEnd(),
  )
  const remarks = rows
    .filter(({ note, why }) => note !== undefined || why !== undefined)
    .map(({ row, note, why }) => `${row}: ${why === undefined ? note : `did not run: ${why}`}`)
  return [...describeRun(run), '', ...table, '', 'ratio: how many times better ours is', ...remarks].join('\n')
}
