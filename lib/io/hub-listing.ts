import { askHub, type HubCall } from './hub-call.js'
import { isCommit } from './hub-repository.js'
import { fetchCommit, fetchTree } from './hub-server.js'
import { type HubTreeFile, readTree, writeTree } from './hub-tree.js'

/** The files of a revision. */
export interface HubListing {
  commit: string
  files: HubTreeFile[]
}

/** What the hub says; the files of a commit never change, so that they are asked for once. */
export async function fetchListing(call: HubCall, hasAnswer: boolean): Promise<HubListing> {
  const { repository, revision } = call
  const subject = { repository, revision }
  return askHub(call, { hasAnswer }, async (server) => {
    const commit = isCommit(revision) ? revision : await fetchCommit(server, subject)
    const known = await readTree(repository, commit)
    const files = known ?? (await fetchTree(server, subject, commit))
    // A cache that cannot be written to may still have all that is wanted.
    if (known === undefined) await writeTree(repository, commit, files).catch(() => {})
    return { commit, files }
  })
}
