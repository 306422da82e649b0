/* What differs between systems: folders, files in memory, one socket, one thread, one lock. */
#ifndef LK_OS_H
#define LK_OS_H
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
enum { OS_PATH = 1024, OS_SEND_MS = 5000 };
typedef struct { void *at, *handle; size_t bytes; char name[200]; } os_shared; /* memory that another process finds by its name */
#ifdef _WIN32
#include <winsock2.h>
#include <ws2tcpip.h>
#include <windows.h>
typedef SOCKET os_socket;
typedef HANDLE os_thread;
typedef SRWLOCK os_mutex;
#define OS_NO_SOCKET INVALID_SOCKET
#define OS_MUTEX_INIT SRWLOCK_INIT
#define OS_THREAD DWORD WINAPI
static inline void *os_map(const char *path, size_t *bytes) {
    HANDLE f = CreateFileA(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, OPEN_EXISTING, 0, NULL);
    if (f == INVALID_HANDLE_VALUE) return NULL;
    LARGE_INTEGER n;
    GetFileSizeEx(f, &n);
    *bytes = (size_t)n.QuadPart;
    HANDLE m = CreateFileMappingA(f, NULL, PAGE_READONLY, 0, 0, NULL);
    void *at = m ? MapViewOfFile(m, FILE_MAP_READ, 0, 0, 0) : NULL;
    if (m) CloseHandle(m);
    CloseHandle(f);
    return at;
}
static inline void os_unmap(void *at, size_t bytes) { (void)bytes; UnmapViewOfFile(at); }
static inline void *os_memory(size_t bytes) { return VirtualAlloc(NULL, bytes, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE); }
static inline void os_give_back(void *at, size_t bytes) { (void)bytes; VirtualFree(at, 0, MEM_RELEASE); }
static inline void os_unshare(os_shared *s) {
    if (s->at) UnmapViewOfFile(s->at);
    if (s->handle) CloseHandle(s->handle);
    s->at = s->handle = NULL;
}
static inline int os_share(os_shared *s, size_t bytes, size_t needed) { /* only this user's session finds it */
    static LONG count;
    (void)needed;
    snprintf(s->name, sizeof s->name, "Local\\latentkeys-%lu-%ld-%llu", GetCurrentProcessId(), InterlockedIncrement(&count), GetTickCount64());
    s->handle = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, (DWORD)bytes, s->name);
    if (s->handle && GetLastError() != ERROR_ALREADY_EXISTS) s->at = MapViewOfFile(s->handle, FILE_MAP_ALL_ACCESS, 0, 0, bytes);
    s->bytes = bytes;
    if (!s->at) os_unshare(s);
    return s->at != NULL;
}
static inline int os_folder(char *to, const char *rest, int config) {
    const char *home = getenv("LOCALAPPDATA");
    if (!home) return 0;
    return snprintf(to, OS_PATH, "%s\\latentkeys\\latentkeys%s\\%s", home, config ? "" : "\\Cache", rest) < OS_PATH;
}
static inline os_socket os_connect(const char *address) {
    WSADATA w;
    WSAStartup(MAKEWORD(2, 2), &w);
    if (strncmp(address, "tcp ", 4)) return OS_NO_SOCKET;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((u_short)atoi(address + 4))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    SOCKET s = socket(AF_INET, SOCK_STREAM, 0);
    if (s != INVALID_SOCKET && connect(s, (struct sockaddr *)&to, sizeof to)) { closesocket(s); return INVALID_SOCKET; }
    setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, (const char *)&(DWORD){OS_SEND_MS}, sizeof(DWORD));
    return s;
}
static inline void os_close(os_socket s) { closesocket(s); }
static inline int os_readable(os_socket s, int ms) {
    fd_set set;
    FD_ZERO(&set);
    FD_SET(s, &set);
    struct timeval t = {0, ms * 1000};
    return select(0, &set, NULL, NULL, &t) > 0;
}
static inline int os_start(os_thread *t, DWORD(WINAPI *f)(void *), void *a) { return (*t = CreateThread(NULL, 0, f, a, 0, NULL)) != NULL; }
static inline void os_join(os_thread t) { WaitForSingleObject(t, INFINITE); CloseHandle(t); }
static inline void os_lock(os_mutex *m) { AcquireSRWLockExclusive(m); }
static inline void os_unlock(os_mutex *m) { ReleaseSRWLockExclusive(m); }
static inline void os_sleep_ms(int ms) { Sleep((DWORD)ms); }
static inline void os_nap(void) { Sleep(1); }
static inline int64_t os_now_ms(void) { return (int64_t)GetTickCount64(); }
static inline int os_launch(char *const *words) {
    char line[4 * OS_PATH];
    size_t n = 0;
    for (; *words && n < sizeof line - OS_PATH; words++) n += (size_t)snprintf(line + n, sizeof line - n, "\"%s\" ", *words);
    STARTUPINFOA start = {.cb = sizeof start};
    PROCESS_INFORMATION made;
    if (!CreateProcessA(NULL, line, NULL, NULL, FALSE, DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP, NULL, NULL, &start, &made)) return 0;
    CloseHandle(made.hThread);
    CloseHandle(made.hProcess);
    return 1;
}
static inline void os_end(long pid) {
    HANDLE p = OpenProcess(PROCESS_TERMINATE, FALSE, (DWORD)pid);
    if (p) { TerminateProcess(p, 1); CloseHandle(p); }
}
static inline int os_is_late(void) { return WSAGetLastError() == WSAETIMEDOUT; } /* what `send` has waited for has not come */
#define OS_SEND 0
#else
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
extern char **environ;
typedef int os_socket;
typedef pthread_t os_thread;
typedef pthread_mutex_t os_mutex;
#define OS_NO_SOCKET (-1)
#define OS_MUTEX_INIT PTHREAD_MUTEX_INITIALIZER
#define OS_THREAD void *
#ifdef MSG_NOSIGNAL
#define OS_SEND MSG_NOSIGNAL
#else
#define OS_SEND 0
#endif
static inline void *os_map(const char *path, size_t *bytes) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) return NULL;
    struct stat st;
    void *at = MAP_FAILED;
    if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size > 0 && st.st_uid == getuid() && !(st.st_mode & (S_IWGRP | S_IWOTH))) {
        *bytes = (size_t)st.st_size;
        at = mmap(NULL, *bytes, PROT_READ, MAP_SHARED, fd, 0);
    }
    close(fd);
    return at == MAP_FAILED ? NULL : at;
}
static inline void os_unmap(void *at, size_t bytes) { munmap(at, bytes); }
static inline void *os_memory(size_t bytes) {
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}
static inline void os_give_back(void *at, size_t bytes) { munmap(at, bytes); }
static inline int os_folder(char *to, const char *rest, int config) {
    const char *home = getenv("HOME");
#ifdef __APPLE__
    if (!home) return 0;
    return snprintf(to, OS_PATH, "%s/Library/%s/latentkeys/%s", home, config ? "Application Support" : "Caches", rest) < OS_PATH;
#else
    const char *set = getenv(config ? "XDG_CONFIG_HOME" : "XDG_CACHE_HOME");
    if (set && *set == '/') return snprintf(to, OS_PATH, "%s/latentkeys/%s", set, rest) < OS_PATH;
    if (!home) return 0;
    return snprintf(to, OS_PATH, "%s/%s/latentkeys/%s", home, config ? ".config" : ".cache", rest) < OS_PATH;
#endif
}
static inline int os_make_file(const char *name) { return open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600); }
static inline int os_share(os_shared *s, size_t bytes, size_t needed) { /* a file that only this user may open; `needed` are there, the rest once it is written */
    static int count;
    char rest[64], path[OS_PATH];
    void *at = MAP_FAILED;
    int fd = -1;
    snprintf(rest, sizeof rest, "latentkeys-held-%ld-%d-%ld", (long)getpid(), __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED), (long)time(NULL));
    if (snprintf(s->name, sizeof s->name, "/dev/shm/%s", rest) > 0) fd = os_make_file(s->name);
    if (fd < 0 && os_folder(path, "plugin/", 0) && snprintf(s->name, sizeof s->name, "%s%s", path, rest) < (int)sizeof s->name) fd = os_make_file(s->name);
    if (fd < 0) return 0;
    for (size_t n = 0; n < needed; n += 64) if (pwrite(fd, (char[64]){0}, 64, (off_t)n) != 64) needed = 0;
    if (needed && !ftruncate(fd, (off_t)bytes)) at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (at == MAP_FAILED) { unlink(s->name); return 0; }
    s->at = at;
    s->bytes = bytes;
    return 1;
}
static inline void os_unshare(os_shared *s) {
    if (!s->at) return;
    munmap(s->at, s->bytes);
    unlink(s->name);
    s->at = NULL;
}
static inline os_socket os_connect(const char *address) {
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (strncmp(address, "unix ", 5) || strlen(address + 5) >= sizeof to.sun_path) return OS_NO_SOCKET;
    memcpy(to.sun_path, address + 5, strlen(address + 5));
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    if (s < 0) return OS_NO_SOCKET;
    fcntl(s, F_SETFD, FD_CLOEXEC);
#ifdef SO_NOSIGPIPE
    setsockopt(s, SOL_SOCKET, SO_NOSIGPIPE, &(int){1}, sizeof(int));
#endif
    setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &(struct timeval){OS_SEND_MS / 1000, 0}, sizeof(struct timeval));
    if (connect(s, (void *)&to, sizeof to)) { close(s); return OS_NO_SOCKET; }
    return s;
}
static inline int os_is_late(void) { return errno == EAGAIN || errno == EWOULDBLOCK; } /* what `send` has waited for has not come */
static inline void os_end(long pid) { if (pid > 1) kill((pid_t)pid, SIGKILL); }
static inline void os_close(os_socket s) { close(s); }
static inline int os_readable(os_socket s, int ms) {
    struct pollfd p = {s, POLLIN, 0};
    return poll(&p, 1, ms) > 0;
}
static inline int os_start(os_thread *t, void *(*f)(void *), void *a) { return !pthread_create(t, NULL, f, a); }
static inline void os_join(os_thread t) { pthread_join(t, NULL); }
static inline void os_lock(os_mutex *m) { pthread_mutex_lock(m); }
static inline void os_unlock(os_mutex *m) { pthread_mutex_unlock(m); }
static inline void os_sleep_ms(int ms) { struct timespec t = {ms / 1000, ms % 1000 * 1000000L}; nanosleep(&t, NULL); }
static inline void os_nap(void) { struct timespec t = {0, 200000L}; nanosleep(&t, NULL); }
static inline int64_t os_now_ms(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000LL + t.tv_nsec / 1000000; }
static inline int os_launch(char *const *words) { /* the child leaves a child of its own and ends at once */
    pid_t child;
    posix_spawn_file_actions_t quiet;
    posix_spawn_file_actions_init(&quiet);
    for (int fd = 0; fd < 3; fd++) posix_spawn_file_actions_addopen(&quiet, fd, "/dev/null", O_RDWR, 0);
    int made = !posix_spawn(&child, words[0], &quiet, NULL, words, environ);
    posix_spawn_file_actions_destroy(&quiet);
    if (made) while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
    return made;
}
#endif
#endif
