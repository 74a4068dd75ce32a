#include "crypto/curve.h"

#include <stdlib.h>
#include <string.h>

// The library's internal headers, all functions static. libsecp256k1 is compiled with its public header's annotations.
// They need each other in this order.
// clang-format off
#define SECP256K1_BUILD
#include "include/secp256k1.h"
#include "src/assumptions.h"
#include "src/util.h"
#include "src/field_impl.h"
#include "src/scalar_impl.h"
#include "src/group_impl.h"
#include "src/ecmult_impl.h"
#include "src/int128_impl.h"
#include "src/scratch_impl.h"
// clang-format on

typedef struct {
  secp256k1_scalar u1;  // the digest until prepare()
  secp256k1_scalar u2;  // r until prepare()
  secp256k1_scalar s;   // and a product of several on the way
  secp256k1_ge minus_r;
  size_t key;
} tabd_item;

struct tabd_curve_batch {
  size_t items_max;
  size_t items_size;
  size_t keys_size;
  tabd_item* items;
  secp256k1_scalar* coefficients;  // of the sum under way, one for each item
  secp256k1_ge* keys;
  secp256k1_scalar* key_sums;  // of the sum under way, one for each key
  secp256k1_scratch* scratch;
};

// What the sum is over: the items from `first`, then the keys from `first_key`.
typedef struct {
  const struct tabd_curve_batch* batch;
  size_t first;
  size_t count;
  size_t first_key;
} tabd_terms;

// The library calls this when its own state is broken. There is nothing to go on with.
static void fail(const char* text, void* data) {
  (void)text;
  (void)data;
  abort();
}
static const secp256k1_callback kFail = {fail, NULL};

static size_t scratch_bytes(size_t points) {
  const size_t strauss = secp256k1_strauss_scratch_size(ECMULT_PIPPENGER_THRESHOLD + 1);
  const size_t pippenger = secp256k1_pippenger_scratch_size(points, secp256k1_pippenger_bucket_window(points));
  return (strauss > pippenger ? strauss : pippenger) + 16 * ALIGNMENT;
}

struct tabd_curve_batch* tabd_curve_batch_create(size_t items_max) {
  struct tabd_curve_batch* const batch = (struct tabd_curve_batch*)calloc(1, sizeof(struct tabd_curve_batch));
  if (batch == NULL) return NULL;
  batch->items_max = items_max;
  batch->items = (tabd_item*)calloc(items_max, sizeof(tabd_item));
  batch->coefficients = (secp256k1_scalar*)calloc(items_max, sizeof(secp256k1_scalar));
  batch->keys = (secp256k1_ge*)calloc(items_max, sizeof(secp256k1_ge));
  batch->key_sums = (secp256k1_scalar*)calloc(items_max, sizeof(secp256k1_scalar));
  if (batch->items != NULL && batch->coefficients != NULL && batch->keys != NULL && batch->key_sums != NULL)
    batch->scratch = secp256k1_scratch_create(&kFail, scratch_bytes(2 * items_max));
  if (batch->scratch == NULL) {
    tabd_curve_batch_destroy(batch);
    return NULL;
  }
  return batch;
}

void tabd_curve_batch_destroy(struct tabd_curve_batch* batch) {
  if (batch == NULL) return;
  secp256k1_scratch_destroy(&kFail, batch->scratch);
  free(batch->key_sums);
  free(batch->keys);
  free(batch->coefficients);
  free(batch->items);
  free(batch);
}

void tabd_curve_batch_clear(struct tabd_curve_batch* batch) {
  batch->items_size = 0;
  batch->keys_size = 0;
}

static int load_point(secp256k1_ge* point, const unsigned char xy[64]) {
  secp256k1_fe x;
  secp256k1_fe y;
  if (!secp256k1_fe_set_b32(&x, xy) || !secp256k1_fe_set_b32(&y, xy + 32)) return 0;
  secp256k1_ge_set_xy(point, &x, &y);
  return secp256k1_ge_is_valid_var(point);
}

int tabd_curve_batch_key(struct tabd_curve_batch* batch, const unsigned char xy[64]) {
  if (batch->keys_size >= batch->items_max) return 0;
  if (!load_point(&batch->keys[batch->keys_size], xy)) return 0;
  ++batch->keys_size;
  return 1;
}

int tabd_curve_batch_add(struct tabd_curve_batch* batch, const unsigned char digest[32],
                         const unsigned char signature[65]) {
  tabd_item* const item = &batch->items[batch->items_size];
  secp256k1_fe x;
  secp256k1_ge r;
  if (batch->items_size >= batch->items_max || batch->keys_size == 0) return 0;
  if (!secp256k1_fe_set_b32(&x, signature)) return 0;
  if (!secp256k1_ge_set_xo_var(&r, &x, signature[64] == 28)) return 0;
  secp256k1_ge_neg(&item->minus_r, &r);
  secp256k1_scalar_set_b32(&item->u1, digest, NULL);  // modulo n, as ECDSA has it
  secp256k1_scalar_set_b32(&item->u2, signature, NULL);
  secp256k1_scalar_set_b32(&item->s, signature + 32, NULL);
  item->key = batch->keys_size - 1;
  ++batch->items_size;
  return 1;
}

