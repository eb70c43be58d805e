// Which demos there are; without imports, because it is asked before anything is set up.
export const demoNames = ['classify', 'features', 'resnet18']

/** The demos that a command line asks for; what is wrong with it, in words, where it names none. */
export function wantedDemos([wanted = demoNames[0], ...rest]) {
  const refused = (received) => `Expected one of ${[...demoNames, 'all'].join(', ')} but received '${received}'`
  if (rest.length > 0) return refused([wanted, ...rest].join(' '))
  if (wanted === 'all') return demoNames
  return demoNames.includes(wanted) ? [wanted] : refused(wanted)
}
