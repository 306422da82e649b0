/* On Windows: the few functions that compilers call by themselves. Without them zig links its whole library of such, 50 kB. */
#ifdef _WIN32
#include <stddef.h>
#include <stdint.h>
#define NOTHING __asm__ volatile("" ::: "memory") /* else a compiler takes the loop for the function that it is */

void *memset(void *to, int byte, size_t n) {
    void *at = to;
    __asm__ volatile("rep stosb" : "+D"(at), "+c"(n) : "a"(byte) : "memory");
    return to;
}
void *memcpy(void *to, const void *from, size_t n) {
    void *at = to;
    __asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(n) : : "memory");
    return to;
}
void *memmove(void *to, const void *from, size_t n) {
    if ((uintptr_t)to - (uintptr_t)from >= n) return memcpy(to, from, n);
    for (uint8_t *at = to; n--;) { at[n] = ((const uint8_t *)from)[n]; NOTHING; }
    return to;
}
int memcmp(const void *a, const void *b, size_t n) {
    const uint8_t *x = a, *y = b;
    for (; n; n--, x++, y++) { if (*x != *y) return *x - *y; NOTHING; }
    return 0;
}
size_t strlen(const char *text) {
    size_t n = 0;
    while (text[n]) { n++; NOTHING; }
    return n;
}
/* touches each page of a large frame (rax bytes), so that the stack grows; every register stays as it is */
__asm__(".globl ___chkstk_ms\n"
        "___chkstk_ms:\n"
        "    push %rcx\n"
        "    push %rax\n"
        "    cmp $0x1000, %rax\n"
        "    lea 24(%rsp), %rcx\n"
        "    jb 1f\n"
        "2:  sub $0x1000, %rcx\n"
        "    testb $0, (%rcx)\n"
        "    sub $0x1000, %rax\n"
        "    cmp $0x1000, %rax\n"
        "    ja 2b\n"
        "1:  sub %rax, %rcx\n"
        "    testb $0, (%rcx)\n"
        "    pop %rax\n"
        "    pop %rcx\n"
        "    ret\n");
#endif
