import { Command, Option } from 'commander'
import { hub } from '../io/hub.js'
import { hubSnapshotOptions } from '../io/hub-options.js'
import { type HubRepositoryType, repositoryTypes } from '../io/hub-repository.js'
import { printJson } from './json-output.js'
import { shown, stepProgress } from './step-progress.js'
import { concluded, goesOn } from './verb-ending.js'
import { numberFlag } from './verb-option.js'

interface Flags {
  revision?: string
  type?: HubRepositoryType
  ignore?: string[]
  offline?: true
  force?: true
  parallel?: number
  retries?: number
  timeout?: number
  json?: true
}

async function pull(repository: string, files: string[], { json, timeout, ...flags }: Flags): Promise<void> {
  const allow = files.length === 0 ? undefined : files
  const work = async (signal: AbortSignal) => {
    const steps = hub.snapshot.steps(repository, { ...flags, allow, timeoutSeconds: timeout, signal })
    const folder = await shown(steps, stepProgress())
    if (json) printJson({ pulled: true, repository, folder })
    else process.stdout.write(`${folder}\n`)
  }
  await concluded(work, { json, interrupted: goesOn })
}

const examples = `
Files and --ignore are names or patterns: * goes across folders, 'unet/' means all below it. Prints the folder, which
Python's huggingface_hub finds too. HF_TOKEN, HF_ENDPOINT, HF_HOME, HF_HUB_CACHE and HF_HUB_OFFLINE mean what they mean there.

Examples:
  $ npx node-libtorch pull timm/resnet18.a1_in1k
  $ npx node-libtorch pull timm/resnet18.a1_in1k config.json '*.safetensors'
  $ npx node-libtorch pull some/model@v2
  $ npx node-libtorch pull some/diffusion-model --ignore '*.bin' '*.ckpt'
`

export function pullCommand(): Command {
  return new Command('pull')
    .description("put a repository of the Hugging Face hub into the cache that Python's client uses too")
    .argument('<repository>', 'such as timm/resnet18.a1_in1k, with @ and a revision or without')
    .argument('[files...]', 'names or patterns of files (default: all)')
    .option('--revision <name>', 'a branch, a tag or a commit (default: main)')
    .addOption(new Option('--type <type>', 'what kind of repository').choices(repositoryTypes))
    .option('--ignore <patterns...>', 'files to leave out')
    .option('--offline', 'take what the cache has, or fail')
    .option('--force', 'fetch also what is in the cache, and replace it')
    .option(
      '--parallel <number>',
      'files that are fetched at the same time',
      numberFlag(hubSnapshotOptions, 'parallel'),
    )
    .option('--retries <number>', 'how often to try again without progress', numberFlag(hubSnapshotOptions, 'retries'))
    .option('--timeout <seconds>', 'the longest silence of the hub', numberFlag(hubSnapshotOptions, 'timeoutSeconds'))
    .option('--json', 'one JSON document on stdout')
    .addHelpText('after', examples)
    .action(pull)
}
