import { type TorchError, torchError } from '../core/errors.js'
import type { HttpHead } from './http-client.js'
import { type HubRepository, placeOnHub } from './hub-repository.js'
import { redactedUrl } from './redacted-url.js'

/** What a request was about. */
export interface HubSubject {
  repository: HubRepository
  revision: string
  file?: string | undefined
}

const nameOf = ({ id, type }: HubRepository) => (type === 'model' ? id : `the ${type} ${id}`)

type Missing = 'repository' | 'revision' | 'file'

function notFound(what: Missing, { repository, revision, file }: HubSubject, { header }: HttpHead) {
  const wanted = {
    repository: `${nameOf(repository)} on the hub`,
    revision: `the revision ${revision} of ${nameOf(repository)}`,
    file: `the file ${file} in ${nameOf(repository)} (${revision})`,
  }[what]
  const hint = what === 'repository' ? ', or a private one that this token does not see' : ''
  const message = `Expected ${wanted} but the hub has no such ${what}${hint}`
  const commit = header('x-repo-commit')
  const details = { missing: what, repository: repository.id, revision, file, commit }
  return torchError('ERR_TORCH_HUB_NOT_FOUND', message, { details })
}

function unauthorized({ repository }: HubSubject, { status, url, header }: HttpHead) {
  const isGated = header('x-error-code') === 'GatedRepo'
  const fix = isGated
    ? `accept its conditions at ${new URL(url).origin}/${placeOnHub(repository)}, and give a token of that account`
    : 'set HF_TOKEN to a token that may read it'
  const reason = isGated ? 'the repository is gated' : 'the hub refuses'
  const message = `Expected leave to read ${nameOf(repository)} but ${reason} (HTTP status ${status}): ${fix}`
  return torchError('ERR_TORCH_HUB_UNAUTHORIZED', message, { details: { repository: repository.id, status, isGated } })
}

/** The hub says why in a header, and to programs never in a page for people: a proxy or a login page of the network does. */
const isPageForPeople = ({ header }: HttpHead) =>
  /^text\/html\b/i.test(header('content-type') ?? '') &&
  header('x-error-code') === undefined &&
  header('x-error-message') === undefined

function refusedBetween({ status, url }: HttpHead): TorchError {
  const message = `Expected an answer of the hub from ${redactedUrl(url)} but received a web page with HTTP status ${status}`
  const fix = 'a proxy or firewall in between may refuse (HTTPS_PROXY, NO_PROXY), or HF_ENDPOINT is no hub'
  return torchError('ERR_TORCH_DOWNLOAD', `${message}: ${fix}`, { details: { status } })
}

/** The error of a refusal, as hf_raise_for_status tells them apart. What the server wrote is not shown: it may echo secrets. */
export function hubRefusal(subject: HubSubject): (answer: HttpHead) => TorchError {
  return (answer) => {
    const { status, url, header } = answer
    const code = header('x-error-code')
    if (code === 'RevisionNotFound') return notFound('revision', subject, answer)
    if (code === 'EntryNotFound') return notFound('file', subject, answer)
    if (code === 'GatedRepo') return unauthorized(subject, answer)
    if (code === 'RepoNotFound') return notFound('repository', subject, answer)
    if (status === 401 || status === 403) {
      return isPageForPeople(answer) ? refusedBetween(answer) : unauthorized(subject, answer)
    }
    if (status === 404) return notFound(subject.file === undefined ? 'repository' : 'file', subject, answer)
    const message = `Expected an answer from ${redactedUrl(url)} but received HTTP status ${status}`
    return torchError('ERR_TORCH_DOWNLOAD', message, { details: { status } })
  }
}
