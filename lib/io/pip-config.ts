import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { environmentVariable } from '../core/environment.js'
import { fileErrorCode } from './disk-error.js'
import { indexSource, linksSource, type WheelSource } from './wheel-source.js'

/** What pip would do on this machine, as far as it concerns where wheels come from. */
export interface PipSettings {
  sources: WheelSource[]
  /** A PEM file of certificate authorities. */
  caFile: string | undefined
}

type Values = Map<string, string>

/** Where pip keeps its settings; those that come later win. */
function configFiles(): string[] {
  const own = environmentVariable('PIP_CONFIG_FILE')
  if (own === '/dev/null') return [] // pip's own word for: none
  const home = homedir()
  const system = (environmentVariable('XDG_CONFIG_DIRS') ?? '/etc/xdg').split(':')
  const virtualEnvironment = environmentVariable('VIRTUAL_ENV')
  return [
    ...system.map((folder) => join(folder, 'pip', 'pip.conf')),
    '/etc/pip.conf',
    ...(own === undefined ? [join(home, '.pip', 'pip.conf')] : []),
    ...(own === undefined
      ? [join(environmentVariable('XDG_CONFIG_HOME') ?? join(home, '.config'), 'pip', 'pip.conf')]
      : []),
    ...(virtualEnvironment === undefined ? [] : [join(virtualEnvironment, 'pip.conf')]),
    ...(own === undefined ? [] : [own]),
  ]
}

/** The sections of pip.conf that count for a download: later ones win. */
const sections = ['global', 'install', 'download']

/** Python's configparser: `name = value` or `name: value`; indented lines continue the value. */
export function parsePipConfig(text: string): Values {
  const bySection = new Map<string, Values>()
  let values: Values = new Map()
  let last: string | undefined
  for (const line of text.split(/\r?\n/)) {
    const section = /^\[([^\]]+)\]/.exec(line)?.[1]
    const [, name, value = ''] = /^([^\s#;=:[][^=:]*?)\s*[=:]\s*(.*)$/.exec(line) ?? []
    if (/^\s*([#;]|$)/.test(line)) continue
    if (section !== undefined) {
      values = bySection.get(section) ?? new Map()
      bySection.set(section, values)
      last = undefined
    } else if (name !== undefined) {
      last = name.toLowerCase().replace(/_/g, '-')
      values.set(last, value.trim())
    } else if (last !== undefined && /^\s/.test(line)) {
      values.set(last, `${values.get(last)} ${line.trim()}`)
    }
  }
  return new Map(sections.flatMap((section) => [...(bySection.get(section) ?? [])]))
}

async function readValues(path: string): Promise<Values> {
  try {
    return parsePipConfig(await readFile(path, 'utf8'))
  } catch (error) {
    if (fileErrorCode(error) === undefined) throw error
    return new Map() // most of the places are empty on every machine, and pip passes over unreadable ones too
  }
}

const isTrue = (value: string | undefined) => /^(1|y|yes|t|true|on)$/i.test(value ?? '')

function settingsOf(read: (name: string) => string | undefined, origin: string): PipSettings {
  const words = (name: string) => (read(name) ?? '').split(/\s+/).filter((word) => word !== '')
  const indexes = isTrue(read('no-index')) ? [] : [...words('index-url'), ...words('extra-index-url')]
  return {
    sources: [
      ...words('find-links').map(linksSource),
      ...indexes.map((address) => indexSource(address, `index-url of ${origin}`)),
    ],
    caFile: read('cert'),
  }
}

/** PIP_FIND_LINKS, PIP_INDEX_URL, PIP_EXTRA_INDEX_URL, PIP_NO_INDEX and PIP_CERT. */
export function pipEnvironment(): PipSettings {
  const variable = (name: string) => environmentVariable(`PIP_${name.toUpperCase().replace(/-/g, '_')}`)
  return settingsOf(variable, "pip's environment variables")
}

/** The files that `pip config list` reads, without asking a Python. */
export async function pipConfiguration(): Promise<PipSettings> {
  const values: Values = new Map()
  for (const path of configFiles()) {
    for (const [name, value] of await readValues(path)) values.set(name, value)
  }
  return settingsOf((name) => values.get(name) || undefined, "pip's configuration")
}
