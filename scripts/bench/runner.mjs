// Runs the families of a suite one after the other and gathers their rows.
import { CannotRunHere } from './child.mjs'
import { measuredRow, missingRow } from './row.mjs'

/**
 * A family: {rows: [{row, unit, better}], measure(context) -> {[row]: figures}}; see row.mjs. It measures rows that come
 * out of the same processes together.
 */
async function runFamily({ rows, measure }, context) {
  try {
    const figures = await measure(context)
    return { rows: rows.map((row) => measuredRow(row, figures[row.row])), failed: false }
  } catch (error) {
    const cannot = error instanceof CannotRunHere
    if (!cannot) context.log(error.stack)
    return { rows: rows.map((row) => missingRow(row, error.message)), failed: !cannot }
  }
}

/** Keeps the rows whose name is `filter` or begins with it and a dot. */
function selectFamilies(families, filter) {
  if (filter === undefined) return families
  return families
    .map(({ rows, measure }) => ({
      rows: rows.filter(({ row }) => row === filter || row.startsWith(`${filter}.`)),
      measure,
    }))
    .filter(({ rows }) => rows.length > 0)
}

/** Resolves to {rows, failed}; `failed` when a row broke, or its outputs were wrong, rather than could not run here. */
export async function runFamilies(families, context, filter) {
  const rows = []
  let failed = false
  for (const family of selectFamilies(families, filter)) {
    context.log(family.rows.map(({ row }) => row).join(', '))
    const outcome = await runFamily(family, context)
    failed ||= outcome.failed || outcome.rows.some((row) => row.ours !== null && !row.correct)
    rows.push(...outcome.rows)
  }
  return { rows, failed }
}
