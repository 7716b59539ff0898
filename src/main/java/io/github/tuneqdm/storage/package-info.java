/**
 * Tensors, tables and files: safetensors, PyTorch checkpoints, Parquet tables, content hashes and
 * atomic publishing.
 *
 * <p>May import Hadoop's {@code FileSystem}, parquet-hadoop and Jackson; nothing of ours but {@code
 * error}. Everything read here is untrusted and is checked before it is believed. Start reading at
 * {@link io.github.tuneqdm.storage.TensorSource}, then {@link
 * io.github.tuneqdm.storage.SafetensorsFile}, then {@link io.github.tuneqdm.storage.Publisher}.
 */
package io.github.tuneqdm.storage;
