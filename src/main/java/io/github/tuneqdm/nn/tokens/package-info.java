/**
 * The blocks of a UNet in channels-last form, each with a forward and a backward pass written out
 * ({@link io.github.tuneqdm.nn.tokens.TokenBlocks} runs them). Nothing here knows autograd: what a
 * block keeps, and whether it keeps it or computes it again, is plain to see. The maths: for {@code
 * y = r (W0 (d x)) + b} with {@code v = W0 (d x)}, the gradients are {@code gr = sum g v}, {@code u
 * = W0^T (r g)}, {@code gd = sum u x} and {@code gx = d u}.
 */
package io.github.tuneqdm.nn.tokens;
