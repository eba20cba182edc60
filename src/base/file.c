/* Files: map, read (gzip included), atomic write, folders. */
#include "ridge/base.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

rg_status rg_map_open(rg_map *out, const char *path, rg_error *err) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return rg_fail(err, RG_ERR_IO, path, "a readable file", "cannot open: %s", strerror(errno));
    struct stat st;
    rg_status status = RG_OK;
    void *data = NULL;
    if (fstat(fd, &st) != 0)
        status = rg_fail(err, RG_ERR_IO, path, NULL, "cannot stat: %s", strerror(errno));
    else if (!S_ISREG(st.st_mode))
        status = rg_fail(err, RG_ERR_IO, path, "a regular file", "not a regular file");
    else if (st.st_size == 0)
        status = rg_fail(err, RG_ERR_PARSE, path, "a file with content", "empty file");
    else if ((data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0)) == MAP_FAILED)
        status = rg_fail(err, RG_ERR_IO, path, NULL, "cannot map: %s", strerror(errno));
    close(fd);
    if (status == RG_OK) *out = (rg_map){data, (size_t)st.st_size};
    return status;
}

void rg_map_close(rg_map *map) {
    if (map->data) munmap((void *)(uintptr_t)map->data, map->size);
    *map = (rg_map){0};
}

rg_status rg_file_read(const char *path, size_t limit_bytes, char **data, size_t *size, rg_error *err) {
    struct stat st;
    if (stat(path, &st) != 0)
        return rg_fail(err, RG_ERR_IO, path, "a readable file", "cannot open: %s", strerror(errno));
    if (S_ISDIR(st.st_mode)) return rg_fail(err, RG_ERR_IO, path, "a file", "is a folder");
    gzFile file = gzopen(path, "rbe"); /* reads plain files as they are */
    if (!file) return rg_fail(err, RG_ERR_IO, path, "a readable file", "cannot open: %s", strerror(errno));
    rg_str text = {0};
    char *chunk = malloc(1 << 18);
    int n = -1;
    while (chunk && (n = gzread(file, chunk, 1 << 18)) > 0 && text.len <= limit_bytes)
        rg_str_add_n(&text, chunk, (size_t)n);
    int code = Z_OK;
    const char *reason = gzerror(file, &code);
    rg_status status = RG_OK;
    if (text.len > limit_bytes)
        status = rg_fail(err, RG_ERR_PARSE, path, "a smaller file", "larger than %zu bytes", limit_bytes);
    else if (n < 0 || (code != Z_OK && code != Z_STREAM_END))
        status = rg_fail(err, RG_ERR_IO, path, NULL, "cannot read: %s",
                         code == Z_ERRNO ? strerror(errno) : reason);
    rg_str_add(&text, "");
    if (status == RG_OK && text.failed) status = rg_fail(err, RG_ERR_MEMORY, path, NULL, "out of memory");
    gzclose(file);
    free(chunk);
    if (status != RG_OK) {
        rg_str_free(&text);
        return status;
    }
    *data = text.data;
    *size = text.len;
    return RG_OK;
}

rg_status rg_file_write(const char *path, const void *data, size_t size, rg_error *err) {
    char temporary[4096];
    int n = snprintf(temporary, sizeof temporary, "%s.part.%ld", path, (long)getpid());
    if (n < 0 || (size_t)n >= sizeof temporary) return rg_fail(err, RG_ERR_IO, path, NULL, "path too long");
    FILE *file = fopen(temporary, "we");
    if (!file) return rg_fail(err, RG_ERR_IO, path, "a writable place", "cannot write: %s", strerror(errno));
    bool good = size == 0 || fwrite(data, 1, size, file) == size;
    good = fflush(file) == 0 && good;
    good = fclose(file) == 0 && good;
    if (good && rename(temporary, path) == 0) return RG_OK;
    int reason = errno;
    unlink(temporary);
    return rg_fail(err, RG_ERR_IO, path, "a writable place with room", "cannot write: %s", strerror(reason));
}

rg_status rg_dir_make(const char *path, rg_error *err) {
    char part[4096];
    size_t n = strlen(path);
    if (n == 0 || n >= sizeof part)
        return rg_fail(err, RG_ERR_IO, path, "a folder name", "empty or too long");
    memcpy(part, path, n + 1);
    for (size_t i = 1; i <= n; i++) {
        if (part[i] != '/' && part[i] != 0) continue;
        char kept = part[i];
        part[i] = 0;
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            return rg_fail(err, RG_ERR_IO, path, "a writable place", "cannot make folder: %s",
                           strerror(errno));
        part[i] = kept;
    }
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
        return rg_fail(err, RG_ERR_IO, path, "a folder", "is not a folder");
    return RG_OK;
}

bool rg_file_same(const char *a, const char *b) {
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}
