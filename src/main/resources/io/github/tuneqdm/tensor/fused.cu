// The element-wise steps of token_ops.torchscript as one pass each, for GPUs; compiled when a GPU is
// opened. Activations are (B, L, C) in the type S that -DSTORAGE chooses; arithmetic is float32.
//
// Dimensions: B samples, L tokens, C channels (a multiple of 8), G groups, P scales of a sample.
// Scales r and d point at a layer's first column of (B, P) float32 rows; null stands for ones.
// shift is (B, C) float32 or null. Sums over L first go to `part` (B, tiles, Q, C) float32, one tile
// a thread block, and then through finish_columns: always in the same order, without atomics.

typedef unsigned short u16;

#if STORAGE == 32
typedef float S;
#else
typedef u16 S;
#endif

__device__ __forceinline__ float widen(S x) {
#if STORAGE == 32
  return x;
#elif STORAGE == 16
  float f;
  asm("cvt.f32.f16 %0, %1;" : "=f"(f) : "h"(x));
  return f;
#else
  return __uint_as_float((unsigned)x << 16);
#endif
}

__device__ __forceinline__ S narrow(float f) {
#if STORAGE == 32
  return f;
#elif STORAGE == 16
  u16 h;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(h) : "f"(f));
  return h;
#else
  unsigned u = __float_as_uint(f);
  if ((u & 0x7fffffffu) > 0x7f800000u) return 0x7fc0;  // NaN
  return (u16)((u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
#endif
}

// Eight neighbouring channels.
struct Vec {
  float v[8];
};

__device__ __forceinline__ Vec fill(float f) {
  Vec o;
#pragma unroll
  for (int i = 0; i < 8; i++) o.v[i] = f;
  return o;
}

__device__ __forceinline__ Vec floats(const float* p) {
  Vec o;
#pragma unroll
  for (int i = 0; i < 8; i++) o.v[i] = p[i];
  return o;
}

__device__ __forceinline__ Vec load(const S* p) {
  Vec o;
#if STORAGE == 32
  *(float4*)&o.v[0] = *(const float4*)p;
  *(float4*)&o.v[4] = *(const float4*)(p + 4);
#else
  uint4 raw = *(const uint4*)p;
  const u16* h = (const u16*)&raw;
#pragma unroll
  for (int i = 0; i < 8; i++) o.v[i] = widen(h[i]);
#endif
  return o;
}

__device__ __forceinline__ void store(S* p, const Vec& x) {
#if STORAGE == 32
  *(float4*)p = *(const float4*)&x.v[0];
  *(float4*)(p + 4) = *(const float4*)&x.v[4];
#else
  uint4 raw;
  u16* h = (u16*)&raw;
#pragma unroll
  for (int i = 0; i < 8; i++) h[i] = narrow(x.v[i]);
  *(uint4*)p = raw;
#endif
}

// Row b of scales at channel c, or ones.
__device__ __forceinline__ Vec row(const float* s, int b, int stride, int c) {
  return s ? floats(s + (long long)b * stride + c) : fill(1.f);
}

__device__ __forceinline__ float sigmoid(float x) { return 1.f / (1.f + __expf(-x)); }

// Thread blocks of sums: x = vectors of channels, y = rows within a tile; the grid is
// (vectors / blockDim.x, tiles, B).
struct Tile {
  int b, c, first, last, step;
  __device__ __forceinline__ Tile(int L, int rows) {
    b = blockIdx.z;
    c = (blockIdx.x * blockDim.x + threadIdx.x) * 8;
    first = blockIdx.y * rows + threadIdx.y;
    last = min(L, (int)(blockIdx.y + 1) * rows);
    step = blockDim.y;
  }
};

// Adds up a quantity over the thread block's rows and leaves it in `part`.
__device__ __forceinline__ void leave(float* part, const Vec& x, int q, int Q, int C) {
  extern __shared__ float shared[];
  int width = blockDim.x * 8;
  __syncthreads();
#pragma unroll
  for (int i = 0; i < 8; i++) shared[threadIdx.y * width + threadIdx.x * 8 + i] = x.v[i];
  __syncthreads();
  int threads = blockDim.x * blockDim.y;
  float* out = part + (((long long)blockIdx.z * gridDim.y + blockIdx.y) * Q + q) * C +
               blockIdx.x * width;
  for (int i = threadIdx.y * blockDim.x + threadIdx.x; i < width; i += threads) {
    float sum = 0.f;
    for (int y = 0; y < blockDim.y; y++) sum += shared[y * width + i];
    out[i] = sum;
  }
}

extern "C" __global__ void finish_columns(
    const float* part, int tiles, int Q, int C, int q0, float* to0, int stride0, float* to1,
    int stride1, float* to2, int stride2) {
  int c = blockIdx.x * blockDim.x + threadIdx.x;
  int b = blockIdx.y;
  int q = blockIdx.z;
  float* to = q == 0 ? to0 : q == 1 ? to1 : to2;
  int stride = q == 0 ? stride0 : q == 1 ? stride1 : stride2;
  if (c >= C || !to) return;
  const float* in = part + ((long long)b * tiles * Q + q0 + q) * C + c;
  float sum = 0.f;
  for (int t = 0; t < tiles; t++) sum += in[(long long)t * Q * C];
  to[(long long)b * stride + c] = sum;
}

// d * x, or r * v + bias (+ add)
extern "C" __global__ void affine(
    const S* x, const float* r, int P, const S* bias, const S* add, S* y, int L, int C, int count) {
  int V = C / 8;
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
    int line = i / V;
    int c = (i - line * V) * 8;
    long long at = (long long)i * 8;
    Vec f = load(x + at);
    Vec s = row(r, line / L, P, c);
    Vec o = bias ? load(bias + c) : fill(0.f);
    Vec a = add ? load(add + at) : fill(0.f);
#pragma unroll
    for (int k = 0; k < 8; k++) f.v[k] = f.v[k] * s.v[k] + o.v[k] + a.v[k];
    store(y + at, f);
  }
}

