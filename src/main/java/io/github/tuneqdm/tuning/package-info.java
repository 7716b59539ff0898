/**
 * Scale tuning of many subjects against one frozen base. Start reading at {@link
 * io.github.tuneqdm.tuning.SubjectTuner}, then {@link io.github.tuneqdm.tuning.SubjectBatch}. May
 * import models, diffusion, image, text and storage; knows nothing of Spark.
 */
package io.github.tuneqdm.tuning;
