import { type Failure, failureDocument } from './json-output.js'

/** How results of images are printed: what stands before, for each image, and after. */
export interface ImageFormat<Result> {
  begin: string
  image(file: string, result: Result): string
  /** A bad image, or without a file what ended the command; it is said on stderr in any case. */
  failure(file: string | undefined, failure: Failure): string
  end: string
}

/** One array, an image per line: whole at any time that the end was written. */
export function jsonFormat<Result>(record: (result: Result) => object): ImageFormat<Result> {
  let separator = '\n'
  const element = (value: object) => {
    const text = `${separator}${JSON.stringify(value)}`
    separator = ',\n'
    return text
  }
  return {
    begin: '[',
    image: (file, result) => element({ file, ...record(result) }),
    failure: (file, failure) => element({ file, ...failureDocument(failure) }),
    end: '\n]\n',
  }
}

/** RFC 4180. */
export function csvRow(fields: readonly (string | number)[]): string {
  const quoted = fields.map((field) => (/[",\r\n]/.test(`${field}`) ? `"${`${field}`.replaceAll('"', '""')}"` : field))
  return `${quoted.join(',')}\r\n`
}
