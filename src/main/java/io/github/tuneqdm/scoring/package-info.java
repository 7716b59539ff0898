/**
 * Pictures and texts to embeddings: {@link io.github.tuneqdm.scoring.ImageScorer} runs DINO and
 * CLIP for the metrics. May import models, image and text.
 */
package io.github.tuneqdm.scoring;
