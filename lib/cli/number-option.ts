import { InvalidArgumentError } from 'commander'

/** The value of an option that takes a number; its range is checked by the verb that gets it. */
export function numberOption(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || Number.isNaN(value)) throw new InvalidArgumentError('Expected a number.')
  return value
}
