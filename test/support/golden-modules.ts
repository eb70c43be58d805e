import { join } from 'node:path'
import { repositoryRoot } from './source-files.js'

const golden = (name: string) => join(repositoryRoot, 'test', 'golden', name)

/** A scripted module with weights, buffers, submodules and extra files, made by scripts/golden/modules.py. */
export const netArchive = golden('net.pt')
/** A scripted module without weights, whose methods take and give every kind of value. */
export const valuesArchive = golden('values.pt')

/** The Python that has the original torch: npm test names it. */
export const oraclePython = process.env.ORACLE_PYTHON ?? join(repositoryRoot, '.oracle', 'bin', 'python')
