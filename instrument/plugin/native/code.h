/* Which of the kernels in this file fits the processor. */
#ifndef LK_CODE_H
#define LK_CODE_H
#include "generated.h"
#ifdef LK_HAS_arm64
static inline const lk_code *lk_best_code(void) { return &LK_CODE_arm64; }
#else
#include <cpuid.h>
static inline int lk_has_v3(void) { /* AVX2, BMI1, BMI2, F16C, FMA, LZCNT, MOVBE, and a system that keeps AVX registers */
    unsigned a, b, c, d, low, high;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return 0;
    const unsigned first = 1u << 12 | 1u << 22 | 1u << 27 | 1u << 28 | 1u << 29;
    if ((c & first) != first) return 0;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if ((low & 6) != 6) return 0;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (b & (1u << 3 | 1u << 5 | 1u << 8)) != (1u << 3 | 1u << 5 | 1u << 8)) return 0;
    return __get_cpuid(0x80000001, &a, &b, &c, &d) && c & 1u << 5;
}
static inline int lk_has_v2(void) { /* SSE4.2, SSSE3, POPCNT */
    unsigned a, b, c, d;
    const unsigned needed = 1u << 9 | 1u << 19 | 1u << 20 | 1u << 23;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & needed) == needed;
}
static inline const lk_code *lk_best_code(void) {
    const char *asked = getenv("LATENTKEYS_PLUGIN_CODE"); /* for tests */
    if (lk_has_v3() && !(asked && !strcmp(asked, "v2"))) return &LK_CODE_v3;
    return lk_has_v2() ? &LK_CODE_v2 : NULL;
}
#endif
#endif
