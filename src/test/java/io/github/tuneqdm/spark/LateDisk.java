package io.github.tuneqdm.spark;

import java.io.IOException;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.spark.SparkEnv;

/**
 * The local disk. On the host {@value #SLOW_HOST} it starts to write
 * a subject's scales only when another attempt has published the subject, deaf to interrupts, and
 * tells so in {@code late-<subject>} beside the run's other files.
 */
public final class LateDisk extends RawLocalFileSystem {
  static final String SLOW_HOST = "127.0.0.3";
  private static final int LONGEST_WAIT = 5000;

  @Override
  public FSDataOutputStream create(Path path, boolean overwrite) throws IOException {
    boolean late =
        path.getName().startsWith(".deltas.safetensors")
            && SparkEnv.get().blockManager().blockManagerId().host().equals(SLOW_HOST);
    if (!late) {
      return super.create(path, overwrite);
    }
    Path subject = path.getParent();
    boolean interrupted = false;
    for (int i = 0; i < LONGEST_WAIT && !exists(new Path(subject, "status.json")); i++) {
      try {
        Thread.sleep(20);
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    FSDataOutputStream out = super.create(path, overwrite);
    super.create(new Path(subject.getParent(), "late-" + subject.getName()), true).close();
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return out;
  }
}
