// Opens libtorch before anything else may touch it. Plain C, no torch headers: what is opened here decides what the
// addon proper, whose libtorch symbols are resolved by SONAME, will find in the process. All decisions are the
// caller's (lib/core/native.ts); this file only does what needs C: the loader, the process environment, exit.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <node_api.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// One libtorch per process: workers find it open, and learn from the description how it was opened.
static pthread_mutex_t boot_lock = PTHREAD_MUTEX_INITIALIZER;
static char* boot_description;
static uint64_t boot_version;
static pid_t boot_process;

// libtorch's, libgomp's and the CUDA libraries' own exit handlers destroy state that engine threads may still use, and
// a process that calls exit() in mid-operation aborts. Handlers run in reverse order of registration, so this one,
// registered after libtorch was opened, runs before all of them and ends the process with the status it was given.
static void leave_before_libtorch_is_destroyed(int status, void* unused) {
  (void)unused;
  if (getpid() != boot_process) return;  // a forked child leaves as it would without us
  fflush(NULL);
  // Node restores terminal and blocking modes of stdio in an exit handler that would have run after this one.
  void (*reset_stdio)(void) = (void (*)(void))dlsym(RTLD_DEFAULT, "_ZN4node10ResetStdioEv");
  int (*reset_tty)(void) = (int (*)(void))dlsym(RTLD_DEFAULT, "uv_tty_reset_mode");
  if (reset_stdio != NULL) {
    reset_stdio();
  } else if (reset_tty != NULL) {
    reset_tty();
  }
  _exit(status);
}

// The caller frees; NULL with a pending exception for what is not a string, holds a NUL or finds no memory.
static char* string_argument(napi_env env, napi_value value, const char* name) {
  size_t length = 0;
  char* text = NULL;
  char message[128];
  if (napi_get_value_string_utf8(env, value, NULL, 0, &length) == napi_ok && (text = malloc(length + 1)) != NULL &&
      napi_get_value_string_utf8(env, value, text, length + 1, NULL) == napi_ok && strlen(text) == length) {
    return text;
  }
  free(text);
  snprintf(message, sizeof message, "Expected a string without NUL for %s", name);
  napi_throw_type_error(env, NULL, message);
  return NULL;
}

// NULL on success, else the loader's reason, which the caller frees.
static char* open_library(const char* directory, const char* name, void** library) {
  char* path;
  if (asprintf(&path, "%s/%s", directory, name) < 0) return strdup("out of memory");
  *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  free(path);
  return *library == NULL ? strdup(dlerror()) : NULL;
}

// A variable that libtorch is to see while it loads, and what it was before; an empty value leaves it alone.
struct variable {
  const char* name;
  const char* value;
  char* former;
};

static void set_variable(struct variable* variable) {
  if (*variable->value == '\0') return;
  const char* former = getenv(variable->name);
  if (former != NULL) variable->former = strdup(former);
  setenv(variable->name, variable->value, 1);
}

// Child processes inherit the environment, and would take our choice for their user's.
static void restore_variable(struct variable* variable) {
  if (*variable->value == '\0') return;
  if (variable->former == NULL) {
    unsetenv(variable->name);
  } else {
    setenv(variable->name, variable->former, 1);
    free(variable->former);
  }
}

// Under the lock, once per process. NULL on success, else the reason.
static char* open_libtorch(const char* directory, bool cuda, const char* threads, const char* spin_count) {
  // libgomp reads both once, when it is loaded; what a worker writes into its process.env would not be seen there.
  struct variable variables[] = {{"OMP_NUM_THREADS", threads, NULL}, {"GOMP_SPINCOUNT", spin_count, NULL}};
  for (int i = 0; i < 2; i++) set_variable(&variables[i]);
  // CUDA first: a device query made before libtorch_cuda is there makes CUDA unavailable for the whole process.
  void* library = NULL;
  char* reason = cuda ? open_library(directory, "libtorch_cuda.so", &library) : NULL;
  if (reason == NULL) reason = open_library(directory, "libtorch_cpu.so", &library);
  for (int i = 0; i < 2; i++) restore_variable(&variables[i]);
  if (reason != NULL) return reason;
  uint64_t (*version)(void) = (uint64_t(*)(void))dlsym(library, "aoti_torch_abi_version");
  boot_version = version != NULL ? version() : 0;
  boot_process = getpid();
  on_exit(leave_before_libtorch_is_destroyed, NULL);
  return NULL;
}

// libtorch makes many of its statics when they are first needed. Their destructors run before any handler that was
// registered earlier, so the handler is registered once more just before the process ends, when no task makes another.
static void leave_first(void* identity) {
  free(identity);
  pthread_mutex_lock(&boot_lock);
  if (boot_description != NULL) on_exit(leave_before_libtorch_is_destroyed, NULL);
  pthread_mutex_unlock(&boot_lock);
}

// leaveFirst(): for the 'exit' event, since process.exit and uncaught errors run no cleanup hooks of the main thread.
static napi_value leave_first_now(napi_env env, napi_callback_info info) {
  (void)env;
  (void)info;
  leave_first(NULL);
  return NULL;
}

