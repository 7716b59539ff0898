/** TuneQDM-Spark: fine-tunes quantised diffusion models for many subjects on a Spark cluster. */
package io.github.tuneqdm;
