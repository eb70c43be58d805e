import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from './libtorch-folders.js'

/** Every file system becomes one as FAT or some shares are: no links of either kind, and folders that know no fsync. */
const source = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

static int refuse(int number) { errno = number; return -1; }
int symlink(const char *a, const char *b) { (void)a, (void)b; return refuse(EPERM); }
int symlinkat(const char *a, int d, const char *b) { (void)a, (void)d, (void)b; return refuse(EPERM); }
int link(const char *a, const char *b) { (void)a, (void)b; return refuse(EPERM); }

int fsync(int descriptor) {
  struct stat status;
  const char *number = getenv("FOLDER_SYNC_ERRNO");
  if (fstat(descriptor, &status) == 0 && S_ISDIR(status.st_mode)) return refuse(number ? atoi(number) : EINVAL);
  return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(descriptor);
}
`

/** For the environment of a child process that is to live on such a disk. */
export function linklessDisk(): { LD_PRELOAD: string } {
  const folder = temporaryFolder()
  const [file, library] = ['disk.c', 'disk.so'].map((name) => join(folder, name)) as [string, string]
  writeFileSync(file, source)
  execFileSync('cc', ['-shared', '-fPIC', '-Wall', '-Wextra', '-Werror', '-o', library, file, '-ldl'])
  return { LD_PRELOAD: library }
}
