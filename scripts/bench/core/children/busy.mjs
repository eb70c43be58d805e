// A busy neighbour: keeps one core at work until its parent ends it or is gone. Says "busy" once it works.
const parent = process.ppid
process.stdout.write('busy\n')
for (;;) {
  const until = performance.now() + 50
  while (performance.now() < until);
  if (process.ppid !== parent) break
}