// d * g (+ add), and the sum of g * x
extern "C" __global__ void scale_backward(
    const S* g, const S* x, const float* d, int P, const S* add, S* y, float* part, int L, int C,
    int rows) {
  Tile t(L, rows);
  Vec s = row(d, t.b, P, t.c);
  Vec sum = fill(0.f);
  for (int l = t.first; l < t.last; l += t.step) {
    long long at = ((long long)t.b * L + l) * C + t.c;
    Vec gv = load(g + at);
    Vec xv = load(x + at);
    Vec a = add ? load(add + at) : fill(0.f);
#pragma unroll
    for (int k = 0; k < 8; k++) {
      sum.v[k] += gv.v[k] * xv.v[k];
      a.v[k] += gv.v[k] * s.v[k];
    }
    store(y + at, a);
  }
  leave(part, sum, 0, 1, C);
}

// sums of u = r * x + shift and of its square
extern "C" __global__ void group_sums(
    const S* x, const float* r, int P, const float* shift, float* part, int L, int C, int rows) {
  Tile t(L, rows);
  Vec s = row(r, t.b, P, t.c);
  Vec o = shift ? floats(shift + (long long)t.b * C + t.c) : fill(0.f);
  Vec one = fill(0.f);
  Vec two = fill(0.f);
  for (int l = t.first; l < t.last; l += t.step) {
    Vec f = load(x + ((long long)t.b * L + l) * C + t.c);
#pragma unroll
    for (int k = 0; k < 8; k++) {
      float u = f.v[k] * s.v[k] + o.v[k];
      one.v[k] += u;
      two.v[k] += u * u;
    }
  }
  leave(part, one, 0, 2, C);
  leave(part, two, 1, 2, C);
}

// Adds up two quantities of `part` over a group; the whole thread block takes part.
__device__ __forceinline__ void group_totals(
    const float* part, int tiles, int Q, int C, int G, const S* weight, float* one, float* two) {
  __shared__ float first[32];
  __shared__ float second[32];
  int b = blockIdx.y;
  int width = C / G;
  int c0 = blockIdx.x * width;
  float a = 0.f;
  float z = 0.f;
  for (int i = threadIdx.x; i < tiles * width; i += blockDim.x) {
    int t = i / width;
    int c = c0 + i - t * width;
    float w = weight ? widen(weight[c]) : 1.f;
    const float* in = part + (((long long)b * tiles + t) * Q) * C + c;
    a += w * in[0];
    z += w * in[C];
  }
  for (int k = 16; k; k >>= 1) {
    a += __shfl_down_sync(0xffffffffu, a, k);
    z += __shfl_down_sync(0xffffffffu, z, k);
  }
  if ((threadIdx.x & 31) == 0) {
    first[threadIdx.x >> 5] = a;
    second[threadIdx.x >> 5] = z;
  }
  __syncthreads();
  a = 0.f;
  z = 0.f;
  for (int i = 0; i < blockDim.x / 32; i++) {
    a += first[i];
    z += second[i];
  }
  *one = a;
  *two = z;
}

