/* Devices: which there are, their memory and their clock. */
#include "kernels/cuda/device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

rg_status cuda_check(cudaError_t code, const char *what, rg_error *err) {
    if (code == cudaSuccess) return RG_OK;
    const rg_status status = code == cudaErrorMemoryAllocation ? RG_ERR_MEMORY : RG_ERR_TOOL;
    return rg_fail(err, status, what, NULL, "CUDA: %s", cudaGetErrorString(code));
}

int rg_cuda_count(void) {
    int n = 0;
    return cudaGetDeviceCount(&n) == cudaSuccess ? n : 0;
}

rg_status rg_cuda_open(rg_cuda **out, int device, rg_error *err) {
    const int n = rg_cuda_count();
    if (device != RG_CUDA_HOST && (device < 0 || device >= n)) {
        char expected[64];
        snprintf(expected, sizeof expected, n ? "0 to %d" : "a GPU and its driver", n - 1);
        return rg_fail(err, RG_ERR_UNSUPPORTED, "CUDA device", expected, "there is no device %d", device);
    }
    rg_cuda *cuda = (rg_cuda *)calloc(1, sizeof *cuda);
    if (!cuda) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "no memory for a device");
    cuda->device = device;
    rg_status status = RG_OK;
    if (!cuda_is_host(cuda)) {
        status = cuda_check(cudaSetDevice(device), "cudaSetDevice", err);
        if (status == RG_OK) status = cuda_check(cudaEventCreate(&cuda->start), "cudaEventCreate", err);
        if (status == RG_OK) status = cuda_check(cudaEventCreate(&cuda->stop), "cudaEventCreate", err);
    }
    if (status != RG_OK) {
        rg_cuda_close(cuda);
        return status;
    }
    *out = cuda;
    return RG_OK;
}

void rg_cuda_close(rg_cuda *cuda) {
    if (!cuda) return;
    cuda_release(cuda);
    if (cuda->start) cudaEventDestroy(cuda->start);
    if (cuda->stop) cudaEventDestroy(cuda->stop);
    free(cuda);
}

rg_status rg_cuda_query(const rg_cuda *cuda, rg_cuda_info *out, rg_error *err) {
    rg_cuda_info info = {};
    cudaDeviceProp p;
    if (cuda_is_host(cuda)) {
        snprintf(info.name, sizeof info.name, "the CPU in place of a device");
    } else {
        RG_TRY(cuda_check(cudaGetDeviceProperties(&p, cuda->device), "cudaGetDeviceProperties", err));
        RG_TRY(cuda_check(cudaDriverGetVersion(&info.driver), "cudaDriverGetVersion", err));
        snprintf(info.name, sizeof info.name, "%s", p.name);
        info.major = p.major;
        info.minor = p.minor;
        info.multiprocessors = p.multiProcessorCount;
        info.memory_bytes = p.totalGlobalMem;
    }
    RG_TRY(cuda_check(cudaRuntimeGetVersion(&info.runtime), "cudaRuntimeGetVersion", err));
    *out = info;
    return RG_OK;
}

/* ---- memory -------------------------------------------------------------------------------------------- */

rg_status cuda_take(rg_cuda *cuda, size_t size, void **out, rg_error *err) {
    *out = NULL;
    if (size == 0) return RG_OK;
    if (cuda->n_buffers == CUDA_MAX_BUFFERS)
        return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "too many buffers");
    if (cuda_is_host(cuda)) {
        if (!(*out = malloc(size)))
            return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "no memory for %zu bytes", size);
    } else {
        RG_TRY(cuda_check(cudaSetDevice(cuda->device), "cudaSetDevice", err));
        RG_TRY(cuda_check(cudaMalloc(out, size), "cudaMalloc", err));
    }
    cuda->buffer[cuda->n_buffers++] = *out;
    return RG_OK;
}

rg_status cuda_give(rg_cuda *cuda, const void *from, size_t size, void **out, rg_error *err) {
    RG_TRY(cuda_take(cuda, size, out, err));
    if (size && cuda_is_host(cuda)) memcpy(*out, from, size);
    if (!size || cuda_is_host(cuda)) return RG_OK;
    return cuda_check(cudaMemcpy(*out, from, size, cudaMemcpyHostToDevice), "cudaMemcpy", err);
}

rg_status cuda_zeros(rg_cuda *cuda, size_t size, void **out, rg_error *err) {
    RG_TRY(cuda_take(cuda, size, out, err));
    if (size && cuda_is_host(cuda)) memset(*out, 0, size);
    if (!size || cuda_is_host(cuda)) return RG_OK;
    return cuda_check(cudaMemset(*out, 0, size), "cudaMemset", err);
}

rg_status cuda_bring(rg_cuda *cuda, void *to, const void *from, size_t size, rg_error *err) {
    if (!to || !from || !size) return RG_OK;
    if (cuda_is_host(cuda)) {
        memcpy(to, from, size);
        return RG_OK;
    }
    return cuda_check(cudaMemcpy(to, from, size, cudaMemcpyDeviceToHost), "cudaMemcpy", err);
}

void cuda_release(rg_cuda *cuda) {
    for (int i = 0; i < cuda->n_buffers; i++)
        if (cuda_is_host(cuda))
            free(cuda->buffer[i]);
        else
            cudaFree(cuda->buffer[i]);
    cuda->n_buffers = 0;
}

/* ---- time ---------------------------------------------------------------------------------------------- */

rg_status cuda_begin(rg_cuda *cuda, rg_error *err) {
    cuda->kernel_s = 0;
    return cuda_is_host(cuda) ? RG_OK : cuda_check(cudaEventRecord(cuda->start), "cudaEventRecord", err);
}

rg_status cuda_end(rg_cuda *cuda, rg_error *err) {
    float ms = 0;
    if (cuda_is_host(cuda)) return RG_OK;
    RG_TRY(cuda_check(cudaGetLastError(), "kernel launch", err));
    RG_TRY(cuda_check(cudaEventRecord(cuda->stop), "cudaEventRecord", err));
    RG_TRY(cuda_check(cudaEventSynchronize(cuda->stop), "kernel", err));
    RG_TRY(cuda_check(cudaEventElapsedTime(&ms, cuda->start, cuda->stop), "cudaEventElapsedTime", err));
    cuda->kernel_s = ms * 1e-3;
    return RG_OK;
}

double rg_cuda_kernel_s(const rg_cuda *cuda) {
    return cuda->kernel_s;
}

static rg_status best_copy(rg_cuda *cuda, size_t bytes, int repeats, double *seconds, rg_error *err) {
    void *from, *to;
    double best = 0;
    RG_TRY(cuda_zeros(cuda, bytes, &from, err));
    RG_TRY(cuda_take(cuda, bytes, &to, err));
    for (int i = 0; i < repeats; i++) {
        RG_TRY(cuda_begin(cuda, err));
        RG_TRY(cuda_check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice), "cudaMemcpy", err));
        RG_TRY(cuda_end(cuda, err));
        if (i == 0 || cuda->kernel_s < best) best = cuda->kernel_s;
    }
    *seconds = best;
    return RG_OK;
}

rg_status rg_cuda_copy_s(rg_cuda *cuda, size_t bytes, int repeats, double *seconds, rg_error *err) {
    if (cuda_is_host(cuda))
        return rg_fail(err, RG_ERR_UNSUPPORTED, "CUDA device", "a device", "the CPU has no device memory");
    const rg_status status = best_copy(cuda, bytes, repeats, seconds, err);
    cuda_release(cuda);
    return status;
}
