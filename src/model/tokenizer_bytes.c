/* The bytes that tokens stand for. */
#include "model/tokenizer.h"

#include <string.h>
#include <utf8proc.h>

rg_status token_bytes_init(token_bytes *b, size_t n, size_t total, rg_arena *arena, rg_error *err) {
    *b = (token_bytes){.start = rg_arena_alloc(arena, n + 1, sizeof *b->start),
                       .data = rg_arena_alloc(arena, total + 1, 1)};
    return b->start && b->data ? RG_OK : rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
}

void token_bytes_add(token_bytes *b, const char *text, size_t len) {
    const size_t at = b->start[b->n];
    if (len) memcpy(b->data + at, text, len);
    b->start[++b->n] = at + len;
}

/* GPT-2 writes each byte as one printable character: itself where it is one in Latin-1, else the next of 256,
   257, ... Source: bytes_to_unicode in encoder.py of GPT-2. */
size_t byte_character(int byte, char out[2]) {
    int c = byte;
    if (byte <= 32)
        c = 256 + byte;
    else if (byte >= 127 && byte <= 160)
        c = 289 + byte - 127;
    else if (byte == 173)
        c = 323;
    if (c < 128) {
        out[0] = (char)c;
        return 1;
    }
    out[0] = (char)(0xc0 | c >> 6);
    out[1] = (char)(0x80 | (c & 63));
    return 2;
}

/* The byte that a character stands for, or -1. */
static int character_byte(int32_t c) {
    if (c >= 256) return c <= 288 ? c - 256 : c <= 322 ? c - 289 + 127 : c == 323 ? 173 : -1;
    return (c >= 33 && c <= 126) || (c >= 161 && c != 173) ? c : -1;
}

void token_bytes_add_mapped(token_bytes *b, const char *text, size_t len) {
    const size_t first = b->start[b->n];
    size_t end = first;
    for (size_t at = 0; at < len;) {
        utf8proc_int32_t c = -1;
        const utf8proc_ssize_t n =
            utf8proc_iterate((const utf8proc_uint8_t *)text + at, (utf8proc_ssize_t)(len - at), &c);
        const int byte = n > 0 ? character_byte(c) : -1;
        if (byte < 0) {
            token_bytes_add(b, text, len);
            return;
        }
        b->data[end++] = (char)byte;
        at += (size_t)n;
    }
    b->start[++b->n] = end;
}

static int hexadecimal(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int byte_token_value(const char *text, size_t len) {
    if (len != 6 || memcmp(text, "<0x", 3) != 0 || text[5] != '>') return -1;
    const int high = hexadecimal(text[3]), low = hexadecimal(text[4]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

void token_bytes_add_escaped(token_bytes *b, const char *text, size_t len) {
    const int value = byte_token_value(text, len);
    size_t end = b->start[b->n];
    for (size_t at = 0; at < len && value < 0;) {
        const bool blank = len - at >= 3 && memcmp(text + at, "\xe2\x96\x81", 3) == 0;
        b->data[end++] = blank ? ' ' : text[at];
        at += blank ? 3 : 1;
    }
    if (value >= 0) b->data[end++] = (char)value;
    b->start[++b->n] = end;
}

bool rg_tokenizer_token(const rg_tokenizer *tokenizer, int32_t id, const char **bytes, size_t *n) {
    const token_bytes *b = &tokenizer->bytes;
    if (id < 0 || (size_t)id >= b->n) return false;
    *bytes = b->data + b->start[id];
    *n = b->start[id + 1] - b->start[id];
    return true;
}
