/** Why a command failed, as --json tells it. */
export interface Failure {
  /** Of the table of ERRORS.md. */
  code: string
  message: string
}

/** What --json prints where a command fails, or last in the list that it had begun. */
export const failureDocument = ({ code, message }: Failure) => ({ error: { code, message } })

/** One document on stdout. */
export function printJson(value: object): void {
  process.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`)
}
