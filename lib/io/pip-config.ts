import { existsSync } from 'node:fs'
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
type Sections = Map<string, Values>

/** Where pip keeps its settings; those that come later win. */
function configFiles(): string[] {
  const own = environmentVariable('PIP_CONFIG_FILE')
  if (own === '/dev/null') return [] // pip's own word for: none
  const home = homedir()
  const system = (environmentVariable('XDG_CONFIG_DIRS') ?? '/etc/xdg').split(':')
  const user = [
    join(home, '.pip', 'pip.conf'),
    join(environmentVariable('XDG_CONFIG_HOME') ?? join(home, '.config'), 'pip', 'pip.conf'),
  ]
  const virtualEnvironment = environmentVariable('VIRTUAL_ENV')
  return [
    ...system.map((folder) => join(folder, 'pip', 'pip.conf')),
    '/etc/pip.conf',
    ...(own !== undefined && existsSync(own) ? [] : user),
    ...(virtualEnvironment === undefined ? [] : [join(virtualEnvironment, 'pip.conf')]),
    ...(own === undefined ? [] : [own]),
  ]
}

/** Python's configparser: `name = value` or `name: value`; indented lines continue the value. */
export function parsePipConfig(text: string): Sections {
  const bySection: Sections = new Map()
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
  return bySection
}

async function readSections(path: string): Promise<Sections> {
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
      ...words('find-links').map((text) => linksSource(text, `find-links of ${origin}`)),
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

/**
 * The files that `pip config list` reads, without asking a Python. As for `pip download`: within a section the more
 * personal file wins, then [download] over [global], whichever file they are in; an empty value is none.
 */
export async function pipConfiguration(): Promise<PipSettings> {
  const merged: Sections = new Map()
  for (const path of configFiles()) {
    for (const [section, values] of await readSections(path)) {
      merged.set(section, new Map([...(merged.get(section) ?? []), ...values]))
    }
  }
  const read = (name: string) => merged.get('download')?.get(name) || merged.get('global')?.get(name) || undefined
  return settingsOf(read, "pip's configuration")
}
