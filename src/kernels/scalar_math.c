/* Elementary functions of one double with the same bits on every machine. */
#include "kernels/kernels.h"

#include <math.h>
#include <sleef.h>

double rg_exp(double x) {
    return Sleef_finz_expd1_u10purecfma(x);
}
double rg_log(double x) {
    return Sleef_finz_logd1_u10purecfma(x);
}
double rg_erf(double x) {
    return Sleef_finz_erfd1_u10purecfma(x);
}
double rg_pow(double x, double y) {
    return Sleef_finz_powd1_u10purecfma(x, y);
}
void rg_sincos(double x, double *sine, double *cosine) {
    Sleef_double_2 both = Sleef_finz_sincosd1_u10purecfma(x);
    *sine = both.x;
    *cosine = both.y;
}
double rg_sqnr_db(double signal, double noise) {
    return 10 / M_LN10 * (rg_log(signal) - rg_log(noise));
}
