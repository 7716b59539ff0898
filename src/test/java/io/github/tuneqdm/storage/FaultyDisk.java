package io.github.tuneqdm.storage;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.util.Progressable;

/**
 * The local disk under the scheme {@code faulty:}. As {@code tuneqdm.fault} says, its writes fail
 * ({@code full}), are cut short ({@code cut}) or are altered ({@code altered}) after 100 bytes, or
 * it says nothing of files ({@code silent}).
 */
public final class FaultyDisk extends RawLocalFileSystem {
  private static final int GOOD_BYTES = 100;

  public static Configuration configuration(String fault) {
    Configuration configuration = new Configuration(false);
    configuration.setClass("fs.faulty.impl", FaultyDisk.class, RawLocalFileSystem.class);
    configuration.setBoolean("fs.faulty.impl.disable.cache", true);
    configuration.set("tuneqdm.fault", fault);
    return configuration;
  }

  @Override
  public URI getUri() {
    return URI.create("faulty:///");
  }

  @Override
  public FileStatus getFileStatus(Path path) throws IOException {
    if (getConf().get("tuneqdm.fault").equals("silent") && path.getName().contains(".")) {
      throw new IOException("Connection reset");
    }
    return super.getFileStatus(path);
  }

  @Override
  public FSDataOutputStream create(
      Path path,
      boolean overwrite,
      int bufferSize,
      short replication,
      long blockSize,
      Progressable progress)
      throws IOException {
    String fault = getConf().get("tuneqdm.fault");
    OutputStream out =
        new FilterOutputStream(
            super.create(path, overwrite, bufferSize, replication, blockSize, progress)) {
          private int written;

          @Override
          public void write(int b) throws IOException {
            if (++written <= GOOD_BYTES) {
              super.write(b);
            } else if (fault.equals("full")) {
              throw new IOException("No space left on device");
            } else if (fault.equals("altered")) {
              super.write(b ^ 1);
            }
          }
        };
    return new FSDataOutputStream(out, null);
  }
}
