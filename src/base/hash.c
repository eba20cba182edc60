/* SHA-256 (libcrypto) and counter-based random numbers (Philox of Random123). */
#include "base/random.h"
#include "ridge/base.h"

#include <math.h>
#include <openssl/evp.h>

static rg_digest hexadecimal(const unsigned char raw[32]) {
    rg_digest d;
    for (int i = 0; i < 32; i++) {
        d.hex[2 * i] = "0123456789abcdef"[raw[i] >> 4];
        d.hex[2 * i + 1] = "0123456789abcdef"[raw[i] & 15];
    }
    d.hex[64] = 0;
    return d;
}

rg_digest rg_sha256(const void *data, size_t size) {
    unsigned char raw[32] = {0};
    EVP_Digest(data, size, raw, NULL, EVP_sha256(), NULL);
    return hexadecimal(raw);
}

rg_sha256_stream *rg_sha256_open(void) {
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1) {
        EVP_MD_CTX_free(context);
        context = NULL;
    }
    return (rg_sha256_stream *)context;
}

void rg_sha256_add(rg_sha256_stream *stream, const void *data, size_t size) {
    if (stream) EVP_DigestUpdate((EVP_MD_CTX *)stream, data, size);
}

rg_digest rg_sha256_close(rg_sha256_stream *stream) {
    unsigned char raw[32] = {0};
    if (!stream) return (rg_digest){""};
    EVP_DigestFinal_ex((EVP_MD_CTX *)stream, raw, NULL);
    EVP_MD_CTX_free((EVP_MD_CTX *)stream);
    return hexadecimal(raw);
}

rg_status rg_sha256_file(const char *path, rg_digest *out, rg_error *err) {
    rg_map map;
    rg_error e = {0};
    rg_status status = rg_map_open(&map, path, &e);
    if (status == RG_ERR_PARSE) { /* an empty file has a digest, too */
        *out = rg_sha256("", 0);
        return RG_OK;
    }
    if (status != RG_OK) {
        if (err) *err = e;
        return status;
    }
    *out = rg_sha256(map.data, map.size);
    rg_map_close(&map);
    return RG_OK;
}

uint32_t rg_random_u32(uint64_t seed, uint64_t stream, uint64_t index) {
    return base_random_u32(seed, stream, index);
}

double rg_random_uniform(uint64_t seed, uint64_t stream, uint64_t index) {
    return rg_random_u32(seed, stream, index) * 0x1p-32;
}

double rg_random_normal(uint64_t seed, uint64_t stream, uint64_t index) {
    double u =
        (rg_random_u32(seed, stream, 2 * index) + 0.5) * 0x1p-32; /* never 0: its logarithm is finite */
    double v = rg_random_u32(seed, stream, 2 * index + 1) * 0x1p-32;
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}
