/* The progress line on stderr, with time left, and Ctrl-C. */
#include "progress.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number) {
    (void)signal_number;
    interrupted = 1;
    signal(SIGINT, SIG_DFL); /* a second Ctrl-C ends at once */
}

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

typedef struct state {
    bool shown, terminal;
    double start_s, last_s;
    char what[96];
} state;

static bool step(void *context, const char *what, double done, double total) {
    state *s = context;
    if (interrupted) return false;
    if (!s->shown) return true;
    double now = now_s();
    if (strncmp(s->what, what, sizeof s->what - 1) != 0) {
        snprintf(s->what, sizeof s->what, "%s", what);
        s->start_s = now;
        s->last_s = 0;
    }
    bool end = done >= total;
    if (!end && now - s->last_s < (s->terminal ? 0.2 : 5)) return true;
    s->last_s = now;
    double spent_s = now - s->start_s, share = total > 0 ? done / total : 0;
    fprintf(stderr, "%s%-40s %3.0f %%", s->terminal ? "\r\033[K" : "", s->what, 100 * share);
    if (end)
        fprintf(stderr, "  %.1f s", spent_s);
    else if (share > 0.01)
        fprintf(stderr, "  %.0f s left", spent_s / share - spent_s);
    if (!s->terminal || end) fputc('\n', stderr);
    fflush(stderr);
    return true;
}

rg_progress cli_progress(bool asked) {
    static state s;
    s.terminal = isatty(2);
    s.shown = asked || s.terminal;
    struct sigaction action = {.sa_handler = on_interrupt};
    sigaction(SIGINT, &action, NULL);
    return (rg_progress){step, &s};
}
