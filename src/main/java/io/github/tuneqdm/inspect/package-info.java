/**
 * Says what a path holds, and refuses what is damaged: the work of {@code inspect}. Start reading
 * at {@link io.github.tuneqdm.inspect.Inspector}. May import models, quant and storage.
 */
package io.github.tuneqdm.inspect;
