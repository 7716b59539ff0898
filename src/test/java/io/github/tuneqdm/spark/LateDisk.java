package io.github.tuneqdm.spark;

import java.io.IOException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.util.Progressable;
import org.apache.spark.SparkEnv;

/**
 * The local disk. On the host {@value #SLOW_HOST} it starts to write a subject's scales only when
 * another attempt has published the subject, deaf to interrupts; elsewhere the second subject,
 * which comes there as a copy, is written only when its original is waiting so. Files {@code
 * arrived-<subject>} and {@code late-<subject>} beside the subjects tell how far the original is.
 */
public final class LateDisk extends RawLocalFileSystem {
  static final String SLOW_HOST = "127.0.0.3";
  private static final int LONGEST_WAIT = 5000;

  // Subjects are published by threads that Spark does not know, so it cannot say whose attempt it
  // is.
  private static final AtomicBoolean FIRST = new AtomicBoolean(true);

  @Override
  public FSDataOutputStream create(
      Path path,
      boolean overwrite,
      int bufferSize,
      short replication,
      long blockSize,
      Progressable progress)
      throws IOException {
    Path subject = path.getParent();
    boolean isLate = path.getName().startsWith(".deltas.safetensors") && isBeaten(subject);
    FSDataOutputStream out =
        super.create(path, overwrite, bufferSize, replication, blockSize, progress);
    if (isLate) {
      super.create(new Path(subject.getParent(), "late-" + subject.getName()), true).close();
    }
    return out;
  }

  /** Returns true on the slow host, once another attempt has published the subject. */
  private boolean isBeaten(Path subject) throws IOException {
    Path arrived = new Path(subject.getParent(), "arrived-" + subject.getName());
    if (SparkEnv.get().blockManager().blockManagerId().host().equals(SLOW_HOST)) {
      super.create(arrived, true).close();
      await(new Path(subject, "status.json"));
      return true;
    }
    if (!FIRST.compareAndSet(true, false)) {
      await(arrived);
    }
    return false;
  }

  private void await(Path file) throws IOException {
    boolean interrupted = false;
    for (int i = 0; i < LONGEST_WAIT && !exists(file); i++) {
      try {
        Thread.sleep(20);
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
