package io.github.tuneqdm.storage;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.time.Duration;
import java.util.UUID;
import java.util.regex.Pattern;
import org.apache.hadoop.fs.CommonPathCapabilities;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.MultipartUploader;
import org.apache.hadoop.fs.MultipartUploaderBuilder;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;

/**
 * Files that are not published yet: {@code .<name>.<uuid>.tmp} beside their target. Whoever dies
 * before it can rename or delete its own leaves it to be swept.
 */
public final class Attempts {
  /** Writing one file takes minutes at most; what is older than this was left by the dead. */
  public static final Duration LONGEST = Duration.ofHours(1);

  private static final Pattern NAME =
      Pattern.compile("\\..+\\.[0-9a-f]{8}(-[0-9a-f]{4}){4}[0-9a-f]{8}\\.tmp");

  private Attempts() {}

  /** A name that no one else uses, in the folder of the target. */
  static Path of(Path target) {
    return new Path(target.getParent(), "." + target.getName() + "." + UUID.randomUUID() + ".tmp");
  }

  static boolean isAttempt(String name) {
    return NAME.matcher(name).matches();
  }

  /**
   * Deletes attempts that are too old to be alive.
   *
   * @return how many; what cannot be listed or deleted stays for the next time
   */
  public static int sweepOld(FileSystem fs, Path folder) {
    return sweep(fs, folder, System.currentTimeMillis() - LONGEST.toMillis());
  }

  /**
   * Deletes every attempt, and on object stores every upload that was begun and never completed:
   * for a folder whose files are all published. An attempt that is alive after all finds its file
   * published by another.
   *
   * @return how many files; what cannot be listed or deleted stays for the next time
   */
  public static int sweepAll(FileSystem fs, Path folder) {
    int swept = sweep(fs, folder, Long.MAX_VALUE);
    try {
      if (Publisher.appearsWhole(fs, folder)
          && fs.hasPathCapability(folder, CommonPathCapabilities.FS_MULTIPART_UPLOADER)) {
        MultipartUploaderBuilder<?, ?> builder = fs.createMultipartUploader(folder);
        try (MultipartUploader uploads = builder.build()) {
          uploads.abortUploadsUnderPath(folder).join();
        }
      }
    } catch (IOException | RuntimeException e) {
      return swept; // housekeeping never fails a run
    }
    return swept;
  }

  private static int sweep(FileSystem fs, Path folder, long before) {
    int swept = 0;
    try {
      if (Publisher.appearsWhole(fs, folder)) {
        return swept; // there are no such files
      }
      for (RemoteIterator<? extends FileStatus> all = FilesUnder.of(fs, folder); all.hasNext(); ) {
        FileStatus file = all.next();
        if (isAttempt(file.getPath().getName())
            && file.getModificationTime() < before
            && fs.delete(file.getPath(), false)) {
          swept++;
        }
      }
    } catch (FileNotFoundException e) {
      return swept; // nothing there yet, or it went while it was listed
    } catch (IOException | RuntimeException e) {
      return swept; // housekeeping never fails a run
    }
    return swept;
  }
}
