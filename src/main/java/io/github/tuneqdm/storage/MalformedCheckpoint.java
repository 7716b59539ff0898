package io.github.tuneqdm.storage;

/** Why a checkpoint is not acceptable, without the file's name. */
final class MalformedCheckpoint extends Exception {
  private static final long serialVersionUID = 1L;

  MalformedCheckpoint(String reason) {
    super(reason);
  }
}
