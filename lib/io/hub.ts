import { parseOptions } from '../core/options.js'
import { hubRequest, withHubCall } from './hub-call.js'
import { runHubFile } from './hub-file.js'
import { type HubFileOptions, type HubSnapshotOptions, hubFileOptions, hubSnapshotOptions } from './hub-options.js'
import { type HubProgress, replaces } from './hub-progress.js'
import { requireBelow } from './hub-repository.js'
import { runHubSnapshot } from './hub-snapshot.js'
import { drained, progressStream } from './progress-stream.js'

type Steps = AsyncGenerator<HubProgress, string, void>

async function* fileSteps(repoId: string, name: string, options?: HubFileOptions): Steps {
  const operation = 'hub.file'
  const parsed = parseOptions(hubFileOptions, options, operation)
  const request = hubRequest(repoId, parsed, operation)
  const file = requireBelow('name', name, operation)
  return yield* progressStream(
    (report, signal) => withHubCall(request, { report, signal }, (call) => runHubFile(call, file)),
    replaces,
    parsed.signal,
  )
}

async function* snapshotSteps(repoId: string, options?: HubSnapshotOptions): Steps {
  const operation = 'hub.snapshot'
  const parsed = parseOptions(hubSnapshotOptions, options, operation)
  const request = hubRequest(repoId, parsed, operation)
  return yield* progressStream(
    (report, signal) => withHubCall(request, { report, signal }, (call) => runHubSnapshot(call, parsed)),
    replaces,
    parsed.signal,
  )
}

/**
 * The Hugging Face hub, with the cache of its Python client: each finds what the other fetched. Nothing gets its name in
 * the cache before its size and its SHA-256 (large files) or git SHA-1 are right; what was received before an abort, a
 * failure or a kill is continued; of several processes one fetches; where the hub cannot be reached, the cache answers.
 * HF_HOME, HF_HUB_CACHE, HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE and their relatives mean what they mean in Python. The
 * token goes to the hub's own origin only.
 *
 * `repoId` may say a revision: 'timm/resnet18.a1_in1k@v1', as for `load`; another one in the options is
 * ERR_TORCH_INVALID_ARGUMENT.
 *
 * Both reject with ERR_TORCH_HUB_NOT_FOUND, ERR_TORCH_HUB_UNAUTHORIZED, ERR_TORCH_HUB_OFFLINE, ERR_TORCH_DOWNLOAD,
 * ERR_TORCH_CHECKSUM, ERR_TORCH_DISK, ERR_TORCH_INVALID_ARGUMENT, ERR_TORCH_UNKNOWN_OPTION, `signal.reason`. Their
 * `steps` are the same as async iterators of progress that return the result.
 */
export const hub: {
  /** huggingface_hub.hf_hub_download: the path of a repository's file in the cache, fetched where it is not there. */
  readonly file: {
    (repoId: string, name: string, options?: HubFileOptions): Promise<string>
    steps(repoId: string, name: string, options?: HubFileOptions): Steps
  }
  /** huggingface_hub.snapshot_download: the folder with a repository's files, those that `allow` and `ignore` choose. */
  readonly snapshot: {
    (repoId: string, options?: HubSnapshotOptions): Promise<string>
    steps(repoId: string, options?: HubSnapshotOptions): Steps
  }
} = Object.freeze({
  file: Object.assign(
    (repoId: string, name: string, options?: HubFileOptions) => drained(fileSteps(repoId, name, options)),
    { steps: fileSteps },
  ),
  snapshot: Object.assign((repoId: string, options?: HubSnapshotOptions) => drained(snapshotSteps(repoId, options)), {
    steps: snapshotSteps,
  }),
})
