/**
 * The configuration: which keys there are, what each may hold, which layer wins, and where a value
 * came from. Imports {@code error} and the Typesafe config library. Start reading at {@link
 * io.github.tuneqdm.config.TuneQdmConfig}.
 */
package io.github.tuneqdm.config;
