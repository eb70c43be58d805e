// Large tensors are read by several threads, which no result shows: here the system's own pread tells it.
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { scope } from '../../lib/core/scope.js'
import { Tensor } from '../../lib/core/tensor.js'
import { writeSafetensors } from '../../lib/io/safetensors-write.js'
import { runScript } from '../support/child-script.js'
import { temporaryFolder } from '../support/libtorch-folders.js'
import { repositoryRoot } from '../support/source-files.js'

const safetensors = JSON.stringify(pathToFileURL(join(repositoryRoot, 'dist', 'io', 'safetensors.js')).href)

/** A large pread waits for a second one and says that it came; alone it goes on after a while, and all others at once. */
const source = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t change = PTHREAD_COND_INITIALIZER;
static int inside, over;

static void end(const char *text, size_t length) {
  over = 1;
  if (write(STDERR_FILENO, text, length) < 0) _exit(9);
  pthread_cond_broadcast(&change);
}

ssize_t pread(int descriptor, void *to, size_t count, off_t from) {
  if (count >= 1 << 20) {
    pthread_mutex_lock(&mutex);
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 15;
    if (++inside == 2 && !over) end("two at once", 11);
    while (!over) {
      if (pthread_cond_timedwait(&change, &mutex, &until) != 0 && !over) end("one", 3);
    }
    inside--;
    pthread_mutex_unlock(&mutex);
  }
  return ((ssize_t (*)(int, void *, size_t, off_t))dlsym(RTLD_NEXT, "pread"))(descriptor, to, count, from);
}
`

function watchedReads(): { LD_PRELOAD: string } {
  const folder = temporaryFolder()
  const [file, library] = ['pread.c', 'pread.so'].map((name) => join(folder, name)) as [string, string]
  writeFileSync(file, source)
  execFileSync('cc', ['-shared', '-fPIC', '-Wall', '-Wextra', '-Werror', '-o', library, file, '-ldl', '-lpthread'])
  return { LD_PRELOAD: library }
}

test('a large tensor is read by two threads at once, and every byte arrives in its place', async () => {
  const path = join(temporaryFolder(), 'large.safetensors')
  await scope(() => writeSafetensors(path, { x: Tensor.from(Float32Array.from({ length: 2 ** 21 }, (_, i) => i)) }))
  const { code, stdout, stderr } = await runScript(
    `import { Safetensors } from ${safetensors}
    const file = await Safetensors.open(${JSON.stringify(path)}, { mmap: false })
    const numbers = await (await file.tensor('x')).data()
    console.log(numbers.length, numbers.every((value, i) => value === i))`,
    { env: { ...watchedReads(), OMP_NUM_THREADS: '2' } },
  )
  expect([code, stdout, stderr]).toEqual([0, `${2 ** 21} true\n`, 'two at once'])
})
