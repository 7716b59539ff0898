package io.github.tuneqdm.spark;

/** What a stage's tasks need of their machine. */
enum DeviceDemand {
  /** Plain Java: as many tasks at once as there are cores. */
  NONE,
  /** The tensor engine: a GPU where the application has some, else a whole executor's cores. */
  ENGINE
}
