package io.github.tuneqdm.storage;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.attribute.PosixFilePermissions;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.permission.FsPermission;

/**
 * A local disk without checksum files. Hadoop's own starts a process for each file and each folder
 * that it makes, to set permissions.
 */
final class LocalDisk extends RawLocalFileSystem {

  static LocalDisk of(LocalFileSystem local) throws IOException {
    LocalDisk disk = new LocalDisk();
    disk.initialize(local.getUri(), local.getConf());
    return disk;
  }

  @Override
  public void setPermission(Path path, FsPermission permission) throws IOException {
    Files.setPosixFilePermissions(
        pathToFile(path).toPath(), PosixFilePermissions.fromString(permission.toString()));
  }
}
