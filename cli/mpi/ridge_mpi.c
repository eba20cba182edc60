/* The module through which the program speaks MPI (cli/ranks.h). */
#include <mpi.h>
#include <string.h>

#include "../ranks.h"

enum { CHUNK = 1 << 28 }; /* counts of MPI are ints */

static int start(int *rank, int *size) {
    return MPI_Init(NULL, NULL) || MPI_Comm_rank(MPI_COMM_WORLD, rank) || MPI_Comm_size(MPI_COMM_WORLD, size);
}

static int wait_for_all(void) {
    return MPI_Barrier(MPI_COMM_WORLD);
}

static int move(char *at, size_t n_bytes, int other, int sends) {
    for (size_t done = 0; done < n_bytes; done += CHUNK) {
        const int n = (int)(n_bytes - done < CHUNK ? n_bytes - done : CHUNK);
        const int failed =
            sends ? MPI_Send(at + done, n, MPI_BYTE, other, 0, MPI_COMM_WORLD)
                  : MPI_Recv(at + done, n, MPI_BYTE, other, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        if (failed) return 1;
    }
    return 0;
}

static int gather(const void *mine, size_t n_bytes, void *all, const size_t *bytes) {
    int rank, size;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    if (rank != 0) return move((char *)mine, n_bytes, 0, 1);
    memcpy(all, mine, n_bytes);
    char *at = (char *)all + n_bytes;
    for (int r = 1; r < size; at += bytes[r], r++)
        if (move(at, bytes[r], r, 0)) return 1;
    return 0;
}

static void stop(void) {
    MPI_Finalize();
}

static void abandon(void) {
    MPI_Abort(MPI_COMM_WORLD, 1);
}

extern const cli_ranks_module ridge_mpi;
const cli_ranks_module ridge_mpi = {start, wait_for_all, gather, stop, abandon};
