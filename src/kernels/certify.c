/* Certificates: one CRC-32 over the codes of all fp32 patterns. */
#include "kernels/certify.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "kernels/kernels.h"
#include "num/pack.h"

/* Patterns of a chunk, whose inputs and codes stay in the first caches; of a task; of a step of progress. */
enum { CHUNK = 1 << 14, TASK = 1 << 20, STEP = 1 << 26 };
#define ALL ((uint64_t)1 << 32)

typedef struct job {
    const rg_cast_kernels *kernels; /* NULL: the definition */
    const rg_quant *quant;
    rg_cast_plan plan;
    int width;
} job;

typedef struct worker {
    float x[CHUNK];
    uint32_t codes[CHUNK];
    uint32_t last_code, last_crc; /* of a chunk of equal codes */
    bool has_last;
} worker;

static void encode_chunk(const job *j, worker *w, uint32_t first) {
    uint32_t bits[CHUNK];
    for (uint32_t i = 0; i < CHUNK; i++) bits[i] = first + i;
    memcpy(w->x, bits, sizeof bits);
    if (j->kernels) {
        j->kernels->encode(&j->plan, CHUNK, w->x, first, w->codes);
        return;
    }
    for (size_t i = 0; i < CHUNK; i++)
        num_code_put(w->codes, i, j->width,
                     rg_elem_cast(&j->quant->format.elem, &j->quant->cast, w->x[i], first + i));
}

/* Of a chunk. Most are one code over and over, whose sum is known from the chunk before. */
static uint32_t chunk_crc(const job *j, worker *w) {
    const size_t width = (size_t)j->width, size = CHUNK * width;
    const uint8_t *bytes = (const uint8_t *)w->codes;
    uint32_t code = 0;
    if (memcmp(bytes, bytes + width, size - width) != 0) return (uint32_t)crc32_z(0, bytes, size);
    memcpy(&code, bytes, width);
    if (!w->has_last || w->last_code != code) {
        w->last_crc = (uint32_t)crc32_z(0, bytes, size);
        w->last_code = code;
        w->has_last = true;
    }
    return w->last_crc;
}

static uint32_t task_crc(const job *j, worker *w, uint32_t first, z_off_t chunk_bytes) {
    const uLong op = crc32_combine_gen(chunk_bytes);
    uLong crc = 0;
    for (uint32_t at = 0; at < TASK; at += CHUNK) {
        encode_chunk(j, w, first + at);
        const uint32_t next = chunk_crc(j, w);
        crc = at ? crc32_combine_op(crc, next, op) : next;
    }
    return (uint32_t)crc;
}

/* One step: tasks on all threads, joined in order. */
static uint32_t step_crc(const job *j, worker *workers, int threads, uint32_t first) {
    enum { TASKS = STEP / TASK };
    uint32_t crc[TASKS];
#pragma omp parallel num_threads(threads)
    {
        worker *mine = workers + omp_get_thread_num();
#pragma omp for schedule(dynamic)
        for (uint32_t t = 0; t < TASKS; t++)
            crc[t] = task_crc(j, mine, first + t * TASK, CHUNK * (z_off_t)j->width);
    }
    const uLong op = crc32_combine_gen((z_off_t)TASK * j->width);
    uLong joined = crc[0];
    for (int t = 1; t < TASKS; t++) joined = crc32_combine_op(joined, crc[t], op);
    return (uint32_t)joined;
}

static rg_status check(const rg_quant *q, rg_error *err) {
    if (q->format.span == RG_SPAN_NONE) return RG_OK;
    char text[RG_QUANT_TEXT];
    rg_format_print(&q->format, text, sizeof text);
    return rg_fail(err, RG_ERR_USAGE, "format", "a format without scales, such as e4m3fn",
                   "%s has no certificate: its codes depend on their neighbours", text);
}

