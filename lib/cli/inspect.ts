import { Command, Option } from 'commander'
import { type HubRepositoryType, repositoryTypes } from '../io/hub-repository.js'
import { inspectSafetensors } from '../io/safetensors-inspect.js'
import { inspectText } from './inspect-report.js'
import { printJson } from './json-output.js'
import { concluded } from './verb-ending.js'

interface Flags {
  revision?: string
  type?: HubRepositoryType
  offline?: true
  checksum: boolean
  json?: true
}

async function inspect(source: string, { json, ...options }: Flags): Promise<void> {
  const work = async (signal: AbortSignal) => {
    const files = await inspectSafetensors(source, { ...options, signal })
    if (files.some(({ intact }) => intact === false)) process.exitCode = 1
    if (json) printJson({ source, files })
    else process.stdout.write(`${inspectText(files)}\n`)
  }
  await concluded(work, { json })
}

const examples = `
No tensor is loaded. Of a repository, files in the hub's cache are read there; of others only the header is fetched. A
file that is not what the hub promised is a failure.

Examples:
  $ npx node-libtorch inspect model.safetensors
  $ npx node-libtorch inspect model.safetensors.index.json --no-checksum
  $ npx node-libtorch inspect timm/resnet18.a1_in1k --json
  $ npx node-libtorch inspect hf-hub:gpt2 --revision main
`

export function inspectCommand(): Command {
  return new Command('inspect')
    .description('say what safetensors files hold: names, dtypes, shapes, sizes, metadata, checksums')
    .argument('<source>', 'a file, an index of several files, a folder, or a repository of the hub')
    .option('--revision <name>', 'of a repository: a branch, a tag or a commit (default: main)')
    .addOption(new Option('--type <type>', 'what kind of repository').choices(repositoryTypes))
    .option('--offline', 'of a repository: look in the cache only')
    .option('--no-checksum', 'do not read files whole for their SHA-256')
    .option('--json', 'one JSON document on stdout')
    .addHelpText('after', examples)
    .action(inspect)
}
