/* Rows of packed codes. */
#include "num/pack.h"

size_t rg_packed_row_bytes(const rg_elem *elem, size_t cols) {
    return (cols * (size_t)elem->bits + 7) / 8;
}

void rg_pack(const rg_elem *elem, const void *codes, uint8_t *packed, size_t rows, size_t cols) {
    const size_t bytes = rg_packed_row_bytes(elem, cols), width = (size_t)num_code_width(elem->bits);
    for (size_t r = 0; r < rows; r++)
        for (size_t b = 0; b < bytes; b++)
            packed[r * bytes + b] =
                num_packed_byte((const uint8_t *)codes + r * cols * width, elem->bits, cols, b);
}

void rg_unpack(const rg_elem *elem, const uint8_t *packed, void *codes, size_t rows, size_t cols) {
    const size_t bytes = rg_packed_row_bytes(elem, cols), width = (size_t)num_code_width(elem->bits);
    uint8_t *out = codes;
    for (size_t i = 0; i < rows * cols; i++) {
        const uint32_t code = num_packed_code(packed + i / cols * bytes, elem->bits, i % cols);
        for (size_t b = 0; b < width; b++) *out++ = (uint8_t)(code >> 8 * b);
    }
}
