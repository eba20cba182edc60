/* Memory between two pages that nobody may touch, for kernels that might read or write past an end. */
#ifndef RIDGE_TEST_GUARD_H
#define RIDGE_TEST_GUARD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

enum { GUARD_PAGE = 4096, GUARD_PAGES = 1 };

typedef struct guarded {
    uint8_t *base, *first, *end; /* usable: [first, end) */
} guarded;

static inline guarded guard_open(void) {
    const size_t inside = GUARD_PAGES * GUARD_PAGE;
    guarded g;
    g.base = mmap(NULL, inside + 2 * GUARD_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(g.base != MAP_FAILED);
    g.first = g.base + GUARD_PAGE;
    g.end = g.first + inside;
    assert_int_equal(mprotect(g.first, inside, PROT_READ | PROT_WRITE), 0);
    return g;
}

static inline void guard_close(guarded *g) {
    munmap(g->base, (GUARD_PAGES + 2) * GUARD_PAGE);
}

/* Room for `size` bytes that ends at the upper page or begins at the lower one, `shift` bytes away. */
static inline void *guard_place(const guarded *g, size_t size, size_t shift, int at_end) {
    return at_end ? g->end - size - shift : g->first + shift;
}

#endif
