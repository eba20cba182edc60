/* Child processes with a time limit. */
#include "ridge/base.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

bool rg_have_program(const char *name) {
    if (strchr(name, '/')) return access(name, X_OK) == 0;
    const char *path = getenv("PATH");
    for (const char *p = path ? path : ""; *p;) {
        size_t n = strcspn(p, ":");
        char full[4096];
        if (n && snprintf(full, sizeof full, "%.*s/%s", (int)n, p, name) < (int)sizeof full &&
            access(full, X_OK) == 0)
            return true;
        p += n + (p[n] == ':');
    }
    return false;
}

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void child(const char *const argv[], const char *dir, int out, bool join) {
    setpgid(0, 0);
    int null = open("/dev/null", O_RDWR);
    if (dir && chdir(dir) != 0) _exit(126);
    dup2(null, 0);
    dup2(out, 1);
    dup2(join ? out : null, 2);
    execvp(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

/* Collects output until the child closes it or time is over; true when time is over. */
static bool drain(int fd, double deadline_s, rg_str *text) {
    char chunk[65536];
    for (;;) {
        double left_s = deadline_s - now_s();
        if (left_s <= 0) return true;
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int ready = poll(&p, 1, left_s > 3600 ? 3600000 : (int)(left_s * 1000) + 1);
        if (ready < 0 && errno != EINTR) return false;
        if (ready <= 0) continue;
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n <= 0) return false;
        rg_str_add_n(text, chunk, (size_t)n);
    }
}

static void last_line(const rg_str *text, char *line, size_t size) {
    line[0] = 0;
    size_t end = text->len;
    while (end && (text->data[end - 1] == '\n' || text->data[end - 1] == '\r')) end--;
    size_t start = end;
    while (start && text->data[start - 1] != '\n') start--;
    if (end > start)
        snprintf(line, size, ": %.*s", (int)(end - start < 200 ? end - start : 200), text->data + start);
}

static rg_status run(const char *const argv[], const char *dir, double limit_s, bool join, rg_str *output,
                     rg_error *err) {
    if (!rg_have_program(argv[0]))
        return rg_fail(err, RG_ERR_TOOL, argv[0], "the program in PATH", "program %s not found", argv[0]);
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0)
        return rg_fail(err, RG_ERR_IO, argv[0], NULL, "pipe: %s", strerror(errno));
    pid_t pid = fork();
    if (pid < 0) {
        close(fds[0]), close(fds[1]);
        return rg_fail(err, RG_ERR_IO, argv[0], NULL, "fork: %s", strerror(errno));
    }
    if (pid == 0) child(argv, dir, fds[1], join);
    setpgid(pid, pid); /* in both, whoever comes first */
    close(fds[1]);
    rg_str own = {0}, *text = output ? output : &own;
    bool late = drain(fds[0], now_s() + limit_s, text);
    close(fds[0]);
    if (late) kill(-pid, SIGKILL);
    int code = 0;
    while (waitpid(pid, &code, 0) < 0 && errno == EINTR) {
    }
    char line[256];
    last_line(text, line, sizeof line);
    rg_str_free(&own);
    if (late)
        return rg_fail(err, RG_ERR_TOOL, argv[0], "an end within the limit", "%s ran longer than %.0f s",
                       argv[0], limit_s);
    if (WIFSIGNALED(code))
        return rg_fail(err, RG_ERR_TOOL, argv[0], "exit code 0", "%s died of signal %d%s", argv[0],
                       WTERMSIG(code), line);
    if (WEXITSTATUS(code) != 0)
        return rg_fail(err, RG_ERR_TOOL, argv[0], "exit code 0", "%s exited with %d%s", argv[0],
                       WEXITSTATUS(code), line);
    return RG_OK;
}

rg_status rg_run(const char *const argv[], const char *dir, double limit_s, rg_str *output, rg_error *err) {
    return run(argv, dir, limit_s, true, output, err);
}

rg_status rg_run_stdout(const char *const argv[], const char *dir, double limit_s, rg_str *output,
                        rg_error *err) {
    return run(argv, dir, limit_s, false, output, err);
}
