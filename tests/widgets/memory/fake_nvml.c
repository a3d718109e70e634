/* A stand-in for libnvidia-ml.so.1: what it answers stands in the file that FAKE_NVML names, one `key value` a line.
   Keys: gpus, fail_NAME (an error number for that function), lost (index of a lost device), total, used, busy, untold
   (all, or 2: of the other process), unlisted (this process is not among those that run). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int Return;
enum { OK = 0, UNINITIALIZED = 1, INVALID = 2, TOO_SMALL = 7, LOST = 15 };
typedef struct { unsigned long long total, free, used; } Memory;
typedef struct { unsigned int gpu, memory; } Utilization;
typedef struct { unsigned int pid; unsigned long long used; unsigned int instance, compute; } Process;

static long long ask(const char *key, long long otherwise) {
  const char *path = getenv("FAKE_NVML");
  FILE *file = path ? fopen(path, "r") : NULL;
  char name[128];
  long long value, found = otherwise;
  if (!file) return otherwise;
  while (fscanf(file, "%127s %lld", name, &value) == 2)
    if (!strcmp(name, key)) found = value;
  fclose(file);
  return found;
}
static Return fails(const char *name) {
  char key[128];
  snprintf(key, sizeof key, "fail_%s", name);
  return (Return)ask(key, OK);
}
static long index_of(void *device) { return (long)device - 1; }

Return nvmlInitWithFlags(unsigned flags) { return fails("init"); }
Return nvmlInit_v2(void) { return fails("init"); }
Return nvmlShutdown(void) { return OK; }
const char *nvmlErrorString(Return code) { return "as the stand-in says"; }
Return nvmlDeviceGetCount_v2(unsigned *count) { *count = (unsigned)ask("gpus", 2); return fails("count"); }
Return nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device) {
  if (index >= ask("gpus", 2)) return INVALID;
  *device = (void *)(long)(index + 1);
  return fails("handle");
}
Return nvmlDeviceGetMemoryInfo(void *device, Memory *memory) {
  if (index_of(device) == ask("lost", -1)) return LOST;
  memory->total = ask("total", 8LL << 30);
  memory->used = ask("used", 3LL << 30) + index_of(device);
  memory->free = memory->total > memory->used ? memory->total - memory->used : 0;
  return fails("memory");
}
Return nvmlDeviceGetUUID(void *device, char *text, unsigned length) {
  snprintf(text, length, "GPU-%08ld-0000-0000-0000-000000000000", index_of(device));
  return fails("uuid");
}
#ifndef OLD
Return nvmlDeviceGetUtilizationRates(void *device, Utilization *rates) {
  rates->gpu = (unsigned)ask("busy", 40);
  rates->memory = 0;
  return fails("busy");
}
Return nvmlDeviceGetComputeRunningProcesses_v3(void *device, unsigned *count, Process *processes) {
  unsigned room = *count;
  *count = 2;
  if (fails("processes")) return fails("processes");
  if (room < 2) return TOO_SMALL;
  memset(processes, 0, 2 * sizeof *processes);
  processes[0].pid = ask("unlisted", 0) ? 4000001 : getpid();
  processes[0].used = ask("untold", 0) == 1 ? -1ULL : 1ULL << 30;
  processes[1].pid = 4000002;
  processes[1].used = ask("untold", 0) ? -1ULL : 1ULL << 29;
  return OK;
}
#endif