// mean and 1 / standard deviation (B, 2, G); grid (G, B)
extern "C" __global__ void finish_group_stats(
    const float* part, int tiles, int L, int C, int G, float eps, float* stats) {
  float one, two;
  group_totals(part, tiles, 2, C, G, 0, &one, &two);
  if (threadIdx.x == 0) {
    float n = (float)L * (C / G);
    float mean = one / n;
    float var = fmaxf(two / n - mean * mean, 0.f);
    stats[(blockIdx.y * 2) * G + blockIdx.x] = mean;
    stats[(blockIdx.y * 2 + 1) * G + blockIdx.x] = rsqrtf(var + eps);
  }
}

// the means of gn and gn * xhat (B, 2, G); grid (G, B)
extern "C" __global__ void finish_group_gradients(
    const float* part, int tiles, int L, int C, int G, const S* weight, float* means) {
  float one, two;
  group_totals(part, tiles, 3, C, G, weight, &one, &two);
  if (threadIdx.x == 0) {
    float n = (float)L * (C / G);
    means[(blockIdx.y * 2) * G + blockIdx.x] = one / n;
    means[(blockIdx.y * 2 + 1) * G + blockIdx.x] = two / n;
  }
}

// Each channel's entry of (B, 2, G).
__device__ __forceinline__ Vec of_group(const float* stats, int b, int which, int c, int C, int G) {
  int width = C / G;
  Vec o;
#pragma unroll
  for (int k = 0; k < 8; k++) o.v[k] = stats[(b * 2 + which) * G + (c + k) / width];
  return o;
}

// d * act(GroupNorm(r * x + shift))
extern "C" __global__ void group_norm(
    const S* x, const float* r, int P, const float* shift, const float* stats, const S* weight,
    const S* bias, int silu, const float* d, S* y, int L, int C, int G, int rows) {
  Tile t(L, rows);
  Vec scale = row(r, t.b, P, t.c);
  Vec offset = shift ? floats(shift + (long long)t.b * C + t.c) : fill(0.f);
  Vec mean = of_group(stats, t.b, 0, t.c, C, G);
  Vec rstd = of_group(stats, t.b, 1, t.c, C, G);
  Vec w = load(weight + t.c);
  Vec o = load(bias + t.c);
  Vec s = row(d, t.b, P, t.c);
#pragma unroll
  for (int k = 0; k < 8; k++) {  // z = x * scale + offset from here on
    float m = rstd.v[k] * w.v[k];
    offset.v[k] = (offset.v[k] - mean.v[k]) * m + o.v[k];
    scale.v[k] *= m;
  }
  for (int l = t.first; l < t.last; l += t.step) {
    long long at = ((long long)t.b * L + l) * C + t.c;
    Vec f = load(x + at);
#pragma unroll
    for (int k = 0; k < 8; k++) {
      float z = f.v[k] * scale.v[k] + offset.v[k];
      f.v[k] = (silu ? z * sigmoid(z) : z) * s.v[k];
    }
    store(y + at, f);
  }
}

// What both passes of GroupNorm's backward share: gz = d * g * act'(z).
struct NormBack {
  Vec scale, offset, mean, rstd, w, o, s;
  int silu;
  __device__ __forceinline__ NormBack(
      const Tile& t, const float* r, int P, const float* shift, const float* stats,
      const S* weight, const S* bias, int silu, const float* d, int C, int G)
      : silu(silu) {
    scale = row(r, t.b, P, t.c);
    offset = shift ? floats(shift + (long long)t.b * C + t.c) : fill(0.f);
    mean = of_group(stats, t.b, 0, t.c, C, G);
    rstd = of_group(stats, t.b, 1, t.c, C, G);
    w = load(weight + t.c);
    o = load(bias + t.c);
    s = row(d, t.b, P, t.c);
  }
  __device__ __forceinline__ void at(float x, float g, int k, float* xhat, float* gz, float* a) {
    *xhat = (x * scale.v[k] + offset.v[k] - mean.v[k]) * rstd.v[k];
    float z = *xhat * w.v[k] + o.v[k];
    *gz = g * s.v[k];
    *a = z;
    if (silu) {
      float e = sigmoid(z);
      *a = z * e;
      *gz *= e * (1.f + z * (1.f - e));
    }
  }
};