rg_status rg_certify_by(const rg_cast_kernels *kernels, const rg_quant *q, int threads,
                        const rg_progress *progress, uint32_t *crc, rg_error *err) {
    job j = {.kernels = kernels, .quant = q, .width = num_code_width(q->format.elem.bits)};
    RG_TRY(check(q, err));
    if (kernels && !rg_cast_plan_make(&j.plan, &q->format.elem, &q->cast))
        return rg_fail(err, RG_ERR_UNSUPPORTED, NULL, NULL, "no kernel for this cast");
    worker *workers = calloc((size_t)threads, sizeof *workers);
    if (!workers) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    const uLong op = crc32_combine_gen((z_off_t)STEP * j.width);
    rg_status status = RG_OK;
    uLong sum = 0;
    for (uint64_t first = 0; first < ALL && status == RG_OK; first += STEP) {
        const uint32_t next = step_crc(&j, workers, threads, (uint32_t)first);
        sum = first ? crc32_combine_op(sum, next, op) : next;
        if (!rg_progress_step(progress, "certificate", (double)(first + STEP), (double)ALL))
            status = rg_fail(err, RG_ERR_CANCELLED, NULL, NULL, "interrupted");
    }
    free(workers);
    if (status == RG_OK) *crc = (uint32_t)sum;
    return status;
}

/* ---- runs -----------------------------------------------------------------------------------------------
 */

uint32_t rg_certify_repeated(uint32_t code, int width, uint64_t n) {
    enum { BLOCK = 256 };
    uint32_t block[BLOCK] = {0};
    const uint64_t few = n < BLOCK ? n : BLOCK;
    for (size_t i = 0; i < few; i++) num_code_put(block, i, width, code);
    uLong crc = crc32_z(0, (const uint8_t *)block, (size_t)(n % BLOCK) * (size_t)width);
    if (n < BLOCK) return (uint32_t)crc;
    /* whole blocks: doubled, and joined where n has a bit */
    uLong power = crc32_z(0, (const uint8_t *)block, BLOCK * (size_t)width);
    z_off_t size = (z_off_t)BLOCK * width;
    for (uint64_t left = n / BLOCK; left; left /= 2, size *= 2) {
        const uLong op = crc32_combine_gen(size);
        if (left & 1) crc = crc32_combine_op(crc, power, op);
        power = crc32_combine_op(power, power, op);
    }
    return (uint32_t)crc;
}

static uint32_t code_of(const rg_quant *q, uint32_t pattern) {
    float x;
    memcpy(&x, &pattern, sizeof x);
    return rg_elem_cast(&q->format.elem, &q->cast, x, 0);
}

/* First pattern from `at` on with another code than it, `end` when there is none. */
static uint64_t run_end(const rg_quant *q, uint64_t at, uint64_t end, uint32_t code) {
    uint64_t same = at, step = 1;
    while (same + step < end && code_of(q, (uint32_t)(same + step)) == code) same += step, step *= 2;
    uint64_t other = same + step < end ? same + step : end;
    while (other - same > 1) {
        const uint64_t middle = same + (other - same) / 2;
        if (code_of(q, (uint32_t)middle) == code)
            same = middle;
        else
            other = middle;
    }
    return other;
}

uint32_t rg_certify_by_runs(const rg_quant *q) {
    /* zero, numbers, infinity and NaN of either sign are apart */
    static const uint64_t edges[] = {0,          1,          0x7f800000, 0x7f800001, 0x80000000,
                                     0x80000001, 0xff800000, 0xff800001, 0x100000000};
    const int width = num_code_width(q->format.elem.bits);
    uLong crc = 0;
    for (size_t e = 0; e + 1 < sizeof edges / sizeof *edges; e++)
        for (uint64_t at = edges[e], end; at < edges[e + 1]; at = end) {
            const uint32_t code = code_of(q, (uint32_t)at);
            end = run_end(q, at, edges[e + 1], code);
            crc = crc32_combine(crc, rg_certify_repeated(code, width, end - at), (z_off_t)(end - at) * width);
        }
    return (uint32_t)crc;
}

/* ---- public ---------------------------------------------------------------------------------------------
 */

rg_status rg_certify(const rg_quant *q, int threads, const rg_progress *progress, uint32_t *crc,
                     rg_error *err) {
    const rg_kernels *kernels;
    rg_cast_plan plan;
    RG_TRY(check(q, err));
    RG_TRY(rg_kernels_get(&kernels, err));
    if (q->format.elem.kind == RG_ELEM_ORDERED) {
        *crc = rg_certify_by_runs(q);
        return RG_OK;
    }
    const bool known = rg_cast_plan_make(&plan, &q->format.elem, &q->cast);
    return rg_certify_by(known ? kernels->cast : NULL, q, threads, progress, crc, err);
}
