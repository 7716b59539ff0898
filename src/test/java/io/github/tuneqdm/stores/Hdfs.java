package io.github.tuneqdm.stores;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.hdfs.DistributedFileSystem;
import org.apache.hadoop.hdfs.MiniDFSCluster;

/** An HDFS of one name node and one data node in this JVM. */
public final class Hdfs implements Stores.Store {
  private static final Map<String, String> SETTINGS =
      Map.of(
          "dfs.replication", "1",
          // A file's last block is often reported a moment after its stream is closed.
          "dfs.client.block.write.locateFollowingBlock.initial.delay.ms", "20");

  private final MiniDFSCluster cluster;

  private Hdfs(MiniDFSCluster cluster) {
    this.cluster = cluster;
  }

  static Hdfs start(Path folder) {
    Configuration configuration = new Configuration();
    SETTINGS.forEach(configuration::set);
    configuration.set(MiniDFSCluster.HDFS_MINIDFS_BASEDIR, folder.toString());
    try {
      MiniDFSCluster cluster = new MiniDFSCluster.Builder(configuration).numDataNodes(1).build();
      cluster.waitActive();
      return new Hdfs(cluster);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** {@code hdfs://host:port}. */
  public String address() {
    return cluster.getURI().toString();
  }

  /** What a client must set. */
  public Map<String, String> settings() {
    return SETTINGS;
  }

  public DistributedFileSystem fileSystem() {
    try {
      FileSystem fs = cluster.getFileSystem();
      return (DistributedFileSystem) fs;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    cluster.shutdown();
  }
}
