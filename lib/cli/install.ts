import { Command, Option } from 'commander'
import { installOptions } from '../io/install-options.js'
import { type InstalledLibtorch, type InstallProgress, installLibtorch } from '../io/libtorch-install.js'
import { printJson } from './json-output.js'
import { shown, stepProgress } from './step-progress.js'
import { concluded, goesOn } from './verb-ending.js'
import { numberFlag, textFlag } from './verb-option.js'

interface Flags {
  cpu?: true
  cuda?: true
  json?: true
  timeout?: number
  version?: string
  index?: string
  findLinks?: string
  from?: string
  force?: true
  allowUnverified?: true
  retries?: number
}

function resultText({ fresh, version, variant, folder }: InstalledLibtorch): string {
  const lines = [`${fresh ? 'installed' : 'already installed'}: libtorch ${version} (${variant}) in ${folder}`]
  if (process.env.NODE_LIBTORCH_PATH) lines.push(`note: NODE_LIBTORCH_PATH is set, and names another libtorch`)
  return lines.join('\n')
}

async function install({ cpu, cuda, json, timeout, ...flags }: Flags): Promise<void> {
  const variant = cpu ? 'cpu' : cuda ? 'cuda' : undefined
  let hasDownloaded = false
  const work = async (signal: AbortSignal) => {
    const steps = installLibtorch.steps({ ...flags, variant, timeoutSeconds: timeout, signal })
    const view = stepProgress()
    const show = (step: InstallProgress) => {
      hasDownloaded ||= step.phase === 'download'
      view.show(step)
    }
    const result = await shown(steps, { ...view, show })
    if (json) printJson({ installed: true, ...result })
    else process.stdout.write(`${resultText(result)}\n`)
  }
  await concluded(work, { json, interrupted: () => (hasDownloaded ? goesOn() : 'interrupted') })
}

const examples = `
Without --index, --find-links and --from it asks NODE_LIBTORCH_INDEX, else the sources of pip's environment variables
and configuration, then PyTorch's own index, then pip itself. Proxies: HTTP_PROXY, HTTPS_PROXY, NO_PROXY.

Examples:
  $ npx node-libtorch install
  $ npx node-libtorch install --cuda --version 2.13
  $ npx node-libtorch install --from /media/wheels
`

export function installCommand(): Command {
  return new Command('install')
    .description('put libtorch into the cache, where this package finds it')
    .addOption(new Option('--cpu', 'a build for the CPU').conflicts('cuda'))
    .option('--cuda', 'a CUDA build with all its libraries (default: where a CUDA driver runs)')
    .option(
      '--version <version>',
      'such as 2.13 or 2.13.0 (default: the newest that fits this package)',
      textFlag(installOptions, 'version'),
    )
    .option('--index <url>', 'a package index', textFlag(installOptions, 'index'))
    .option(
      '--find-links <folder or url>',
      'a folder of wheels, or a page of links to wheels',
      textFlag(installOptions, 'findLinks'),
    )
    .option(
      '--from <path>',
      'a wheel or a folder of wheels, for machines without a network',
      textFlag(installOptions, 'from'),
    )
    .option('--force', 'replace what is installed')
    .option('--allow-unverified', 'take wheels whose index promises no SHA-256')
    .option('--retries <number>', 'how often to try again without progress', numberFlag(installOptions, 'retries'))
    .option('--timeout <seconds>', 'the longest silence of a server', numberFlag(installOptions, 'timeoutSeconds'))
    .option('--json', 'one JSON document on stdout')
    .addHelpText('after', examples)
    .action(install)
}
