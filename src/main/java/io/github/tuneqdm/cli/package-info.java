/**
 * The command line: one class a command over shared options, and what an exception means to the
 * shell. Imports {@code spark}, {@code config} and picocli. Start reading at {@link
 * io.github.tuneqdm.cli.Main}.
 */
package io.github.tuneqdm.cli;