// sums of gz, gz * xhat and g * act(z)
extern "C" __global__ void group_norm_backward_sums(
    const S* g, const S* x, const float* r, int P, const float* shift, const float* stats,
    const S* weight, const S* bias, int silu, const float* d, float* part, int L, int C, int G,
    int rows) {
  Tile t(L, rows);
  NormBack n(t, r, P, shift, stats, weight, bias, silu, d, C, G);
  Vec one = fill(0.f);
  Vec two = fill(0.f);
  Vec three = fill(0.f);
  for (int l = t.first; l < t.last; l += t.step) {
    long long at = ((long long)t.b * L + l) * C + t.c;
    Vec gv = load(g + at);
    Vec xv = load(x + at);
#pragma unroll
    for (int k = 0; k < 8; k++) {
      float xhat, gz, a;
      n.at(xv.v[k], gv.v[k], k, &xhat, &gz, &a);
      one.v[k] += gz;
      two.v[k] += gz * xhat;
      three.v[k] += gv.v[k] * a;
    }
  }
  leave(part, one, 0, 3, C);
  leave(part, two, 1, 3, C);
  leave(part, three, 2, 3, C);
}

// r * gu (+ add), and the sums of gu * x and gu; gu is the gradient of r * x + shift
extern "C" __global__ void group_norm_backward(
    const S* g, const S* x, const float* r, int P, const float* shift, const float* stats,
    const float* means, const S* weight, const S* bias, int silu, const float* d, const S* add,
    S* y, float* part, int L, int C, int G, int rows) {
  Tile t(L, rows);
  NormBack n(t, r, P, shift, stats, weight, bias, silu, d, C, G);
  Vec m1 = of_group(means, t.b, 0, t.c, C, G);
  Vec m2 = of_group(means, t.b, 1, t.c, C, G);
  Vec one = fill(0.f);
  Vec two = fill(0.f);
  for (int l = t.first; l < t.last; l += t.step) {
    long long at = ((long long)t.b * L + l) * C + t.c;
    Vec gv = load(g + at);
    Vec xv = load(x + at);
    Vec out = add ? load(add + at) : fill(0.f);
#pragma unroll
    for (int k = 0; k < 8; k++) {
      float xhat, gz, a;
      n.at(xv.v[k], gv.v[k], k, &xhat, &gz, &a);
      float gu = (gz * n.w.v[k] - m1.v[k] - xhat * m2.v[k]) * n.rstd.v[k];
      one.v[k] += gu * xv.v[k];
      two.v[k] += gu;
      out.v[k] += gu * n.scale.v[k];
    }
    store(y + at, out);
  }
  if (part) {
    leave(part, one, 0, 2, C);
    leave(part, two, 1, 2, C);
  }
}

__device__ __forceinline__ float warp_sum(float x) {
  for (int k = 16; k; k >>= 1) x += __shfl_xor_sync(0xffffffffu, x, k);
  return x;
}

// stats (B L, 2) and up to three d_i * LayerNorm(x); a warp a row
extern "C" __global__ void layer_norm(
    const S* x, const S* weight, const S* bias, float eps, const float* d0, const float* d1,
    const float* d2, int P, float* stats, S* y0, S* y1, S* y2, int L, int C, int lines) {
  int line = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32;
  int lane = threadIdx.x & 31;
  if (line >= lines) return;
  int b = line / L;
  const S* in = x + (long long)line * C;
  float one = 0.f;
  for (int c = lane * 8; c < C; c += 256) {
    Vec f = load(in + c);
#pragma unroll
    for (int k = 0; k < 8; k++) one += f.v[k];
  }
  float mean = warp_sum(one) / C;
  float two = 0.f;
  for (int c = lane * 8; c < C; c += 256) {
    Vec f = load(in + c);
#pragma unroll
    for (int k = 0; k < 8; k++) two += (f.v[k] - mean) * (f.v[k] - mean);
  }
  float rstd = rsqrtf(warp_sum(two) / C + eps);
  if (lane == 0) {
    stats[2 * line] = mean;
    stats[2 * line + 1] = rstd;
  }
  for (int c = lane * 8; c < C; c += 256) {
    Vec f = load(in + c);
    Vec w = load(weight + c);
    Vec o = load(bias + c);
#pragma unroll
    for (int k = 0; k < 8; k++) f.v[k] = (f.v[k] - mean) * rstd * w.v[k] + o.v[k];
#pragma unroll
    for (int i = 0; i < 3; i++) {
      S* y = i == 0 ? y0 : i == 1 ? y1 : y2;
      if (y) {
        Vec s = row(i == 0 ? d0 : i == 1 ? d1 : d2, b, P, c);
#pragma unroll
        for (int k = 0; k < 8; k++) s.v[k] *= f.v[k];
        store(y + (long long)line * C + c, s);
      }
    }
  }
}