static napi_value text_or_undefined(napi_env env, const char* text) {
  napi_value value;
  napi_get_undefined(env, &value);
  if (text != NULL) napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value);
  return value;
}

// open(directory, cuda, threads, spinCount, description): string
// Empty `threads` and `spinCount` leave OMP_NUM_THREADS and GOMP_SPINCOUNT as they are. The first call of the process
// decides; it and all later ones return the first one's description.
static napi_value open_once(napi_env env, napi_callback_info info) {
  static const char* names[] = {"directory", NULL, "threads", "spinCount", "description"};
  size_t count = 5;
  napi_value arguments[5];
  char* texts[5] = {NULL};
  bool cuda = false, complete = true;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  for (int i = 0; i < 5 && complete; i++) {
    if (names[i] != NULL) complete = (texts[i] = string_argument(env, arguments[i], names[i])) != NULL;
  }
  if (complete && napi_get_value_bool(env, arguments[1], &cuda) != napi_ok) {
    napi_throw_type_error(env, NULL, "Expected a boolean for cuda");
    complete = false;
  }
  if (complete && texts[0][0] != '/') {
    napi_throw_type_error(env, NULL, "Expected an absolute path for directory");
    complete = false;
  }
  napi_value result = NULL;
  if (complete) {
    pthread_mutex_lock(&boot_lock);
    char* reason = boot_description == NULL ? open_libtorch(texts[0], cuda, texts[2], texts[3]) : NULL;
    if (reason == NULL && boot_description == NULL) {
      boot_description = texts[4];
      texts[4] = NULL;
    }
    if (reason == NULL) result = text_or_undefined(env, boot_description);
    pthread_mutex_unlock(&boot_lock);
    if (reason != NULL) napi_throw_error(env, NULL, reason);
    free(reason);
  }
  for (int i = 0; i < 5; i++) free(texts[i]);
  return result;
}

// booted(): the description of the libtorch that this process runs, or undefined.
static napi_value booted(napi_env env, napi_callback_info info) {
  (void)info;
  pthread_mutex_lock(&boot_lock);
  napi_value value = text_or_undefined(env, boot_description);
  pthread_mutex_unlock(&boot_lock);
  return value;
}

// version(): [major, minor, patch] of the opened libtorch, zeros where it has none to tell or is not open.
static napi_value version(napi_env env, napi_callback_info info) {
  (void)info;
  pthread_mutex_lock(&boot_lock);
  const uint64_t packed = boot_version;
  pthread_mutex_unlock(&boot_lock);
  napi_value triple, part;
  napi_create_array_with_length(env, 3, &triple);
  for (uint32_t i = 0; i < 3; i++) {
    napi_create_uint32(env, (uint32_t)(packed >> (56 - 8 * i)) & 0xff, &part);
    napi_set_element(env, triple, i, part);
  }
  return triple;
}

// environment(name): the process's own variable, which a worker's process.env need not show, or undefined.
static napi_value environment(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
  char* name = string_argument(env, argument, "name");
  if (name == NULL) return NULL;
  napi_value value = text_or_undefined(env, getenv(name));
  free(name);
  return value;
}

// driver(): undefined without a CUDA driver, else [what cuInit returned, what cuDriverGetVersion said].
static napi_value driver(napi_env env, napi_callback_info info) {
  (void)info;
  napi_value pair, part;
  napi_get_undefined(env, &pair);
  void* library = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL);
  if (library == NULL) return pair;
  int (*initialise)(unsigned) = (int (*)(unsigned))dlsym(library, "cuInit");
  int (*driver_version)(int*) = (int (*)(int*))dlsym(library, "cuDriverGetVersion");
  if (initialise == NULL || driver_version == NULL) return pair;
  int number = 0;
  const int status = initialise(0);
  driver_version(&number);
  napi_create_array_with_length(env, 2, &pair);
  napi_create_int32(env, status, &part);
  napi_set_element(env, pair, 0, part);
  napi_create_int32(env, number, &part);
  napi_set_element(env, pair, 1, part);
  return pair;
}

NAPI_MODULE_INIT() {
  napi_property_descriptor members[] = {
      {"open", NULL, open_once, NULL, NULL, NULL, napi_enumerable, NULL},
      {"booted", NULL, booted, NULL, NULL, NULL, napi_enumerable, NULL},
      {"version", NULL, version, NULL, NULL, NULL, napi_enumerable, NULL},
      {"environment", NULL, environment, NULL, NULL, NULL, napi_enumerable, NULL},
      {"leaveFirst", NULL, leave_first_now, NULL, NULL, NULL, napi_enumerable, NULL},
      {"driver", NULL, driver, NULL, NULL, NULL, napi_enumerable, NULL},
  };
  // For workers: process.exit of a main thread that never loaded this ends them first. Node aborts when a hook is added
  // twice with one argument, as after a reset of the module registry, so each has its own.
  napi_add_env_cleanup_hook(env, leave_first, malloc(1));
  napi_define_properties(env, exports, sizeof members / sizeof *members, members);
  return exports;
}
