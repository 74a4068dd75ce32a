#pragma once

// The curve arithmetic that the public interface of libsecp256k1 does not have: sums of many multiples of points, from
// the library's own internal sources (crypto/libsecp256k1.sha256 pins them). C, because those sources are; its one
// user is crypto/batch.cpp. Nothing here is secret: times depend on the data.
//
// An item is a signature whose form was checked before: 0 < r < n, 0 < s <= n/2, v is 27 or 28. Such a signature names
// the point R itself (x = r; v says which of the two), so it is good if and only if  u1 G + u2 Q - R  is the point at
// infinity, with u1 = digest / s, u2 = r / s, Q the signer's key (SEC 1, 4.1.4, with R in place of its x).

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { TABD_CURVE_COEFFICIENT_BYTES = 16 };

// Room for the items of one batch, and what their sum needs. Not for two threads at once.
struct tabd_curve_batch;

// NULL when there is no memory. `items_max` >= 1.
struct tabd_curve_batch* tabd_curve_batch_create(size_t items_max);
void tabd_curve_batch_destroy(struct tabd_curve_batch* batch);
void tabd_curve_batch_clear(struct tabd_curve_batch* batch);

// The key of the items that are added next: x || y, big-endian. 0 if that is no point of the curve; then add nothing.
int tabd_curve_batch_key(struct tabd_curve_batch* batch, const unsigned char xy[64]);
// Adds an item and gives it the next place, from 0. 0 if no point has r as its x: then the signature is bad and nothing
// was added. At most items_max times after a clear.
int tabd_curve_batch_add(struct tabd_curve_batch* batch, const unsigned char digest[32],
                         const unsigned char signature[65]);
// Computes all u1 and u2 with a single inversion. Once, after the last item.
void tabd_curve_batch_prepare(struct tabd_curve_batch* batch);

// 1 if the sum over the items of a (u1 G + u2 Q - R) is the point at infinity, where the a are `coefficients`, 16 bytes
// for each item of [first, first + count), of which the highest bit is not used: 127 bits keep the lambda split of the
// sum short. With coefficients that nobody could foresee, 1 means that every item is good, but for a chance of 2^-127.
// 0 also when the sum could not be computed: it says nothing about any item.
int tabd_curve_batch_sum_is_zero(struct tabd_curve_batch* batch, size_t first, size_t count,
                                 const unsigned char* coefficients);
// Whether the one item is good, for certain.
int tabd_curve_batch_item_is_good(const struct tabd_curve_batch* batch, size_t place);

// The same of a signature that stands alone. `xy` must be a point of the curve (0 if it is not).
int tabd_curve_verify(const unsigned char digest[32], const unsigned char signature[65], const unsigned char xy[64]);

#ifdef __cplusplus
}
#endif
