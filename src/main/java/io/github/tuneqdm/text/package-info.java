/**
 * Text to token ids: CLIP's byte-pair tokenizer, read from a model's {@code tokenizer} folder.
 *
 * <p>Start with {@link io.github.tuneqdm.text.ClipTokenizer}. Imports the JDK, Jackson and {@code
 * error} only.
 */
package io.github.tuneqdm.text;