// Montgomery's trick: coefficients[i] takes the product of all s before i, then the inverses fall out from the last to
// the first. No s is 0, which the caller has checked, so no product is.
void tabd_curve_batch_prepare(struct tabd_curve_batch* batch) {
  secp256k1_scalar all;
  secp256k1_scalar inverse;
  size_t i;
  if (batch->items_size == 0) return;
  secp256k1_scalar_set_int(&all, 1);
  for (i = 0; i < batch->items_size; ++i) {
    batch->coefficients[i] = all;
    secp256k1_scalar_mul(&all, &all, &batch->items[i].s);
  }
  secp256k1_scalar_inverse_var(&inverse, &all);
  for (i = batch->items_size; i-- > 0;) {
    tabd_item* const item = &batch->items[i];
    secp256k1_scalar s_inverse;
    secp256k1_scalar_mul(&s_inverse, &inverse, &batch->coefficients[i]);
    secp256k1_scalar_mul(&inverse, &inverse, &item->s);
    secp256k1_scalar_mul(&item->u1, &item->u1, &s_inverse);
    secp256k1_scalar_mul(&item->u2, &item->u2, &s_inverse);
  }
}

static int term(secp256k1_scalar* scalar, secp256k1_ge* point, size_t index, void* data) {
  const tabd_terms* const terms = (const tabd_terms*)data;
  if (index < terms->count) {
    *scalar = terms->batch->coefficients[terms->first + index];
    *point = terms->batch->items[terms->first + index].minus_r;
  } else {
    const size_t key = terms->first_key + (index - terms->count);
    *scalar = terms->batch->key_sums[key];
    *point = terms->batch->keys[key];
  }
  return 1;
}

int tabd_curve_batch_sum_is_zero(struct tabd_curve_batch* batch, size_t first, size_t count,
                                 const unsigned char* coefficients) {
  tabd_terms terms = {batch, first, count, 0};
  secp256k1_scalar g_sum;
  secp256k1_gej sum;
  size_t last_key;
  size_t i;
  if (count == 0) return 1;
  if (first >= batch->items_size || count > batch->items_size - first) return 0;
  terms.first_key = batch->items[first].key;
  last_key = batch->items[first + count - 1].key;
  for (i = terms.first_key; i <= last_key; ++i) secp256k1_scalar_set_int(&batch->key_sums[i], 0);
  secp256k1_scalar_set_int(&g_sum, 0);
  for (i = 0; i < count; ++i) {
    const tabd_item* const item = &batch->items[first + i];
    secp256k1_scalar* const a = &batch->coefficients[first + i];
    secp256k1_scalar product;
    unsigned char bytes[32] = {0};
    memcpy(bytes + 16, coefficients + i * TABD_CURVE_COEFFICIENT_BYTES, TABD_CURVE_COEFFICIENT_BYTES);
    bytes[16] &= 0x7f;
    secp256k1_scalar_set_b32(a, bytes, NULL);
    secp256k1_scalar_mul(&product, a, &item->u1);
    secp256k1_scalar_add(&g_sum, &g_sum, &product);
    secp256k1_scalar_mul(&product, a, &item->u2);
    secp256k1_scalar_add(&batch->key_sums[item->key], &batch->key_sums[item->key], &product);
  }
  if (!secp256k1_ecmult_multi_var(&kFail, batch->scratch, &sum, &g_sum, term, &terms,
                                  count + (last_key - terms.first_key + 1)))
    return 0;
  return secp256k1_gej_is_infinity(&sum);
}

int tabd_curve_batch_item_is_good(const struct tabd_curve_batch* batch, size_t place) {
  secp256k1_gej sum;
  secp256k1_gej key;
  if (place >= batch->items_size) return 0;
  const tabd_item* const item = &batch->items[place];
  secp256k1_gej_set_ge(&key, &batch->keys[item->key]);
  secp256k1_ecmult(&sum, &key, &item->u2, &item->u1);
  secp256k1_gej_add_ge_var(&sum, &sum, &item->minus_r, NULL);
  return secp256k1_gej_is_infinity(&sum);
}

int tabd_curve_verify(const unsigned char digest[32], const unsigned char signature[65], const unsigned char xy[64]) {
  secp256k1_scalar u1;
  secp256k1_scalar u2;
  secp256k1_scalar s;
  secp256k1_ge point;
  secp256k1_gej key;
  secp256k1_gej sum;
  unsigned char x[32];
  if (!load_point(&point, xy)) return 0;
  secp256k1_scalar_set_b32(&s, signature + 32, NULL);
  secp256k1_scalar_inverse_var(&s, &s);
  secp256k1_scalar_set_b32(&u1, digest, NULL);
  secp256k1_scalar_mul(&u1, &u1, &s);
  secp256k1_scalar_set_b32(&u2, signature, NULL);
  secp256k1_scalar_mul(&u2, &u2, &s);
  secp256k1_gej_set_ge(&key, &point);
  secp256k1_ecmult(&sum, &key, &u2, &u1);
  if (secp256k1_gej_is_infinity(&sum)) return 0;
  // One inversion and a comparison cost less than the square root that R takes from r.
  secp256k1_ge_set_gej_var(&point, &sum);
  secp256k1_fe_normalize_var(&point.x);
  secp256k1_fe_normalize_var(&point.y);
  secp256k1_fe_get_b32(x, &point.x);
  return memcmp(x, signature, sizeof x) == 0 && secp256k1_fe_is_odd(&point.y) == (signature[64] == 28);
}
