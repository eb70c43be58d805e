import type { ServerResponse } from 'node:http'

/** An answer of a loopback server with nothing but a status. */
export const answerStatus =
  (code: number, headers = {}) =>
  (_: unknown, response: ServerResponse) => {
    response.writeHead(code, headers).end('no')
    return true
  }