// the sum over i of d_i * g_i
__device__ __forceinline__ Vec joined(
    const S* g0, const S* g1, const S* g2, const float* d0, const float* d1, const float* d2, int b,
    int P, long long at, int c) {
  Vec sum = fill(0.f);
#pragma unroll
  for (int i = 0; i < 3; i++) {
    const S* g = i == 0 ? g0 : i == 1 ? g1 : g2;
    if (g) {
      Vec f = load(g + at);
      Vec s = row(i == 0 ? d0 : i == 1 ? d1 : d2, b, P, c);
#pragma unroll
      for (int k = 0; k < 8; k++) sum.v[k] += f.v[k] * s.v[k];
    }
  }
  return sum;
}

// the gradient of LayerNorm's input, + add; a warp a row
extern "C" __global__ void layer_norm_backward(
    const S* g0, const S* g1, const S* g2, const S* x, const float* stats, const S* weight,
    const float* d0, const float* d1, const float* d2, int P, const S* add, S* y, int L, int C,
    int lines) {
  int line = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32;
  int lane = threadIdx.x & 31;
  if (line >= lines) return;
  int b = line / L;
  float mean = stats[2 * line];
  float rstd = stats[2 * line + 1];
  float one = 0.f;
  float two = 0.f;
  for (int c = lane * 8; c < C; c += 256) {
    long long at = (long long)line * C + c;
    Vec gz = joined(g0, g1, g2, d0, d1, d2, b, P, at, c);
    Vec f = load(x + at);
    Vec w = load(weight + c);
#pragma unroll
    for (int k = 0; k < 8; k++) {
      float gn = gz.v[k] * w.v[k];
      one += gn;
      two += gn * (f.v[k] - mean) * rstd;
    }
  }
  one = warp_sum(one) / C;
  two = warp_sum(two) / C;
  for (int c = lane * 8; c < C; c += 256) {
    long long at = (long long)line * C + c;
    Vec gz = joined(g0, g1, g2, d0, d1, d2, b, P, at, c);
    Vec f = load(x + at);
    Vec w = load(weight + c);
    Vec out = add ? load(add + at) : fill(0.f);
#pragma unroll
    for (int k = 0; k < 8; k++) {
      float xhat = (f.v[k] - mean) * rstd;
      out.v[k] += (gz.v[k] * w.v[k] - one - xhat * two) * rstd;
    }
    store(y + at, out);
  }
}

// the sums of g_i * LayerNorm(x)
extern "C" __global__ void layer_norm_backward_sums(
    const S* g0, const S* g1, const S* g2, int Q, const S* x, const float* stats, const S* weight,
    const S* bias, float* part, int L, int C, int rows) {
  Tile t(L, rows);
  Vec w = load(weight + t.c);
  Vec o = load(bias + t.c);
  Vec s0 = fill(0.f);
  Vec s1 = fill(0.f);
  Vec s2 = fill(0.f);
  for (int l = t.first; l < t.last; l += t.step) {
    int line = t.b * L + l;
    long long at = (long long)line * C + t.c;
    float mean = stats[2 * line];
    float rstd = stats[2 * line + 1];
    Vec z = load(x + at);
    Vec f = load(g0 + at);
#pragma unroll
    for (int k = 0; k < 8; k++) {
      z.v[k] = (z.v[k] - mean) * rstd * w.v[k] + o.v[k];
      s0.v[k] += f.v[k] * z.v[k];
    }
    if (Q == 3) {
      f = load(g1 + at);
      Vec e = load(g2 + at);
#pragma unroll
      for (int k = 0; k < 8; k++) {
        s1.v[k] += f.v[k] * z.v[k];
        s2.v[k] += e.v[k] * z.v[k];
      }
    }
  }
  leave(part, s0, 0, Q, C);
  if (Q == 3) {
    leave(part, s1, 1, Q, C);
    leave(part, s2, 2, Q, C);
  }
}

__device__ __forceinline__ float normal_cdf(float x) {
  return 0.5f * (1.f + erff(x * 0.70710678118654752f));
}

// d * a * gelu(b) with (a | b) = r * v + bias; v (B, L, 2 F), y (B, L, F)
extern "C" __global__ void geglu(
    const S* v, const float* r, int P, const S* bias, const float* d, S* y, int L, int F,
    int count) {
  int V = F / 8;
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
    int line = i / V;
    int c = (i - line * V) * 8;
    int b = line / L;
    const S* in = v + (long long)line * 2 * F + c;
    Vec a = load(in);
    Vec e = load(in + F);
    Vec ra = row(r, b, P, c);
    Vec re = row(r, b, P, F + c);
    Vec oa = load(bias + c);
    Vec oe = load(bias + F + c);
    Vec s = row(d, b, P, c);
#pragma unroll
    for (int k = 0; k < 8; k++) {
      float ua = a.v[k] * ra.v[k] + oa.v[k];
      float ue = e.v[k] * re.v[k] + oe.v[k];
      a.v[k] = ua * ue * normal_cdf(ue) * s.v[k];
    }
    store(y + (long long)i * 8, a);
  }
}

// the gradient of v, and the sums of g_a * v_a, g_b * v_b and g * a * gelu(b)
extern "C" __global__ void geglu_backward(
    const S* g, const S* v, const float* r, int P, const S* bias, const float* d, S* y,
    float* part, int L, int F, int rows) {
  Tile t(L, rows);
  Vec ra = row(r, t.b, P, t.c);
  Vec re = row(r, t.b, P, F + t.c);
  Vec oa = load(bias + t.c);
  Vec oe = load(bias + F + t.c);
  Vec s = row(d, t.b, P, t.c);
  Vec one = fill(0.f);
  Vec two = fill(0.f);
  Vec three = fill(0.f);
  for (int l = t.first; l < t.last; l += t.step) {
    long long line = (long long)t.b * L + l;
    Vec gv = load(g + line * F + t.c);
    Vec a = load(v + line * 2 * F + t.c);
    Vec e = load(v + line * 2 * F + F + t.c);
#pragma unroll
    for (int k = 0; k < 8; k++) {
      float ua = a.v[k] * ra.v[k] + oa.v[k];
      float ue = e.v[k] * re.v[k] + oe.v[k];
      float cdf = normal_cdf(ue);
      float gelu = ue * cdf;
      float slope = cdf + ue * 0.3989422804014327f * __expf(-0.5f * ue * ue);
      three.v[k] += gv.v[k] * ua * gelu;
      float gy = gv.v[k] * s.v[k];
      float ga = gy * gelu;
      float ge = gy * ua * slope;
      one.v[k] += ga * a.v[k];
      two.v[k] += ge * e.v[k];
      a.v[k] = ga * ra.v[k];
      e.v[k] = ge * re.v[k];
    }
    store(y + line * 2 * F + t.c, a);
    store(y + line * 2 * F + F + t.c, e);
  }
  leave(part, one, 0, 3, F);
  leave(part, two, 1, 3, F);
  leave(part, three, 2, 3, F);
}

// scale * (code - zero) from packed codes: of 2 and 4 bits 8 / bits a byte, low bits first, each
// code plus 2^(bits-1); else one a byte. `each` weights (a multiple of 8) have one scale.
extern "C" __global__ void unpack(
    const unsigned char* codes, int bits, const float* scale, const float* zero, S* out, int each,
    int count) {
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
    int o = (int)((long long)i * 8 / each);
    float s = scale[o];
    float z = zero[o];
    Vec w;
    if (bits == 4) {
      unsigned raw = ((const unsigned*)codes)[i];
#pragma unroll
      for (int k = 0; k < 8; k++) w.v[k] = (float)((int)(raw >> (4 * k) & 15) - 8) - z;
    } else if (bits == 2) {
      unsigned raw = ((const u16*)codes)[i];
#pragma unroll
      for (int k = 0; k < 8; k++) w.v[k] = (float)((int)(raw >> (2 * k) & 3) - 2) - z;
    } else {
      uint2 raw = ((const uint2*)codes)[i];
      const signed char* q = (const signed char*)&raw;
#pragma unroll
      for (int k = 0; k < 8; k++) w.v[k] = (float)q[k] - z;
    }
#pragma unroll
    for (int k = 0; k < 8; k++) w.v[k] *= s;
    store(out + (long long)i * 8, w);
  }
}
